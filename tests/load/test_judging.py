"""Answers that contradict what a change may do, and those that do not."""

from __future__ import annotations

import pytest

from tests.load.judging import Move, contradictions, share_of
from tests.load.tally import Seen, Tally, longest_gap_s

MOVE = Move("version", "one", "two", asked=10.0, rested=20.0)


def seen(begun: float, version: str, instance: str = "a", kind: str = "GET") -> Seen:
    return Seen(kind, begun, begun + 0.5, version, instance)


FINE = (
    seen(5, "one"),
    seen(11, "one", "b"),
    seen(12, "two"),
    seen(13, "one", "b"),
    seen(14, "two", "b"),
    seen(21, "two"),
)


def test_one_instance_after_the_other_is_fine() -> None:
    assert contradictions(FINE, [MOVE], at_once=False) == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (seen(9, "two"), "before anything was changed"),
        (seen(13, "one"), "after two had been answered there"),
        (seen(20.1, "one", "b"), "after all was at rest"),
        (seen(12, "three"), "on the way from one to two"),
    ],
)
def test_whatever_else_is_told(wrong: Seen, says: str) -> None:
    (told,) = contradictions([*FINE, wrong], [MOVE], at_once=False)
    assert says in told


def test_of_a_name_all_instances_change_at_once() -> None:
    (told,) = contradictions(FINE, [MOVE], at_once=True)
    assert told.startswith("b answered one")


def test_a_request_that_was_on_its_way_may_be_answered_by_the_old() -> None:
    slow = Seen("slow POST", 12.2, 40.0, "one", "a")
    assert contradictions([*FINE, slow], [MOVE], at_once=False) == []


def test_an_open_conversation_may_go_on_with_the_old() -> None:
    said = seen(21, "one", kind="message")
    early = seen(10.5, "two", "b", kind="message")  # from before a change that was taken back
    assert contradictions([*FINE, said, early], [MOVE], at_once=False) == []


def test_changes_follow_one_another() -> None:
    back = Move("version", "two", "one", asked=30.0, rested=40.0)
    later = [seen(31, "two"), seen(32, "one"), seen(41, "one", "b")]
    assert contradictions([*FINE, *later], [MOVE, back], at_once=False) == []
    (told,) = contradictions([*FINE, *later, seen(29, "one")], [MOVE, back], at_once=False)
    assert "at rest on two" in told


def test_a_request_across_two_changes_may_be_answered_by_either() -> None:
    back = Move("version", "two", "one", asked=30.0, rested=40.0)
    upload = Seen("upload", 15.0, 35.0, "one", "a")
    assert contradictions([*FINE, upload], [MOVE, back], at_once=False) == []
    (told,) = contradictions([*FINE, upload], [MOVE], at_once=False)
    assert "after two had been answered there" in told


def test_shares_and_gaps() -> None:
    assert share_of(FINE, "two", 10, 20) == (2, 4)
    assert longest_gap_s(Tally(list(FINE)), ["GET"]) == 7.0
    assert longest_gap_s(Tally(), ["GET"]) == 0.0
