"""What is noted of an operation: requests, capacity, time; and what is not known."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.tallies import (
    PASSAGES_MAX,
    SAVE_S,
    UNTOUCHED,
    Glance,
    Moment,
    Passage,
    Served,
    Tally,
)
from jackbean.core.traffic import NOBODY, Count

STAGING, GATE = Moment("staging", 1), Moment("gate", 1)
BEFORE = (Count(1, "a", 1000, 10, 4, 4),)


def glance(
    counts: tuple[Count, ...] | None = None,
    serving: int | None = 3,
    moment: Moment | None = STAGING,
) -> Glance:
    return Glance(counts, serving, moment)


BEGUN = UNTOUCHED.look(glance(BEFORE), 100.0)


def test_what_was_before_does_not_count() -> None:
    assert (BEGUN.counted, BEGUN.partial, BEGUN.served, BEGUN.requests) == (True, False, (), 0)


def test_requests_are_those_of_visitors() -> None:
    now = (Count(1, "a", 1100, 12, 9, 7), Count(2, "a", 50, 1), Count(NOBODY, "a", 5, 0, 5))
    tally = BEGUN.look(glance(now), 101.0)
    assert tally.served == (Served(NOBODY, 5, 0, 5, 0), Served(1, 100, 2, 5, 3), Served(2, 50, 1))
    assert [(s.requests, s.harmed) for s in tally.served] == [(5, 5), (97, 4), (50, 1)]
    assert (tally.requests, tally.harmed, tally.retried) == (152, 10, 3)


def test_a_retry_that_was_none_after_all_is_taken_back() -> None:
    """An attempt is counted a moment before its request: a failure first looks like a retry."""
    first = BEGUN.look(glance((Count(1, "a", 1001, 10, 5, 5),)), 101.0)
    assert (first.requests, first.harmed, first.retried) == (0, 0, 1)
    second = first.look(glance((Count(1, "a", 1001, 10, 5, 4),)), 102.0)
    assert (second.requests, second.harmed, second.retried) == (1, 1, 0)


def test_who_served_nobody_is_not_mentioned() -> None:
    assert BEGUN.look(glance((*BEFORE, Count(2, "a"))), 101.0).served == ()


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=30))
def test_what_was_not_saved_is_worked_out_anew(looks: list[tuple[int, bool]]) -> None:
    tally, total = BEGUN, 0
    for number, (more, saved) in enumerate(looks, 1):
        total += more
        after = tally.look(glance((Count(1, "a", 1000 + total, 10, 4, 4),)), 100.0 + number)
        tally = after if saved else tally.interrupted()
    end = tally.end(glance((Count(1, "a", 1000 + total, 10, 4, 4),)), 200.0)
    assert (end.requests, end.partial, end.counted, end.counts) == (total, False, True, ())
    assert sum(p.seconds for p in end.passages) == 100.0


def test_counters_that_are_not_known_at_first_or_last_are_told() -> None:
    late = UNTOUCHED.look(glance(None), 100.0).look(glance(BEFORE), 101.0)
    assert (late.partial, late.counted, late.requests) == (True, True, 0)
    assert not UNTOUCHED.look(glance(None), 100.0).counted
    between = BEGUN.look(glance(None), 101.0)
    assert not between.partial
    assert between.end(glance(None), 102.0).partial
    assert not between.end(glance(BEFORE), 102.0).partial


def test_counting_that_began_anew_is_told() -> None:
    anew = BEGUN.look(glance((Count(1, "b", 7, 1),)), 101.0)
    assert (anew.requests, anew.harmed, anew.partial) == (7, 1, True)
    assert anew.look(glance((Count(1, "b", 9, 1),)), 102.0).requests == 9


def test_the_lowest_capacity_and_its_moment() -> None:
    tally = BEGUN
    for second, serving in enumerate((3, 2, 1, 2, 1, 3), 101):
        tally = tally.look(glance(serving=serving), float(second))
    assert (tally.lowest, tally.lowest_at) == (1, 103.0)
    assert UNTOUCHED.look(glance(serving=None), 1.0).lowest is None


def test_time_goes_to_what_was_under_way() -> None:
    tally = BEGUN.look(glance(moment=GATE), 103.0).look(glance(), 104.0)
    tally = tally.look(glance(moment=GATE), 109.0).end(glance(BEFORE, moment=None), 110.0)
    assert tally.passages == (Passage(STAGING, 100.0, 8.0), Passage(GATE, 103.0, 2.0))


def test_passages_are_bounded() -> None:
    tally = UNTOUCHED
    for number in range(PASSAGES_MAX + 50):
        tally = tally.look(glance(moment=Moment("gate", number + 1)), float(number))
    assert len(tally.passages) == PASSAGES_MAX + 1
    assert {p.seconds for p in tally.passages[:-1]} == {1.0}
    assert tally.passages[-1] == Passage(Moment("gate"), float(PASSAGES_MAX), 49.0)
    assert sum(p.seconds for p in tally.passages) == PASSAGES_MAX + 49


def test_an_interruption_counts_from_what_was_saved() -> None:
    assert UNTOUCHED.interrupted() == UNTOUCHED
    again = BEGUN.interrupted().interrupted().look(glance(BEFORE), 107.0)  # it died once more
    assert again.away_s == 7.0
    assert again.look(glance(BEFORE), 108.0).away_s == 7.0


def test_what_is_worth_saving() -> None:
    def due(now: float, **glanced: object) -> bool:
        return replace(BEGUN.look(glance(**glanced), now), at=now).due(BEGUN, now)  # type: ignore[arg-type]

    assert BEGUN.due(UNTOUCHED, 100.0)
    assert not due(101.0)
    assert not due(101.0, counts=(Count(1, "a", 5000),))
    assert due(100.0 + SAVE_S)
    assert due(101.0, serving=2)
    assert due(101.0, moment=GATE)
    assert due(101.0, counts=(Count(1, "b", 1),))


def test_nothing_noted_is_nothing_known() -> None:
    assert Tally() == UNTOUCHED
    assert (UNTOUCHED.counted, UNTOUCHED.lowest, UNTOUCHED.passages) == (False, None, ())
