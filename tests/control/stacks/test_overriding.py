"""What a bundle says of Elastic Beanstalk's own resources, in an environment that runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.control.rig import ASG, ENVIRONMENT, Rig, sized

from jackbean.control.terms import Terms
from jackbean.core.environments import Environment
from jackbean.core.errors import Fault
from jackbean.core.events import Severity
from jackbean.core.options.settings import Setting
from jackbean.simulator.universe import Universe

GROUP, TARGETS = "AWSEBAutoScalingGroup", "AWSEBV2LoadBalancerTargetGroup"
CLASSIC, LAUNCH = "AWSEBLoadBalancer", "AWSEBEC2LaunchTemplate"
APPLICATION = Setting(ENVIRONMENT, "LoadBalancerType", "application")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with Rig(tmp_path) as made:
        yield made


def version(rig: Rig, label: str, name: str, **properties: Any) -> str:
    """Make a version whose bundle changes a resource, and return its label."""
    said = json.dumps({"Resources": {name: {"Properties": properties}}})
    rig.version(label, {".ebextensions/a.config": said, "application.py": ""})
    return label


def created(rig: Rig, name: str, *settings: Setting, **properties: Any) -> Environment:
    rig.create(label=version(rig, "first", name, **properties), settings=(*sized(1), *settings))
    return rig.settle()


def terms(rig: Rig, number: int = 1) -> Terms:
    return Terms.of(rig.release(number))


def warned(rig: Rig) -> list[str]:
    return [e.message for e in rig.events() if e.severity is Severity.WARN]


def test_the_size_of_a_group(rig: Rig) -> None:
    environment = created(rig, GROUP, MinSize="2", MaxSize=3)
    assert len(environment.members) == environment.desired == 2
    assert rig.release(1).template["Resources"][GROUP]["Properties"]["MaxSize"] in (3, "3")
    assert warned(rig) == []
    rig.update(label=version(rig, "second", GROUP, MinSize="3"))
    assert rig.settle().desired == 3
    rig.update(label="v2")
    assert rig.settle().desired == 3  # as many as there were, within what the options say
    assert rig.release(3).settings.text(ASG, "MinSize") == "1"


def test_health_checks_and_draining_of_a_target_group(rig: Rig) -> None:
    created(
        rig,
        TARGETS,
        APPLICATION,
        HealthCheckPath="/well",
        HealthCheckIntervalSeconds=7,
        HealthCheckTimeoutSeconds="4",
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=6,
        Matcher={"HttpCode": "200-204"},
        TargetGroupAttributes=[
            {"Key": "deregistration_delay.timeout_seconds", "Value": "33"},
            {"Key": "stickiness.enabled", "Value": "true"},
            {"Key": "stickiness.type", "Value": "lb_cookie"},
            {"Key": "stickiness.lb_cookie.duration_seconds", "Value": 600},
        ],
    )
    found = terms(rig)
    assert (found.health.path, found.health.interval_s, found.health.timeout_s) == ("/well", 7, 4)
    assert (found.health.healthy_threshold, found.health.unhealthy_threshold) == (2, 6)
    assert found.health.codes == ((200, 204),)
    assert found.drain_s == 33
    assert found.sticky is not None
    assert found.sticky.seconds == 600
    assert routed(rig.universe) == found.health
    assert warned(rig) == []


def routed(universe: Universe) -> Any:
    (routes,) = universe.router._wanted.values()
    return routes.health


def test_a_classic_load_balancer(rig: Rig) -> None:
    mine = Setting("aws:elasticbeanstalk:application", "Application Healthcheck URL", "/mine")
    created(
        rig,
        CLASSIC,
        mine,
        HealthCheck={"Target": "HTTP:80/up", "Interval": "9", "Timeout": "3",
                     "HealthyThreshold": "4", "UnhealthyThreshold": "7"},
        ConnectionDrainingPolicy={"Enabled": True, "Timeout": 44},
        LBCookieStickinessPolicy=[{"PolicyName": "p", "CookieExpirationPeriod": "60"}],
    )  # fmt: skip
    found = terms(rig)
    assert (found.health.path, found.health.interval_s) == ("/up", 9)
    assert (found.health.healthy_threshold, found.health.unhealthy_threshold) == (4, 7)
    assert found.drain_s == 44
    assert found.sticky is not None
    assert found.sticky.seconds == 60


def test_how_long_a_load_balancer_waits(rig: Rig) -> None:
    idle = [{"Key": "idle_timeout.timeout_seconds", "Value": "7"},
            {"Key": "deletion_protection.enabled", "Value": "true"}]  # fmt: skip
    created(rig, "AWSEBV2LoadBalancer", APPLICATION, LoadBalancerAttributes=idle)
    assert terms(rig).idle_s == 7
    (routes,) = rig.universe.router._wanted.values()
    assert routes.idle_s == 7
    (told,) = warned(rig)
    assert "LoadBalancerAttributes.deletion_protection.enabled" in told


def test_how_long_a_classic_one_waits(rig: Rig) -> None:
    created(rig, CLASSIC, ConnectionSettings={"IdleTimeout": 300})
    assert terms(rig).idle_s == 300
    rig.update(label="v2")
    rig.settle()
    assert terms(rig, 2).idle_s is None


def test_what_is_said_outweighs_what_was_set(rig: Rig) -> None:
    mine = Setting("aws:elasticbeanstalk:environment:process:default", "HealthCheckPath", "/mine")
    created(rig, TARGETS, APPLICATION, mine, HealthCheckPath="/theirs")
    assert terms(rig).health.path == "/theirs"
    assert rig.release(1).direct.text(mine.namespace, mine.name) == "/mine"
    rig.update(label="v2")
    rig.settle()
    assert terms(rig, 2).health.path == "/mine"


def test_instances(rig: Rig) -> None:
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20}}
    data = {"InstanceType": "t3.large", "MetadataOptions": {"HttpTokens": "required"},
            "BlockDeviceMappings": [disk]}  # fmt: skip
    created(rig, LAUNCH, LaunchTemplateData=data)
    settings = rig.release(1).settings.namespace("aws:autoscaling:launchconfiguration")
    assert settings["InstanceType"] == "t3.large"
    assert settings["RootVolumeSize"] == "20"
    assert settings["DisableIMDSv1"] == "true"


def test_functions_are_evaluated(rig: Rig) -> None:
    said = {"Fn::GetOptionSetting": {"Namespace": "my:own", "OptionName": "Most",
                                     "DefaultValue": "5"}}  # fmt: skip
    created(rig, GROUP, MaxSize=said)
    assert rig.release(1).settings.text(ASG, "MaxSize") == "5"


def test_what_has_no_effect_is_told_once(rig: Rig) -> None:
    created(
        rig,
        TARGETS,
        APPLICATION,
        HealthCheckPath="/well",
        VpcId="vpc-1",
        TargetGroupAttributes=[{"Key": "slow_start.duration_seconds", "Value": "30"}],
    )
    (told,) = warned(rig)
    for name in ("VpcId", "TargetGroupAttributes.slow_start.duration_seconds"):
        assert f"{TARGETS}.{name}" in told
    assert "HealthCheckPath" not in told


def test_what_cannot_be_is_refused(rig: Rig) -> None:
    with pytest.raises(Fault) as refused:
        created(rig, GROUP, MinSize="many")
    assert f".ebextensions: Resources: {GROUP}: " in refused.value.message
    assert "MinSize" in refused.value.message
