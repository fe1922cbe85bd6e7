"""The rows of the option table, and finding them."""

from __future__ import annotations

import re

import pytest

from jackbean.core.options.domains import Boolean, Choice, Decimal, Whole
from jackbean.core.options.option import Apply, ChangeSeverity, Option
from jackbean.core.options.rows import ROWS
from jackbean.core.options.table import options

PLATFORMS = ("Python", "Node.js", "PHP", "Ruby", "Go", "Java", "Tomcat", "Docker")
WHERE = {"classic", "application", "network", "single", "worker", "coupled database"}
ids = [f"{row.namespace}/{row.name}/{','.join(row.platforms)}" for row in ROWS]


def concrete(row: Option) -> tuple[str, str]:
    """Name one of the options that a row stands for."""
    suffix = "443" if row.namespace.endswith("<listener_port>") else "mine"
    name = "/mine" if row.namespace.endswith("staticfiles") else "MINE"
    return re.sub("<.*>", suffix, row.namespace), name if row.name == "*" else row.name


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_every_row_is_found_under_its_own_name(row: Option) -> None:
    platform = row.platforms[0] if row.platforms else ""
    namespace, name = concrete(row)
    found = options(platform).find(namespace, name)
    assert found is not None
    assert (found.namespace, found.name) == (namespace, name)
    if not row.variable:
        assert found == row
    else:
        assert found.description == row.description
        assert found.default == row.default


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_every_row_makes_sense(row: Option) -> None:
    assert row.default in {None, ""} or row.domain.fault(row.default or "") is None
    assert row.description
    assert not row.description.endswith(".")
    assert set(row.where) <= WHERE
    assert row.value_type in {"Scalar", "List", "Boolean", "Json", "KeyValueList"}
    assert row.change_severity in set(ChangeSeverity)
    assert row.minimum is None or row.maximum is None or row.minimum < row.maximum
    assert not row.pattern or re.compile(row.pattern)
    for value in row.value_options:
        assert row.domain.fault(value) is None


def test_no_two_rows_say_the_same() -> None:
    seen: set[tuple[str, str, str]] = set()
    for row in ROWS:
        for platform in row.platforms or ("",):
            assert (row.namespace, row.name, platform) not in seen
            seen.add((row.namespace, row.name, platform))


def test_the_table_has_everything_that_elastic_beanstalk_documents() -> None:
    counts = {ns: len(options().names(ns)) for ns in options().namespaces()}
    documented = {
        "aws:autoscaling:asg": 6,
        "aws:autoscaling:launchconfiguration": 15,
        "aws:autoscaling:scheduledaction": 7,
        "aws:autoscaling:trigger": 10,
        "aws:autoscaling:updatepolicy:rollingupdate": 6,
        "aws:ec2:instances": 7,
        "aws:ec2:vpc": 6,
        "aws:elasticbeanstalk:cloudwatch:logs": 3,
        "aws:elasticbeanstalk:cloudwatch:logs:health": 3,
        "aws:elasticbeanstalk:command": 6,
        "aws:elasticbeanstalk:environment": 6,
        "aws:elasticbeanstalk:environment:process:default": 12,
        "aws:elasticbeanstalk:environment:process:<process_name>": 12,
        "aws:elasticbeanstalk:healthreporting:system": 4,
        "aws:elasticbeanstalk:managedactions": 3,
        "aws:elasticbeanstalk:managedactions:platformupdate": 2,
        "aws:elasticbeanstalk:sns:topics": 4,
        "aws:elasticbeanstalk:sqsd": 10,
        "aws:elasticbeanstalk:trafficsplitting": 2,
        "aws:elb:healthcheck": 5,
        "aws:elb:loadbalancer": 8,
        "aws:elb:listener": 5,
        "aws:elb:listener:<listener_port>": 6,
        "aws:elb:policies": 6,
        "aws:elb:policies:<policy_name>": 10,
        "aws:elbv2:listener:default": 6,
        "aws:elbv2:listener:<listener_port>": 6,
        "aws:elbv2:listenerrule:<rule_name>": 4,
        "aws:elbv2:loadbalancer": 9,
        "aws:rds:dbinstance": 13,
        "aws:cloudformation:template:parameter": 9,
        "aws:elasticbeanstalk:container:php:phpini": 7,
        "aws:elasticbeanstalk:container:python": 3,
        "aws:elasticbeanstalk:container:tomcat:jvmoptions": 5,
        "aws:elasticbeanstalk:container:nodejs": 4,
        "jackbean:deployment": 8,
    }
    assert {ns: counts[ns] for ns in documented} == documented
    assert len(ROWS) >= 270


@pytest.mark.parametrize(
    ("namespace", "pattern"),
    [
        ("aws:elb:listener", "aws:elb:listener"),
        ("aws:elb:listener:443", "aws:elb:listener:<listener_port>"),
        ("aws:elbv2:listener:default", "aws:elbv2:listener:default"),
        ("aws:elbv2:listener:8080", "aws:elbv2:listener:<listener_port>"),
        (
            "aws:elasticbeanstalk:environment:process:api",
            "aws:elasticbeanstalk:environment:process:<process_name>",
        ),
        (
            "aws:elasticbeanstalk:container:custom:app:more",
            "aws:elasticbeanstalk:container:custom:<name>",
        ),
        ("aws:elb:listener:", "aws:elb:listener:"),
        ("aws:nothing", "aws:nothing"),
        ("", ""),
        (":", ":"),
    ],
)
def test_a_namespace_may_end_in_a_name_of_the_users_choosing(namespace: str, pattern: str) -> None:
    assert options().pattern_of(namespace) == pattern
    assert options().knows(namespace) is (pattern in options().namespaces())


def test_unknown_options_are_not_found() -> None:
    table = options("Python")
    assert table.find("aws:autoscaling:asg", "MinimumSize") is None
    assert table.find("aws:autoscaling:asg", "minsize") is None
    assert table.find("aws:nothing", "MinSize") is None
    assert not table.knows("aws:nothing")


def test_a_platform_has_options_and_defaults_of_its_own() -> None:
    proxy = ("aws:elasticbeanstalk:environment:proxy", "ProxyServer")
    static = ("aws:elasticbeanstalk:environment:proxy:staticfiles", "/static")
    port = ("aws:elasticbeanstalk:application:environment", "PORT")
    processes = ("aws:elasticbeanstalk:container:python", "NumProcesses")
    found = {p: options(p) for p in PLATFORMS}
    values = {p: (row.value_options if (row := t.find(*proxy)) else ()) for p, t in found.items()}
    assert values["Python"] == ("nginx", "apache")
    assert values["Docker"] == ("nginx", "none")
    assert values["Go"] == ("nginx",)
    defaults = {p: row.default for p, t in found.items() if (row := t.find(*static))}
    assert defaults["Python"] == "static"
    assert defaults["Go"] is None
    ports = {p: row.default for p, t in found.items() if (row := t.find(*port))}
    assert ports["Python"] == "8000"
    assert ports["Node.js"] == "8080"
    assert found["Python"].find(*processes) is not None
    assert found["Node.js"].find(*processes) is None
    assert found["Node.js"].elsewhere(*processes) == ("Python",)


def test_without_a_platform_every_platform_counts() -> None:
    row = options().find("aws:elasticbeanstalk:environment:proxy", "ProxyServer")
    assert row is not None
    assert set(row.value_options) == {"nginx", "apache", "none"}


def test_what_the_api_tells_of_a_row() -> None:
    row = options().find("aws:autoscaling:asg", "MinSize")
    assert row is not None
    assert (row.value_type, row.minimum, row.maximum) == ("Scalar", 0, 10_000)
    assert row.change_severity is ChangeSeverity.NO_INTERRUPTION
    assert row.resource_name == "AWSEBAutoScalingGroup"
    kind = options().find("aws:elasticbeanstalk:environment", "EnvironmentType")
    assert kind is not None
    assert kind.value_options == ("SingleInstance", "LoadBalanced")
    assert kind.change_severity is ChangeSeverity.RESTART_ENVIRONMENT
    assert kind.apply is Apply.REPLACE
    environment = options().find("aws:elasticbeanstalk:application:environment", "ANY")
    assert environment is not None
    assert environment.user_defined
    assert environment.secret


def test_our_own_options() -> None:
    table = options("Python")
    rows = {
        name: table.find("jackbean:deployment", name) for name in table.names("jackbean:deployment")
    }
    domains = {name: (row.domain, row.default) for name, row in rows.items() if row}
    assert domains == {
        "HealthCheckCount": (Whole(1, 100), "3"),
        "HealthCheckInterval": (Whole(50, 60_000), "150"),
        "DrainTimeout": (Whole(0, 3600), "20"),
        "Evidence": (Boolean(), "true"),
        "EvidenceLevel": (Decimal(0.1, 50), "5"),
        "EvidenceEffect": (Decimal(0.01, 100), "5"),
        "Inconclusive": (Choice(("proceed", "hold")), "proceed"),
        "ParkingTime": (Whole(0, 1440), "0"),
    }


def test_what_clients_send_is_checked() -> None:
    table = options("Python")
    sent = [
        ("aws:autoscaling:asg", "MinSize"),
        ("aws:autoscaling:asg", "MaxSize"),
        ("aws:autoscaling:launchconfiguration", "EC2KeyName"),
        ("aws:autoscaling:launchconfiguration", "IamInstanceProfile"),
        ("aws:autoscaling:launchconfiguration", "InstanceType"),
        ("aws:autoscaling:updatepolicy:rollingupdate", "RollingUpdateEnabled"),
        ("aws:autoscaling:updatepolicy:rollingupdate", "RollingUpdateType"),
        ("aws:ec2:instances", "InstanceTypes"),
        ("aws:ec2:instances", "SpotMaxPrice"),
        ("aws:elasticbeanstalk:application:environment", "ANY"),
        ("aws:elasticbeanstalk:command", "BatchSize"),
        ("aws:elasticbeanstalk:command", "BatchSizeType"),
        ("aws:elasticbeanstalk:command", "DeploymentPolicy"),
        ("aws:elasticbeanstalk:cloudwatch:logs", "StreamLogs"),
        ("aws:elasticbeanstalk:environment", "EnvironmentType"),
        ("aws:elasticbeanstalk:environment", "LoadBalancerType"),
        ("aws:elasticbeanstalk:environment", "ServiceRole"),
        ("aws:elasticbeanstalk:healthreporting:system", "SystemType"),
        ("aws:elasticbeanstalk:sqsd", "HttpConnections"),
        ("aws:elb:loadbalancer", "CrossZone"),
        ("aws:elb:policies", "ConnectionDrainingEnabled"),
        ("aws:elbv2:loadbalancer", "SharedLoadBalancer"),
        ("aws:rds:dbinstance", "DBPassword"),
    ]
    assert all(row.checked for name in sent if (row := table.find(*name)) or not row)  # type: ignore[union-attr]
    assert not table.find("aws:elasticbeanstalk:customoption", "Any").checked  # type: ignore[union-attr]
