"""How a group would be scaled: policies and alarms of a template, from the trigger's options.

Nothing is scaled by them here yet; bundles refer to them and change them, and AWS does as they say.
"""

from __future__ import annotations

from typing import Any

from jackbean.core.options.settings import Settings

TRIGGER, ASG = "aws:autoscaling:trigger", "aws:autoscaling:asg"
UP, DOWN = "AWSEBAutoScalingScaleUpPolicy", "AWSEBAutoScalingScaleDownPolicy"
HIGH, LOW = "AWSEBCloudwatchAlarmHigh", "AWSEBCloudwatchAlarmLow"
PERIOD_MIN = 5
# What a measure is called and where it comes from; the others are an instance's own, of EC2.
BALANCERS = {"HealthyHostCount", "Latency", "RequestCount", "UnhealthyHostCount"}

Resource = dict[str, Any]


def scaling(settings: Settings, group: str, balancer: str = "") -> dict[str, Resource]:
    """Return the policies and alarms of `group`; `balancer` is that of classic load balancers."""
    return {
        UP: _policy(settings, group, "UpperBreachScaleIncrement", "1"),
        DOWN: _policy(settings, group, "LowerBreachScaleIncrement", "-1"),
        HIGH: _alarm(settings, UP, (group, balancer)),
        LOW: _alarm(settings, DOWN, (group, balancer)),
    }


def _policy(settings: Settings, group: str, increment: str, default: str) -> Resource:
    return {
        "Type": "AWS::AutoScaling::ScalingPolicy",
        "Properties": {
            "AdjustmentType": "ChangeInCapacity",
            "AutoScalingGroupName": {"Ref": group},
            "Cooldown": settings.text(ASG, "Cooldown") or "360",
            "ScalingAdjustment": int(settings.text(TRIGGER, increment) or default),
        },
    }


def _alarm(settings: Settings, policy: str, names: tuple[str, str]) -> Resource:
    group, balancer = names
    measure = settings.text(TRIGGER, "MeasureName") or "NetworkOut"
    upper = policy == UP
    threshold = settings.text(TRIGGER, "UpperThreshold" if upper else "LowerThreshold")
    of_balancer = bool(balancer) and measure in BALANCERS
    dimension = ("LoadBalancerName", balancer) if of_balancer else ("AutoScalingGroupName", group)
    properties = {
        "AlarmActions": [{"Ref": policy}],
        "ComparisonOperator": "GreaterThanThreshold" if upper else "LessThanThreshold",
        "Dimensions": [{"Name": dimension[0], "Value": {"Ref": dimension[1]}}],
        "EvaluationPeriods": settings.number(TRIGGER, "EvaluationPeriods", 1),
        "MetricName": measure,
        "Namespace": "AWS/ELB" if of_balancer else "AWS/EC2",
        "Period": 60 * settings.number(TRIGGER, "Period", PERIOD_MIN),
        "Statistic": settings.text(TRIGGER, "Statistic") or "Average",
        "Threshold": float(threshold or ("6000000" if upper else "2000000")),
        "Unit": settings.text(TRIGGER, "Unit") or "Bytes",
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
