"""Reading the events of one stream, page by page, in both directions.

A token is a place between two events and a direction. Reading on from a place needs nothing of who
read before: it finds what lies behind it now.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jackbean.ports.logs import EventQuery, LogEvent, Logs, Mark
from jackbean.services.logs import faults, limits
from jackbean.services.logs.finding import stream_of

TOKEN = re.compile(r"([fb])/([0-9]{16})([0-9]{20})(/s)?")
FORWARD, BACKWARD = "f", "b"


@dataclass(frozen=True)
class Reading:
    """What of a stream is asked for: from `since_ms` until before `until_ms`."""

    group: str
    stream: str
    since_ms: int | None = None
    until_ms: int | None = None
    limit: int = limits.PAGE_EVENTS_MAX
    token: str = ""
    from_head: bool = False


@dataclass(frozen=True)
class Page:
    """Events, oldest first, and the tokens of what lies behind and before them."""

    events: Sequence[LogEvent]
    forward: str
    backward: str


class EventReader:
    def __init__(self, store: Logs) -> None:
        self._store = store

    async def read(self, asked: Reading) -> Page:
        """Return a page. At the end of what there is, its token is the one it was asked with."""
        direction, place = _place(asked.token) if asked.token else ("", (asked.since_ms or 0, 0))
        await stream_of(self._store, asked.group, asked.stream)
        backward = direction == BACKWARD or (not direction and not asked.from_head)
        found = await self._store.events(
            EventQuery(
                group=asked.group,
                streams=(asked.stream,),
                # A place says more than an instant: the EB CLI moves the latter while it reads on.
                since_ms=None if direction == FORWARD else asked.since_ms,
                until_ms=asked.until_ms,
                after=place if direction == FORWARD else None,
                before=place if direction == BACKWARD else None,
                newest_first=backward,
                limit=asked.limit,
                bytes_max=limits.PAGE_BYTES_MAX,
            )
        )
        events = found[::-1] if backward else found
        return _page(events, direction, place)


def _page(events: Sequence[LogEvent], direction: str, place: Mark) -> Page:
    if events:
        return Page(events, token(FORWARD, events[-1].mark), token(BACKWARD, events[0].mark))
    # Nothing there: the other way leads back to where one came from. Places are exclusive.
    at, number = place
    forward = (at, number - 1) if direction == BACKWARD and number else place
    backward = (at, number + 1) if direction == FORWARD else place
    return Page((), token(FORWARD, forward), token(BACKWARD, backward))


def token(direction: str, mark: Mark) -> str:
    return f"{direction}/{max(0, mark[0]):016d}{max(0, mark[1]):020d}/s"


def _place(said: str) -> tuple[str, Mark]:
    found = TOKEN.fullmatch(said)
    if found is None:
        raise faults.invalid("The specified nextToken is invalid.")
    return found[1], (int(found[2]), int(found[3]))
