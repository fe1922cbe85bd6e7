"""What a rollout is busy with, and how many instances serve meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
from tests.core.fleets import NEW, OLD, dead, fleet, fresh, instance, many, updated

from jackbean.core.fleet import PARKED, TEMPORARY, Fleet, Machine, Service, Work, WorkState
from jackbean.core.operations import Deprovision, Phase, Provision, Roll, Settle
from jackbean.core.rollouts import Rollout, Stage
from jackbean.core.tallies import Moment
from jackbean.rollouts.moments import moment, serving

ROLLOUT = Rollout(policy="Rolling", goal=NEW, previous=OLD, size=2, template="t-old")
BATCH = replace(ROLLOUT, batch=("i-1",), batches=3)
BESIDE = replace(ROLLOUT, policy="Immutable")


class Case(NamedTuple):
    rollout: Rollout
    fleet: Fleet
    name: str
    batch: int = 3


STAGED = {"staged": NEW, "assigned": (Work.STAGE, NEW)}
CASES = {
    "nothing has begun": Case(ROLLOUT, many(2), "provision", 0),
    "told to stage": Case(BATCH, fleet(instance("i-1", assigned=(Work.STAGE, NEW))), "staging"),
    "staged": Case(BATCH, fleet(instance("i-1", **STAGED)), "staging"),
    "draining": Case(BATCH, fleet(instance("i-1", service=Service.DRAINING, **STAGED)), "draining"),
    "told to activate": Case(
        BATCH,
        fleet(
            instance(
                "i-1",
                service=Service.OUT,
                staged=NEW,
                assigned=(Work.ACTIVATE, NEW),
                state=WorkState.WORKING,
            )
        ),
        "activating",
    ),
    "activated": Case(BATCH, fleet(updated("i-1", service=Service.OUT, passes=0)), "gate"),
    "settled": Case(BATCH, fleet(updated("i-1")), "gate"),
    "the furthest behind counts": Case(
        replace(BATCH, batch=("i-1", "i-2")),
        fleet(updated("i-1", passes=0), instance("i-2", assigned=(Work.STAGE, NEW))),
        "staging",
    ),
    "beside, no machine yet": Case(BESIDE, fleet(fresh("i-8", group=TEMPORARY)), "launching", 0),
    "beside, not spoken yet": Case(
        BESIDE,
        fleet(fresh("i-8", group=TEMPORARY, machine=Machine.RUNNING)),
        "launching",
        0,
    ),
    "beside, installing": Case(
        BESIDE,
        fleet(fresh("i-8", group=TEMPORARY, machine=Machine.RUNNING, heard=True)),
        "staging",
        0,
    ),
    "evaluated": Case(replace(BESIDE, evaluating=True), many(2), "evaluation", 0),
    "committed": Case(replace(BESIDE, stage=Stage.COMMITTED), many(2), "tidying up", 0),
    "on the way back": Case(replace(BATCH, stage=Stage.REVERTING), many(2), "going back", 0),
    "the batch is gone": Case(BATCH, fleet(), "launching", 0),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_a_rollout_is_busy_with(case: Case) -> None:
    assert moment(Roll(case.rollout), case.fleet) == Moment(case.name, case.batch)


@pytest.mark.parametrize(
    ("phase", "name"),
    [(Provision(2), "provision"), (Settle(0.0), "settling"), (Deprovision(), "other")],
)
def test_other_phases(phase: Phase, name: str) -> None:
    assert moment(phase, fleet()) == Moment(name)
    assert moment(None, fleet()) is None


def test_who_serves() -> None:
    whole = fleet(
        instance("i-1", reached=True),
        instance("i-2", reached=True, assigned=(Work.STAGE, NEW), state=WorkState.WORKING),
        instance("i-3", reached=True, assigned=(Work.ACTIVATE, NEW), state=WorkState.WORKING),
        instance("i-4", reached=True, service=Service.DRAINING),
        instance("i-5"),
        dead("i-6"),
    )
    assert serving(whole, None) == 2


def test_new_ones_without_a_share_do_not_serve() -> None:
    whole = fleet(instance("i-1", reached=True), updated("i-8", group=TEMPORARY, reached=True))
    assert [serving(whole, split) for split in (None, 0, 10)] == [2, 1, 2]


def test_the_parked_do_not_serve() -> None:
    whole = fleet(updated("i-8", reached=True), instance("i-1", group=PARKED, reached=True))
    assert serving(whole, None) == 1
