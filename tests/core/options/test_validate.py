"""Everything that is wrong with a request, at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.options.resolve import Layers, Origin, effective
from jackbean.core.options.rows import ROWS
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.options.table import options
from jackbean.core.options.validate import (
    Context,
    Message,
    Severity,
    fault_in,
    validate,
    validate_removals,
)

ASG = "aws:autoscaling:asg"
COMMAND = "aws:elasticbeanstalk:command"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
HEALTH = "aws:elasticbeanstalk:healthreporting:system"
LAUNCH = "aws:autoscaling:launchconfiguration"
MANAGED = "aws:elasticbeanstalk:managedactions"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
PROCESS = "aws:elasticbeanstalk:environment:process:default"
SCHEDULED = "aws:autoscaling:scheduledaction"
STATIC = "aws:elasticbeanstalk:environment:proxy:staticfiles"
TRIGGER = "aws:autoscaling:trigger"
UPDATE = "aws:autoscaling:updatepolicy:rollingupdate"
PYTHON = options("Python")

Row = tuple[str, str, str]
SINGLE = (ENVIRONMENT, "EnvironmentType", "SingleInstance")
APPLICATION = (ENVIRONMENT, "LoadBalancerType", "application")


def settings(*rows: Row) -> list[Setting]:
    return [Setting(*row) for row in rows]


def told(*rows: Row, **context: Any) -> list[tuple[str, str]]:
    """Return severity and reason of each message, without the part that names the option."""
    messages = validate(settings(*rows), Context(PYTHON, **context))
    return [(m.severity.value, m.message.partition("): ")[2]) for m in messages]


def test_a_fault_names_namespace_option_and_reason() -> None:
    assert validate(settings((ASG, "Nonsense", "1")), Context(PYTHON)) == (
        Message(
            Severity.ERROR,
            "Invalid option specification (Namespace: 'aws:autoscaling:asg', "
            "OptionName: 'Nonsense'): Unknown configuration setting.",
            ASG,
            "Nonsense",
        ),
    )


def test_all_faults_come_at_once() -> None:
    messages = validate(
        settings(
            (ASG, "MinSize", "many"),
            (COMMAND, "DeploymentPolicy", "Fast"),
            (UPDATE, "PauseTime", "PT2H"),
            ("aws:elasticbeanstalk:xray", "XRayEnabled", "maybe"),
            ("aws:nobody", "Knows", "1"),
        ),
        Context(PYTHON),
    )
    assert [m.name for m in messages] == [
        "MinSize",
        "DeploymentPolicy",
        "PauseTime",
        "XRayEnabled",
        "Knows",
    ]
    fault = fault_in(messages)
    assert fault is not None
    assert fault.code == "InvalidParameterValue"
    assert all(m.message in fault.message for m in messages)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((ASG, "MinSize", "-1"), "Value '-1' is less than the minimum allowed value: 0."),
        (
            (ASG, "MaxSize", "10001"),
            "Value '10001' is greater than the maximum allowed value: 10000.",
        ),
        ((COMMAND, "Timeout", "0"), "Value '0' is less than the minimum allowed value: 1."),
        (
            (COMMAND, "BatchSizeType", "Half"),
            "Value 'Half' is not an allowed value. Allowed values: Percentage, Fixed.",
        ),
        ((COMMAND, "IgnoreHealthCheck", "no"), "Value 'no' is neither true nor false."),
        (
            (MANAGED, "PreferredStartTime", "Tuesday"),
            "Value 'Tuesday' is not a weekly time in the form Day:HH:MM, such as Tue:09:00.",
        ),
        (
            ("aws:ec2:instances", "InstanceTypes", "t3.micro,big"),
            "Value 't3.micro,big' has an item that is not an instance type such as t3.micro.",
        ),
        ((ASG, "MinSzie", "1"), "Unknown configuration setting. Did you mean 'MinSize'?"),
        (
            ("aws:autoscaling:agg", "MinSize", "1"),
            "Unknown configuration setting. Did you mean 'aws:autoscaling:asg'?",
        ),
        (
            ("aws:elasticbeanstalk:container:php:phpini", "memory_limit", "1M"),
            "Unknown configuration setting. It belongs to PHP, not to Python.",
        ),
        (
            ("aws:elasticbeanstalk:container:python:staticfiles", "/static", "static"),
            "Unknown configuration setting. Only retired platforms had it: URL path mapped to a "
            "static folder; now in aws:elasticbeanstalk:environment:proxy:staticfiles.",
        ),
        (
            ("aws:elbv2:listener:99999", "Protocol", "HTTPS"),
            "The namespace ends in a port from 1 to 65535.",
        ),
        (
            ("aws:elasticbeanstalk:environment:process:a b", "Port", "80"),
            "The namespace ends in a name of 1 to 64 letters, digits, hyphens and underscores.",
        ),
        (
            (STATIC, "/static", "../../etc"),
            "Value '../../etc' is not a folder inside the bundle, without '..', quotes and control "
            "characters.",
        ),
        (
            (STATIC, "/a; return 200", "static"),
            "The name has characters that are not allowed there, or is too long.",
        ),
        ((PROPERTIES, "PORT", "http"), "The value is not a whole number."),
        (
            (PROPERTIES, "A=B", "1"),
            "The name has characters that are not allowed there, or is too long.",
        ),
        (
            (SCHEDULED, "MinSize", "1"),
            "It needs a resource name: which one of several it is meant for.",
        ),
    ],
)
def test_reasons(row: Row, reason: str) -> None:
    assert told(row) == [("error", reason)]


def test_bundles_are_forgiven_what_is_unknown_but_not_what_is_wrong() -> None:
    unknown: list[Row] = [
        ("aws:nobody", "Knows", "1"),
        (ASG, "Nonsense", "1"),
        ("aws:elasticbeanstalk:container:nodejs", "NodeCommand", "npm start"),
    ]
    for row in unknown:
        assert [severity for severity, _ in told(row)] == ["error"]
        assert [severity for severity, _ in told(row, origin=Origin.SAVED)] == ["error"]
        assert [severity for severity, _ in told(row, origin=Origin.BUNDLE)] == ["warning"]
        assert [severity for severity, _ in told(row, lenient=True)] == ["warning"]
    assert told((ASG, "MinSize", "many"), origin=Origin.BUNDLE)[0][0] == "error"
    assert fault_in(validate(settings(unknown[0]), Context(PYTHON, Origin.BUNDLE))) is None


@given(st.text(max_size=40), st.sampled_from(["TOKEN", "PORT", "A B", "RACK_ENV", ""]))
def test_no_message_shows_a_secret(text: str, name: str) -> None:
    value = f"\x01hunter2{text}"
    rows: list[Row] = [
        (PROPERTIES, name, value),
        ("aws:rds:dbinstance", "DBPassword", value),
        ("aws:elasticbeanstalk:application:environmentsecrets", name, value),
    ]
    for table in (PYTHON, options("Ruby"), options()):
        messages = validate(settings(*rows), Context(table))
        assert len(messages) >= 3
        assert not any("hunter2" in m.message for m in messages)


@given(
    st.lists(st.builds(Setting, st.text(), st.text(), st.one_of(st.none(), st.text()), st.text()))
)
def test_nothing_upsets_validation(some: list[Setting]) -> None:
    for origin in (Origin.DIRECT, Origin.SAVED, Origin.BUNDLE):
        for message in validate(some, Context(PYTHON, origin, running=True)):
            assert message.message.isprintable()
            assert len(message.message) < 1000


@given(st.sampled_from(ROWS), st.text(max_size=30))
def test_no_value_upsets_a_row_or_the_rules(row: Any, text: str) -> None:
    namespace = row.namespace.replace("<listener_port>", "443").replace("<", "").replace(">", "")
    setting = Setting(namespace, row.name, text, "night")
    table = options(row.platforms[0] if row.platforms else "Python")
    for message in validate([setting], Context(table)):
        assert not row.secret or not text.strip() or len(text) < 3 or text not in message.message


def test_requests_are_bounded() -> None:
    flood = (Setting(PROPERTIES, f"N{i}", "x") for i in range(10**9))
    assert [m.message for m in validate(flood, Context(PYTHON))] == [
        "At most 2000 option settings fit in a request."
    ]
    long = Setting("n" * 10**6, "o" * 10**6, "v" * 10**6)
    assert all(len(m.message) < 600 for m in validate([long], Context(PYTHON)))
    many = [Setting(ASG, f"Nonsense{i}", "1") for i in range(100)]
    fault = fault_in(validate(many, Context(PYTHON)))
    assert fault is not None
    assert fault.message.endswith(" And 80 more.")


def test_values_that_are_not_known_yet_are_let_pass() -> None:
    assert told((ASG, "MinSize", '`{"Ref": "Size"}`')) == []
    assert told((ASG, "MinSize", "`id`")) != []


def test_environment_properties_may_be_long_and_many() -> None:
    rows = [(PROPERTIES, f"NAME_{i}", "x" * 30_000) for i in range(100)]
    assert told(*rows) == []
    assert told((PROPERTIES, "KEY", "-----BEGIN\nline two\n\tline three ü $&?")) == []
    assert told((PROPERTIES, "KEY", "nul\x00")) != []
    assert told((PROPERTIES, "a.b:c/d+e-f@g_h\\i", "x")) == []
    assert told((PROPERTIES, "N" * 129, "x")) != []


EB_CREATE: list[Row] = [
    (HEALTH, "SystemType", "enhanced"),
    (COMMAND, "BatchSize", "30"),
    (COMMAND, "BatchSizeType", "Percentage"),
    ("aws:elb:policies", "ConnectionDrainingEnabled", "true"),
    ("aws:elb:loadbalancer", "CrossZone", "true"),
    (UPDATE, "RollingUpdateEnabled", "true"),
    (UPDATE, "RollingUpdateType", "Health"),
    (LAUNCH, "IamInstanceProfile", "aws-elasticbeanstalk-ec2-role"),
    (LAUNCH, "InstanceType", "t3.micro"),
    (LAUNCH, "EC2KeyName", "mine"),
    (ENVIRONMENT, "ServiceRole", "aws-elasticbeanstalk-service-role"),
    (ASG, "MinSize", "3"),
    (ASG, "MaxSize", "3"),
]


@pytest.mark.parametrize("platform", ["Python", "Node.js", "PHP", "Ruby", "Go", "Java", "Docker"])
@pytest.mark.parametrize("kind", ["classic", "application", "network", "single", "worker"])
def test_what_eb_create_sends_is_valid_everywhere(platform: str, kind: str) -> None:
    rows = list(EB_CREATE)
    if kind == "single":
        dropped = (UPDATE, ASG)
        rows = [SINGLE, *(row for row in rows if row[0] not in dropped)]
    elif kind == "worker":
        rows = [row for row in rows if not row[0].startswith("aws:elb:")]
    else:
        rows.append((ENVIRONMENT, "LoadBalancerType", kind))
    tier = "Worker" if kind == "worker" else "WebServer"
    context = Context(options(platform), tier=tier)
    assert validate(settings(*rows), context) == ()


def test_what_eb_create_sends_for_a_shared_load_balancer_and_a_database() -> None:
    arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/mine/0dbf78d8ad96"
    shared: list[Row] = [
        *EB_CREATE,
        APPLICATION,
        (ENVIRONMENT, "LoadBalancerIsShared", "true"),
        ("aws:elbv2:loadbalancer", "SharedLoadBalancer", arn),
        ("aws:elbv2:listener:80", "Rules", "default"),
        ("aws:rds:dbinstance", "DBUser", "ebroot"),
        ("aws:rds:dbinstance", "DBPassword", "correct horse"),
        ("aws:rds:dbinstance", "DBInstanceClass", "db.t3.micro"),
        ("aws:rds:dbinstance", "DBAllocatedStorage", "5"),
        ("aws:rds:dbinstance", "DBEngine", "postgres"),
        ("aws:rds:dbinstance", "DBDeletionPolicy", "Snapshot"),
        ("aws:ec2:instances", "EnableSpot", "true"),
        ("aws:ec2:instances", "SpotMaxPrice", "0.5"),
        ("aws:ec2:instances", "InstanceTypes", "t3.micro, t3.small"),
    ]
    assert told(*shared) == []


def test_only_a_worker_has_a_daemon_to_set() -> None:
    row = ("aws:elasticbeanstalk:sqsd", "HttpPath", "/jobs")
    ((severity, reason),) = told(row)
    assert (severity, reason.partition(":")[0]) == ("error", "Only a worker environment has it")
    assert [severity for severity, _ in told(row, origin=Origin.BUNDLE)] == ["warning"]
    assert validate(settings(row), Context(options("Python"), tier="Worker")) == ()


def test_traffic_is_not_split_where_there_is_none() -> None:
    rows = settings(APPLICATION, (COMMAND, "DeploymentPolicy", "TrafficSplitting"))
    (message,) = validate(rows, Context(options("Python"), tier="Worker"))
    assert message.severity is Severity.ERROR
    assert "a worker environment has none" in message.message


@pytest.mark.parametrize("policy", ["AllAtOnce", "Immutable"])
def test_every_environment_can_have(policy: str) -> None:
    for kind in ([], [SINGLE], [APPLICATION]):
        assert told(*kind, (COMMAND, "DeploymentPolicy", policy)) == []


@pytest.mark.parametrize("policy", ["Rolling", "RollingWithAdditionalBatch", "TrafficSplitting"])
def test_policies_that_need_a_load_balancer(policy: str) -> None:
    rows: list[Row] = [SINGLE, (COMMAND, "DeploymentPolicy", policy)]
    (severity, reason), *rest = told(*rows)
    assert (severity, rest) == ("error", [])
    assert reason.startswith(policy)
    for origin in (Origin.SAVED, Origin.BUNDLE):
        assert [severity for severity, _ in told(*rows, origin=origin)] == ["warning"]
    assert told(APPLICATION, rows[1]) == []
    stored = Layers(direct=Settings(settings(rows[1])))
    assert told(SINGLE, layers=stored) == []  # falls back instead of standing in the way


def test_traffic_splitting_needs_an_application_load_balancer() -> None:
    assert told((COMMAND, "DeploymentPolicy", "TrafficSplitting")) == [
        ("error", "TrafficSplitting needs an application load balancer; this one's is classic.")
    ]


RULES: list[tuple[list[Row], str, str]] = [
    (
        [(ASG, "MinSize", "6")],
        "error",
        "MinSize 6 is greater than MaxSize 4. Set both.",
    ),
    (
        [(UPDATE, "MinInstancesInService", "4")],
        "error",
        "MinInstancesInService 4 must be less than MaxSize 4.",
    ),
    ([(COMMAND, "BatchSize", "101")], "error", "Value '101' is greater than 100 percent."),
    (
        [(COMMAND, "BatchSize", "5"), (COMMAND, "BatchSizeType", "Fixed")],
        "warning",
        "BatchSize 5 is more than MaxSize 4: deployments have a single batch.",
    ),
    (
        [
            ("jackbean:deployment", "HealthCheckCount", "12"),
            ("jackbean:deployment", "HealthCheckInterval", "10000"),
            (COMMAND, "Timeout", "110"),
        ],
        "error",
        "12 checks take 110 s, and a batch has Timeout 110 s.",
    ),
    (
        [(HEALTH, "SystemType", "basic"), (UPDATE, "RollingUpdateType", "Immutable")],
        "error",
        "RollingUpdateType Immutable needs enhanced health: set SystemType to enhanced.",
    ),
    (
        [
            ("aws:elb:healthcheck", "Target", "TCP:80"),
            ("aws:elasticbeanstalk:application", "Application Healthcheck URL", "/health"),
        ],
        "error",
        "You cannot configure an Elastic Beanstalk environment with values for both the Elastic "
        "Load Balancing Target option and Application Healthcheck URL option",
    ),
    (
        [(PROCESS, "HealthCheckInterval", "5"), (PROCESS, "HealthCheckTimeout", "5")],
        "error",
        "HealthCheckInterval 5 must be greater than HealthCheckTimeout 5.",
    ),
    (
        [(TRIGGER, "BreachDuration", "5"), (TRIGGER, "Period", "2")],
        "warning",
        "BreachDuration 5 is not Period 2 times EvaluationPeriods 1: 2 is used.",
    ),
    (
        [(MANAGED, "ManagedActionsEnabled", "true")],
        "error",
        "Managed updates need PreferredStartTime and UpdateLevel too.",
    ),
    (
        [(f"{MANAGED}:platformupdate", "InstanceRefreshEnabled", "true")],
        "error",
        "InstanceRefreshEnabled needs ManagedActionsEnabled.",
    ),
    (
        [APPLICATION, (ENVIRONMENT, "LoadBalancerIsShared", "true")],
        "error",
        "A shared load balancer needs its ARN in aws:elbv2:loadbalancer SharedLoadBalancer.",
    ),
    ([(LAUNCH, "RootVolumeType", "io1")], "error", "RootVolumeType io1 needs RootVolumeSize."),
    (
        [(LAUNCH, "RootVolumeSize", "10"), (LAUNCH, "RootVolumeIOPS", "6000")],
        "error",
        "At most 500 IOPS per gigabyte: 5000 here.",
    ),
    (
        [(LAUNCH, "DisableDefaultEC2SecurityGroup", "true")],
        "error",
        "Without the default security group SecurityGroups must name at least one.",
    ),
    (
        [(ENVIRONMENT, "LoadBalancerType", "network"), (PROCESS, "Protocol", "HTTP")],
        "error",
        "With a network load balancer it is TCP or TLS.",
    ),
    (
        [SINGLE, (UPDATE, "RollingUpdateEnabled", "true")],
        "warning",
        "An environment with a single instance has no rolling updates.",
    ),
]


@pytest.mark.parametrize(("rows", "severity", "reason"), RULES, ids=lambda v: str(v)[:40])
def test_rules_between_options(rows: list[Row], severity: str, reason: str) -> None:
    assert (severity, reason) in told(*rows)


@pytest.mark.parametrize(("rows", "severity", "reason"), RULES, ids=lambda v: str(v)[:40])
def test_a_rule_broken_before_does_not_stand_in_the_way(
    rows: list[Row], severity: str, reason: str
) -> None:
    broken = Layers(direct=Settings(settings(*rows)))
    assert told((PROPERTIES, "A", "1"), layers=broken, running=True) == []


def test_a_rule_sees_what_the_environment_has() -> None:
    layers = Layers(direct=Settings(settings((ASG, "MaxSize", "8"))))
    assert told((ASG, "MinSize", "6"), layers=layers) == []
    assert told((ASG, "MinSize", "9"), layers=layers) != []
    bundle = Layers(bundle=Settings(settings((ASG, "MaxSize", "8"))))
    assert told((ASG, "MinSize", "6"), layers=bundle) == []
    direct = Layers(direct=Settings(settings((ASG, "MinSize", "5"), (ASG, "MaxSize", "5"))))
    assert told((ASG, "MinSize", "9"), origin=Origin.BUNDLE, layers=direct) == []


def test_scheduled_actions() -> None:
    def action(name: str, **values: str) -> list[Setting]:
        return [Setting(SCHEDULED, option, value, name) for option, value in values.items()]

    night = action("night", MinSize="0", MaxSize="1", Recurrence="0 20 * * MON-FRI")
    assert validate(night, Context(PYTHON)) == ()
    odd = [
        *action("day", StartTime="2030-01-01T00:00:00Z", MinSize="5", MaxSize="2"),
        *action("dawn", StartTime="2030-01-01T00:00:00Z", Recurrence="daily"),
    ]
    reasons = [m.message.partition("): ")[2] for m in validate(odd, Context(PYTHON))]
    assert reasons == [
        "Value 'daily' is not a cron expression of five fields.",
        "Scheduled actions 'dawn' and 'day' share a date.",
        "MinSize is greater than MaxSize in scheduled action 'day'.",
    ]


CREATE_ONLY: list[Row] = [
    (ENVIRONMENT, "LoadBalancerType", "network"),
    ("aws:ec2:vpc", "VPCId", "vpc-1"),
    ("aws:ec2:instances", "SupportedArchitectures", "arm64"),
]


@pytest.mark.parametrize("row", CREATE_ONLY)
def test_what_is_fixed_at_creation(row: Row) -> None:
    assert told(row) == []
    assert [severity for severity, _ in told(row, running=True)] == ["error"]
    assert [s for s, _ in told(row, running=True, origin=Origin.BUNDLE)] == ["warning"]
    same = Layers(direct=Settings(settings(row)))
    assert told(row, running=True, layers=same) == []


def test_removals() -> None:
    context = Context(PYTHON, running=True)
    changes = settings((ASG, "MinSize", "1"), (HEALTH, "HealthCheckSuccessThreshold", "Ok"))

    def removed(namespace: str, name: str) -> list[str]:
        messages = validate_removals([(namespace, name)], changes, context)
        return [m.message.partition("): ")[2] for m in messages]

    assert removed(ASG, "MinSize") == ["It is both set and removed."]
    assert removed(COMMAND, "HealthCheckSuccessThreshold") == ["It is both set and removed."]
    assert removed(ASG, "MaxSize") == []
    assert removed("aws:nobody", "Knows") == []
    assert len(removed(ENVIRONMENT, "LoadBalancerType")) == 1


def test_all_defaults_are_valid_everywhere() -> None:
    for platform in ("Python", "Node.js", "Ruby", "PHP", "Tomcat"):
        table = options(platform)
        for kind in ("classic", "application", "network"):
            direct = Settings(settings((ENVIRONMENT, "LoadBalancerType", kind)))
            merged = effective(Layers(direct=direct), table)
            listed = [
                s for s in merged if (s.namespace, s.name) != ("aws:elb:healthcheck", "Target")
            ]
            assert validate(listed, Context(table)) == ()
