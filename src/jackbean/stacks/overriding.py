"""What a bundle says of Elastic Beanstalk's own resources, as the options that have that effect.

A bundle may change the template of its environment beneath the options: `AWSEBAutoScalingGroup`
with another `MaxSize`, a target group with other health checks. What runs here follows options, so
such properties count as the options that have the same effect, above those that anybody has set: on
AWS the template is what counts in the end, too. The others are in the template, and are told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jackbean.core.options.settings import Setting
from jackbean.stacks.functions import evaluate
from jackbean.stacks.synthesis import BALANCER, CLASSIC, GROUP, LAUNCH_TEMPLATE, TARGET_GROUP
from jackbean.stacks.values import Bad, Resolver, Value, text

ASG, LAUNCH = "aws:autoscaling:asg", "aws:autoscaling:launchconfiguration"
PROCESS = "aws:elasticbeanstalk:environment:process:default"
CHECK, POLICIES = "aws:elb:healthcheck", "aws:elb:policies"
HEALTH_URL = ("aws:elasticbeanstalk:application", "Application Healthcheck URL")
NAMED_BY = ("Key", "DeviceName")  # what tells items of lists of properties apart
ROOT = "LaunchTemplateData.BlockDeviceMappings./dev/xvda.Ebs.VolumeSize"


@dataclass(frozen=True)
class Effect:
    """The option that has the effect of a property, and what its value is as the option's.

    `instead` is an option that would otherwise say the same with more weight.
    """

    namespace: str
    option: str
    said: Callable[[str], str] = str
    instead: tuple[str, str] | None = None


def _process(option: str) -> Effect:
    return Effect(PROCESS, option)


# By logical id and the path of a property; None: it says nothing that is not so anyway.
EFFECTS: Mapping[str, Mapping[str, Effect | None]] = {
    GROUP: {"MinSize": Effect(ASG, "MinSize"), "MaxSize": Effect(ASG, "MaxSize")},
    LAUNCH_TEMPLATE: {
        "LaunchTemplateData.InstanceType": Effect(LAUNCH, "InstanceType"),
        "LaunchTemplateData.IamInstanceProfile.Name": Effect(LAUNCH, "IamInstanceProfile"),
        "LaunchTemplateData.IamInstanceProfile.Arn": Effect(LAUNCH, "IamInstanceProfile"),
        "LaunchTemplateData.MetadataOptions.HttpTokens": Effect(
            LAUNCH, "DisableIMDSv1", lambda said: str(said == "required").lower()
        ),
        ROOT: Effect(LAUNCH, "RootVolumeSize"),
    },
    TARGET_GROUP: {
        "HealthCheckIntervalSeconds": _process("HealthCheckInterval"),
        "HealthCheckPath": _process("HealthCheckPath"),
        "HealthCheckTimeoutSeconds": _process("HealthCheckTimeout"),
        "HealthyThresholdCount": _process("HealthyThresholdCount"),
        "Matcher.HttpCode": _process("MatcherHTTPCode"),
        "TargetGroupAttributes.deregistration_delay.timeout_seconds": _process(
            "DeregistrationDelay"
        ),
        "TargetGroupAttributes.stickiness.enabled": _process("StickinessEnabled"),
        "TargetGroupAttributes.stickiness.lb_cookie.duration_seconds": _process(
            "StickinessLBCookieDuration"
        ),
        "TargetGroupAttributes.stickiness.type": _process("StickinessType"),
        "UnhealthyThresholdCount": _process("UnhealthyThresholdCount"),
    },
    BALANCER: {
        "LoadBalancerAttributes.idle_timeout.timeout_seconds": Effect(
            "aws:elbv2:loadbalancer", "IdleTimeout"
        ),
    },
    CLASSIC: {
        "ConnectionSettings.IdleTimeout": Effect(POLICIES, "ConnectionSettingIdleTimeout"),
        "ConnectionDrainingPolicy.Enabled": Effect(POLICIES, "ConnectionDrainingEnabled"),
        "ConnectionDrainingPolicy.Timeout": Effect(POLICIES, "ConnectionDrainingTimeout"),
        "HealthCheck.HealthyThreshold": Effect(CHECK, "HealthyThreshold"),
        "HealthCheck.Interval": Effect(CHECK, "Interval"),
        "HealthCheck.Target": Effect(CHECK, "Target", instead=HEALTH_URL),
        "HealthCheck.Timeout": Effect(CHECK, "Timeout"),
        "HealthCheck.UnhealthyThreshold": Effect(CHECK, "UnhealthyThreshold"),
        "LBCookieStickinessPolicy.CookieExpirationPeriod": Effect(
            POLICIES, "Stickiness Cookie Expiration"
        ),
        "LBCookieStickinessPolicy.PolicyName": Effect(
            POLICIES, "Stickiness Policy", lambda _: "true"
        ),
    },
}


@dataclass(frozen=True)
class Overrides:
    """The settings that properties come to, and by logical id the properties without an effect.

    `instead` are options that count as not set.
    """

    settings: tuple[Setting, ...] = ()
    unmet: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    instead: tuple[tuple[str, str], ...] = ()


def overrides(
    template: Mapping[str, Any], declared: Mapping[str, Any], resolver: Resolver
) -> Overrides:
    """Return what a bundle's resources change of those of the environment's own template."""
    settings: list[Setting] = []
    instead: list[tuple[str, str]] = []
    unmet: dict[str, tuple[str, ...]] = {}
    for name in EFFECTS.keys() & template["Resources"].keys() & declared.keys():
        said = declared[name]
        properties = said.get("Properties") if isinstance(said, dict) else None
        found, faults = evaluate(properties or {}, resolver)
        leaves = {} if faults else dict(_leaves("", found))
        effects = EFFECTS[name]
        for path, value in leaves.items():
            if (effect := effects.get(path)) is not None:
                settings.append(Setting(effect.namespace, effect.option, effect.said(value)))
                instead += [effect.instead] if effect.instead else []
        unmet[name] = tuple(path for path in leaves if path not in effects)
    return Overrides(tuple(settings), unmet, tuple(instead))


def _leaves(path: str, value: Value) -> Iterator[tuple[str, str]]:
    """Yield every single value, with its path; items of lists are told by what names them."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _leaves(f"{path}.{key}" if path else str(key), inner)
        case list():
            for item in value:
                yield from _item(path, item)
        case _:
            try:
                yield path, text(value)
            except Bad:  # AWS::NoValue
                return


def _item(path: str, item: Value) -> Iterator[tuple[str, str]]:
    named = item if isinstance(item, dict) else {}
    by = next((one for one in NAMED_BY if isinstance(named.get(one), str)), "")
    if not by:
        yield from _leaves(path, item)
    elif by == "Key" and "Value" in named:
        yield from _leaves(f"{path}.{named[by]}", named["Value"])
    else:
        rest = {key: one for key, one in named.items() if key != by}
        yield from _leaves(f"{path}.{named[by]}", rest)
