from __future__ import annotations

from bench.canary import Traffic, by_evidence, share_found, simulate
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.evidence import Counts, smallest_visible_effect


def visible(total: int, rate: float, level: float = 0.05) -> float | None:
    """Return what can be seen after so many requests at a canary of 10 %."""
    return smallest_visible_effect(
        Counts(total * 9 // 10, round(total * 0.9 * rate)), total // 10, level
    )


def test_few_requests_show_nothing() -> None:
    assert visible(100, 0.01) is None
    assert smallest_visible_effect(Counts(), 1000, 0.05) is None


def test_nothing_is_worse_than_failing_always() -> None:
    assert visible(100_000, 1.0) is None


def test_more_requests_show_smaller_differences() -> None:
    effects = [visible(total, 0.01) for total in (300, 1000, 10_000, 10**6)]
    assert None not in effects
    assert effects == sorted(effects, key=lambda e: -(e or 0))


@given(st.integers(20, 10**9), st.integers(1, 10**9), st.data())
def test_it_is_a_share_above_that_of_the_old(new: int, old: int, data: st.DataObject) -> None:
    before = Counts(old, data.draw(st.integers(0, old)))
    effect = smallest_visible_effect(before, new, 0.05)
    assert effect is None or 0 <= effect <= 1 - before.share + 1e-9


def test_it_is_what_half_of_the_runs_find() -> None:
    for rate in (0.01, 0.2):
        effect = visible(1500, rate)
        assert effect is not None
        traffic = Traffic(rate, rate + effect, horizon=1500)
        found = share_found(simulate(traffic, {"evidence": by_evidence}, 300)["evidence"])
        assert 0.35 <= found <= 0.75, (rate, effect, found)
