"""Searching a group: what matches, of all its streams or some, a page at a time.

One request looks at a bounded number of events, so a page can be empty with more to come.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jackbean.ports.logs import EventQuery, LogEvent, Logs, Mark
from jackbean.services.logs import faults, limits
from jackbean.services.logs.finding import streams_of
from jackbean.services.logs.patterns import Match, compiled

TOKEN = re.compile(r"([0-9]{16})([0-9]{20})")
CHUNK_EVENTS = 10_000


@dataclass(frozen=True)
class Searching:
    """`streams` None is all of them, unless `prefix` says which."""

    group: str
    streams: tuple[str, ...] | None = None
    prefix: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    pattern: str = ""
    limit: int = limits.PAGE_EVENTS_MAX
    token: str = ""
    newest_first: bool = False


class EventSearch:
    def __init__(self, store: Logs) -> None:
        self._store = store

    async def search(self, asked: Searching) -> tuple[Sequence[LogEvent], str]:
        """Return events that match, and a token where there may be more."""
        matches = compiled(asked.pattern)
        query = await self._query(asked)
        found: list[LogEvent] = []
        size = looked = 0
        while looked < limits.SEARCHED_EVENTS_MAX:
            chunk = await self._store.events(query)
            for one in await asyncio.to_thread(_matching, chunk, matches):
                size += one.size
                if found and (len(found) >= asked.limit or size > limits.PAGE_BYTES_MAX):
                    return found, _token(found[-1].mark)
                found.append(one)
            if not chunk:
                return found, ""
            looked += len(chunk)
            query = _beyond(query, chunk[-1].mark)
        return found, _token(query.before or query.after or (0, 0))

    async def _query(self, asked: Searching) -> EventQuery:
        query = EventQuery(
            group=asked.group,
            streams=await self._streams(asked),
            since_ms=asked.since_ms,
            until_ms=asked.until_ms,
            newest_first=asked.newest_first,
            limit=CHUNK_EVENTS,
            bytes_max=4 * limits.PAGE_BYTES_MAX,
        )
        if not asked.token:
            return query
        place = TOKEN.fullmatch(asked.token)
        if place is None:
            raise faults.invalid("The specified nextToken is invalid.")
        return _beyond(query, (int(place[1]), int(place[2])))

    async def _streams(self, asked: Searching) -> tuple[str, ...] | None:
        if asked.streams is not None and asked.prefix:
            text = "logStreamNames and logStreamNamePrefix are mutually exclusive."
            raise faults.invalid(text)
        names = tuple(one.name for one in await streams_of(self._store, asked.group))
        if asked.prefix:
            return tuple(name for name in names if name.startswith(asked.prefix))
        if asked.streams is None:
            return None
        if len(asked.streams) > limits.STREAM_NAMES_MAX:
            raise faults.invalid(f"At most {limits.STREAM_NAMES_MAX} log streams can be named.")
        if set(asked.streams) - set(names):
            raise faults.no_stream()
        return asked.streams


def _matching(chunk: Sequence[LogEvent], matches: Match) -> list[LogEvent]:
    return [one for one in chunk if matches(one.text)]


def _beyond(query: EventQuery, mark: Mark) -> EventQuery:
    return replace(query, before=mark) if query.newest_first else replace(query, after=mark)


def _token(mark: Mark) -> str:
    return f"{mark[0]:016d}{mark[1]:020d}"
