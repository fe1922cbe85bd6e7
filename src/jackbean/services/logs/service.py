"""Groups and streams, and what is put into them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jackbean.core.installation import Installation
from jackbean.ports.clock import Clock
from jackbean.ports.logs import REMOVED_MAX, LogEvent, LogGroup, Logs, LogStream
from jackbean.services.logs import faults, limits
from jackbean.services.logs.events import EventReader
from jackbean.services.logs.filtering import EventSearch
from jackbean.services.logs.finding import group_of, stream_of, streams_of

GROUP_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
STREAM_NAME = re.compile(r"[^:*]{1,512}")
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Rejected:
    """Indexes into a batch: the first too new, and behind the last too old or expired."""

    too_new: int | None = None
    too_old: int | None = None
    expired: int | None = None


class LogService:
    """The operations of CloudWatch Logs that are here. Every one of them may raise a Fault."""

    def __init__(self, store: Logs, clock: Clock, installation: Installation) -> None:
        self.store = store
        self.installation = installation
        self.reading = EventReader(store)
        self.searching = EventSearch(store)
        self._clock = clock

    # Groups

    async def create_group(self, group: LogGroup) -> None:
        if not GROUP_NAME.fullmatch(group.name):
            raise faults.invalid(
                f"Log group name '{group.name[:64]}' is not valid: it has up to 512 letters, "
                "digits and . - _ / #"
            )
        _check_tags(dict(group.tags))
        if len(await self.store.groups()) >= limits.GROUPS_MAX:
            raise faults.too_many(f"There are {limits.GROUPS_MAX} log groups already.")
        if not await self.store.add_group(replace(group, created_ms=self.now_ms())):
            raise faults.there_already("log group")

    async def group(self, name: str) -> LogGroup:
        return await group_of(self.store, name)

    async def delete_group(self, name: str) -> None:
        if (await self.group(name)).protected:
            raise faults.protected()
        await self.store.drop_group(name)

    async def change_group(self, name: str, **changes: Any) -> None:
        if await self.store.change_group(name, **changes) is None:
            raise faults.no_group()

    async def retain(self, name: str, days: int | None) -> None:
        """Keep events of a group for so many days; None: for ever."""
        if days is not None and days not in limits.RETENTION_DAYS:
            known = ", ".join(map(str, sorted(limits.RETENTION_DAYS)))
            raise faults.invalid(f"retentionInDays {days} is none of {known}.")
        await self.change_group(name, retention_days=days)

    async def set_tags(self, name: str, tags: Mapping[str, str]) -> None:
        _check_tags(tags)
        await self.change_group(name, tags=tuple(sorted(tags.items())))

    async def size(self, name: str) -> int:
        return sum(one.size for one in await self.store.streams(name))

    # Streams

    async def create_stream(self, group: str, name: str) -> None:
        await self.group(group)
        if not STREAM_NAME.fullmatch(name):
            raise faults.invalid(
                f"Log stream name '{name[:64]}' is not valid: it has up to 512 characters, "
                "and neither : nor *"
            )
        if len(await self.store.streams(group)) >= limits.STREAMS_MAX:
            raise faults.too_many(f"The log group has {limits.STREAMS_MAX} streams already.")
        if not await self.store.add_stream(group, LogStream(name, self.now_ms())):
            raise faults.there_already("log stream")

    async def streams(self, group: str) -> list[LogStream]:
        return await streams_of(self.store, group)

    async def stream(self, group: str, name: str) -> LogStream:
        return await stream_of(self.store, group, name)

    async def delete_stream(self, group: str, name: str) -> None:
        await self.group(group)
        if not await self.store.drop_stream(group, name):
            raise faults.no_stream()

    # Events

    async def put(
        self, group: str, stream: str, events: Sequence[LogEvent]
    ) -> tuple[int, Rejected]:
        """Add events; return a number that rises, and those that were left out."""
        found = await self.group(group)
        _check_batch(events)
        now = self.now_ms()
        oldest = now - limits.PAST_MS
        expired = now - (found.retention_days or 10**6) * DAY_MS
        fresh = [
            one for one in events if max(oldest, expired) <= one.at_ms <= now + limits.FUTURE_MS
        ]
        _check_span(fresh)
        taken = [replace(one, taken_ms=now) for one in fresh]
        number = await self.store.append(group, stream, taken)
        if number is None:
            raise faults.no_stream()
        return number, _rejected(events, (oldest, expired, now + limits.FUTURE_MS))

    def now_ms(self) -> int:
        return int(self._clock.now() * 1000)

    # Housekeeping

    async def tidy(self) -> int:
        """Remove what has been kept long enough; return how many events that were."""
        removed = 0
        for group in await self.store.groups():
            if group.retention_days:
                before = self.now_ms() - group.retention_days * DAY_MS
                while count := await self.store.expire(group.name, before, REMOVED_MAX):
                    removed += count
                if group.owner:
                    await self._drop_empty(group.name, before)
        return removed

    async def _drop_empty(self, group: str, before_ms: int) -> None:
        """Remove streams of instances that have written nothing for as long as lines are kept."""
        for stream in await self.store.streams(group):
            last = max(stream.created_ms, stream.taken_ms or 0)
            if stream.first_ms is None and last < before_ms:
                await self.store.drop_stream(group, stream.name)


def _check_batch(events: Sequence[LogEvent]) -> None:
    if len(events) > limits.BATCH_EVENTS_MAX:
        raise faults.invalid(
            f"Upload too large: {len(events)} events exceeds limit of {limits.BATCH_EVENTS_MAX}"
        )
    sizes = [one.size for one in events]
    if max(sizes, default=0) > limits.BATCH_BYTES_MAX:
        raise faults.invalid(
            f"Log event too large: {max(sizes)} bytes exceeds limit of {limits.BATCH_BYTES_MAX}"
        )
    if sum(sizes) > limits.BATCH_BYTES_MAX:
        raise faults.invalid(
            f"Upload too large: {sum(sizes)} bytes exceeds limit of {limits.BATCH_BYTES_MAX}"
        )
    if any(not one.text for one in events):
        raise faults.invalid("A log event has an empty message; it has at least one character.")
    times = [one.at_ms for one in events]
    if times != sorted(times):
        raise faults.invalid(
            "Log events in a single PutLogEvents request must be in chronological order."
        )


def _check_span(fresh: Sequence[LogEvent]) -> None:
    if fresh and fresh[-1].at_ms - fresh[0].at_ms > limits.BATCH_SPAN_MS:
        raise faults.invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 "
            "hours."
        )


def _rejected(events: Sequence[LogEvent], bounds: tuple[int, int, int]) -> Rejected:
    oldest, expired, newest = bounds
    times = [one.at_ms for one in events]
    new = next((n for n, at in enumerate(times) if at > newest), None)
    old = sum(at < oldest for at in times)
    gone = sum(at < expired for at in times)
    return Rejected(new, old or None, gone or None)


def _check_tags(tags: Mapping[str, str]) -> None:
    if len(tags) > limits.TAGS_MAX:
        raise faults.invalid(f"A log group has at most {limits.TAGS_MAX} tags.")
    if any(not 1 <= len(key) <= 128 or len(value) > 256 for key, value in tags.items()):
        raise faults.invalid("A tag's key has 1 to 128 characters, its value 256 at most.")
