"""Log groups, their streams, and the events in them.

Events of a group have one order, by `Mark`: when they happened, then when they were taken. A mark
is also how a reader says how far it has come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Pairs = tuple[tuple[str, str], ...]
Mark = tuple[int, int]  # milliseconds since the epoch, and a number that only rises

OVERHEAD_BYTES = 26  # what an event counts for beside its text, as CloudWatch Logs counts
GROUP_BYTES_MAX = 2 << 30  # a disk is smaller than AWS
REMOVED_MAX = 20_000  # events in one transaction, so that nobody waits long behind it


@dataclass(frozen=True)
class LogGroup:
    """`retention_days` None keeps events for ever.

    `owner` is the environment whose instances write here, "" for a group that somebody made;
    `asked_days` is what its settings asked for last, so that a later wish of somebody else stands.
    """

    name: str
    created_ms: int
    retention_days: int | None = None
    tags: Pairs = ()
    kind: str = "STANDARD"
    protected: bool = False
    owner: str = ""
    asked_days: int | None = None


@dataclass(frozen=True)
class LogStream:
    """`first_ms` and `last_ms` are those of its events, `taken_ms` when the last one came."""

    name: str
    created_ms: int
    first_ms: int | None = None
    last_ms: int | None = None
    taken_ms: int | None = None
    size: int = 0


@dataclass(frozen=True)
class LogEvent:
    """`stream` and `number` are the store's to say."""

    at_ms: int
    text: str
    taken_ms: int = 0
    stream: str = ""
    number: int = 0

    @property
    def mark(self) -> Mark:
        return self.at_ms, self.number

    @property
    def size(self) -> int:
        return len(self.text.encode()) + OVERHEAD_BYTES


@dataclass(frozen=True)
class Claim:
    """Which bytes of which file events are made of: the same ones are taken once.

    `file` tells a file from those that had its path before it.
    """

    source: str
    path: str
    file: str
    start: int
    end: int


@dataclass(frozen=True)
class EventQuery:
    """`streams` None: of all. Instants: from `since_ms` until before `until_ms`.

    `after` and `before` are exclusive. `newest_first` is the order, and which end `limit` cuts.
    """

    group: str
    streams: tuple[str, ...] | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    after: Mark | None = None
    before: Mark | None = None
    newest_first: bool = False
    limit: int = 10_000
    bytes_max: int = 1 << 20


class Logs(Protocol):
    """A change is on disk when it returns, and seen by every read after that."""

    async def groups(self) -> list[LogGroup]:
        """Return all, by name."""
        ...

    async def group(self, name: str) -> LogGroup | None: ...

    async def add_group(self, group: LogGroup) -> bool:
        """Make a group; tell if there was none of that name."""
        ...

    async def change_group(self, name: str, **changes: Any) -> LogGroup | None:
        """Replace fields of a group as it is now; return it, None where there is none."""
        ...

    async def drop_group(self, name: str) -> bool:
        """Remove a group with all that is in it; tell if there was one."""
        ...

    async def streams(self, group: str) -> list[LogStream]:
        """Return those of a group, by name."""
        ...

    async def stream(self, group: str, name: str) -> LogStream | None: ...

    async def add_stream(self, group: str, stream: LogStream) -> bool:
        """Make a stream; tell if the group had none of that name."""
        ...

    async def drop_stream(self, group: str, name: str) -> bool: ...

    async def append(
        self, group: str, stream: str, events: Sequence[LogEvent], claim: Claim | None = None
    ) -> int | None:
        """Add events to a stream that is there; None where there is no such stream.

        A group that becomes larger than the store's bound loses its oldest events, by and by.

        With a claim return how far its file has been taken: its end, unless it did not begin where
        the last one ended; then nothing is added. Without one return the newest event's number.
        """
        ...

    async def events(self, query: EventQuery) -> list[LogEvent]:
        """Return events by mark; at least one if there is one, whatever its size."""
        ...

    async def expire(self, group: str, before_ms: int, limit: int) -> int:
        """Remove up to `limit` events that are older; return how many."""
        ...

    async def shrink(self, group: str, bytes_max: int, limit: int) -> int:
        """Remove up to `limit` of the oldest events while there is more; return how many."""
        ...
