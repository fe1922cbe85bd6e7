"""Replacing instances in batches, one step at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from tests.core.fleets import NEW, OLD, dead, failed, fleet, fresh, instance, many, updated

from jackbean.core.acts import Act, Attach, Launch, Retire
from jackbean.core.fleet import Fleet, Instance, Service
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.replacement import replacement

NOW = 1000.0
LATE = NOW + 61
ROLLOUT = Rollout(
    policy="Replacement",
    goal=NEW,
    previous=OLD,
    size=3,
    template="t-new",
    previous_template="t-old",
    batch_size=1,
    timeout_s=60,
    reverts=True,
    leads=False,
    since=NOW,
)
BACK = ROLLOUT.enter(Stage.REVERTING, NOW)
FULL = replace(ROLLOUT, surge=1, floor=3)
TIMED = replace(ROLLOUT, pause_s=30.0, batches=1)
IGNORES = replace(ROLLOUT, ignore_health=True)


def new(id_: str, **facts: Any) -> Instance:
    return updated(id_, template="t-new", **facts)


class Case(NamedTuple):
    rollout: Rollout
    fleet: Fleet
    acts: tuple[Act, ...]
    stage: Stage = Stage.ADVANCING
    now: float = NOW + 1


LAUNCH = Launch(3, NEW, "t-new")
CASES = {
    "the first batch ends": Case(ROLLOUT, many(3), (Retire("i-1"),)),
    "who does not serve ends first": Case(
        ROLLOUT,
        fleet(instance("i-1"), instance("i-2", passes=0), instance("i-3")),
        (Retire("i-2"),),
    ),
    "a successor is launched while it drains": Case(
        ROLLOUT,
        fleet(instance("i-1", leaving=True), instance("i-2"), instance("i-3")),
        (LAUNCH,),
    ),
    "it is waited for": Case(
        ROLLOUT, fleet(instance("i-2"), instance("i-3"), fresh("i-4", template="t-new")), ()
    ),
    "attached": Case(
        ROLLOUT,
        fleet(instance("i-2"), instance("i-3"), new("i-4", service=Service.OUT, passes=0)),
        (Attach("i-4"),),
    ),
    "and must pass the gate": Case(
        ROLLOUT, fleet(instance("i-2"), instance("i-3"), new("i-4", passes=2)), ()
    ),
    "then the next batch ends": Case(
        ROLLOUT, fleet(instance("i-2"), instance("i-3"), new("i-4")), (Retire("i-2"),)
    ),
    "all are new": Case(ROLLOUT, fleet(new("i-4"), new("i-5"), new("i-6")), (), Stage.SUCCEEDED),
    "nobody is wanted": Case(replace(ROLLOUT, size=0), fleet(), (), Stage.SUCCEEDED),
    "an old one that dies is replaced by a new one": Case(
        ROLLOUT, fleet(dead("i-1"), instance("i-2"), instance("i-3")), (Retire("i-1"), LAUNCH)
    ),
    "and so is a new one": Case(
        ROLLOUT,
        fleet(dead("i-4", template="t-new"), instance("i-2"), instance("i-3")),
        (Retire("i-4"), LAUNCH),
    ),
    "a new one fails": Case(
        ROLLOUT,
        fleet(instance("i-2"), instance("i-3"), failed("i-4", template="t-new")),
        (),
        Stage.REVERTING,
    ),
    "a new one does not come up in time": Case(
        ROLLOUT,
        fleet(instance("i-2"), instance("i-3"), fresh("i-4", template="t-new")),
        (),
        Stage.REVERTING,
        LATE,
    ),
    "a sick one is waived where health is ignored": Case(
        IGNORES,
        fleet(instance("i-2"), instance("i-3"), new("i-4", passes=0)),
        (Attach("i-4"),),
        Stage.ADVANCING,
        LATE,
    ),
    "and the next batch ends": Case(
        replace(IGNORES, waived=("i-4",)),
        fleet(instance("i-2"), instance("i-3"), new("i-4", passes=0)),
        (Retire("i-2"),),
        Stage.ADVANCING,
        LATE,
    ),
    "one that is not installed is not waived": Case(
        IGNORES,
        fleet(instance("i-2"), instance("i-3"), fresh("i-4", template="t-new")),
        (),
        Stage.REVERTING,
        LATE,
    ),
    "without a previous release there is no way back": Case(
        replace(ROLLOUT, previous=None), fleet(failed("i-4", template="t-new")), (), Stage.FAILED
    ),
    "going back ends the new ones": Case(
        BACK,
        fleet(instance("i-2"), instance("i-3"), failed("i-4", template="t-new")),
        (Retire("i-4"),),
        Stage.REVERTING,
    ),
    "and launches what was before": Case(
        BACK, fleet(instance("i-2"), instance("i-3")), (Launch(3, OLD, "t-old"),), Stage.REVERTING
    ),
    "until all are as before": Case(BACK, many(3), (), Stage.REVERTED),
    "going back fails": Case(
        BACK,
        fleet(instance("i-2"), instance("i-3"), failed("i-5", release=OLD, running=None)),
        (),
        Stage.FAILED,
    ),
    "where all must stay one comes first": Case(FULL, many(3), (Launch(4, NEW, "t-new"),)),
    "and nobody goes before it serves": Case(
        FULL, fleet(*many(3), fresh("i-4", template="t-new")), ()
    ),
    "then one may go": Case(FULL, fleet(*many(3), new("i-4")), (Retire("i-1"),)),
    "and the next one comes": Case(
        FULL,
        fleet(instance("i-2"), instance("i-3"), new("i-4")),
        (Launch(4, NEW, "t-new"),),
    ),
    "no more come than are wanted in the end": Case(
        FULL, fleet(instance("i-3"), new("i-4"), new("i-5"), new("i-6")), (Retire("i-3"),)
    ),
    "going back nobody goes too early either": Case(
        FULL.enter(Stage.REVERTING, NOW),
        fleet(instance("i-2"), instance("i-3"), failed("i-4", template="t-new")),
        (Launch(4, OLD, "t-old"),),
        Stage.REVERTING,
    ),
    "by time the pause is kept": Case(
        TIMED, fleet(instance("i-2"), instance("i-3"), new("i-4")), (), now=NOW + 29
    ),
    "and then the next batch ends, though the gate is not passed": Case(
        TIMED,
        fleet(instance("i-2"), instance("i-3"), new("i-4", passes=1)),
        (Retire("i-2"),),
        now=NOW + 31,
    ),
    "but not before the last one serves": Case(
        TIMED, fleet(instance("i-2"), instance("i-3"), new("i-4", passes=0)), (), now=NOW + 31
    ),
    "in the end all must be well": Case(
        TIMED, fleet(new("i-4"), new("i-5"), new("i-6", passes=1)), (), now=NOW + 31
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_steps(case: Case) -> None:
    step = replacement(case.rollout, case.fleet, case.now)
    assert (step.rollout.stage, step.acts) == (case.stage, case.acts)
    assert step.acts or step.why or step.rollout != case.rollout


def test_another_version_has_a_leader_and_the_way_back_has_none() -> None:
    leading = replace(ROLLOUT, leads=True)
    step = replacement(leading, fleet(instance("i-1"), instance("i-2")), NOW)
    assert step.acts == (replace(LAUNCH, leader=True),)
    step = replacement(leading.enter(Stage.REVERTING, NOW), fleet(new("i-4"), new("i-5")), NOW)
    assert step.acts == (Launch(3, OLD, "t-old"),)


def test_a_survivor_of_another_attempt_is_replaced_in_its_turn() -> None:
    survivor = instance("i-9", template="t-new")  # launched like a new one, on another release
    step = replacement(ROLLOUT, fleet(new("i-4"), new("i-5"), survivor), NOW + 1)
    assert step.acts == (Retire("i-9"),)


def test_going_back_after_a_mixed_fleet_takes_no_more_than_a_batch() -> None:
    mixed = fleet(instance("i-1"), updated("i-2"), updated("i-3"))
    assert replacement(BACK, mixed, NOW + 1).acts == (Retire("i-2"),)


def test_where_instances_keep_dying_it_goes_back_and_has_all_its_chances_there() -> None:
    worn = replace(ROLLOUT, losses=5)
    step = replacement(worn, fleet(dead("i-4", template="t-new"), *many(2)), NOW)
    assert (step.rollout.stage, step.acts) == (Stage.REVERTING, (Retire("i-4"),))
    again = replacement(step.rollout, fleet(dead("i-5"), *many(2)), NOW)
    assert again.rollout.stage is Stage.REVERTING
    assert again.acts == (Retire("i-5"), Launch(3, OLD, "t-old"))


def test_a_whole_fleet_in_one_batch() -> None:
    step = replacement(replace(ROLLOUT, batch_size=3), many(3), NOW)
    assert step.acts == (Retire("i-1"), Retire("i-2"), Retire("i-3"))
    assert step.rollout.batch == ("i-1", "i-2", "i-3")
