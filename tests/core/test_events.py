"""Events: severities in order, and what their dates increase within."""

from __future__ import annotations

from jackbean.core.events import Event, Severity


def test_severities_rise() -> None:
    assert [s.value for s in Severity] == ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
    assert [s.level for s in Severity] == [0, 1, 2, 3, 4, 5]


def test_dates_increase_within_an_environment_else_within_an_application() -> None:
    assert Event("x", application="app", environment_id="e-1").scope == "e-1"
    assert Event("x", application="app").scope == "application/app"
