"""A crash at every effect: store writes (before and after), engine calls, router calls."""

from __future__ import annotations

import asyncio

import pytest

from jackbean.simulator.histories import Life, life
from jackbean.simulator.universe import Faults

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


@pytest.mark.parametrize("plan", BESIDE.values(), ids=BESIDE.keys())
def test_at_effects_of_new_instances_beside_the_old(plan: Life) -> None:
    effects = asyncio.run(life(plan)).effects
    for number in range(1, effects + 1, max(effects // 80, 1)):
        asyncio.run(life(plan, Faults(crash_at=number)))
