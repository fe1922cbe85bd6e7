"""Each may go on at its own pace, and nobody is held up by another."""

from __future__ import annotations

from jackbean.control.logs import pacing
from jackbean.control.logs.pacing import Paces


def test_a_burst_then_so_much_a_second() -> None:
    paces = Paces(rate=10, burst=30)
    assert [paces.take("a", 10, 0.0) for _ in range(4)] == [True, True, True, False]
    assert not paces.take("a", 10, 0.5)
    assert paces.take("a", 10, 1.0)
    assert not paces.take("a", 10, 1.0)
    assert paces.take("b", 30, 1.0)
    taken = sum(10 for n in range(1_000) if paces.take("a", 10, 1.0 + n / 100))
    assert 90 <= taken <= 110


def test_more_than_a_burst_is_given_to_who_owes_nothing() -> None:
    paces = Paces(rate=10, burst=30)
    assert paces.take("a", 100, 0.0)
    assert not paces.take("a", 1, 6.9)
    assert paces.take("a", 1, 7.2)


def test_a_clock_that_is_set_back_gives_nothing_away() -> None:
    paces = Paces(rate=10, burst=10)
    assert paces.take("a", 10, 100.0)
    assert not paces.take("a", 10, 50.0)
    assert paces.take("a", 10, 51.0)


def test_it_remembers_a_bounded_number(monkeypatch) -> None:
    monkeypatch.setattr(pacing, "KEPT_MAX", 3)
    paces = Paces(rate=1, burst=1)
    for n in range(10):
        assert paces.take(f"i-{n}", 1, 0.0)
    assert len(paces._spent) <= 3
