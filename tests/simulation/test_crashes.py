"""A crash at every effect: store writes (before and after), engine calls, router calls."""

from __future__ import annotations

import asyncio

import pytest

from jackbean.simulator.faults import Faults
from jackbean.simulator.histories import life
from jackbean.simulator.lives import BADNESS, POLICIES, Life

SAMPLE = 50  # effects of one life that are tried, where it is not all
LIVES = {
    "create and terminate": Life(size=2, acts=("terminate",)),
    "deploy, rolling": Life(size=2, acts=("deploy",)),
    "deploy, all at once": Life(size=2, policy="AllAtOnce", acts=("deploy",)),
    "configure": Life(size=2, acts=("configure",)),
    "scale": Life(size=2, acts=("scale",)),
    "replace": Life(size=2, acts=("replace",)),
    "terminate in the middle of nothing": Life(size=1, acts=("deploy", "terminate")),
}
BAD = {
    f"{bad}, {policy}": Life(size=2, policy=policy, acts=("deploy",), bad=bad)
    for bad in ("fails_staging", "fails_activating")
    for policy in ("AllAtOnce", "Rolling")
}


@pytest.mark.parametrize("plan", LIVES.values(), ids=LIVES.keys())
def test_at_every_effect(plan: Life) -> None:
    effects = asyncio.run(life(plan)).effects
    assert effects > 50
    for number in range(1, effects + 1):
        outcome = asyncio.run(life(plan, Faults(crash_at=number)))
        assert outcome.crashes == 1, number


@pytest.mark.parametrize("plan", BAD.values(), ids=BAD.keys())
def test_at_every_seventh_effect_of_a_bad_release(plan: Life) -> None:
    effects = asyncio.run(life(plan)).effects
    for number in range(1, effects + 1, 7):
        asyncio.run(life(plan, Faults(crash_at=number)))


BESIDE = {
    policy: Life(size=2, policy=policy, acts=("deploy",))
    for policy in ("RollingWithAdditionalBatch", "Immutable", "TrafficSplitting")
}
OTHERWISE = {
    "stopped": Life(size=3, acts=("deploy",), aborts=(6.0,)),
    "going back": Life(size=2, acts=("configure",), aborts=(6.0,)),
    "withdrawn": Life(size=2, policy="Immutable", acts=("deploy",), aborts=(6.0,)),
    "given up while replacing": Life(size=2, acts=("replace",), pace="Health", aborts=(8.0,)),
    "ended in the middle": Life(size=2, acts=("deploy",), ends=5.0),
    "replaced by time": Life(size=2, acts=("replace",), pace="Time"),
    "back to the parked": Life(
        size=2, policy="Immutable", acts=("deploy", "rollback"), parking=True
    ),
    "back by a deployment": Life(size=2, acts=("deploy", "rollback")),
    "swap": Life(size=1, acts=("swap",)),
}
SOME = {**BESIDE, **OTHERWISE}


@pytest.mark.parametrize("plan", SOME.values(), ids=SOME.keys())
def test_at_some_effects(plan: Life) -> None:
    effects = asyncio.run(life(plan)).effects
    for number in range(1, effects + 1, max(effects // SAMPLE, 1)):
        asyncio.run(life(plan, Faults(crash_at=number, upgrades=number % 2 == 0)))


@pytest.mark.slow
@pytest.mark.parametrize("bad", ["", *BADNESS])
@pytest.mark.parametrize("policy", POLICIES)
def test_at_every_effect_of_every_policy(policy: str, bad: str) -> None:
    for aborted in (None, 1.0, 6.0):
        plan = Life(size=2, policy=policy, acts=("deploy",), bad=bad, aborts=(aborted,))
        effects = asyncio.run(life(plan)).effects
        for number in range(1, effects + 1):
            asyncio.run(life(plan, Faults(crash_at=number)))
