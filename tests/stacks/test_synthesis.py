"""Templates from settings: what is in them, and what a change of settings changes in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackbean.core.options.option import Apply
from jackbean.core.options.resolve import Layers, effective
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.options.table import options
from jackbean.stacks.difference import difference, fingerprint, kinds
from jackbean.stacks.names import NAMINGS
from jackbean.stacks.synthesis import ASG, ENVIRONMENT, LAUNCH, PROCESS, Facts, synthesise

FACTS = Facts("e-abcdefghij", "web", "arn:aws:elasticbeanstalk:us-east-1::platform/Python/4.3.0")
APPLICATION = Setting(ENVIRONMENT, "LoadBalancerType", "application")
NETWORK = Setting(ENVIRONMENT, "LoadBalancerType", "network")
SINGLE = Setting(ENVIRONMENT, "EnvironmentType", "SingleInstance")

COMMON = {
    "AWSEBSecurityGroup": "AWS::EC2::SecurityGroup",
    "AWSEBEC2LaunchTemplate": "AWS::EC2::LaunchTemplate",
}
SCALING = {
    "AWSEBAutoScalingScaleUpPolicy": "AWS::AutoScaling::ScalingPolicy",
    "AWSEBAutoScalingScaleDownPolicy": "AWS::AutoScaling::ScalingPolicy",
    "AWSEBCloudwatchAlarmHigh": "AWS::CloudWatch::Alarm",
    "AWSEBCloudwatchAlarmLow": "AWS::CloudWatch::Alarm",
}
CLASSIC = {"AWSEBLoadBalancer": "AWS::ElasticLoadBalancing::LoadBalancer"}
GROUP = {"AWSEBAutoScalingGroup": "AWS::AutoScaling::AutoScalingGroup"}
V2 = {
    "AWSEBV2LoadBalancer": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWSEBV2LoadBalancerTargetGroup": "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWSEBV2LoadBalancerListener": "AWS::ElasticLoadBalancingV2::Listener",
}


def template(*settings: Setting, facts: Facts = FACTS) -> dict[str, Any]:
    table = options("Python")
    held = effective(Layers(direct=Settings(settings)), table, facts.tier)
    return synthesise(facts, held)


def properties(made: dict[str, Any], name: str) -> dict[str, Any]:
    return made["Resources"][name]["Properties"]


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ((SINGLE,), {**COMMON, **GROUP}),
        ((), {**COMMON, **CLASSIC, **GROUP, **SCALING}),
        ((APPLICATION,), {**COMMON, **V2, **GROUP, **SCALING}),
        ((NETWORK,), {**COMMON, **V2, **GROUP, **SCALING}),
    ],
    ids=["single", "classic", "application", "network"],
)
def test_resources_by_kind_of_environment(
    settings: tuple[Setting, ...], wanted: dict[str, str]
) -> None:
    assert kinds(template(*settings)) == wanted


def test_every_type_of_resource_has_a_way_to_name_it() -> None:
    for settings in ((SINGLE,), (), (APPLICATION,), (NETWORK,)):
        kinds_there = kinds(template(*settings))
        assert {kinds_there[name] for name in kinds_there.keys() - SCALING} <= set(NAMINGS)


def test_every_reference_leads_somewhere() -> None:
    for settings in ((SINGLE,), (), (APPLICATION,), (NETWORK,)):
        made = template(*settings)
        known = {*made["Resources"], *made["Parameters"], "AWS::NoValue", "AWS::Region"}
        assert set(references(made["Resources"])) <= known


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["Ref"]] if "Ref" in node else []
        own += [node["Fn::GetAtt"][0]] if "Fn::GetAtt" in node else []
        return own + [name for value in node.values() for name in references(value)]
    return [name for item in node for name in references(item)] if isinstance(node, list) else []


def test_it_is_json_and_the_same_each_time() -> None:
    assert json.dumps(template(APPLICATION)) == json.dumps(template(APPLICATION))


def test_a_worker() -> None:
    worker = Facts(FACTS.environment_id, FACTS.environment_name, FACTS.platform_arn, "Worker")
    found = template(facts=worker)
    assert kinds(found).keys() == {
        *COMMON, *GROUP, *SCALING,
        "AWSEBWorkerQueue", "AWSEBWorkerDeadLetterQueue", "AWSEBWorkerCronLeaderRegistry",
    }  # fmt: skip
    assert "SecurityGroupIngress" not in properties(found, "AWSEBSecurityGroup")
    chosen = Setting("aws:elasticbeanstalk:sqsd", "WorkerQueueURL", "http://queues/1/mine")
    own = kinds(template(chosen, facts=worker))
    assert not {"AWSEBWorkerQueue", "AWSEBWorkerDeadLetterQueue"} & own.keys()


def test_scaling_follows_the_trigger() -> None:
    trigger = "aws:autoscaling:trigger"
    found = template(
        Setting(trigger, "MeasureName", "Latency"),
        Setting(trigger, "UpperThreshold", "3"),
        Setting(trigger, "Period", "2"),
        Setting(trigger, "UpperBreachScaleIncrement", "2"),
    )
    alarm = properties(found, "AWSEBCloudwatchAlarmHigh")
    assert (alarm["Threshold"], alarm["Period"], alarm["Namespace"]) == (3.0, 120, "AWS/ELB")
    assert alarm["Dimensions"] == [
        {"Name": "LoadBalancerName", "Value": {"Ref": "AWSEBLoadBalancer"}}
    ]
    assert properties(found, "AWSEBAutoScalingScaleUpPolicy")["ScalingAdjustment"] == 2


def test_only_what_nobody_has_chosen_is_asked_for() -> None:
    assert set(template(APPLICATION)["Parameters"]) == {"ImageId", "Subnets", "VpcId"}
    vpc = (Setting("aws:ec2:vpc", "VPCId", "vpc-1"), Setting("aws:ec2:vpc", "Subnets", "subnet-1"))
    assert set(template(APPLICATION, *vpc)["Parameters"]) == {"ImageId"}
    assert set(template()["Parameters"]) == {"ImageId"}


def test_capacity() -> None:
    sized = template(Setting(ASG, "MinSize", "2"), Setting(ASG, "MaxSize", "6"))
    group = properties(sized, "AWSEBAutoScalingGroup")
    assert (group["MinSize"], group["MaxSize"]) == ("2", "6")
    single = properties(template(SINGLE, Setting(ASG, "MaxSize", "6")), "AWSEBAutoScalingGroup")
    assert (single["MinSize"], single["MaxSize"]) == ("1", "1")


def test_a_group_is_behind_its_balancer() -> None:
    assert "LoadBalancerNames" in properties(template(), "AWSEBAutoScalingGroup")
    assert "TargetGroupARNs" in properties(template(APPLICATION), "AWSEBAutoScalingGroup")
    alone = properties(template(SINGLE), "AWSEBAutoScalingGroup")
    assert not {"LoadBalancerNames", "TargetGroupARNs"} & alone.keys()


def test_health_check_and_draining() -> None:
    settings = (
        APPLICATION,
        Setting(PROCESS, "HealthCheckPath", "/up"),
        Setting(PROCESS, "DeregistrationDelay", "5"),
    )
    group = properties(template(*settings), "AWSEBV2LoadBalancerTargetGroup")
    assert group["HealthCheckPath"] == "/up"
    assert group["TargetGroupAttributes"][0]["Value"] == "5"
    network = properties(template(NETWORK), "AWSEBV2LoadBalancerTargetGroup")
    assert "HealthCheckPath" not in network
    assert network["Protocol"] == "TCP"


REPLACING = [
    Setting(LAUNCH, "InstanceType", "t3.large"),
    Setting(LAUNCH, "IamInstanceProfile", "profile"),
    Setting(LAUNCH, "EC2KeyName", "key"),
]


@pytest.mark.parametrize("setting", REPLACING, ids=lambda s: s.name)
def test_what_replaces_instances(setting: Setting) -> None:
    row = options("Python").row(setting.namespace, setting.name)
    assert row is not None
    assert row.apply is Apply.REPLACE
    assert fingerprint(template()) != fingerprint(template(setting))


def test_another_platform_replaces_instances() -> None:
    newer = Facts(FACTS.environment_id, FACTS.environment_name, FACTS.platform_arn[:-1] + "1")
    assert fingerprint(template()) != fingerprint(template(facts=newer))


KEEPING = [
    Setting(ASG, "MinSize", "3"),
    Setting("aws:elasticbeanstalk:command", "Timeout", "99"),
    Setting("aws:elasticbeanstalk:application:environment", "A", "b"),
    Setting(PROCESS, "HealthCheckPath", "/up"),
]


@pytest.mark.parametrize("setting", KEEPING, ids=lambda s: s.name)
def test_what_does_not(setting: Setting) -> None:
    assert fingerprint(template(APPLICATION)) == fingerprint(template(APPLICATION, setting))


def test_only_capacity_changes_the_group() -> None:
    changed = difference(template(), template(Setting(ASG, "MaxSize", "9")))
    assert (changed.added, changed.modified, changed.removed) == (
        (),
        ("AWSEBAutoScalingGroup",),
        (),
    )
    assert difference(template(), template(KEEPING[1])).empty
