"""Capacity that follows a backlog, in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.scaling import Bounds, Pace, Wish, Wishes, scaled, wanted

PACE = Pace(backlog=10, out_s=15.0, in_s=60.0)
BOUNDS = Bounds(1, 4)
LOOK_S = 5.0


def followed(
    backlogs: Sequence[int], desired: int = 1, pace: Pace = PACE, bounds: Bounds = BOUNDS
) -> list[int]:
    """Return the capacity after each look, one every five seconds."""
    wishes, history = Wishes(0.0), []
    for number, backlog in enumerate(backlogs):
        wish = Wish(number * LOOK_S, wanted(backlog, pace, bounds))
        wishes, desired = scaled(wishes, desired, wish, pace)
        history.append(desired)
    return history


@pytest.mark.parametrize(
    ("backlog", "count"), [(0, 1), (1, 1), (10, 1), (11, 2), (40, 4), (41, 4), (10**9, 4)]
)
def test_as_many_as_the_backlog_needs_within_bounds(backlog: int, count: int) -> None:
    assert wanted(backlog, PACE, BOUNDS) == count


def test_an_empty_queue_may_need_nobody() -> None:
    assert wanted(0, PACE, Bounds(0, 4)) == 0
    assert wanted(1, PACE, Bounds(0, 4)) == 1


def test_a_burst_is_followed_at_once() -> None:
    assert followed([0, 35]) == [1, 4]


def test_growing_waits_for_the_last_growth_to_help() -> None:
    """15 seconds are three looks."""
    assert followed([15, 25, 35, 35, 35]) == [2, 2, 2, 4, 4]


def test_fewer_only_when_fewer_were_enough_for_a_minute() -> None:
    history = followed([35] + [0] * 14)
    assert history[:12] == [4] * 12
    assert history[12:] == [4, 1, 1]


def test_a_lull_between_two_bursts_costs_nothing() -> None:
    assert set(followed(([35] + [0] * 9) * 4)) == {4}


def test_it_goes_down_to_the_highest_that_was_needed_meanwhile() -> None:
    assert followed([35] + [0] * 6 + [15] + [0] * 8)[-1] == 2


def test_nothing_is_taken_away_before_it_was_watched_for_long_enough() -> None:
    """As after a restart, when nobody knows what there was to do just before."""
    assert followed([0] * 12, desired=4) == [4] * 12
    assert followed([0] * 13, desired=4)[-1] == 1


@given(
    st.lists(st.integers(0, 100), min_size=1, max_size=60),
    st.integers(0, 6),
    st.integers(0, 3),
    st.integers(0, 5),
)
def test_whatever_the_backlog(backlogs: list[int], desired: int, least: int, more: int) -> None:
    bounds = Bounds(least, least + more)
    history = followed(backlogs, desired, PACE, bounds)
    before = [desired, *history]
    changes = [n for n, count in enumerate(history) if count != before[n]]
    assert all(min(desired, least) <= count <= max(desired, bounds.most) for count in history)
    gaps = [b - a for a, b in pairwise(changes)]
    assert all(gap * LOOK_S >= PACE.out_s for gap in gaps)
    calm = followed([*backlogs, *[0] * 40], desired, PACE, bounds)
    assert calm[-1] == least


def test_memory_is_bounded() -> None:
    wishes = Wishes(0.0)
    for number in range(1000):
        wishes, _ = scaled(wishes, 4, Wish(number * LOOK_S, 4 - number % 3), PACE)
        assert len(wishes.recent) <= 3
