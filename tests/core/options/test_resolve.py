"""What holds in the end: ranks, computed defaults, and what an environment stores."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.options.resolve import (
    Layers,
    Origin,
    asked_for,
    effective,
    fixed_at_creation,
    health_path,
    kinds,
    resolve,
    stored,
)
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.options.table import options

ASG = "aws:autoscaling:asg"
COMMAND = "aws:elasticbeanstalk:command"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
HEALTH = "aws:elasticbeanstalk:healthreporting:system"
PROCESS = "aws:elasticbeanstalk:environment:process:default"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
UPDATE = "aws:autoscaling:updatepolicy:rollingupdate"
PYTHON = options("Python")


def some(*rows: tuple[str, str, str]) -> Settings:
    return Settings(Setting(*row) for row in rows)


names = st.sampled_from(
    [
        (ASG, "MinSize"),
        (ASG, "MaxSize"),
        (COMMAND, "Timeout"),
        (PROPERTIES, "A"),
        (PROPERTIES, "B"),
        ("aws:elasticbeanstalk:xray", "XRayEnabled"),
        ("somebody:elses", "Option"),
    ]
)
ranks = st.dictionaries(names, st.sampled_from(["1", "2", "3", "true"]))


def layer(values: dict[tuple[str, str], str]) -> Settings:
    return Settings(Setting(*name, value) for name, value in values.items())


@given(direct=ranks, saved=ranks, bundle=ranks)
def test_a_higher_rank_wins_option_by_option(
    direct: dict[tuple[str, str], str],
    saved: dict[tuple[str, str], str],
    bundle: dict[tuple[str, str], str],
) -> None:
    defaults = {(s.namespace, s.name): s.value for s in effective(Layers(), PYTHON)}
    model = {**defaults, **bundle, **saved, **direct}
    resolved = resolve(Layers(layer(direct), layer(saved), layer(bundle)), PYTHON)
    assert {(s.namespace, s.name): s.value for s in resolved.settings} == model
    for s in resolved.settings:
        name = (s.namespace, s.name)
        expected = next(
            origin
            for origin, values in [
                (Origin.DIRECT, direct),
                (Origin.SAVED, saved),
                (Origin.BUNDLE, bundle),
                (resolved.origins[s.key], defaults),
            ]
            if name in values
        )
        assert resolved.origins[s.key] is expected
    assert set(resolved.origins) == resolved.settings.keys()


@given(current=ranks, template=ranks, changes=ranks, removals=st.frozensets(names))
def test_what_is_stored_is_template_then_removals_then_changes(
    current: dict[tuple[str, str], str],
    template: dict[tuple[str, str], str],
    changes: dict[tuple[str, str], str],
    removals: frozenset[tuple[str, str]],
) -> None:
    model = {**current, **template}
    model = {name: value for name, value in model.items() if name not in removals}
    after = stored(
        layer(current), PYTHON, template=layer(template), changes=layer(changes), removals=removals
    )
    assert after == layer({**model, **changes})


def test_the_guides_own_example() -> None:
    """MinSize 5 directly and 2 in a configuration file: 5, then 2, then the default, 1."""
    direct, bundle = some((ASG, "MinSize", "5")), some((ASG, "MinSize", "2"))

    def least(layers: Layers) -> tuple[str | None, Origin]:
        resolved = resolve(layers, PYTHON)
        return resolved.settings.text(ASG, "MinSize"), resolved.origins[ASG, "MinSize", ""]

    assert least(Layers(direct=direct, bundle=bundle)) == ("5", Origin.DIRECT)
    removed = stored(direct, PYTHON, removals=[(ASG, "MinSize")])
    assert least(Layers(direct=removed, bundle=bundle)) == ("2", Origin.BUNDLE)
    assert least(Layers(direct=removed)) == ("1", Origin.DEFAULT)


def test_an_alias_is_stored_under_the_canonical_name() -> None:
    alias = some((COMMAND, "HealthCheckSuccessThreshold", "Warning"))
    after = stored(Settings(), PYTHON, changes=alias)
    assert list(after) == [Setting(HEALTH, "HealthCheckSuccessThreshold", "Warning")]
    both = alias.with_(some((HEALTH, "HealthCheckSuccessThreshold", "Severe")))
    assert stored(Settings(), PYTHON, changes=both) == both.without([next(iter(alias)).key])
    gone = [(COMMAND, "HealthCheckSuccessThreshold")]
    assert stored(after, PYTHON, removals=gone) == Settings()
    merged = effective(Layers(bundle=alias), PYTHON)
    assert merged.text(HEALTH, "HealthCheckSuccessThreshold") == "Warning"
    assert (COMMAND, "HealthCheckSuccessThreshold") not in merged


def test_blank_fields_choose_nothing_but_a_property_may_be_empty() -> None:
    blank = Settings(
        [
            Setting(ASG, "MinSize", ""),
            Setting(ASG, "MaxSize", None),
            Setting(PROPERTIES, "EMPTY", ""),
        ]
    )
    merged = effective(Layers(direct=blank), PYTHON)
    assert (merged.text(ASG, "MinSize"), merged.text(ASG, "MaxSize")) == ("1", "4")
    assert merged.text(PROPERTIES, "EMPTY") == ""
    assert stored(Settings(), PYTHON, changes=blank) == some((PROPERTIES, "EMPTY", ""))


@pytest.mark.parametrize(
    ("settings", "policy"),
    [
        ([], "AllAtOnce"),
        ([(COMMAND, "BatchSize", "30")], "Rolling"),
        ([(COMMAND, "BatchSize", "100")], "AllAtOnce"),
        ([(COMMAND, "BatchSize", "2"), (COMMAND, "BatchSizeType", "Fixed")], "Rolling"),
        ([(COMMAND, "BatchSize", "100"), (COMMAND, "BatchSizeType", "Fixed")], "Rolling"),
        ([(COMMAND, "BatchSizeType", "Fixed")], "AllAtOnce"),
        ([(COMMAND, "BatchSize", "30"), (COMMAND, "DeploymentPolicy", "Immutable")], "Immutable"),
        (
            [(COMMAND, "BatchSize", "30"), (ENVIRONMENT, "EnvironmentType", "SingleInstance")],
            "AllAtOnce",
        ),
    ],
)
def test_a_batch_size_without_a_policy_means_rolling(
    settings: list[tuple[str, str, str]], policy: str
) -> None:
    merged = effective(Layers(direct=some(*settings)), PYTHON)
    assert merged.text(COMMAND, "DeploymentPolicy") == policy


def test_a_single_instance_is_one_instance_whatever_is_stored() -> None:
    direct = some(
        (ENVIRONMENT, "EnvironmentType", "SingleInstance"),
        (ASG, "MinSize", "2"),
        (ASG, "MaxSize", "8"),
    )
    resolved = resolve(Layers(direct=direct), PYTHON)
    assert resolved.settings.text(ASG, "MaxSize") == "1"
    assert resolved.origins[ASG, "MaxSize", ""] is Origin.COMPUTED
    spot = ("aws:ec2:instances", "SpotFleetOnDemandAboveBasePercentage")
    assert resolved.settings.text(*spot) == "0"
    back = stored(direct, PYTHON, changes=some((ENVIRONMENT, "EnvironmentType", "LoadBalanced")))
    assert effective(Layers(direct=back), PYTHON).text(ASG, "MaxSize") == "8"


@pytest.mark.parametrize(
    ("sizes", "extra", "expected"),
    [
        (("1", "4"), [], ("false", None, None)),
        (("7", "9"), [("RollingUpdateEnabled", "true")], ("true", "3", "7")),
        (("4", "4"), [("PauseTime", "PT1M")], ("true", "2", "3")),
        (("2", "4"), [("MaxBatchSize", "1")], ("true", "1", "2")),
        (
            ("2", "4"),
            [("MaxBatchSize", "1"), ("RollingUpdateEnabled", "false")],
            ("false", "1", None),
        ),
        (("0", "0"), [("MinInstancesInService", "0")], ("true", "1", "0")),
    ],
)
def test_rolling_updates_compute_their_batches(
    sizes: tuple[str, str],
    extra: list[tuple[str, str]],
    expected: tuple[str | None, str | None, str | None],
) -> None:
    direct = some(
        (ASG, "MinSize", sizes[0]), (ASG, "MaxSize", sizes[1]), *((UPDATE, *e) for e in extra)
    )
    merged = effective(Layers(direct=direct), PYTHON)
    wanted = ("RollingUpdateEnabled", "MaxBatchSize", "MinInstancesInService")
    assert tuple(merged.text(UPDATE, name) for name in wanted) == expected


def test_defaults_fit_the_load_balancer() -> None:
    def of(kind: str, *more: tuple[str, str, str]) -> Settings:
        direct = some((ENVIRONMENT, "LoadBalancerType", kind), *more)
        return effective(Layers(direct=direct), PYTHON)

    application, network, classic = of("application"), of("network"), of("classic")
    assert application.text(PROCESS, "Protocol") == "HTTP"
    assert application.text(PROCESS, "HealthyThresholdCount") == "3"
    assert network.text(PROCESS, "Protocol") == "TCP"
    assert network.text(PROCESS, "HealthyThresholdCount") == "5"
    assert PROCESS not in classic.namespaces()
    assert "aws:elb:healthcheck" in classic.namespaces()
    assert "aws:elb:healthcheck" not in application.namespaces()
    assert classic.text("aws:elb:listener", "InstanceProtocol") == "HTTP"
    tcp = of("classic", ("aws:elb:listener:25", "ListenerProtocol", "TCP"))
    assert tcp.namespace("aws:elb:listener:25") == {
        "InstancePort": "25",
        "InstanceProtocol": "TCP",
        "ListenerEnabled": "true",
        "ListenerProtocol": "TCP",
    }
    api = of("application", ("aws:elasticbeanstalk:environment:process:api", "Port", "81"))
    assert api.text("aws:elasticbeanstalk:environment:process:api", "HealthCheckPath") == "/"
    assert api.text("aws:elasticbeanstalk:environment:process:api", "DeregistrationDelay") == "20"


def test_the_health_check_url_is_the_default_of_the_default_process() -> None:
    url = ("aws:elasticbeanstalk:application", "Application Healthcheck URL", "HTTPS:443/health")
    kind = (ENVIRONMENT, "LoadBalancerType", "application")
    assert effective(Layers(direct=some(url, kind)), PYTHON).text(PROCESS, "HealthCheckPath") == (
        "/health"
    )
    own = (PROCESS, "HealthCheckPath", "/own")
    merged = effective(Layers(direct=some(url, kind), bundle=some(own)), PYTHON)
    assert merged.text(PROCESS, "HealthCheckPath") == "/own"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/", "/"),
        ("/a:b", "/a:b"),
        ("HTTP:80/x", "/x"),
        ("HTTPS:443", "/"),
        ("TCP:80", ""),
        ("", ""),
    ],
)
def test_the_path_in_a_health_check_url(url: str, path: str) -> None:
    assert health_path(url) == path


def test_the_drain_timeout_is_the_default_of_both_balancers() -> None:
    drain = ("jackbean:deployment", "DrainTimeout", "7")
    kind = (ENVIRONMENT, "LoadBalancerType", "application")
    assert (
        effective(Layers(direct=some(drain, kind)), PYTHON).text(PROCESS, "DeregistrationDelay")
        == "7"
    )
    assert (
        effective(Layers(direct=some(drain)), PYTHON).text(
            "aws:elb:policies", "ConnectionDrainingTimeout"
        )
        == "7"
    )


def test_workers_have_a_queue_and_no_load_balancer() -> None:
    worker = effective(Layers(), PYTHON, "Worker")
    web = effective(Layers(), PYTHON)
    assert worker.text("aws:elasticbeanstalk:sqsd", "HttpPath") == "/"
    assert "aws:elasticbeanstalk:sqsd" not in web.namespaces()
    assert not any(ns.startswith("aws:elb") for ns in worker.namespaces())


@pytest.mark.parametrize(
    ("rows", "drain"),
    [
        ([], "299"),
        ([("aws:elasticbeanstalk:sqsd", "InactivityTimeout", "30")], "30"),
        ([("aws:elasticbeanstalk:sqsd", "InactivityTimeout", "36000")], "300"),
        ([("jackbean:deployment", "DrainTimeout", "7")], "7"),
    ],
)
def test_a_worker_finishes_what_it_works_on(rows: list[tuple[str, str, str]], drain: str) -> None:
    settings = effective(Layers(direct=some(*rows)), PYTHON, "Worker")
    assert settings.text("jackbean:deployment", "DrainTimeout") == drain


def test_platforms_bring_defaults() -> None:
    static = "aws:elasticbeanstalk:environment:proxy:staticfiles"
    python = effective(Layers(direct=some((static, "/img", "images"))), PYTHON)
    assert python.namespace(static) == {"/static": "static", "/img": "images"}
    assert "PORT" not in python.namespace(PROPERTIES)
    assert effective(Layers(), options("Node.js")).text(PROPERTIES, "PORT") == "8080"
    assert effective(Layers(), options("Go")).namespace(static) == {}
    ruby = effective(Layers(direct=some((PROPERTIES, "RACK_ENV", "test"))), options("Ruby"))
    assert ruby.text(PROPERTIES, "RACK_ENV") == "test"
    assert ruby.text(PROPERTIES, "BUNDLE_WITHOUT") == "test:development"


def test_what_is_fixed_at_creation_can_be_stored() -> None:
    bundle = some((ENVIRONMENT, "LoadBalancerType", "network"), (ASG, "MinSize", "2"))
    pinned = fixed_at_creation(effective(Layers(bundle=bundle), PYTHON), PYTHON)
    assert pinned.text(ENVIRONMENT, "LoadBalancerType") == "network"
    assert (ASG, "MinSize") not in pinned
    later = Layers(direct=pinned, bundle=some((ENVIRONMENT, "LoadBalancerType", "classic")))
    assert effective(later, PYTHON).text(ENVIRONMENT, "LoadBalancerType") == "network"


def test_effective_settings_are_stable() -> None:
    """Resolving what has been resolved changes nothing: releases can be compared."""
    direct = some(
        (ENVIRONMENT, "LoadBalancerType", "network"),
        (COMMAND, "BatchSize", "30"),
        (UPDATE, "MaxBatchSize", "2"),
    )
    once = effective(Layers(direct=direct), PYTHON)
    assert effective(Layers(direct=once), PYTHON) == once
    assert asked_for(Layers(direct=direct), PYTHON) == direct


def test_kinds_of_environments() -> None:
    assert kinds(Settings()) == {"classic"}
    assert kinds(some((ENVIRONMENT, "LoadBalancerType", "nonsense"))) == {"classic"}
    assert kinds(Settings(), "Worker") == {"worker"}
    coupled = some(("aws:rds:dbinstance", "HasCoupledDatabase", "true"))
    assert kinds(coupled) == {"classic", "coupled database"}
    merged = effective(Layers(direct=coupled), PYTHON)
    assert merged.text("aws:rds:dbinstance", "DBUser") == "ebroot"
