"""When schedules are due, in minutes since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jackbean.schedules.expected import expected, following, minute_of


def minute(text: str) -> int:
    return minute_of(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


DUE = {
    "each minute": ("* * * * *", "2026-01-01T00:01", "2026-01-01T00:02"),
    "a list and a step": ("0,45-59/7 * * * *", "2026-01-01T00:45", "2026-01-01T00:52"),
    "either day": ("0 0 13 * 5", "2026-01-02T00:00", "2026-01-09T00:00"),
    "both days, where one begins with a star": (
        "0 0 */2 * 5",
        "2026-01-09T00:00",
        "2026-01-23T00:00",
    ),
    "Sunday as 7": ("0 0 * * 7", "2026-01-04T00:00", "2026-01-11T00:00"),
    "a leap day": ("0 0 29 2 *", "2028-02-29T00:00", "2032-02-29T00:00"),
    "by name": ("0 0 1 mar *", "2026-03-01T00:00", "2027-03-01T00:00"),
}


@pytest.mark.parametrize(("schedule", "first", "second"), DUE.values(), ids=DUE.keys())
def test_due(schedule: str, first: str, second: str) -> None:
    start = minute("2026-01-01T00:00")
    assert expected(schedule, start, minute("2040-01-01T00:00"), 2) == [
        minute(first),
        minute(second),
    ]
    assert following(schedule, start) == minute(first)


def test_the_end_counts_and_the_beginning_does_not() -> None:
    assert expected("* * * * *", 100, 103, 9) == [101, 102, 103]
    assert expected("* * * * *", 100, 100, 9) == []
    assert expected("* * * * *", 100, 200, 2) == [101, 102]
