"""Giving up on request, one step at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
from tests.core.fleets import NEW, OLD, failed, fleet, fresh, instance, updated

from jackbean.core.acts import Act, Attach, Retire
from jackbean.core.fleet import TEMPORARY, Fleet, Service, Work, WorkState
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.policies import next_step

NOW = 1000.0
LATE = NOW + 61
ROLLOUT = Rollout(
    policy="RollingWithAdditionalBatch",
    goal=NEW,
    previous=OLD,
    size=2,
    template="t-old",
    previous_template="t-old",
    timeout_s=60,
    aborted=True,
    since=NOW,
)
EXTRA = updated("i-9", group=TEMPORARY)
OTHER = instance("i-2")
SPARED = {"assigned": (Work.STAGE, NEW), "staged": NEW, "passes": 0}
CHANGING = {"assigned": (Work.ACTIVATE, NEW), "state": WorkState.WORKING, "service": Service.OUT}


class Case(NamedTuple):
    fleet: Fleet
    acts: tuple[Act, ...]
    stage: Stage = Stage.FAILED
    now: float = NOW + 1
    rollout: Rollout = ROLLOUT


CASES = {
    "everybody serves: the additional batch ends": Case(
        fleet(instance(), OTHER, EXTRA), (Retire("i-9"),)
    ),
    "it is not up yet, and ends as well": Case(
        fleet(instance(), OTHER, fresh("i-9", group=TEMPORARY)), (Retire("i-9"),)
    ),
    "one that was to be changed serves again first": Case(
        fleet(instance(**SPARED, service=Service.DRAINING), OTHER, EXTRA),
        (Attach("i-1"),),
        Stage.ADVANCING,
    ),
    "also one that is out already": Case(
        fleet(instance(**SPARED, service=Service.OUT), OTHER, EXTRA),
        (Attach("i-1"),),
        Stage.ADVANCING,
    ),
    "one that is changing is waited for": Case(
        fleet(instance(**CHANGING, passes=0), OTHER, EXTRA), (), Stage.ADVANCING
    ),
    "not for ever": Case(
        fleet(instance(**CHANGING, passes=0), OTHER, EXTRA), (Retire("i-9"),), now=LATE
    ),
    "what it is changed to serves": Case(
        fleet(updated(service=Service.OUT, passes=0), OTHER, EXTRA),
        (Attach("i-1"),),
        Stage.ADVANCING,
    ),
    "one that cannot serve is not waited for": Case(
        fleet(failed(service=Service.OUT, down=True, passes=0), OTHER, EXTRA), (Retire("i-9"),)
    ),
    "nothing helps: nobody is waited for": Case(
        fleet(instance(**CHANGING, passes=0), OTHER),
        (),
        rollout=replace(ROLLOUT, policy="Rolling"),
    ),
    "a policy that goes back does": Case(
        fleet(instance(), OTHER, EXTRA),
        (),
        Stage.REVERTING,
        rollout=replace(ROLLOUT, policy="Immutable", reverts=True),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_giving_up(case: Case) -> None:
    step = next_step(case.rollout, case.fleet, case.now)
    assert step.acts == case.acts
    assert step.rollout.stage is case.stage
