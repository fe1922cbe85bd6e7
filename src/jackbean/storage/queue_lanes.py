"""Lanes: the message groups of a FIFO queue, and from when on each of them is free.

Each function is a part of somebody's transaction on the writer's thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sqlite3 import Connection

from jackbean.ports.queues import Receipt


def open_lane(connection: Connection, queue: int, lane: str, free_ms: int) -> None:
    """Make sure of a lane; one that is there stays as it is."""
    connection.execute("INSERT OR IGNORE INTO lanes VALUES (?, ?, ?)", (queue, lane, free_ms))


def every_lane(connection: Connection, queue: int) -> list[str]:
    rows = connection.execute("SELECT lane FROM lanes WHERE queue = ?", (queue,))
    return [lane for (lane,) in rows]


def lanes_of(connection: Connection, receipts: Sequence[Receipt]) -> set[str | None]:
    """Return the lanes of messages that were handed out."""
    sql = "SELECT lane FROM messages WHERE number = ?"
    found = (connection.execute(sql, (receipt.number,)).fetchone() for receipt in receipts)
    return {row[0] for row in found if row}


def settle(connection: Connection, queue: int, lanes: Iterable[str | None]) -> None:
    """Work out when lanes are free, after something has happened to their messages."""
    for lane in {lane for lane in lanes if lane is not None}:
        values = {"queue": queue, "lane": lane}
        head = connection.execute(HEAD, values).fetchone()
        if head is None:
            connection.execute("DELETE FROM lanes WHERE queue = :queue AND lane = :lane", values)
            continue
        (last,) = connection.execute(LAST_RECEIVED, values).fetchone()
        values["free"] = max(head[0], last or 0)
        connection.execute("INSERT OR REPLACE INTO lanes VALUES (:queue, :lane, :free)", values)


HEAD = """
    SELECT visible FROM messages WHERE queue = :queue AND lane = :lane ORDER BY number LIMIT 1
"""
LAST_RECEIVED = """
    SELECT max(visible) FROM messages WHERE queue = :queue AND lane = :lane AND receives > 0
"""
