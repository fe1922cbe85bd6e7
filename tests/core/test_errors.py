"""The error tree, and the codes on the wire."""

from __future__ import annotations

from jackbean.core.errors import (
    Conflict,
    Fault,
    JackbeanError,
    PortError,
    invalid,
    missing,
    unfitting,
)


def test_the_tree() -> None:
    assert issubclass(Fault, JackbeanError)
    assert issubclass(Conflict, PortError)
    assert issubclass(PortError, JackbeanError)
    assert not issubclass(PortError, Fault)


def test_codes() -> None:
    told = [
        (f.code, f.status, f.message, str(f)) for f in (invalid("a"), missing("b"), unfitting("c"))
    ]
    assert told == [
        ("InvalidParameterValue", 400, "a", "a"),
        ("MissingRequiredParameter", 400, "b", "b"),
        ("InvalidParameterCombination", 400, "c", "c"),
    ]
