"""What the API lists of an environment's configuration."""

from __future__ import annotations

import pytest

from jackbean.core.options.describe import describe_options, describe_settings
from jackbean.core.options.resolve import Layers, effective
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.options.table import options

ASG = "aws:autoscaling:asg"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
SCHEDULED = "aws:autoscaling:scheduledaction"
PYTHON = options("Python")

Row = tuple[str, str, str]


def listed(*rows: Row, tier: str = "WebServer") -> tuple[Setting, ...]:
    merged = effective(Layers(direct=Settings(Setting(*row) for row in rows)), PYTHON, tier)
    return describe_settings(merged, PYTHON, tier)


@pytest.mark.parametrize("kind", ["classic", "application", "network", "single", "worker"])
def test_what_clients_rely_on_is_always_there(kind: str) -> None:
    rows: list[Row] = [(ENVIRONMENT, "LoadBalancerType", kind)]
    if kind == "single":
        rows = [(ENVIRONMENT, "EnvironmentType", "SingleInstance")]
    elif kind == "worker":
        rows = []
    settings = listed(*rows, tier="Worker" if kind == "worker" else "WebServer")
    values = {(s.namespace, s.name): s.value for s in settings}
    assert len(values) == len(settings)
    expected = "SingleInstance" if kind == "single" else "LoadBalanced"
    assert values[ENVIRONMENT, "EnvironmentType"] == expected
    assert values[ENVIRONMENT, "LoadBalancerType"] is not None
    assert values[ENVIRONMENT, "LoadBalancerIsShared"] == "false"
    assert values["aws:elasticbeanstalk:healthreporting:system", "SystemType"] == "enhanced"
    first = next(s for s in settings if s.namespace == ENVIRONMENT)
    assert first.name == "EnvironmentType"
    order = [(s.namespace, s.name != "EnvironmentType", s.name) for s in settings]
    assert order == sorted(order)


def test_options_without_a_value_are_listed_without_one() -> None:
    values = {(s.namespace, s.name): s.value for s in listed()}
    assert values["aws:autoscaling:launchconfiguration", "EC2KeyName"] is None
    assert values["aws:autoscaling:updatepolicy:rollingupdate", "MaxBatchSize"] is None


def test_settings_carry_the_name_of_their_resource() -> None:
    resources = {(s.namespace, s.name): s.resource_name for s in listed()}
    assert resources[ASG, "MinSize"] == "AWSEBAutoScalingGroup"
    assert resources[ENVIRONMENT, "EnvironmentType"] == ""


def test_environment_properties_are_listed_and_passwords_are_not() -> None:
    settings = listed(
        (PROPERTIES, "TOKEN", "hunter2"),
        ("aws:rds:dbinstance", "HasCoupledDatabase", "true"),
        ("aws:rds:dbinstance", "DBPassword", "hunter3"),
    )
    values = {(s.namespace, s.name): s.value for s in settings}
    assert values[PROPERTIES, "TOKEN"] == "hunter2"
    assert values["aws:rds:dbinstance", "DBPassword"] is None
    assert values["aws:rds:dbinstance", "DBUser"] == "ebroot"


def test_only_what_concerns_such_an_environment_is_listed() -> None:
    classic = {s.namespace for s in listed()}
    application = {s.namespace for s in listed((ENVIRONMENT, "LoadBalancerType", "application"))}
    worker = {s.namespace for s in listed(tier="Worker")}
    assert "aws:elb:healthcheck" in classic - application - worker
    assert "aws:elbv2:loadbalancer" in application - classic - worker
    assert "aws:elasticbeanstalk:sqsd" in worker - classic - application
    assert SCHEDULED not in classic
    sent = {s.namespace for s in listed(("aws:elb:policies", "ConnectionDrainingEnabled", "true"))}
    assert "aws:elb:policies" in sent
    assert not any(ns.endswith(("staticfiles", "phpini")) and "container" in ns for ns in classic)


def test_scheduled_actions_keep_their_names() -> None:
    settings = Settings(Setting(SCHEDULED, "MinSize", "0", r) for r in ("night", "day"))
    merged = effective(Layers(direct=settings), PYTHON)
    found = [s.resource_name for s in describe_settings(merged, PYTHON) if s.namespace == SCHEDULED]
    assert found == ["day", "night"]


def test_options_of_a_platform() -> None:
    rows = describe_options(PYTHON)
    names = [(row.namespace, row.name) for row in rows]
    assert names == sorted(set(names))
    assert (PROPERTIES, "*") in names
    assert ("aws:elasticbeanstalk:container:python", "WSGIPath") in names
    assert not any(row.legacy or row.alias_of for row in rows)


def test_options_of_an_environment() -> None:
    settings = effective(
        Layers(
            direct=Settings(
                [
                    Setting(ENVIRONMENT, "LoadBalancerType", "application"),
                    Setting(PROPERTIES, "TOKEN", "x"),
                    Setting("aws:elbv2:listener:443", "Protocol", "HTTPS"),
                ]
            )
        ),
        PYTHON,
    )
    rows = {(row.namespace, row.name): row for row in describe_options(PYTHON, settings)}
    assert rows[PROPERTIES, "TOKEN"].user_defined
    assert rows[PROPERTIES, "TOKEN"].default is None
    assert ("aws:elbv2:listener:443", "SSLCertificateArns") in rows
    assert ("aws:elbv2:loadbalancer", "SharedLoadBalancer") in rows
    assert not any(namespace.startswith("aws:elb:") for namespace, _ in rows)
    assert not any("<" in namespace for namespace, name in rows if name != "*")
