"""Back to instances that are at hand, one step at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.core.fleets import NEW, OLD, dead, fleet, instance, updated

from jackbean.core.acts import Join
from jackbean.core.fleet import PARKED, Instance
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.policies import next_step

NOW = 1000.0
LATE = NOW + 31
ROLLOUT = Rollout(
    policy="Rollback",
    goal=OLD,
    previous=NEW,
    size=2,
    template="t-old",
    previous_template="t-old",
    timeout_s=30,
    since=NOW,
)
ON = (updated("i-1"), updated("i-2"))
WELL = instance("i-8", group=PARKED)
ILL = instance("i-9", group=PARKED, passes=0)
DEAD = dead("i-9", group=PARKED)


@pytest.mark.parametrize(
    ("parked", "now", "stage"),
    [
        ((WELL, WELL), NOW, Stage.COMMITTED),
        ((WELL, ILL), NOW, Stage.COMMITTED),
        ((ILL, ILL), NOW, Stage.ADVANCING),  # they might be well in a moment
        ((ILL, ILL), LATE, Stage.FAILED),
        ((DEAD,), NOW, Stage.FAILED),
        ((), NOW, Stage.FAILED),
    ],
)
def test_all_requests_go_back_when_one_can_take_them(
    parked: tuple[Instance, ...], now: float, stage: Stage
) -> None:
    step = next_step(ROLLOUT, fleet(*ON, *parked), now)
    assert (step.rollout.stage, Join(parked=True) in step.acts) == (
        stage,
        stage is Stage.COMMITTED,
    )


def test_a_way_back_that_has_begun_ends() -> None:
    begun = replace(ROLLOUT, stage=Stage.COMMITTED)
    assert next_step(begun, fleet(*ON, ILL), LATE).rollout.stage is Stage.SUCCEEDED
