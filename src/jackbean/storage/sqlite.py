"""The store on SQLite: records as JSON, beside the columns that are looked up."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

from jackbean.core.applications import Application, Version
from jackbean.core.certificates import Certificate
from jackbean.core.environments import Environment
from jackbean.core.events import Event, Severity
from jackbean.core.releases import Release
from jackbean.ports.clock import Clock
from jackbean.ports.store import Change, EnvironmentQuery, EventQuery
from jackbean.storage.codec import Loader
from jackbean.storage.commit import LENIENT, Commit
from jackbean.storage.conditions import (
    Conditions,
    of_applications,
    of_certificates,
    of_environments,
    of_events,
    of_versions,
    page,
)
from jackbean.storage.database import Database
from jackbean.storage.retention import CERTIFICATES_KEPT_MAX, events_kept_since_ms
from jackbean.storage.schema import scripts

# How many records, as they were read last, are kept at hand. A release is tens of kilobytes.
KNOWN_MAX: dict[type[Any], int] = {
    Application: 256,
    Version: 2048,
    Environment: 512,
    Release: 64,
    Certificate: 64,
}
PRUNED_MAX = 2000  # events forgotten in one transaction, so that commits need not wait for all


class SqliteStore:
    """`ports.store.Store` in a SQLite file. Several tasks may use it at once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._loaders = {kind: Loader(kind, known_max) for kind, known_max in KNOWN_MAX.items()}

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Self:
        """Open the database, making it or bringing it up to date. Blocks. Raises PortError."""
        return cls(Database.open(path, scripts("records")), clock)

    async def close(self) -> None:
        await self._database.close()

    async def commit(self, changes: Sequence[Change]) -> None:
        now, wanted = self._clock.now(), tuple(changes)
        await self._database.write(lambda connection: Commit(connection, now).apply(wanted))

    async def applications(self, names: Sequence[str] = ()) -> list[Application]:
        sql = "SELECT body, name FROM applications {} ORDER BY position"
        return await self._records(Application, sql, of_applications(names))

    async def versions(self, application: str = "", labels: Sequence[str] = ()) -> list[Version]:
        sql = "SELECT body, label || ' of ' || application FROM versions {} ORDER BY position DESC"
        return await self._records(Version, sql, of_versions(application, labels))

    async def environment(self, id: str) -> Environment | None:  # noqa: A002 - the port's word
        found = Conditions(["id = ?"], [id])
        rows = await self._records(Environment, "SELECT body, id FROM environments {}", found)
        return rows[0] if rows else None

    async def environments(self, query: EnvironmentQuery) -> list[Environment]:
        sql = "SELECT body, id FROM environments {} ORDER BY position"
        return await self._records(Environment, sql, of_environments(query))

    async def slots(self) -> frozenset[int]:
        rows = await self._rows("SELECT value FROM claims WHERE kind = 'slot'")
        return frozenset(int(value) for (value,) in rows)

    async def release(self, environment_id: str, number: int) -> Release | None:
        found = Conditions(["environment_id = ?", "number = ?"], [environment_id, number])
        sql = "SELECT body, number || ' of ' || environment_id FROM releases {}"
        rows = await self._records(Release, sql, found)
        return rows[0] if rows else None

    async def certificates(
        self, environment_id: str, number: int | None = None, limit: int = 1000
    ) -> list[Certificate]:
        found = of_certificates(environment_id, number)
        found.values.append(max(limit, 0))
        return await self._records(Certificate, CERTIFICATES, found)

    async def events(self, query: EventQuery) -> list[Event]:
        found = of_events(query)
        sql = f"{EVENTS} {found.where()} ORDER BY date_ms DESC, id DESC LIMIT ? OFFSET ?"
        return [
            _event(row)
            for row in await self._rows(sql, *found.values, *page(query.offset, query.limit))
        ]

    async def document(self, kind: str, key: str) -> str | None:
        sql = "SELECT body FROM documents WHERE kind = ? AND key = ?"
        rows = await self._rows(sql, kind, key)
        return _lenient(rows[0][0]) if rows else None

    async def documents(self, kind: str) -> dict[str, str]:
        rows = await self._rows("SELECT key, body FROM documents WHERE kind = ? ORDER BY key", kind)
        return {key: _lenient(body) for key, body in rows}

    async def prune(self, now: float) -> int:
        """Forget events and certificates past their retention, and return how many."""
        since_ms, forgotten = events_kept_since_ms(now), 0
        past = ((PRUNE, (since_ms,)), (PRUNE_ENDED, (since_ms / 1000,)))
        for sql, values in (*past, (PRUNE_MANY, (CERTIFICATES_KEPT_MAX,))):
            step = (sql, (*values, PRUNED_MAX))
            while count := await self._database.write(partial(_changed, *step)):
                forgotten += count
        return forgotten

    async def _records(self, kind: type[Any], sql: str, found: Conditions) -> list[Any]:
        """Return rows of (body, name) as records; `{}` in `sql` is where the conditions go."""
        loader = self._loaders[kind]

        def work(connection: sqlite3.Connection) -> list[Any]:
            rows = connection.execute(sql.format(found.where()), found.values)
            return [loader.load(body, f"{kind.__name__} {name}") for body, name in rows]

        return await self._database.read(work)

    async def _rows(self, sql: str, *values: object) -> list[Any]:
        return await self._database.read(lambda c: c.execute(sql, values).fetchall())


EVENTS = """
    SELECT message, severity, application, environment, environment_id, version_label, request_id,
           platform_arn, date_ms
    FROM events
"""
PRUNE = "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE date_ms < ? LIMIT ?)"


CERTIFICATES = """
    SELECT body, number || ' of ' || environment_id FROM certificates {}
    ORDER BY number DESC LIMIT ?
"""
PRUNE_ENDED = """
    DELETE FROM certificates WHERE rowid IN (
        SELECT certificates.rowid FROM certificates JOIN environments ON environment_id = id
        WHERE terminated_at < ? LIMIT ?)
"""
PRUNE_MANY = """
    DELETE FROM certificates WHERE rowid IN (
        SELECT row FROM (
            SELECT rowid AS row, row_number() OVER
                (PARTITION BY environment_id ORDER BY number DESC) AS place
            FROM certificates)
        WHERE place > ? LIMIT ?)
"""


def _changed(sql: str, values: tuple[object, ...], connection: sqlite3.Connection) -> int:
    return connection.execute(sql, values).rowcount


def _event(row: tuple[Any, ...]) -> Event:
    message, severity, *names = row
    return Event(_lenient(message), Severity(severity), *names)


def _lenient(body: bytes) -> str:
    return body.decode(errors=LENIENT)
