"""Effective settings read as what they mean."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.options.resolve import Layers, effective
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.options.table import options
from jackbean.core.options.views import (
    CapacityOptions,
    DeploymentOptions,
    EvidenceOptions,
    HealthCheckOptions,
    Policy,
    TrafficOptions,
    Update,
    UpdateOptions,
    application_port,
    balancer,
    environment_properties,
    environment_secrets,
    sticky_s,
    worker,
)

ASG = "aws:autoscaling:asg"
CHECK = "aws:elb:healthcheck"
COMMAND = "aws:elasticbeanstalk:command"
DEPLOYMENT = "jackbean:deployment"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
POLICIES = "aws:elb:policies"
PROCESS = "aws:elasticbeanstalk:environment:process:default"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
UPDATE = "aws:autoscaling:updatepolicy:rollingupdate"
URL = ("aws:elasticbeanstalk:application", "Application Healthcheck URL")
PYTHON = options("Python")

Row = tuple[str, str, str]
SINGLE: Row = (ENVIRONMENT, "EnvironmentType", "SingleInstance")
APPLICATION: Row = (ENVIRONMENT, "LoadBalancerType", "application")
NETWORK: Row = (ENVIRONMENT, "LoadBalancerType", "network")


def given_(*rows: Row, tier: str = "WebServer") -> Settings:
    return effective(Layers(direct=Settings(Setting(*row) for row in rows)), PYTHON, tier)


def deployment(kind: str, size: int) -> DeploymentOptions:
    return DeploymentOptions(Policy.ROLLING, kind, size, 600, False, 3, 0.15)


@given(st.sampled_from(["Percentage", "Fixed"]), st.integers(1, 10_000), st.integers(0, 10_000))
def test_a_batch_is_never_empty_and_never_more_than_there_is(
    kind: str, size: int, count: int
) -> None:
    batch = deployment(kind, size).batch_for(count)
    assert 1 <= batch <= max(1, count)
    assert batch <= deployment(kind, size).batch_for(count + 1)
    assert batch <= deployment(kind, size + 1).batch_for(count)


@given(st.integers(1, 100), st.integers(1, 10_000))
def test_a_percentage_is_rounded_up(percent: int, count: int) -> None:
    assert deployment("Percentage", percent).batch_for(count) == math.ceil(percent * count / 100)


@pytest.mark.parametrize(
    ("kind", "size", "count", "batch"),
    [
        ("Percentage", 30, 3, 1),
        ("Percentage", 30, 10, 3),
        ("Percentage", 30, 4, 2),
        ("Percentage", 1, 3, 1),
        ("Percentage", 100, 7, 7),
        ("Percentage", 29, 100, 29),
        ("Fixed", 2, 5, 2),
        ("Fixed", 9, 5, 5),
    ],
)
def test_batches(kind: str, size: int, count: int, batch: int) -> None:
    assert deployment(kind, size).batch_for(count) == batch


def test_deployments_by_default() -> None:
    assert DeploymentOptions.of(given_()) == DeploymentOptions(
        Policy.ALL_AT_ONCE, "Percentage", 100, 600, False, 3, 0.15, "Ok"
    )
    assert DeploymentOptions.of(Settings()) == DeploymentOptions.of(given_())


def test_deployments_as_set() -> None:
    settings = given_(
        APPLICATION,
        (COMMAND, "DeploymentPolicy", "RollingWithAdditionalBatch"),
        (COMMAND, "BatchSize", "2"),
        (COMMAND, "BatchSizeType", "Fixed"),
        (COMMAND, "Timeout", "60"),
        (COMMAND, "IgnoreHealthCheck", "true"),
        (COMMAND, "HealthCheckSuccessThreshold", "Warning"),
        (DEPLOYMENT, "HealthCheckCount", "5"),
        (DEPLOYMENT, "HealthCheckInterval", "2000"),
    )
    assert DeploymentOptions.of(settings) == DeploymentOptions(
        Policy.ROLLING_WITH_ADDITIONAL_BATCH, "Fixed", 2, 60, True, 5, 2.0, "Warning"
    )


@pytest.mark.parametrize(
    ("rows", "policy"),
    [
        ([], {p: p for p in Policy} | {Policy.TRAFFIC_SPLITTING: Policy.ALL_AT_ONCE}),
        ([APPLICATION], {p: p for p in Policy}),
        (
            [SINGLE],
            dict.fromkeys(Policy, Policy.ALL_AT_ONCE) | {Policy.IMMUTABLE: Policy.IMMUTABLE},
        ),
    ],
)
def test_an_inherited_policy_falls_back(rows: list[Row], policy: dict[Policy, Policy]) -> None:
    for wanted, got in policy.items():
        settings = given_(*rows, (COMMAND, "DeploymentPolicy", wanted))
        assert DeploymentOptions.of(settings).policy is got


def test_capacity() -> None:
    assert CapacityOptions.of(given_()) == CapacityOptions(1, 4, False)
    sized = CapacityOptions.of(given_((ASG, "MinSize", "2"), (ASG, "MaxSize", "6")))
    assert sized == CapacityOptions(2, 6, False)
    assert [sized.clamp(n) for n in (0, 2, 4, 6, 9)] == [2, 2, 4, 6, 6]
    single = given_(SINGLE, (ASG, "MinSize", "2"), (ASG, "MaxSize", "6"))
    assert CapacityOptions.of(single) == CapacityOptions(1, 1, True)
    assert CapacityOptions.of(given_((ASG, "MaxSize", "0"), (ASG, "MinSize", "0"))).clamp(3) == 0
    assert CapacityOptions.of(given_((ASG, "MinSize", "9"))) == CapacityOptions(9, 9, False)


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([], Update.DISABLED),
        ([(UPDATE, "RollingUpdateEnabled", "true")], Update.TIME),
        (
            [(UPDATE, "RollingUpdateEnabled", "true"), (UPDATE, "RollingUpdateType", "Health")],
            Update.HEALTH,
        ),
        ([(UPDATE, "RollingUpdateType", "Immutable")], Update.IMMUTABLE),
        ([(UPDATE, "MaxBatchSize", "2")], Update.TIME),
        ([SINGLE, (UPDATE, "RollingUpdateEnabled", "true")], Update.DISABLED),
    ],
)
def test_configuration_updates(rows: list[Row], kind: Update) -> None:
    assert UpdateOptions.of(given_(*rows)).kind is kind


def test_a_configuration_update_as_the_eb_cli_asks_for_it() -> None:
    settings = given_(
        (UPDATE, "RollingUpdateEnabled", "true"),
        (UPDATE, "RollingUpdateType", "Health"),
        (UPDATE, "Timeout", "PT10M"),
        (UPDATE, "PauseTime", "PT1M30S"),
        (ASG, "MinSize", "4"),
    )
    options = UpdateOptions.of(settings)
    assert options == UpdateOptions(Update.HEALTH, 2, 3, 90, 600, 4)
    assert (options.batch_for(4), options.surge_for(4), options.surge_for(3)) == (2, 0, 1)


def test_health_checks_are_quick_by_default() -> None:
    assert HealthCheckOptions.of(given_(APPLICATION)) == HealthCheckOptions(
        "/", 1, 2, 3, 5, ((200, 200),), 20
    )
    assert HealthCheckOptions.of(given_(NETWORK)) == HealthCheckOptions(
        None, 1, 2, 5, 5, ((200, 200),), 20
    )
    assert HealthCheckOptions.of(given_()) == HealthCheckOptions(
        None, 1, 2, 3, 5, ((200, 200),), 20
    )
    assert HealthCheckOptions.of(given_(SINGLE)) == HealthCheckOptions.of(given_())
    assert HealthCheckOptions.of(Settings()) == HealthCheckOptions.of(given_())


def test_health_checks_of_an_application_load_balancer_are_honoured() -> None:
    settings = given_(
        APPLICATION,
        (PROCESS, "HealthCheckPath", "/up"),
        (PROCESS, "HealthCheckInterval", "30"),
        (PROCESS, "HealthCheckTimeout", "9"),
        (PROCESS, "HealthyThresholdCount", "2"),
        (PROCESS, "UnhealthyThresholdCount", "4"),
        (PROCESS, "MatcherHTTPCode", "200-299,404"),
        (PROCESS, "DeregistrationDelay", "0"),
        (CHECK, "Interval", "77"),
    )
    assert HealthCheckOptions.of(settings) == HealthCheckOptions(
        "/up", 30, 9, 2, 4, ((200, 299), (404, 404)), 0
    )


def test_health_checks_of_a_classic_load_balancer_are_honoured() -> None:
    settings = given_(
        (*URL, "HTTP:80/up"),
        (CHECK, "Interval", "30"),
        (CHECK, "Timeout", "9"),
        (CHECK, "HealthyThreshold", "2"),
        (CHECK, "UnhealthyThreshold", "4"),
        (POLICIES, "ConnectionDrainingTimeout", "7"),
    )
    assert HealthCheckOptions.of(settings) == HealthCheckOptions(
        "/up", 30, 9, 2, 4, ((200, 200),), 7
    )
    by_process = given_((PROCESS, "HealthCheckInterval", "30"), (PROCESS, "HealthCheckPath", "/p"))
    assert HealthCheckOptions.of(by_process).interval_s == 30
    assert HealthCheckOptions.of(by_process).path == "/p"
    assert HealthCheckOptions.of(given_((CHECK, "Target", "HTTP:80/old"))).path == "/old"


@pytest.mark.parametrize("kind", [[], [APPLICATION], [NETWORK], [SINGLE]])
def test_requests_in_flight_are_waited_for(kind: list[Row]) -> None:
    assert HealthCheckOptions.of(given_(*kind)).deregistration_delay_s == 20
    drain = given_(*kind, (DEPLOYMENT, "DrainTimeout", "3"))
    assert HealthCheckOptions.of(drain).deregistration_delay_s == 3
    own = given_(*kind, (DEPLOYMENT, "DrainTimeout", "3"), (PROCESS, "DeregistrationDelay", "9"))
    assert HealthCheckOptions.of(own).deregistration_delay_s == 9


@pytest.mark.parametrize("kind", [[], [APPLICATION], [SINGLE]])
def test_a_worker_has_no_load_balancer_whatever_it_is_told_of_one(kind: list[Row]) -> None:
    off = (POLICIES, "ConnectionDrainingEnabled", "false")
    settings = given_(*kind, off, (DEPLOYMENT, "ParkingTime", "5"), tier="Worker")
    assert worker(settings)
    assert not worker(given_(*kind))
    assert balancer(settings) == ""
    assert HealthCheckOptions.of(settings).deregistration_delay_s == 299
    assert DeploymentOptions.of(settings).parking_s == 0


@pytest.mark.parametrize("policy", list(Policy))
def test_which_policies_a_worker_can_have(policy: Policy) -> None:
    named = (COMMAND, "DeploymentPolicy", policy)
    scaled = DeploymentOptions.of(given_(APPLICATION, named, tier="Worker")).policy
    single = DeploymentOptions.of(given_(SINGLE, named, tier="Worker")).policy
    assert scaled == (Policy.ALL_AT_ONCE if policy is Policy.TRAFFIC_SPLITTING else policy)
    assert single == (policy if policy is Policy.IMMUTABLE else Policy.ALL_AT_ONCE)


def test_draining_can_be_turned_off_for_a_classic_load_balancer() -> None:
    off = given_((POLICIES, "ConnectionDrainingEnabled", "false"))
    assert HealthCheckOptions.of(off).deregistration_delay_s == 0


def test_traffic() -> None:
    assert TrafficOptions.of(given_(APPLICATION)) == TrafficOptions(10, 300)
    splitting = "aws:elasticbeanstalk:trafficsplitting"
    settings = given_((splitting, "NewVersionPercent", "50"), (splitting, "EvaluationTime", "3"))
    assert TrafficOptions.of(settings) == TrafficOptions(50, 180)


def test_evidence() -> None:
    assert EvidenceOptions.of(given_(APPLICATION)) == EvidenceOptions(True, 0.05, 0.05, False)
    assert EvidenceOptions.of(Settings()) == EvidenceOptions(True, 0.05, 0.05, False)
    chosen = given_(
        (DEPLOYMENT, "EvidenceLevel", "0.5"),
        (DEPLOYMENT, "EvidenceEffect", "2.5"),
        (DEPLOYMENT, "Inconclusive", "hold"),
    )
    assert EvidenceOptions.of(chosen) == EvidenceOptions(True, 0.005, 0.025, True)
    assert not EvidenceOptions.of(given_((DEPLOYMENT, "Evidence", "false"))).compare


def test_visitors_who_stick_cannot_be_compared() -> None:
    on = (PROCESS, "StickinessEnabled", "true")
    assert not EvidenceOptions.of(given_(APPLICATION, on)).compare
    assert EvidenceOptions.of(given_(NETWORK, on)).compare


def test_visitors_stick_where_an_application_load_balancer_is_told_so() -> None:
    on, long = (PROCESS, "StickinessEnabled", "true"), (PROCESS, "StickinessLBCookieDuration", "60")
    assert sticky_s(given_(APPLICATION, on)) == 86_400
    assert sticky_s(given_(APPLICATION, on, long)) == 60
    assert sticky_s(given_(APPLICATION, long)) is None
    assert sticky_s(given_(NETWORK, on)) is None


def test_visitors_stick_where_a_classic_load_balancer_is_told_so() -> None:
    on = (POLICIES, "Stickiness Policy", "true")
    long = (POLICIES, "Stickiness Cookie Expiration", "1000000")
    assert sticky_s(given_(on)) == 0
    assert sticky_s(given_(on, long)) == 1_000_000
    assert sticky_s(given_(long)) is None
    assert sticky_s(given_(APPLICATION, on)) is None
    assert sticky_s(given_(SINGLE, on)) is None


def test_environment_properties() -> None:
    settings = given_(
        (PROPERTIES, "A", "1"),
        (PROPERTIES, "EMPTY", ""),
        ("aws:elasticbeanstalk:application:environmentsecrets", "S", "arn:aws:x"),
    )
    assert environment_properties(settings) == {"A": "1", "EMPTY": ""}
    assert environment_secrets(settings) == {"S": "arn:aws:x"}


@pytest.mark.parametrize(("value", "port"), [("3000", 3000), ("", 8000), ("0", 8000), ("x", 8000)])
def test_the_port_of_the_application(value: str, port: int) -> None:
    assert application_port(given_((PROPERTIES, "PORT", value)), 8000) == port


@given(
    st.dictionaries(
        st.sampled_from(sorted({(r.namespace, r.name) for r in PYTHON})), st.text(max_size=5)
    )
)
def test_no_value_upsets_a_view(values: dict[tuple[str, str], str]) -> None:
    settings = Settings(Setting(*name, value) for name, value in values.items())
    for view in (
        DeploymentOptions,
        CapacityOptions,
        UpdateOptions,
        HealthCheckOptions,
        TrafficOptions,
    ):
        assert view.of(settings) == view.of(settings)  # type: ignore[attr-defined]
