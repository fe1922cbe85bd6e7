"""What instances are, from the two halves that are known of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.core.fleets import NEW, OLD, dead, failed, fleet, fresh, instance, many, updated

from jackbean.core.fleet import (
    Assignment,
    Instance,
    Machine,
    Member,
    Service,
    Sight,
    Work,
    WorkState,
)

MEMBER = Member("i-1", "t-old")


def test_serials_rise_with_every_new_assignment() -> None:
    staging = MEMBER.assign(Work.STAGE, 7, leader=True)
    assert staging.assignment == Assignment(1, Work.STAGE, 7, leader=True)
    activating = staging.assign(Work.ACTIVATE, 7)
    assert activating.assignment == Assignment(2, Work.ACTIVATE, 7)
    assert activating.assign(Work.STAGE, 6).assignment == Assignment(3, Work.STAGE, 6)


def test_assigning_again_is_assigning_once() -> None:
    staging = MEMBER.assign(Work.STAGE, 7, leader=True)
    assert staging.assign(Work.STAGE, 7) is staging


def test_moving_notes_when() -> None:
    moved = MEMBER.move(Service.IN, 5.0)
    assert (moved.service, moved.since) == (Service.IN, 5.0)
    assert moved.move(Service.IN, 9.0) is moved


@pytest.mark.parametrize(
    ("facts", "busy"),
    [
        ({}, False),
        ({"state": WorkState.FAILED}, False),
        ({"state": WorkState.WORKING}, True),
        ({"state": None}, True),
        ({"serial": 2, "state": WorkState.DONE}, False),
        ({"machine": Machine.STOPPED}, True),
        ({"machine": Machine.ABSENT}, True),
        ({"machine": Machine.EXITED}, True),
    ],
)
def test_busy_until_it_has_answered_to_what_it_was_told(facts: dict[str, Any], busy: bool) -> None:
    assert instance(**facts).busy is busy


def test_an_answer_to_an_earlier_assignment_is_none() -> None:
    one = updated()
    assert one.member.assignment is not None
    told_more = replace(one, member=one.member.assign(Work.STAGE, 3))
    assert told_more.busy
    assert not told_more.runs(NEW)
    assert not told_more.settled(NEW)


def test_who_was_told_nothing_is_not_busy() -> None:
    assert not Instance(MEMBER, Sight(Machine.RUNNING)).busy


SETTLED_NOT = {
    "leaving": {"leaving": True},
    "died": {"machine": Machine.EXITED},
    "out of service": {"service": Service.OUT},
    "draining": {"service": Service.DRAINING},
    "warming up": {"passes": 2},
    "working": {"state": WorkState.WORKING},
    "another release": {"running": OLD},
    "failed at it": {"state": WorkState.FAILED},
}


@pytest.mark.parametrize("facts", SETTLED_NOT.values(), ids=SETTLED_NOT.keys())
def test_settled_means_all_of_it(facts: dict[str, Any]) -> None:
    assert updated().settled(NEW)
    assert not updated(**facts).settled(NEW)


def test_failing_is_failing_at_that_release() -> None:
    assert failed(release=NEW).failed(NEW)
    assert not failed(release=NEW).failed(OLD)
    assert failed(release=NEW).settled(OLD)  # it serves on what it had
    assert not failed(release=NEW, machine=Machine.EXITED).failed(NEW)
    assert not Instance(MEMBER, Sight(Machine.RUNNING, state=WorkState.FAILED)).failed(NEW)


def test_serving_is_in_service_and_seen_well_once() -> None:
    assert instance(passes=1).serving
    assert not instance(passes=0).serving
    assert not instance(service=Service.DRAINING).serving


def test_the_living_the_dead_and_the_leaving() -> None:
    whole = fleet(instance("i-1"), dead("i-2"), dead("i-3", leaving=True), fresh("i-4"))
    assert whole.alive.ids == ("i-1", "i-4")
    assert whole.dead.ids == ("i-2",)


def test_fleets_are_taken_apart_in_order() -> None:
    whole = fleet(instance("i-1"), updated("i-2"), failed("i-3"), fresh("i-4", template="t-new"))
    assert len(whole) == 4
    assert whole.unsettled(OLD).ids == ("i-2", "i-4")
    assert whole.failed(NEW).ids == ("i-3",)
    assert whole.busy.ids == ("i-4",)
    assert whole.launched_from("t-new").ids == ("i-4",)
    assert whole.named(["i-3", "i-1", "i-9"]).ids == ("i-1", "i-3")
    assert whole.without(["i-3", "i-1", "i-9"]).ids == ("i-2", "i-4")
    assert many(3).first(2).ids == ("i-1", "i-2")
    assert not many(3).first(0)


def test_those_not_serving_come_first_the_rest_as_it_was() -> None:
    whole = fleet(instance("i-1"), instance("i-2", passes=0), instance("i-3"), fresh("i-4"))
    assert whole.weakest_first().ids == ("i-2", "i-4", "i-1", "i-3")
