"""Single values and instants: read leniently within bounds, written exactly."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.wire import scalars, timestamps

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.000000000Z",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05z",
        "20260102T030405Z",
        "2026-01-02T05:34:05+02:30",
        "2026-01-01T22:04:05-0500",
        "Fri, 02 Jan 2026 03:04:05 GMT",
        "1767323045",
        "1767323045.0",
    ],
)
def test_instants_are_read_in_every_spelling(text):
    assert timestamps.parse(text) == MOMENT


def test_a_day_is_an_instant():
    assert timestamps.parse("2026-01-02") == datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2026-13-01", "2026-02-30T00:00:00Z", "0000-01-01", "99999-01-01",
        "0001-01-01T00:00:00+23:59", "9" * 13, "1e9", "2026-01-02T03:04:05+99:00",
        "٢٠٢٦-01-02", "Fri, 99 Jan 2026 03:04:05 GMT", "2026-01-02T03:04:05Z" + " " * 60,
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(ValueError, match="a timestamp"):
        timestamps.parse(text)


@given(st.text(max_size=40))
def test_arbitrary_instants_raise_nothing_else(text):
    with suppress(ValueError):
        assert timestamps.parse(text).tzinfo is UTC


def test_instants_are_written_in_three_formats():
    assert timestamps.iso8601(MOMENT) == "2026-01-02T03:04:05.000Z"
    assert timestamps.http_date(MOMENT) == "Fri, 02 Jan 2026 03:04:05 GMT"
    assert timestamps.seconds(MOMENT) == 1767323045
    assert timestamps.seconds(1767323045.6784) == 1767323045.678
    assert timestamps.basic(1767323045.9) == "20260102T030405Z"


def test_an_instant_without_a_zone_is_a_bug():
    with pytest.raises(ValueError, match="time zone"):
        timestamps.iso8601(datetime(2026, 1, 2))  # noqa: DTZ001  that is the point


@given(st.integers(0, 4_102_444_800_000))
def test_milliseconds_survive_seconds_as_floats(ms):
    text = timestamps.iso8601(ms / 1000)
    assert timestamps.milliseconds(timestamps.parse(text)) == ms


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "-2147483648", -(2**31)),
        ("integer", "+7", 7),
        ("long", "9223372036854775807", 2**63 - 1),
        ("boolean", "True", True),
        ("boolean", "0", False),
        ("double", "1.5e3", 1500.0),
        ("double", ".5", 0.5),
        ("double", "-Infinity", float("-inf")),
        ("blob", "YWI=\n", b"ab"),
        ("string", "", ""),
    ],
)
def test_values_are_read(kind, text, value):
    read = scalars.read(kind, text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "2147483648"), ("integer", ""), ("integer", "1_0"), ("integer", "٣"),
        ("integer", "1.0"), ("long", "9223372036854775808"), ("long", "9" * 5000),
        ("boolean", "yes"), ("boolean", ""), ("double", "inf"), ("double", "1_0"), ("double", "."),
        ("blob", "a"), ("blob", "a=b="), ("blob", "é"),
    ],
)  # fmt: skip
def test_malformed_values_are_refused(kind, text):
    with pytest.raises(ValueError, match=r"^(an? |true|base)"):
        scalars.read(kind, text)
