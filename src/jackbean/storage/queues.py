"""Queues on SQLite, in a database of their own: messages must not wait for deployments.

The records of queues are kept in memory, too: every request needs one, and nobody else writes to
the file while this process has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Self

from jackbean.ports.ledger import KEPT
from jackbean.ports.queues import (
    Counts,
    Draft,
    Haul,
    Kept,
    Move,
    Outcome,
    Queue,
    QueueRefusal,
    QueueRefused,
    Receipt,
    Transfer,
    Transferred,
    Wanted,
)
from jackbean.storage import queue_messages
from jackbean.storage.codec import dump, load
from jackbean.storage.database import Database
from jackbean.storage.firings import SqliteFirings
from jackbean.storage.ledger import SqliteLedger
from jackbean.storage.schema import scripts

MOVES_KEPT = 10  # of one queue


class SqliteQueues:
    """`ports.queues.Queues` in a SQLite file. Several tasks may use it at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Queue] | None = None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the database, making it or bringing it up to date. Blocks. Raises PortError."""
        return cls(Database.open(path, scripts("queues")))

    def firings(self) -> SqliteFirings:
        """Return the ledger of periodic tasks, which is kept in the same file."""
        return SqliteFirings(self._database)

    def ledger(self, kept: int = KEPT) -> SqliteLedger:
        """Return the ledger of messages, which is kept in the same file."""
        return SqliteLedger(self._database, kept)

    async def close(self) -> None:
        await self._database.close()

    # Queues

    async def queue(self, name: str) -> Queue | None:
        return (await self._all()).get(name)

    async def queues(self) -> list[Queue]:
        known = await self._all()
        return [known[name] for name in sorted(known)]

    async def add_queue(self, queue: Queue) -> Queue:
        known = await self._all()
        made = await self._database.write(partial(_add_queue, queue))
        known[made.name] = made
        return made

    async def save_queue(self, queue: Queue) -> None:
        known = await self._all()
        await self._database.write(partial(_save_queue, queue))
        known[queue.name] = queue

    async def drop_queue(self, key: int) -> None:
        known = await self._all()
        name = await self._database.write(partial(_drop_queue, key))
        known.pop(name, None)
        await self._sweep()

    async def _all(self) -> dict[str, Queue]:
        if self._known is None:
            await self._sweep()  # what a former run has not finished
            found = await self._database.read(_queues)
            if self._known is None:
                self._known = {queue.name: queue for queue in found}
        return self._known

    async def _sweep(self) -> None:
        while await self._database.write(queue_messages.sweep):
            pass

    # Messages

    async def send(self, queue: int, drafts: Sequence[Draft], now_ms: int) -> list[Kept]:
        work = partial(queue_messages.send, queue, tuple(drafts), now_ms)
        return await self._database.write(work)

    async def receive(self, wanted: Wanted) -> Haul:
        return await self._database.write(partial(queue_messages.receive, wanted))

    async def put_back(self, queue: int, receipts: Sequence[Receipt], now_ms: int) -> None:
        work = partial(queue_messages.put_back, queue, tuple(receipts), now_ms)
        await self._database.write(work)

    async def delete(
        self, queue: int, receipts: Sequence[Receipt], held_at_ms: int | None = None
    ) -> list[Outcome]:
        work = partial(queue_messages.delete, queue, tuple(receipts), held_at_ms)
        return await self._database.write(work)

    async def hold(
        self, queue: int, holds: Sequence[tuple[Receipt, int]], now_ms: int
    ) -> list[Outcome]:
        work = partial(queue_messages.hold, queue, tuple(holds), now_ms)
        return await self._database.write(work)

    async def purge(self, queue: int) -> None:
        last = await self._database.write(partial(_last, queue))
        while await self._database.write(partial(queue_messages.purge, queue, last)):
            pass

    async def expire(self, queue: int, oldest_ms: int) -> int:
        total = 0
        work = partial(queue_messages.expire, queue, oldest_ms)
        while count := await self._database.write(work):
            total += count
        return total

    async def delay(self, queue: int, by_ms: int) -> None:
        await self._database.write(partial(queue_messages.delay, queue, by_ms))

    async def counts(self, queue: int, now_ms: int) -> Counts:
        return await self._database.read(partial(_counts, queue, now_ms))

    # Moves

    async def transfer(self, transfer: Transfer) -> Transferred:
        return await self._database.write(partial(queue_messages.transfer, transfer))

    async def moves(self, source: str = "") -> list[Move]:
        return await self._database.read(partial(_moves, source))

    async def save_move(self, move: Move) -> None:
        await self._database.write(partial(_save_move, move))


HIDDEN = """
    SELECT coalesce(sum(receives > 0), 0), coalesce(sum(receives = 0), 0)
    FROM messages WHERE queue = :queue AND visible > :now
"""
MOVES = "SELECT body FROM moves WHERE :source IN ('', source) ORDER BY started DESC, handle"
OLD_MOVES = """
    DELETE FROM moves WHERE handle IN (
        SELECT handle FROM moves WHERE source = ? ORDER BY started DESC LIMIT -1 OFFSET ?)
"""


def _queues(connection: Connection) -> list[Queue]:
    rows = connection.execute("SELECT name, body FROM queues").fetchall()
    return [load(Queue, body, f"queue {name}") for name, body in rows]


def _add_queue(queue: Queue, connection: Connection) -> Queue:
    if connection.execute("SELECT 1 FROM queues WHERE name = ?", (queue.name,)).fetchone():
        raise QueueRefused(QueueRefusal.TAKEN)
    sql = "INSERT INTO queues (name, body) VALUES (?, '')"
    made = replace(queue, key=int(connection.execute(sql, (queue.name,)).lastrowid or 0))
    _save_queue(made, connection)
    return made


def _save_queue(queue: Queue, connection: Connection) -> None:
    sql = "UPDATE queues SET body = ? WHERE key = ?"
    if not connection.execute(sql, (dump(queue), queue.key)).rowcount:
        raise QueueRefused(QueueRefusal.ABSENT)


def _drop_queue(key: int, connection: Connection) -> str:
    row = connection.execute("DELETE FROM queues WHERE key = ? RETURNING name", (key,)).fetchone()
    if row is None:
        raise QueueRefused(QueueRefusal.ABSENT)
    connection.execute("INSERT INTO dropped VALUES (?)", (key,))
    return str(row[0])


def _last(queue: int, connection: Connection) -> int:
    """Return the highest number of a message so far."""
    sql = "SELECT coalesce(max(number), 0) FROM messages WHERE queue = ?"
    (last,) = connection.execute(sql, (queue,)).fetchone()
    return int(last)


def _counts(queue: int, now_ms: int, connection: Connection) -> Counts:
    values = {"queue": queue, "now": now_ms}
    sql = "SELECT count(*) FROM messages WHERE queue = :queue AND visible <= :now"
    (visible,) = connection.execute(sql, values).fetchone()
    held, delayed = connection.execute(HIDDEN, values).fetchone()
    sql = "SELECT min(sent) FROM messages WHERE queue = :queue"
    (oldest,) = connection.execute(sql, values).fetchone()
    return Counts(visible, held, delayed, oldest)


def _moves(source: str, connection: Connection) -> list[Move]:
    rows = connection.execute(MOVES, {"source": source}).fetchall()
    return [load(Move, body, "a move of messages") for (body,) in rows]


def _save_move(move: Move, connection: Connection) -> None:
    row = (move.handle, move.source, move.started, dump(move))
    connection.execute("INSERT OR REPLACE INTO moves VALUES (?, ?, ?, ?)", row)
    connection.execute(OLD_MOVES, (move.source, MOVES_KEPT))
