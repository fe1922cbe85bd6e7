"""What signals are, and what they come to."""

from __future__ import annotations

import pytest

from jackbean.core.errors import Fault
from jackbean.core.resources import Made, Refused
from jackbean.core.signals import (
    SIGNALS_MAX,
    Patience,
    Signal,
    added,
    from_json,
    outcome,
    read_signal,
    to_json,
)

TWO = Patience(2, 60.0)
ONE, OTHER = Signal("1", success=True, data="a"), Signal("2", success=True)


def test_a_signal_is_read() -> None:
    body = b'{"Status": "FAILURE", "UniqueId": "i", "Data": {"a": 1}, "Reason": null, "More": 1}'
    assert read_signal(body) == Signal("i", success=False, data='{"a":1}')


def test_as_many_as_are_wanted() -> None:
    assert outcome([ONE], TWO, 59.0) == "1 of 2 signal(s) received"
    assert outcome([ONE, OTHER], TWO, 99.0) == Made("", {"Data": '{"1":"a","2":""}'})
    assert isinstance(outcome([ONE], TWO, 60.0), Refused)
    assert isinstance(outcome([ONE, Signal("3", success=False)], TWO, 0.0), Refused)


def test_the_first_of_a_name_counts() -> None:
    assert added([ONE], Signal("1", success=False)) == (ONE,)
    assert added([ONE], OTHER) == (ONE, OTHER)


def test_they_are_kept_as_they_are() -> None:
    assert from_json(to_json([ONE, OTHER])) == (ONE, OTHER)
    assert from_json(None) == ()


def test_there_is_an_end_to_them() -> None:
    many = [Signal(str(n), success=True) for n in range(SIGNALS_MAX)]
    with pytest.raises(Fault, match="at most 1000 signals"):
        added(many, Signal("x", success=True))
    large = [Signal(str(n), success=True, data="x" * 4096) for n in range(63)]
    with pytest.raises(Fault, match="characters together"):
        added(large, Signal("x", success=True, data="x" * 4096))
