"""Instants in the spellings of AWS: ISO 8601, HTTP dates and seconds since the epoch.

Read leniently (any of the three, wherever an instant is expected), written exactly: milliseconds
and UTC, because clients ask for "later than the last one plus a millisecond".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_UTC = EPOCH.replace(tzinfo=None)  # prints without an offset
_MICROSECOND = timedelta(microseconds=1)
_CHARS_MAX = 64

_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[Tt ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?\s?(Z|z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
_SECONDS = re.compile(r"-?\d{1,12}(?:\.\d{1,9})?", re.ASCII)

Instant = datetime | float


def parse(text: str) -> datetime:
    """Return the instant that `text` spells, in UTC; raise `ValueError` when it spells none."""
    if len(text) <= _CHARS_MAX:
        try:
            return _parse(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            pass
    raise ValueError("a timestamp such as 2026-01-02T03:04:05.678Z")


def _parse(text: str) -> datetime:
    if found := _ISO.fullmatch(text):
        return _from_iso(found)
    if _SECONDS.fullmatch(text):
        return from_seconds(float(text))
    return _utc(parsedate_to_datetime(text))


def _from_iso(found: re.Match[str]) -> datetime:
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    microsecond = int((fraction or "").ljust(6, "0")[:6])
    clock = (int(hour or 0), int(minute or 0), int(second or 0), microsecond)
    return _utc(datetime(int(year), int(month), int(day), *clock, tzinfo=_zone(zone)))


def _zone(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def from_seconds(seconds: float) -> datetime:
    """Return the instant so many seconds after the epoch, to the microsecond."""
    return EPOCH + timedelta(microseconds=round(seconds * 1_000_000))


def milliseconds(instant: Instant) -> int:
    """Return milliseconds since the epoch; a datetime is rounded down, seconds to the nearest."""
    if isinstance(instant, datetime):
        if instant.tzinfo is None:
            raise ValueError(f"{instant!r} has no time zone; give an aware datetime or seconds")
        return (instant - EPOCH) // _MICROSECOND // 1000
    return round(instant * 1000)


def iso8601(instant: Instant) -> str:
    """Return `2026-01-02T03:04:05.678Z`."""
    moment = _EPOCH_UTC + timedelta(milliseconds=milliseconds(instant))
    return moment.isoformat(timespec="milliseconds") + "Z"


def http_date(instant: Instant) -> str:
    """Return `Fri, 02 Jan 2026 03:04:05 GMT`."""
    return format_datetime(EPOCH + timedelta(seconds=milliseconds(instant) // 1000), usegmt=True)


def seconds(instant: Instant) -> float:
    """Return seconds since the epoch, to the millisecond; a whole number when it is one."""
    whole, rest = divmod(milliseconds(instant), 1000)
    return whole + rest / 1000 if rest else whole


def basic(instant: float) -> str:
    """Return `20260102T030405Z`, the spelling that signatures use."""
    return (EPOCH + timedelta(seconds=int(instant))).strftime("%Y%m%dT%H%M%SZ")
