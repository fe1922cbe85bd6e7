"""Releases that fail most of their requests: every policy gives them up, unless told to let it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.control.rig import PROPERTIES, Rig, sized
from tests.control.scenes import NOW, environment, operation, rollout, scene
from tests.core.fleets import NEW, OLD, many

from jackbean.control.ruining import ruined
from jackbean.control.story import narration
from jackbean.core.environments import Environment, Tier
from jackbean.core.operations import Roll
from jackbean.core.options.settings import Setting
from jackbean.core.tallies import Tally
from jackbean.core.traffic import Count
from jackbean.simulator.router import Traffic

ALB = Setting("aws:elasticbeanstalk:environment", "LoadBalancerType", "application")
HEALTH = "aws:elasticbeanstalk:healthreporting:system"
COMMAND = "aws:elasticbeanstalk:command"
A = Setting(PROPERTIES, "A", "2")
RUIN = "of its requests: 100 % of"


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig(traffic=Traffic(last_s=0.2, per_s=60.0)) as found:
        yield found


def failing(rig: Rig, *shares: float) -> None:
    """Let so large a share of the requests to release 1, 2 ... fail."""

    def errors(name: str) -> float:
        running = rig.universe.engine.nodes[name].running or 0
        return shares[running - 1] if 0 < running <= len(shares) else 0.0

    router = rig.universe.router
    router.traffic = replace(router.traffic, errors=errors)


def deployed(rig: Rig, policy: str, *more: Setting, batch: int = 1) -> Environment:
    """Deploy v2 over v1 on three instances."""
    rig.running(settings=(*sized(3, policy, batch), ALB, *more))
    rig.update(label="v2", request_id="r")
    return rig.settle()


def running(rig: Rig) -> list[int | None]:
    receivers = rig.universe.router.receivers(rig.environment().id)
    return sorted(rig.universe.engine.nodes[name].running or 0 for name in receivers)


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        ("Rolling", [1, 1, 2]),
        ("RollingWithAdditionalBatch", [1, 1, 1]),
        ("Immutable", [1, 1, 1]),
    ],
)
def test_the_first_to_fail_is_the_last(rig: Rig, policy: str, left: list[int]) -> None:
    failing(rig, 0.0, 1.0)
    slow = Setting("jackbean:deployment", "HealthCheckCount", "20")
    after = deployed(rig, policy, slow)
    rig.step(3)
    assert after.version_label == "v1"
    assert running(rig) == left
    told = rig.told(request_id="r")
    assert told[-1] == narration.DEPLOY_FAILED
    (why,) = [text for text in told if RUIN in text]
    assert why.startswith("The new version fails most")
    assert narration.MIXED not in told
    newest = rig.run(rig.world.store.certificates(after.id))[0]
    assert (newest.aborted, newest.reasons) == (False, (why,))


def test_a_configuration_that_fails_goes_back(rig: Rig) -> None:
    failing(rig, 0.0, 1.0)
    rig.running(settings=(*sized(3, "Rolling", 1), ALB))
    rig.update(settings=(A,), request_id="r")
    rig.settle()
    rig.step(3)
    told = rig.told(request_id="r")
    assert told[-1] == narration.REVERTED
    assert any(text.startswith("The new configuration fails most") for text in told)
    assert running(rig) == [1, 1, 1]


@pytest.mark.parametrize(
    "more",
    [
        Setting(HEALTH, "HealthCheckSuccessThreshold", "Severe"),
        Setting(HEALTH, "SystemType", "basic"),
        Setting(COMMAND, "IgnoreHealthCheck", "true"),
    ],
)
def test_who_lets_errors_pass_lets_them_pass(rig: Rig, more: Setting) -> None:
    failing(rig, 0.0, 1.0)
    assert deployed(rig, "Rolling", more).version_label == "v2"
    assert narration.UPDATED in rig.told(request_id="r")


@pytest.mark.parametrize(
    ("tier", "policy", "told"),
    [
        (Tier(), "Rolling", True),
        (Tier(), "TrafficSplitting", False),
        (Tier("Worker", "SQS/HTTP", "3.0"), "Rolling", False),
    ],
)
def test_canaries_and_messages_are_judged_elsewhere(tier: Tier, policy: str, told: bool) -> None:
    counts = (Count(OLD, "a", 90), Count(NEW, "a", 30, errors=30))
    seen = Tally(at=NOW, counts=(Count(OLD, "a", 10),))
    made = operation(Roll(rollout(policy=policy)), tally=seen)
    record = environment(many(2), operation=made, tier=tier)
    found = ruined(made, scene(record, replace(many(2), counts=counts)))
    assert (found is not None) is told


@pytest.mark.parametrize("shares", [(0.0, 0.3), (0.8, 1.0)])
def test_what_is_not_ruinous_or_no_worse_goes_on(rig: Rig, shares: tuple[float, ...]) -> None:
    failing(rig, *shares)
    deployed(rig, "Rolling", Setting(HEALTH, "HealthCheckSuccessThreshold", "Degraded"))
    assert not any("fails most" in text for text in rig.told(request_id="r"))
