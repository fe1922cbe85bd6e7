"""One block: that no good release can expect to pay, tried on every table that is small enough."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jackbean.core.evidence.bets import BETS, Table, log_cap, log_payoffs
from jackbean.core.evidence.counts import Counts

LITTLE = 1e-9


def tables(total: int, new: int, errors: int) -> Iterator[Table]:
    for errors_new in range(max(0, errors - (total - new)), min(new, errors) + 1):
        yield Table(total, new, errors, errors_new)


def chance(table: Table) -> float:
    """Return the probability of its `errors_new` where both arms are equal."""
    total, new, errors, errors_new = (
        int(table.requests),
        int(table.requests_new),
        int(table.errors),
        int(table.errors_new),
    )
    ways = math.comb(errors, errors_new) * math.comb(total - errors, new - errors_new)
    return ways / math.comb(total, new)


def expected(total: int, new: int, errors: int) -> list[float]:
    """Return what each bet is expected to pay on equal arms."""
    paid = [0.0] * len(BETS)
    for table in tables(total, new, errors):
        for i, payoff in enumerate(log_payoffs(table)):
            paid[i] += chance(table) * math.exp(payoff)
    return paid


@pytest.mark.parametrize("total", [2, 3, 5, 8, 13, 50])
def test_no_bet_gains_on_equal_arms(total: int) -> None:
    for new in range(1, total):
        for errors in range(total + 1):
            assert max(expected(total, new, errors)) <= 1 + LITTLE, (new, errors)


@pytest.mark.parametrize(("total", "new"), [(200, 2), (200, 20), (200, 100), (1000, 100)])
def test_no_bet_gains_on_equal_arms_in_larger_blocks(total: int, new: int) -> None:
    for errors in (1, 2, 5, total // 100, total // 20, total // 3, total - 1):
        assert max(expected(total, new, errors)) <= 1 + LITTLE, errors


@pytest.mark.parametrize(("total", "new", "errors"), [(50, 5, 1), (50, 5, 10), (500, 50, 150)])
def test_little_is_given_away(total: int, new: int, errors: int) -> None:
    """The bound is near what it bounds: a fair bet would be expected to pay exactly 1."""
    assert min(expected(total, new, errors)[:2]) > 0.97


def test_binomials_bound_it_worse() -> None:
    """What Hoeffding's bound would give away on the errors that are hardest to tell apart."""
    ours = expected(500, 50, 150)[1]
    binomial = math.exp(-50 * math.log1p(0.3 * 0.65)) * sum(
        chance(t) * 1.65**t.errors_new for t in tables(500, 50, 150)
    )
    assert binomial < 0.93 * ours


@pytest.mark.parametrize("total", [2, 3, 5, 8, 13, 50])
def test_an_error_more_in_the_new_release_never_pays_less(total: int) -> None:
    for new in range(1, total):
        for old_errors in range(total - new + 1):
            column = [log_payoffs(Table(total, new, old_errors + a, a)) for a in range(new + 1)]
            for fewer, more in pairwise(column):
                assert all(f <= m + LITTLE for f, m in zip(fewer, more, strict=True))


@pytest.mark.parametrize("total", [3, 8, 13])
def test_an_error_more_in_the_old_release_never_pays_more(total: int) -> None:
    for new in range(1, total):
        for a in range(new + 1):
            row = [log_payoffs(Table(total, new, a + b, a)) for b in range(total - new + 1)]
            for fewer, more in pairwise(row):
                assert all(f + LITTLE >= m for f, m in zip(fewer, more, strict=True))


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=9),
    st.integers(1, 8),
)
def test_no_bet_gains_on_a_release_that_mends_some_requests(
    fates: list[tuple[bool, bool]], new: int
) -> None:
    """Each request has a fate of its own, and the lot decides only who answers it."""
    assume(new < len(fates))
    paid, lots = [0.0] * len(BETS), 0
    for lot in combinations(range(len(fates)), new):
        lots += 1
        failed = [fails and (i not in lot or not mended) for i, (fails, mended) in enumerate(fates)]
        table = Table(len(fates), new, sum(failed), sum(failed[i] for i in lot))
        paid = [sum(both) for both in zip(paid, map(math.exp, log_payoffs(table)), strict=True)]
    assert max(paid) / lots <= 1 + LITTLE


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.data())
def test_any_counts_give_finite_payoffs(old: int, new: int, data: st.DataObject) -> None:
    a = data.draw(st.one_of(st.sampled_from([0, 1, new - 1, new]), st.integers(0, new)))
    b = data.draw(st.one_of(st.sampled_from([0, 1, old - 1, old]), st.integers(0, old)))
    table = Table.of(Counts(old, b), Counts(new, a))
    payoffs = log_payoffs(table)
    assert all(math.isfinite(p) for p in payoffs)
    more = log_payoffs(Table.of(Counts(old, b), Counts(new, min(new, a + 1))))
    assert all(m >= p - 1e-6 for p, m in zip(payoffs, more, strict=True))


def test_what_tells_nothing_pays_the_stake_back() -> None:
    for table in (Table(60, 6, 0, 0), Table(60, 6, 60, 6), Table(60, 0, 9, 0), Table(60, 60, 9, 9)):
        assert log_payoffs(table) == [0.0] * len(BETS)


@pytest.mark.parametrize("level", [0.5, 0.05, 0.001, 1e-9])
@pytest.mark.parametrize("new", [1, 5, 25, 50])
def test_one_accident_is_no_proof(level: float, new: int) -> None:
    table = Table(100, new, new, new)
    most = math.exp(log_cap(table, level))
    assert most * new / 100 <= 1 + LITTLE  # fair where the arm that has the accident is chance
    assert most**2 <= (1 + LITTLE) / level  # two blocks at least


def test_where_most_requests_go_to_the_new_release_blocks_still_count() -> None:
    assert log_cap(Table(100, 90, 5, 5), 0.05) == pytest.approx(math.log(2))


def test_stakes_are_all_that_there_is() -> None:
    assert math.fsum(bet.stake for bet in BETS) == pytest.approx(1)
    assert all(bet.ratio > 1 for bet in BETS)
