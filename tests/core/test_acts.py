"""Acts amend the membership: each ensures one thing, and asking twice is asking once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.acts import (
    Act,
    Assign,
    Attach,
    Drain,
    Join,
    Launch,
    Occasion,
    Retire,
    Weigh,
    amend,
    weighed,
)
from jackbean.core.fleet import Assignment, Member, Service, Work

NOW = 50.0


def occasion(operation: int = 4) -> Occasion:
    return Occasion(NOW, fresh_ids(), operation)


def fresh_ids() -> Iterator[str]:
    return (f"i-new-{n}" for n in count(1))


def member(id_: str = "i-1", **facts: object) -> Member:
    return replace(Member(id_, "t", service=Service.IN), **facts)


def once(members: tuple[Member, ...], *acts: Act) -> tuple[Member, ...]:
    """Return amended members, and see that the same acts again change nothing."""
    amended = amend(members, acts, occasion())
    assert amend(amended, acts, Occasion(NOW + 9, fresh_ids(), 4)) == amended
    return amended


def test_launching_fills_a_group_up() -> None:
    launch = Launch(3, release=7, template="t7", leader=True)
    one, two, three = once((member("i-1"),), launch)
    assert one == member("i-1")
    assert two == Member(
        "i-new-1",
        "t7",
        launched_by=4,
        launched_at=NOW,
        since=NOW,
        assignment=Assignment(1, Work.ACTIVATE, 7, leader=True),
    )
    assert three.id == "i-new-2"
    assert three.assignment == Assignment(1, Work.ACTIVATE, 7)


def test_the_leaving_and_other_groups_do_not_count() -> None:
    members = (member("i-1", leaving=True), member("i-2", group="canary"), member("i-3"))
    amended = once(members, Launch(2, 7, "t7"))
    assert [m.id for m in amended] == ["i-1", "i-2", "i-3", "i-new-1"]
    assert amended[3].group == "main"
    assert once(members, Launch(1, 7, "t7")) == members
    assert once(members, Launch(0, 7, "t7")) == members


def test_a_group_with_a_leader_gets_no_second_one() -> None:
    led = member("i-1").assign(Work.ACTIVATE, 7, leader=True)
    amended = once((led,), Launch(2, 7, "t7", leader=True))
    assert amended[1].assignment == Assignment(1, Work.ACTIVATE, 7, leader=False)
    gone = replace(led, leaving=True)
    successor = once((gone,), Launch(1, 7, "t7", leader=True))[1]
    assert successor.assignment == Assignment(1, Work.ACTIVATE, 7, leader=True)


def test_a_leader_of_another_release_does_not_lead_this_one() -> None:
    led = member("i-1").assign(Work.ACTIVATE, 6, leader=True)
    amended = once((led,), Launch(1, 7, "t7", "temporary", leader=True))
    assert amended[1].assignment == Assignment(1, Work.ACTIVATE, 7, leader=True)


def test_groups_join_and_weights_leave_members_alone() -> None:
    members = (member("i-1"), member("i-2", group="temporary"))
    assert once(members, Weigh(10)) == members
    assert [m.group for m in once(members, Join())] == ["main", "main"]


@pytest.mark.parametrize(
    ("acts", "split"),
    [((), 5), ((Drain("i-1"),), 5), ((Weigh(10),), 10), ((Weigh(10), Weigh(None)), None)],
)
def test_the_last_weight_counts(acts: tuple[Act, ...], split: int | None) -> None:
    assert weighed(5, acts) == split


def test_what_concerns_one_member_leaves_the_others() -> None:
    others = (member("i-0"), member("i-2"))
    amended = once((others[0], member("i-1"), others[1]), Assign("i-1", Work.STAGE, 7))
    assert (amended[0], amended[2]) == others
    assert amended[1].assignment == Assignment(1, Work.STAGE, 7)


def test_who_is_no_member_is_passed_over() -> None:
    members = (member(),)
    assert once(members, Attach("i-9"), Drain("i-9"), Retire("i-9")) == members


@pytest.mark.parametrize(
    ("service", "act", "after", "leaving"),
    [
        (Service.OUT, Attach("i-1"), Service.IN, False),
        (Service.DRAINING, Attach("i-1"), Service.IN, False),
        (Service.IN, Attach("i-1"), Service.IN, False),
        (Service.IN, Drain("i-1"), Service.DRAINING, False),
        (Service.DRAINING, Drain("i-1"), Service.DRAINING, False),
        (Service.OUT, Drain("i-1"), Service.OUT, False),
        (Service.IN, Retire("i-1"), Service.DRAINING, True),
        (Service.DRAINING, Retire("i-1"), Service.DRAINING, True),
        (Service.OUT, Retire("i-1"), Service.OUT, True),
    ],
)
def test_service(service: Service, act: Act, after: Service, leaving: bool) -> None:
    (amended,) = once((member(service=service, since=1.0),), act)
    assert (amended.service, amended.leaving) == (after, leaving)
    assert amended.since == (1.0 if after is service else NOW)


def test_nobody_comes_back_who_is_leaving() -> None:
    gone = member(service=Service.OUT, leaving=True)
    assert once((gone,), Attach("i-1")) == (gone,)


def test_acts_of_one_step_follow_each_other() -> None:
    amended = once((member("i-1"),), Retire("i-1"), Launch(1, 7, "t7"))
    assert [(m.id, m.leaving) for m in amended] == [("i-1", True), ("i-new-1", False)]


IDS = st.sampled_from(["i-1", "i-2", "i-3", "i-9"])
ACTS = st.one_of(
    st.builds(Launch, st.integers(0, 5), st.integers(1, 3), st.just("t"), leader=st.booleans()),
    st.builds(Assign, IDS, st.sampled_from(Work), st.integers(1, 3), st.booleans()),
    st.builds(Attach, IDS),
    st.builds(Drain, IDS),
    st.builds(Retire, IDS),
    st.just(Join()),
)
MEMBERS = st.lists(
    st.builds(
        Member,
        IDS,
        st.just("t"),
        service=st.sampled_from(Service),
        leaving=st.booleans(),
        group=st.sampled_from(["main", "other"]),
    ),
    unique_by=lambda m: m.id,
).map(tuple)


@given(MEMBERS, ACTS)
def test_any_act_twice_is_once(members: tuple[Member, ...], act: Act) -> None:
    once(members, act)


@given(MEMBERS, st.lists(ACTS, max_size=6))
def test_nobody_is_lost_and_nobody_stops_leaving(
    members: tuple[Member, ...], acts: list[Act]
) -> None:
    amended = amend(members, acts, occasion())
    assert [m.id for m in amended[: len(members)]] == [m.id for m in members]
    assert len({m.id for m in amended}) == len(amended)
    for before, after in zip(members, amended, strict=False):
        assert after.leaving or not before.leaving
        assert (
            not (before.leaving and before.service is Service.OUT)
            or after.service is before.service
        )
