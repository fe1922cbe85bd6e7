"""Logs in memory, under the same rules as on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from jackbean.ports.logs import GROUP_BYTES_MAX, Claim, EventQuery, LogEvent, LogGroup, LogStream

SHRUNK_MORE = 1_000  # events, with each batch that finds its group too large
FILES_KEPT = 16  # of a path, whose ends are remembered


class MemoryLogs:
    """`ports.logs.Logs` for simulated histories. Nothing waits, so every change is atomic."""

    def __init__(self, group_bytes_max: int = GROUP_BYTES_MAX) -> None:
        self._group_bytes_max = group_bytes_max
        self._groups: dict[str, LogGroup] = {}
        self._streams: dict[str, dict[str, LogStream]] = {}
        self._events: dict[str, list[LogEvent]] = {}
        self._ends: dict[tuple[str, str, str], dict[str, int]] = {}
        self._numbers = 0

    async def groups(self) -> list[LogGroup]:
        return [self._groups[name] for name in sorted(self._groups)]

    async def group(self, name: str) -> LogGroup | None:
        return self._groups.get(name)

    async def add_group(self, group: LogGroup) -> bool:
        if group.name in self._groups:
            return False
        self._groups[group.name] = group
        self._streams[group.name] = {}
        self._events[group.name] = []
        return True

    async def change_group(self, name: str, **changes: Any) -> LogGroup | None:
        if name in self._groups:
            self._groups[name] = replace(self._groups[name], **changes)
        return self._groups.get(name)

    async def drop_group(self, name: str) -> bool:
        if self._groups.pop(name, None) is None:
            return False
        del self._streams[name], self._events[name]
        self._ends = {key: ends for key, ends in self._ends.items() if key[0] != name}
        return True

    async def streams(self, group: str) -> list[LogStream]:
        found = self._streams.get(group, {})
        return [self._summed(group, found[name]) for name in sorted(found)]

    async def stream(self, group: str, name: str) -> LogStream | None:
        found = self._streams.get(group, {}).get(name)
        return self._summed(group, found) if found else None

    async def add_stream(self, group: str, stream: LogStream) -> bool:
        if group not in self._groups or stream.name in self._streams[group]:
            return False
        self._streams[group][stream.name] = stream
        return True

    async def drop_stream(self, group: str, name: str) -> bool:
        if self._streams.get(group, {}).pop(name, None) is None:
            return False
        self._events[group] = [one for one in self._events[group] if one.stream != name]
        return True

    async def append(
        self, group: str, stream: str, events: Sequence[LogEvent], claim: Claim | None = None
    ) -> int | None:
        if stream not in self._streams.get(group, {}):
            return None
        if claim:
            ends = self._ends.setdefault((group, claim.source, claim.path), {})
            if ends.get(claim.file, claim.start) != claim.start:
                return ends[claim.file]
            ends.pop(claim.file, None)
            ends[claim.file] = claim.end
            for old in list(ends)[:-FILES_KEPT]:
                del ends[old]
        for one in events:
            self._numbers += 1
            self._events[group].append(replace(one, stream=stream, number=self._numbers))
        if events:
            last = max(one.taken_ms for one in events)
            known = self._streams[group][stream]
            self._streams[group][stream] = replace(known, taken_ms=max(last, known.taken_ms or 0))
        number = self._numbers
        await self.shrink(group, self._group_bytes_max, len(events) + SHRUNK_MORE)
        return claim.end if claim else number

    async def events(self, query: EventQuery) -> list[LogEvent]:
        found = [one for one in self._events.get(query.group, ()) if _wanted(query, one)]
        found.sort(key=lambda one: one.mark, reverse=query.newest_first)
        return list(_page(query, found))

    async def expire(self, group: str, before_ms: int, limit: int) -> int:
        old = [one for one in self._events.get(group, ()) if one.at_ms < before_ms]
        return self._remove(group, old[:limit])

    async def shrink(self, group: str, bytes_max: int, limit: int) -> int:
        size = sum(one.size for one in self._events.get(group, ()))
        old = []
        for one in sorted(self._events.get(group, ()), key=lambda one: one.mark)[:limit]:
            if size <= bytes_max:
                break
            size -= one.size
            old.append(one)
        return self._remove(group, old)

    def _remove(self, group: str, old: list[LogEvent]) -> int:
        numbers = {one.number for one in old}
        if numbers:
            left = [one for one in self._events[group] if one.number not in numbers]
            self._events[group] = left
        return len(numbers)

    def _summed(self, group: str, stream: LogStream) -> LogStream:
        mine = [one for one in self._events[group] if one.stream == stream.name]
        return replace(
            stream,
            first_ms=min((one.at_ms for one in mine), default=None),
            last_ms=max((one.at_ms for one in mine), default=None),
            size=sum(one.size for one in mine),
        )


def _wanted(query: EventQuery, one: LogEvent) -> bool:
    return (
        (query.streams is None or one.stream in query.streams)
        and (query.since_ms is None or one.at_ms >= query.since_ms)
        and (query.until_ms is None or one.at_ms < query.until_ms)
        and (query.after is None or one.mark > query.after)
        and (query.before is None or one.mark < query.before)
    )


def _page(query: EventQuery, found: Sequence[LogEvent]) -> Iterator[LogEvent]:
    size = 0
    for number, one in enumerate(found[: query.limit]):
        size += one.size
        if number and size > query.bytes_max:
            return
        yield one
