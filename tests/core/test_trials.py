"""The trial of a release by its errors, look by look."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.evidence import Counts, Evidence
from jackbean.core.traffic import NOBODY, Count
from jackbean.core.trials import LOOK_LATE_S, LOOK_S, Trial

OLD, NEW = 1, 2
BEGUN = Trial().look((Count(OLD, "a", 1000, 10),), NEW, 0.0)


def counts(old: tuple[int, int], new: tuple[int, int], epoch: str = "a") -> tuple[Count, ...]:
    """Return counters; the old release has had 1,000 requests before."""
    before = (1000, 10) if epoch == "a" else (0, 0)
    return (
        Count(OLD, epoch, before[0] + old[0], before[1] + old[1]),
        Count(NEW, epoch, *new),
    )


def arms(trial: Trial) -> tuple[Counts, Counts]:
    return trial.evidence.old, trial.evidence.new


def test_what_was_before_the_first_look_does_not_count() -> None:
    assert arms(BEGUN) == (Counts(), Counts())
    later = BEGUN.look(counts((90, 1), (10, 2)), NEW, LOOK_S)
    assert arms(later) == (Counts(90, 1), Counts(10, 2))


def test_unknown_counters_are_no_look() -> None:
    assert Trial().look(None, NEW, 5.0) == Trial()
    assert BEGUN.look(None, NEW, 5.0) == BEGUN


def test_looks_are_a_moment_apart_and_of_enough_requests() -> None:
    many, few = counts((90, 1), (10, 2)), counts((9, 1), (1, 1))
    assert BEGUN.look(many, NEW, LOOK_S - 0.1) == BEGUN
    assert BEGUN.look(few, NEW, LOOK_LATE_S - 0.1) == BEGUN
    assert arms(BEGUN.look(few, NEW, LOOK_LATE_S)) == (Counts(9, 1), Counts(1, 1))
    assert BEGUN.look(counts((0, 0), (0, 0)), NEW, 3600.0) == BEGUN


def test_every_release_but_the_new_one_is_an_old_one() -> None:
    seen = (*counts((50, 1), (10, 0)), Count(7, "a", 40, 1), Count(NOBODY, "a", 99, 0, 99))
    assert arms(BEGUN.look(seen, NEW, 1.0)) == (Counts(90, 2), Counts(10, 0))


def test_what_was_not_answered_is_an_error_whoever_tried_again() -> None:
    seen = (counts((90, 0), (0, 0))[0], Count(NEW, "a", 10, 2, 3, 3))
    assert arms(BEGUN.look(seen, NEW, 1.0)) == (Counts(90, 0), Counts(10, 5))


def test_more_errors_than_requests_are_not_believed() -> None:
    seen = (counts((90, 0), (0, 0))[0], Count(NEW, "a", 10, 10, 4))
    assert arms(BEGUN.look(seen, NEW, 1.0))[1] == Counts(10, 10)


def test_counters_that_began_anew_are_taken_as_they_are() -> None:
    before = BEGUN.look(counts((90, 1), (10, 2)), NEW, 1.0)
    after = before.look(counts((45, 0), (5, 1), "b"), NEW, 2.0)
    assert arms(after) == (Counts(135, 1), Counts(15, 3))


@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.integers(0, 30), st.booleans()), min_size=1, max_size=30
    )
)
def test_nothing_is_lost_or_counted_twice_by_whoever_forgets(
    looks: list[tuple[int, int, bool]],
) -> None:
    """A look that is not saved (a crash) is made up for by the next."""
    trial, old, new = BEGUN, 0, 0
    for number, (more_old, more_new, saved) in enumerate(looks, 1):
        old, new = old + more_old, new + more_new
        after = trial.look(counts((old, 0), (new, 0)), NEW, number * LOOK_LATE_S)
        trial = after if saved else trial
    last = trial.look(counts((old, 0), (new, 0)), NEW, (len(looks) + 1) * LOOK_LATE_S)
    assert arms(last) == (Counts(old, 0), Counts(new, 0))


def test_worse_and_conclusive() -> None:
    assert not BEGUN.worse
    assert not BEGUN.conclusive
    bad = replace(BEGUN, saved=json.dumps(Evidence().to_json()))
    old = new = 0
    for second in range(1, 20):
        old, new = old + 90, new + 10
        bad = bad.look(counts((old, old // 100), (new, new // 2)), NEW, float(second))
    assert bad.worse
    well = BEGUN.look(counts((9000, 90), (1000, 10)), NEW, 1.0)
    assert not well.worse
    assert well.conclusive
    assert not replace(well, effect=0.001).conclusive


@pytest.mark.parametrize("saved", ["", "{", "[]", "null", '{"form": 99}', '{"form": 1}'])
def test_evidence_of_another_program_is_begun_anew(saved: str) -> None:
    assert replace(BEGUN, saved=saved, level=0.01).evidence == Evidence(level=0.01)


def test_a_level_beyond_what_can_be_is_the_nearest() -> None:
    assert Trial(level=0.9).evidence.level == 0.5
