"""The ledger of messages on SQLite, in the database of the queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from sqlite3 import Connection
from typing import Any

from jackbean.ports.ledger import KEPT, SHOWN_MAX, Entry, Search, Stand, Try
from jackbean.storage.database import Database


class SqliteLedger:
    """`ports.ledger.Ledger`; the database is that of `SqliteQueues`, which closes it."""

    def __init__(self, database: Database, kept: int = KEPT) -> None:
        self._database = database
        self._kept = kept

    async def add(self, tries: Sequence[Try]) -> None:
        await self._database.write(partial(_add, tuple(tries), self._kept))

    async def entries(self, search: Search) -> list[Entry]:
        return await self._database.read(partial(_entries, search))

    async def last(self, numbers: Sequence[int]) -> dict[int, Try]:
        return await self._database.read(partial(_last, tuple(numbers)))

    async def tidy(self) -> None:
        await self._database.write(_tidy)


def _add(tries: Sequence[Try], kept: int, connection: Connection) -> None:
    connection.executemany(ADD, [_row(one) for one in tries])
    for queue in sorted({one.queue for one in tries}):
        oldest = connection.execute(OLDEST, (queue, kept)).fetchone()
        if oldest is not None:
            values = {"queue": queue, "at": oldest[0]}
            connection.execute(KEEP, values)
            connection.execute(FORGET, values)


def _row(one: Try) -> tuple[Any, ...]:
    where = (one.number, one.receives, one.queue)
    return (*where, one.at_ms, one.ms, one.status, one.error, one.instance, one.message, one.task)


def _entries(search: Search, connection: Connection) -> list[Entry]:
    found: dict[int, Entry] = {}
    for number, id_, queue, receives, carried, sent, visible in _rows(search, connection):
        stand = Stand.DEAD if queue == search.dead else _stand(receives, visible, search.at_ms)
        found[number] = Entry(number, id_, stand, receives, carried, sent, visible)
    if not search.dead_only:
        values = (search.queue, search.limit)
        for number, id_ in connection.execute(LATELY, values).fetchall():
            if number not in found:
                found[number] = _elsewhere(number, id_, search, connection)
    entries = [_tried(entry, connection) for entry in found.values()]
    entries.sort(key=lambda entry: (-entry.touched_ms, -entry.number))
    return entries[: search.limit]


def _rows(search: Search, connection: Connection) -> list[Any]:
    queues = [] if search.dead_only else [search.queue]
    if search.dead is not None:
        queues.append(search.dead)
    return [
        row
        for queue in queues
        for row in connection.execute(NEWEST, (queue, search.limit)).fetchall()
    ]


def _elsewhere(number: int, id_: str, search: Search, connection: Connection) -> Entry:
    """Return a message that was posted lately, and may be gone by now."""
    row = connection.execute(MESSAGE, (number,)).fetchone()
    if row is None:
        return Entry(number, id_, Stand.GONE)
    _, _, queue, receives, carried, sent, visible = row
    stand = Stand.DEAD if queue != search.queue else _stand(receives, visible, search.at_ms)
    return Entry(number, id_, stand, receives, carried, sent, visible)


def _stand(receives: int, visible: int, now_ms: int) -> Stand:
    if visible <= now_ms:
        return Stand.WAITING
    return Stand.HELD if receives else Stand.DELAYED


def _tried(entry: Entry, connection: Connection) -> Entry:
    tries = tuple(_try(row) for row in connection.execute(TRIES, (entry.number, SHOWN_MAX)))
    receives = entry.receives or max((one.receives for one in tries), default=0)
    return replace(entry, receives=receives, tries=tries)


def _try(row: Any) -> Try:
    number, receives, queue, at, ms, status, error, instance, id_, task = row
    return Try(queue, number, receives, id_, instance, at, ms, status, error, task)


def _last(numbers: Sequence[int], connection: Connection) -> dict[int, Try]:
    found = {}
    for number in numbers:
        row = connection.execute(TRIES, (number, 1)).fetchone()
        if row is not None:
            found[number] = _try(row)
    return found


def _tidy(connection: Connection) -> None:
    connection.execute(TIDY)


ADD = """
    INSERT OR IGNORE INTO tries
        (number, receives, queue, at, ms, status, error, instance, id, task)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
OLDEST = """
    SELECT at FROM tries WHERE queue = ? AND NOT kept ORDER BY at DESC LIMIT 1 OFFSET ?
"""
KEEP = """
    UPDATE tries SET kept = 1 WHERE queue = :queue AND NOT kept AND at <= :at AND EXISTS (
        SELECT 1 FROM messages m WHERE m.number = tries.number AND m.queue <> tries.queue)
"""
FORGET = "DELETE FROM tries WHERE queue = :queue AND NOT kept AND at <= :at"
MESSAGE_ROW = "number, id, queue, receives, carried, sent, visible"
NEWEST = f"""
    SELECT {MESSAGE_ROW} FROM messages WHERE queue = ? ORDER BY sent DESC, number DESC LIMIT ?
"""  # noqa: S608 - ours
MESSAGE = f"SELECT {MESSAGE_ROW} FROM messages WHERE number = ?"  # noqa: S608 - ours
LATELY = """
    SELECT DISTINCT number, id FROM (
        SELECT number, id FROM tries WHERE queue = ? AND NOT kept ORDER BY at DESC LIMIT ?)
"""
TRIES = """
    SELECT number, receives, queue, at, ms, status, error, instance, id, task FROM tries
    WHERE number = ? ORDER BY receives DESC LIMIT ?
"""
TIDY = """
    DELETE FROM tries WHERE kept AND NOT EXISTS (
        SELECT 1 FROM messages m WHERE m.number = tries.number AND m.queue <> tries.queue)
"""
