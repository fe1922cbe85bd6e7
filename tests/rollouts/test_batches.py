"""AllAtOnce and Rolling, one step at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest
from tests.core.fleets import NEW, OLD, dead, failed, fleet, fresh, instance, many, updated

from jackbean.core.acts import Act, Assign, Attach, Drain, Launch, Retire, Step
from jackbean.core.fleet import Fleet, Machine, Service, Work, WorkState
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.batches import all_at_once, rolling

NOW = 1000.0
ROLLOUT = Rollout(
    policy="Rolling",
    goal=NEW,
    previous=OLD,
    size=3,
    template="t-old",
    previous_template="t-old",
    batch_size=1,
    timeout_s=60,
    since=NOW,
)
CREATE = replace(ROLLOUT, policy="AllAtOnce", previous=None, previous_template="")
BACK = replace(ROLLOUT, reverts=True).enter(Stage.REVERTING, NOW)


def at(*batch: str, **facts: object) -> Rollout:
    """Return the rollout in the middle of a batch."""
    began = {"batch": batch, "batches": 1, "leader": batch[0]}
    return replace(ROLLOUT, **{**began, **facts})


class Case(NamedTuple):
    rollout: Rollout
    fleet: Fleet
    acts: tuple[Act, ...]
    batch: tuple[str, ...] = ("i-1",)


STAGED = {"assigned": (Work.STAGE, NEW, True), "staged": NEW}
OUT = {**STAGED, "service": Service.OUT, "passes": 0}
WORKING = {"assigned": (Work.ACTIVATE, NEW), "staged": NEW, "state": WorkState.WORKING}

ROLLING = {
    "the first batch stages while it serves": Case(
        ROLLOUT, many(3), (Assign("i-1", Work.STAGE, NEW, leader=True),)
    ),
    "it is left alone while it works": Case(
        at("i-1"),
        fleet(instance(assigned=(Work.STAGE, NEW), state=None), *many(3).instances[1:]),
        (),
    ),
    "staged, it leaves service": Case(at("i-1"), fleet(instance(**STAGED)), (Drain("i-1"),)),
    "draining is waited for": Case(
        at("i-1"), fleet(instance(**STAGED, service=Service.DRAINING)), ()
    ),
    "out of service it activates": Case(
        at("i-1"), fleet(instance(**OUT)), (Assign("i-1", Work.ACTIVATE, NEW, leader=True),)
    ),
    "changed, it is attached again": Case(
        at("i-1"), fleet(updated(service=Service.OUT, passes=0)), (Attach("i-1"),)
    ),
    "attached, it must pass the gate": Case(at("i-1"), fleet(updated(passes=2)), ()),
    "then the next batch begins": Case(
        at("i-1"),
        fleet(updated("i-1"), instance("i-2"), instance("i-3")),
        (Assign("i-2", Work.STAGE, NEW),),
        ("i-2",),
    ),
    "one that is out already goes first": Case(
        at("i-1"),
        fleet(updated("i-1"), instance("i-2"), instance("i-3", passes=0)),
        (Assign("i-3", Work.STAGE, NEW),),
        ("i-3",),
    ),
    "a batch of two works in step": Case(
        replace(ROLLOUT, batch_size=2),
        fleet(instance("i-1"), instance("i-2", **STAGED), instance("i-3")),
        (Assign("i-1", Work.STAGE, NEW, leader=True), Drain("i-2")),
        ("i-1", "i-2"),
    ),
    "one that became sick again is worked on again": Case(
        at("i-2"),
        fleet(updated("i-1", passes=0), updated("i-2"), instance("i-3")),
        (),
        ("i-1",),
    ),
    "a machine that stopped is waited for": Case(
        at("i-1"), fleet(instance(**STAGED, machine=Machine.STOPPED)), ()
    ),
}


@pytest.mark.parametrize("case", ROLLING.values(), ids=ROLLING.keys())
def test_rolling(case: Case) -> None:
    rollout = replace(case.rollout, size=len(case.fleet))
    step = rolling(rollout, case.fleet, NOW + 1)
    assert step.acts == case.acts
    assert (step.rollout.batch, step.rollout.stage) == (case.batch, Stage.ADVANCING)
    assert step.acts or step.why


ALL = ("i-1", "i-2", "i-3")
AT_ONCE = {
    "everybody activates at once, in service": Case(
        ROLLOUT,
        many(3),
        (
            Assign("i-1", Work.ACTIVATE, NEW, leader=True),
            Assign("i-2", Work.ACTIVATE, NEW),
            Assign("i-3", Work.ACTIVATE, NEW),
        ),
        ALL,
    ),
    "nobody is touched meanwhile": Case(
        at(*ALL), fleet(*(instance(f"i-{n}", **WORKING) for n in (1, 2, 3))), (), ALL
    ),
    "one that was out of service is attached": Case(
        at(*ALL), fleet(updated("i-1", service=Service.OUT), updated("i-2")), (Attach("i-1"),), ALL
    ),
    "creation begins with the launch": Case(
        CREATE, fleet(), (Launch(3, NEW, "t-old", leader=True),), ()
    ),
    "and waits for who was launched": Case(CREATE, fleet(*map(fresh, ALL)), (), ALL),
    "newcomers are attached as soon as they run": Case(
        replace(CREATE, batch=ALL, leader="i-1"),
        fleet(*(updated(n, service=Service.OUT, passes=0) for n in ALL)),
        (Attach("i-1"), Attach("i-2"), Attach("i-3")),
        ALL,
    ),
}


@pytest.mark.parametrize("case", AT_ONCE.values(), ids=AT_ONCE.keys())
def test_all_at_once(case: Case) -> None:
    size = len(case.fleet) or case.rollout.size
    step = all_at_once(replace(case.rollout, size=size), case.fleet, NOW + 1)
    assert step.acts == case.acts
    assert (step.rollout.batch, step.rollout.stage) == (case.batch, Stage.ADVANCING)
    assert step.acts or step.why


class End(NamedTuple):
    rollout: Rollout
    fleet: Fleet
    stage: Stage
    acts: tuple[Act, ...] = ()
    later_s: float = 1.0


LATE_S = 61.0
REVERTS = at("i-1", reverts=True)
IGNORES = at("i-1", ignore_health=True)
SICK = fleet(updated("i-1", passes=0), instance("i-2"), instance("i-3"))
DONE = fleet(*(updated(name) for name in ALL))
ENDS = {
    "everybody settled": End(at("i-3"), DONE, Stage.SUCCEEDED),
    "nobody wanted": End(replace(ROLLOUT, size=0), fleet(), Stage.SUCCEEDED),
    "the leaving do not hold it up": End(
        at("i-3"), fleet(*DONE, instance("i-4", leaving=True)), Stage.SUCCEEDED
    ),
    "failed at staging": End(at("i-1"), fleet(failed(), *many(2)), Stage.FAILED),
    "failed at activating": End(
        at("i-1"),
        fleet(failed(assigned=(Work.ACTIVATE, NEW), service=Service.OUT), *many(2)),
        Stage.FAILED,
    ),
    "a failed configuration goes back": End(REVERTS, fleet(failed(), *many(2)), Stage.REVERTING),
    "not healthy in time": End(at("i-1"), SICK, Stage.FAILED, later_s=LATE_S),
    "not installed in time": End(
        IGNORES, fleet(instance(**WORKING), *many(2)), Stage.FAILED, later_s=LATE_S
    ),
    "a late configuration goes back": End(REVERTS, SICK, Stage.REVERTING, later_s=LATE_S),
    "health is ignored": End(IGNORES, SICK, Stage.ADVANCING, acts=(Attach("i-1"),), later_s=LATE_S),
    "the way back ends": End(BACK, many(3), Stage.REVERTED),
    "the way back fails": End(
        replace(BACK, batch=("i-1",)),
        fleet(failed(release=OLD, running=NEW), *many(2)),
        Stage.FAILED,
    ),
    "creation fails": End(
        replace(CREATE, batch=ALL), fleet(*(failed(n) for n in ALL)), Stage.FAILED
    ),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("policy", [rolling, all_at_once])
def test_ends(end: End, policy: object) -> None:
    assert callable(policy)
    step: Step = policy(end.rollout, end.fleet, NOW + end.later_s)
    assert (step.rollout.stage, step.acts) == (end.stage, end.acts)


def test_a_failure_waits_for_the_rest_of_its_batch() -> None:
    rollout = at("i-1", "i-2", batch_size=2)
    half = fleet(failed("i-1"), instance("i-2", assigned=(Work.STAGE, NEW), state=None), *many(1))
    assert rolling(rollout, half, NOW + 1).rollout.stage is Stage.ADVANCING
    assert rolling(rollout, half, NOW + LATE_S).rollout.stage is Stage.FAILED
    whole = fleet(failed("i-1"), instance("i-2", **STAGED), *many(1))
    assert rolling(rollout, whole, NOW + 1).rollout.stage is Stage.FAILED


def test_who_was_waived_is_not_worked_on_again_but_on_the_way_back() -> None:
    waived = rolling(IGNORES, SICK, NOW + LATE_S).rollout
    assert waived.waived == ("i-1",)
    step = rolling(waived, SICK, NOW + LATE_S)
    assert step.rollout.batch == ("i-2",)
    back = rolling(replace(waived, reverts=True).give_up(NOW), SICK, NOW + 1)
    assert back.rollout.batch == ("i-1",)
    assert back.acts == (Assign("i-1", Work.STAGE, OLD, leader=True),)


@pytest.mark.parametrize("batch", [("i-1",), ("i-2",)], ids=["in the batch", "outside of it"])
def test_an_instance_that_dies_is_replaced_by_what_is_known_to_work(batch: tuple[str]) -> None:
    step = rolling(at(*batch), fleet(dead("i-1"), *many(3).instances[1:]), NOW + 1)
    assert step.acts[:2] == (Retire("i-1"), Launch(3, OLD, "t-old"))
    assert step.rollout.losses == 1
    assert step.rollout.batch == batch


@pytest.mark.parametrize("whole", [many(1), fleet(dead(), *many(2).instances[1:])])
def test_no_batch_begins_among_the_last_while_others_are_to_come(whole: Fleet) -> None:
    """Whoever is launched is worked on first: taking one that serves might leave nobody."""
    step = rolling(replace(ROLLOUT, size=2), whole, NOW)
    assert step.rollout.batch == ()
    assert Launch(2, OLD, "t-old") in step.acts
    joined = fleet(*whole.alive, fresh("i-9"))
    assert rolling(step.rollout, joined, NOW).rollout.batch == ("i-9",)


def test_a_successor_is_updated_like_everybody() -> None:
    newcomer = updated("i-9", release=OLD, service=Service.OUT, passes=0)
    step = rolling(at("i-2"), fleet(updated("i-2"), updated("i-3"), newcomer), NOW + 1)
    assert (step.rollout.batch, step.acts) == (("i-9",), (Assign("i-9", Work.STAGE, NEW),))


@pytest.mark.parametrize(
    ("work", "service", "told"),
    [
        (Work.STAGE, Service.IN, Work.STAGE),
        (Work.STAGE, Service.OUT, Work.STAGE),
        (Work.ACTIVATE, Service.IN, Work.STAGE),
        (Work.ACTIVATE, Service.OUT, Work.ACTIVATE),
    ],
)
def test_what_an_aborted_deployment_has_left_at_work_is_told_otherwise(
    work: Work, service: Service, told: Work
) -> None:
    """Nobody waits for hooks that hang, of a release that nobody wants."""
    left = instance(assigned=(work, 7), state=WorkState.WORKING, service=service)
    step = rolling(at("i-1", size=1), fleet(left), NOW)
    assert step.acts == (Assign("i-1", told, NEW, leader=True),)
    newcomer = instance(assigned=(work, OLD), state=WorkState.WORKING, service=service)
    assert rolling(at("i-1", size=1), fleet(newcomer), NOW).acts == ()


def test_half_a_fleet_is_not_success() -> None:
    step = rolling(at("i-2"), fleet(updated("i-1"), updated("i-2")), NOW + 1)
    assert step.rollout.stage is Stage.ADVANCING
    assert step.acts == (Launch(3, OLD, "t-old"),)
    assert step.why == "replacing lost capacity"


def test_each_death_is_counted_once() -> None:
    """Whatever else happens in that step, it retires whom it counts."""
    whole = fleet(dead("i-7"), failed("i-1"), *many(2))
    for rollout, later_s in ((at("i-1"), 1.0), (REVERTS, 1.0), (IGNORES, LATE_S)):
        step = rolling(rollout, whole, NOW + later_s)
        assert Retire("i-7") in step.acts


def test_where_instances_keep_dying_it_gives_up() -> None:
    most = replace(ROLLOUT, losses=ROLLOUT.size + 2, batch=("i-1",))
    whole = fleet(dead("i-1"), *many(3).instances[1:])
    assert rolling(most, whole, NOW).rollout.stage is Stage.FAILED
    back = rolling(replace(most, reverts=True), whole, NOW)
    assert (back.rollout.stage, back.acts[0]) == (Stage.REVERTING, Retire("i-1"))
    assert (
        rolling(back.rollout, fleet(*whole.alive, *many(1)), NOW).rollout.stage is not Stage.FAILED
    )


def test_a_new_batch_has_all_its_time() -> None:
    late = NOW + LATE_S
    step = rolling(at("i-1"), fleet(updated("i-1"), *many(3).instances[1:]), late)
    assert (step.rollout.stage, step.rollout.since) == (Stage.ADVANCING, late)


def test_who_was_done_and_is_waited_for_again_is_no_new_batch() -> None:
    first = rolling(ROLLOUT, many(3), NOW).rollout
    second = rolling(first, fleet(updated("i-1"), *many(3).instances[1:]), NOW + 1).rollout
    assert (second.batch, second.batches, second.fresh) == (("i-2",), 2, ("i-2",))
    unsure = fleet(updated("i-1", passes=0), updated("i-2"), instance("i-3"))
    again = rolling(second, unsure, NOW + 2).rollout
    assert (again.batch, again.batches, again.fresh) == (("i-1",), 2, ())
    assert again.since == NOW + 2
    third = rolling(again, fleet(updated("i-1"), updated("i-2"), instance("i-3")), NOW + 3).rollout
    assert (third.batch, third.batches, third.fresh) == (("i-3",), 3, ("i-3",))


def test_on_the_way_back_everybody_is_new() -> None:
    gone = replace(at("i-2"), size=2, reverts=True, done=("i-1",), batches=2)
    back = rolling(gone.give_up(NOW), fleet(updated("i-1"), updated("i-2")), NOW).rollout
    assert (back.batches, back.fresh) == (3, back.batch)
