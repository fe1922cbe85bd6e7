"""Immutable, traffic splitting and additional batches, one step at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from tests.core.fleets import NEW, OLD, dead, failed, fleet, fresh, instance, many, updated

from jackbean.core.acts import Act, Assign, Attach, Drain, Join, Launch, Retire, Weigh
from jackbean.core.fleet import TEMPORARY, Fleet, Instance, Service, Work
from jackbean.core.rollouts import AILING_S, Rollout, Stage
from jackbean.rollouts.policies import next_step

NOW = 1000.0
LATE = NOW + 61
SHARE = 10
ROLLOUT = Rollout(
    policy="Immutable",
    goal=NEW,
    previous=OLD,
    size=2,
    template="t-old",
    previous_template="t-old",
    batch_size=1,
    timeout_s=60,
    reverts=True,
    percent=SHARE,
    evaluate_s=180,
    since=NOW,
)
SPLIT = replace(ROLLOUT, policy="TrafficSplitting")
JUDGED = replace(SPLIT, evaluating=True)
MORE = replace(ROLLOUT, policy="RollingWithAdditionalBatch", reverts=False)


def new(id_: str, **facts: Any) -> Instance:
    return updated(id_, group=TEMPORARY, **facts)


def coming(id_: str, **facts: Any) -> Instance:
    return fresh(id_, group=TEMPORARY, **facts)


def launch(count: int) -> Launch:
    return Launch(count, NEW, "t-old", TEMPORARY, leader=True)


AGAIN = Launch(2, NEW, "t-old", TEMPORARY)


class Case(NamedTuple):
    rollout: Rollout
    fleet: Fleet
    acts: tuple[Act, ...]
    stage: Stage = Stage.ADVANCING
    now: float = NOW + 1


def with_old(*others: Instance) -> Fleet:
    return fleet(*many(2), *others)


def at(rollout: Rollout, stage: Stage, **facts: Any) -> Rollout:
    return replace(rollout.enter(stage, NOW), **facts)


IGNORES = replace(ROLLOUT, ignore_health=True)
IMMUTABLE = {
    "one is launched to see": Case(ROLLOUT, many(2), (launch(1),)),
    "it is waited for": Case(ROLLOUT, with_old(coming("i-8")), ()),
    "it is attached": Case(
        ROLLOUT, with_old(new("i-8", service=Service.OUT, passes=0)), (Attach("i-8"),)
    ),
    "then the rest": Case(ROLLOUT, with_old(new("i-8")), (launch(2),)),
    "then the point of no return": Case(
        ROLLOUT, with_old(new("i-8"), new("i-9")), (), Stage.COMMITTED
    ),
    "and the old end": Case(
        at(ROLLOUT, Stage.COMMITTED),
        with_old(new("i-8"), new("i-9")),
        (Join(), Weigh(None), Retire("i-1"), Retire("i-2")),
        Stage.COMMITTED,
    ),
    "until they are gone": Case(
        at(ROLLOUT, Stage.COMMITTED),
        fleet(instance("i-1", leaving=True), updated("i-8"), updated("i-9")),
        (Join(), Weigh(None)),
        Stage.COMMITTED,
    ),
    "done": Case(
        at(ROLLOUT, Stage.COMMITTED), fleet(updated("i-8"), updated("i-9")), (), Stage.SUCCEEDED
    ),
    "nobody is wanted": Case(replace(ROLLOUT, size=0), fleet(), (), Stage.COMMITTED),
    "a new one dies": Case(
        ROLLOUT, with_old(dead("i-8", group=TEMPORARY)), (Retire("i-8"), launch(1))
    ),
    "an old one dies": Case(
        ROLLOUT,
        fleet(dead("i-1"), instance("i-2"), coming("i-8")),
        (Retire("i-1"), Launch(2, OLD, "t-old")),
    ),
    "the new one fails": Case(
        ROLLOUT, with_old(failed("i-8", group=TEMPORARY)), (Retire("i-8"),), Stage.REVERTING
    ),
    "the new one is late": Case(
        ROLLOUT, with_old(coming("i-8")), (Retire("i-8"),), Stage.REVERTING, LATE
    ),
    "the new one is sick": Case(
        ROLLOUT, with_old(new("i-8", passes=0)), (Retire("i-8"),), Stage.REVERTING, LATE
    ),
    "sick, and health is ignored": Case(
        IGNORES, with_old(new("i-8", passes=0)), (Attach("i-8"),), Stage.ADVANCING, LATE
    ),
    "and the rest is launched": Case(
        replace(IGNORES, waived=("i-8",)),
        with_old(new("i-8", passes=0)),
        (launch(2),),
        Stage.ADVANCING,
        LATE,
    ),
    "a late one is not ignored": Case(
        IGNORES, with_old(coming("i-8")), (Retire("i-8"),), Stage.REVERTING, LATE
    ),
    "going back ends the new": Case(
        at(ROLLOUT, Stage.REVERTING),
        with_old(new("i-8"), dead("i-9", group=TEMPORARY)),
        (Weigh(0), Retire("i-8"), Retire("i-9")),
        Stage.REVERTING,
    ),
    "and is over when they are gone": Case(
        at(ROLLOUT, Stage.REVERTING), many(2), (Weigh(None),), Stage.REVERTED
    ),
}
SPLITTING = {
    "the full set comes without a share": Case(SPLIT, many(2), (Weigh(0), launch(2))),
    "it gets its share when it is well": Case(
        SPLIT, with_old(new("i-8"), new("i-9")), (Weigh(SHARE),)
    ),
    "it is watched": Case(JUDGED, with_old(new("i-8"), new("i-9")), (), now=NOW + 179),
    "for long enough": Case(
        JUDGED, with_old(new("i-8"), new("i-9")), (), Stage.COMMITTED, now=NOW + 180
    ),
    "a moment of illness is forgiven": Case(
        replace(JUDGED, ailing=NOW),
        with_old(new("i-8", passes=0), new("i-9")),
        (AGAIN,),
        now=NOW + AILING_S,
    ),
    "a longer one is not": Case(
        replace(JUDGED, ailing=NOW),
        with_old(new("i-8", passes=0), new("i-9")),
        (Weigh(0),),
        Stage.REVERTING,
        now=NOW + AILING_S + 1,
    ),
    "one that dies is replaced": Case(
        JUDGED,
        with_old(dead("i-8", group=TEMPORARY), new("i-9")),
        (Retire("i-8"), AGAIN),
    ),
}
ADDITIONAL = {
    "a batch more is launched": Case(MORE, many(2), (launch(1),)),
    "nobody else is touched meanwhile": Case(MORE, with_old(coming("i-8")), ()),
    "then the others follow in batches": Case(
        MORE, with_old(new("i-8")), (Assign("i-1", Work.STAGE, NEW),)
    ),
    "out of service one batch at a time": Case(
        replace(MORE, batch=("i-1",), leader="i-8"),
        fleet(instance("i-1", assigned=(Work.STAGE, NEW), staged=NEW), instance("i-2"), new("i-8")),
        (Drain("i-1"),),
    ),
    "all have it": Case(
        replace(MORE, batch=("i-2",)),
        fleet(updated("i-1"), updated("i-2"), new("i-8")),
        (),
        Stage.COMMITTED,
    ),
    "the batch ends": Case(
        at(MORE, Stage.COMMITTED),
        fleet(updated("i-1"), updated("i-2"), new("i-8")),
        (Join(), Weigh(None), Retire("i-8")),
        Stage.COMMITTED,
    ),
    "the additional batch fails": Case(
        MORE, with_old(failed("i-8", group=TEMPORARY)), (Retire("i-8"),), Stage.FAILED
    ),
    "a later batch fails": Case(
        replace(MORE, batch=("i-1",)),
        fleet(failed("i-1"), instance("i-2"), new("i-8")),
        (Retire("i-8"),),
        Stage.FAILED,
    ),
    "the way back has all the capacity": Case(
        replace(at(MORE, Stage.REVERTING), batch=("i-1",)),
        fleet(updated("i-1"), instance("i-2"), new("i-8")),
        (Assign("i-1", Work.STAGE, OLD),),
        Stage.REVERTING,
    ),
    "what others have left behind goes back when a batch more serves": Case(
        at(MORE, Stage.REVERTING),
        fleet(updated("i-1", release=7), instance("i-2"), coming("i-8")),
        (Launch(1, OLD, "t-old", TEMPORARY), Assign("i-8", Work.ACTIVATE, OLD)),
        Stage.REVERTING,
    ),
    "or when that was waited for long enough": Case(
        at(MORE, Stage.REVERTING),
        fleet(updated("i-1", release=7), instance("i-2"), coming("i-8")),
        (Assign("i-1", Work.STAGE, OLD, leader=True),),
        Stage.REVERTING,
        LATE,
    ),
    "one of the batch that dies then is not replaced": Case(
        replace(at(MORE, Stage.REVERTING), batch=("i-1",), leader="i-8"),
        fleet(updated("i-1"), instance("i-2"), dead("i-8", group=TEMPORARY)),
        (Assign("i-1", Work.STAGE, OLD), Retire("i-8")),
        Stage.REVERTING,
    ),
    "back, the batch ends": Case(
        at(MORE, Stage.REVERTING),
        fleet(instance("i-1"), instance("i-2"), new("i-8")),
        (Retire("i-8"),),
        Stage.REVERTED,
    ),
}
CASES = {
    f"{policy}: {name}": case
    for policy, cases in (
        ("immutable", IMMUTABLE),
        ("splitting", SPLITTING),
        ("additional", ADDITIONAL),
    )
    for name, case in cases.items()
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_steps(case: Case) -> None:
    step = next_step(case.rollout, case.fleet, case.now)
    assert (step.rollout.stage, step.acts) == (case.stage, case.acts)


@pytest.mark.parametrize("policy", ["Immutable", "TrafficSplitting", "RollingWithAdditionalBatch"])
def test_past_the_point_of_no_return_it_ends_in_any_case(policy: str) -> None:
    """What is not well by then is for the steady state: nothing may hang for ever."""
    committed = replace(at(ROLLOUT, Stage.COMMITTED), policy=policy)
    sick = fleet(instance("i-1"), updated("i-8", passes=0), updated("i-9"))
    assert next_step(committed, sick, NOW + 60).rollout.stage is Stage.COMMITTED
    step = next_step(committed, sick, LATE)
    assert step.rollout.stage is Stage.SUCCEEDED
    assert Join() in step.acts
    assert Weigh(None) in step.acts


def test_two_short_illnesses_are_no_long_one() -> None:
    ill, well = with_old(new("i-8", passes=0), new("i-9")), with_old(new("i-8"), new("i-9"))
    rollout = next_step(JUDGED, ill, NOW).rollout
    assert rollout.ailing == NOW
    rollout = next_step(rollout, well, NOW + AILING_S - 1).rollout
    rollout = next_step(rollout, ill, NOW + AILING_S).rollout
    assert next_step(rollout, ill, NOW + AILING_S + 1).rollout.stage is Stage.ADVANCING


def test_an_outage_is_no_illness() -> None:
    ailing = replace(JUDGED, ailing=NOW - 500).resume(NOW)
    unheard = with_old(new("i-8", passes=0), new("i-9", passes=0))
    assert next_step(ailing, unheard, NOW + 1).rollout.stage is Stage.ADVANCING


def test_the_leader_of_an_additional_batch_is_one_that_lives() -> None:
    gone = new("i-7", leaving=True)
    step = next_step(MORE, with_old(gone, new("i-8")), NOW + 1)
    assert step.rollout.leader == "i-8"
    step = next_step(replace(MORE, leads=False), with_old(gone, new("i-8")), NOW + 1)
    assert step.rollout.leader == "i-1"  # of those that there were, which are told in their place


def test_who_dies_while_a_batch_is_raised_anew_leads_no_more() -> None:
    led = replace(MORE, leads=False, batch=("i-1",), leader="i-1")
    unwell = with_old(new("i-8", passes=0))
    gone = replace(unwell, instances=(dead("i-1"), *unwell.instances[1:]))
    assert next_step(led, unwell, NOW + 1).rollout.leader == "i-1"
    assert not next_step(led, gone, NOW + 1).rollout.leader
