"""Logs on SQLite, in a database of their own: lines must not wait for deployments.

The records of groups are kept in memory, too: every batch of lines needs one, and nobody else
writes to the file while this process has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Self

from jackbean.core.errors import PortError
from jackbean.ports.logs import GROUP_BYTES_MAX, Claim, EventQuery, LogEvent, LogGroup, LogStream
from jackbean.storage import log_events
from jackbean.storage.codec import dump, load
from jackbean.storage.database import Database
from jackbean.storage.schema import scripts

SHRUNK_MORE = 1_000  # events, with each batch that finds its group too large

STREAMS = """
    SELECT name, created_ms, taken_ms, size,
        (SELECT min(at_ms) FROM events WHERE stream = streams.id),
        (SELECT max(at_ms) FROM events WHERE stream = streams.id)
    FROM streams WHERE log_group = ?
"""


class SqliteLogs:
    """`ports.logs.Logs` in a SQLite file. Several tasks may use it at once."""

    def __init__(self, database: Database, group_bytes_max: int) -> None:
        self._database = database
        self._group_bytes_max = group_bytes_max
        self._known: dict[str, LogGroup] | None = None

    @classmethod
    def open(cls, path: Path, group_bytes_max: int = GROUP_BYTES_MAX) -> Self:
        """Open the database, making it or bringing it up to date. Blocks. Raises PortError."""
        return cls(Database.open(path, scripts("logs")), group_bytes_max)

    async def close(self) -> None:
        await self._database.close()

    # Groups

    async def groups(self) -> list[LogGroup]:
        known = await self._all()
        return [known[name] for name in sorted(known)]

    async def group(self, name: str) -> LogGroup | None:
        return (await self._all()).get(name)

    async def add_group(self, group: LogGroup) -> bool:
        known = await self._all()
        if group.name in known:
            return False
        await self._save(group)
        return True

    async def change_group(self, name: str, **changes: Any) -> LogGroup | None:
        known = await self._all()
        if name not in known:
            return None
        group = replace(known[name], **changes)
        await self._save(group)
        return group

    async def drop_group(self, name: str) -> bool:
        known = await self._all()
        if known.pop(name, None) is None:
            return False
        await self._change(partial(log_events.drop_group, name))
        return True

    # Streams

    async def streams(self, group: str) -> list[LogStream]:
        def read(connection: Connection) -> list[LogStream]:
            rows = connection.execute(f"{STREAMS} ORDER BY name", (group,))
            return [_stream(row) for row in rows]

        return await self._database.read(read)

    async def stream(self, group: str, name: str) -> LogStream | None:
        def read(connection: Connection) -> LogStream | None:
            row = connection.execute(f"{STREAMS} AND name = ?", (group, name)).fetchone()
            return _stream(row) if row else None

        return await self._database.read(read)

    async def add_stream(self, group: str, stream: LogStream) -> bool:
        if group not in await self._all():
            return False
        values = (group, stream.name, stream.created_ms)

        def write(connection: Connection) -> bool:
            sql = "INSERT OR IGNORE INTO streams (log_group, name, created_ms) VALUES (?, ?, ?)"
            return connection.execute(sql, values).rowcount > 0

        return await self._database.write(write)

    async def drop_stream(self, group: str, name: str) -> bool:
        return await self._database.write(partial(log_events.drop_stream, group, name))

    # Events

    async def append(
        self, group: str, stream: str, events: Sequence[LogEvent], claim: Claim | None = None
    ) -> int | None:
        bound = self._group_bytes_max

        def write(connection: Connection) -> int | None:
            taken = log_events.append((group, stream), events, claim, connection)
            log_events.shrink(group, bound, len(events) + SHRUNK_MORE, connection)
            return taken

        return await self._database.write(write)

    async def events(self, query: EventQuery) -> list[LogEvent]:
        return await self._database.read(partial(log_events.read, query))

    async def expire(self, group: str, before_ms: int, limit: int) -> int:
        return await self._database.write(partial(log_events.expire, group, before_ms, limit))

    async def shrink(self, group: str, bytes_max: int, limit: int) -> int:
        return await self._database.write(partial(log_events.shrink, group, bytes_max, limit))

    # Within

    async def _all(self) -> dict[str, LogGroup]:
        if self._known is None:
            found = await self._database.read(_groups)
            if self._known is None:
                self._known = {group.name: group for group in found}
        return self._known

    async def _save(self, group: LogGroup) -> None:
        """Keep a group; what comes next already sees it, and is written after it."""
        known = await self._all()
        known[group.name] = group
        values = (group.name, dump(group))
        sql = "INSERT OR REPLACE INTO log_groups VALUES (?, ?)"
        await self._change(lambda connection: connection.execute(sql, values))

    async def _change(self, work: Any) -> None:
        try:
            await self._database.write(work)
        except PortError:
            self._known = None  # read again what is on disk
            raise


def _groups(connection: Connection) -> list[LogGroup]:
    rows = connection.execute("SELECT body FROM log_groups").fetchall()
    return [load(LogGroup, body, "a log group") for (body,) in rows]


def _stream(row: tuple[Any, ...]) -> LogStream:
    name, created_ms, taken_ms, size, first_ms, last_ms = row
    return LogStream(name, created_ms, first_ms, last_ms, taken_ms, size)
