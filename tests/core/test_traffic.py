"""Counters by release, and what was added between two looks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jackbean.core.traffic import Count, added, began_anew, group_of, release_of, renewed

OLD, NEW = Count(1, "a", 100, 5, 3, 2), Count(2, "a", 10, 1)


def test_what_was_added_is_a_difference_within_an_epoch() -> None:
    later = Count(1, "a", 150, 6, 4, 1)
    assert later.since(OLD) == Count(1, "a", 50, 1, 1, -1)  # one more that was not tried again
    for other in (None, replace(OLD, epoch="b"), replace(OLD, requests=151)):
        assert later.since(other) == later


def test_who_is_new_is_added_whole() -> None:
    assert added((OLD,), (OLD, NEW)) == (Count(1, "a"), NEW)


def test_who_is_not_told_of_any_more_stays() -> None:
    newer = replace(NEW, requests=11)
    assert renewed((OLD, NEW), (newer,)) == (OLD, newer)
    assert renewed((), (OLD,)) == (OLD,)


@pytest.mark.parametrize(
    ("before", "now", "anew"),
    [
        ((), (OLD,), False),
        ((OLD,), (OLD, NEW), False),
        ((OLD,), (), False),
        ((OLD,), (replace(NEW, epoch="b"),), True),
        ((OLD,), (replace(OLD, requests=99),), True),
        ((OLD, NEW), (OLD,), False),
    ],
)
def test_counting_that_began_anew_is_noticed(
    before: tuple[Count, ...], now: tuple[Count, ...], anew: bool
) -> None:
    assert began_anew(before, now) is anew


def test_a_group_says_its_release() -> None:
    assert release_of(group_of(7)) == 7
    assert [release_of(name) for name in ("main", "release-", "release-x", "7")] == [None] * 4
