"""When a schedule is due. Instants are whole minutes since the epoch, in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from cronsim import CronSim

MINUTE_S = 60


def minute_of(seconds: float) -> int:
    """Return the minute that an instant lies in."""
    return int(seconds // MINUTE_S)


def expected(schedule: str, after: int, until: int, limit: int) -> list[int]:
    """Return the first `limit` minutes after one and up to another at which it is due."""
    return list(islice(_within(schedule, after, until), limit))


def following(schedule: str, after: int) -> int | None:
    """Return the next minute after one; None if there is none in the next decades."""
    return next(_due(schedule, after), None)


def _within(schedule: str, after: int, until: int) -> Iterator[int]:
    for minute in _due(schedule, after):
        if minute > until:
            return
        yield minute


def _due(schedule: str, after: int) -> Iterator[int]:
    for moment in CronSim(schedule, datetime.fromtimestamp(after * MINUTE_S, UTC)):
        yield minute_of(moment.timestamp())
