"""The SQL of log events: each function is one transaction, or one read.

Every stream has its events in the order in which they are read, so that a page of one stream is a
walk along an index, and a page of many is a merge of such walks that stops when it is full.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from sqlite3 import Connection

from jackbean.ports.logs import OVERHEAD_BYTES, Claim, EventQuery, LogEvent

FILES_KEPT = 16  # of a path, whose ends are remembered
END = "SELECT position FROM ends WHERE log_group = ? AND source = ? AND path = ? AND file = ?"
FORGET_ENDS = """
    DELETE FROM ends WHERE log_group = ?1 AND source = ?2 AND path = ?3 AND file NOT IN (
        SELECT file FROM ends WHERE log_group = ?1 AND source = ?2 AND path = ?3
        ORDER BY number DESC LIMIT ?4
    )
"""
OLDEST = """
    SELECT at_ms, number, length(CAST(text AS BLOB)) + ? FROM events
    WHERE stream = ? AND at_ms < ? ORDER BY at_ms, number LIMIT ?
"""
Row = tuple[int, int, int, str, str]  # at, number, taken, text, the stream's name


def append(
    place: tuple[str, str], events: Sequence[LogEvent], claim: Claim | None, connection: Connection
) -> int | None:
    sql = "SELECT id FROM streams WHERE log_group = ? AND name = ?"
    found = connection.execute(sql, place).fetchone()
    if found is None:
        return None
    (last,) = connection.execute("SELECT last FROM counter").fetchone()
    if claim:
        elsewhere = _taken(place[0], claim, last, connection)
        if elsewhere is not None:
            return elsewhere
    _insert(found[0], events, last, connection)
    return claim.end if claim else last + len(events)


def _taken(group: str, claim: Claim, number: int, connection: Connection) -> int | None:
    """Note how far a file is taken; where the claim begins elsewhere, return how far it was."""
    path = (group, claim.source, claim.path)
    known = connection.execute(END, (*path, claim.file)).fetchone()
    if known and known[0] != claim.start:
        return int(known[0])
    sql = "INSERT OR REPLACE INTO ends VALUES (?, ?, ?, ?, ?, ?)"
    connection.execute(sql, (*path, claim.file, claim.end, number))
    if not known:
        connection.execute(FORGET_ENDS, (*path, FILES_KEPT))
    return None


def _insert(stream: int, events: Sequence[LogEvent], last: int, connection: Connection) -> None:
    if not events:
        return
    numbered = enumerate(events, last + 1)
    rows = ((stream, one.at_ms, number, one.taken_ms, one.text) for number, one in numbered)
    connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("UPDATE counter SET last = ?", (last + len(events),))
    size, taken = sum(one.size for one in events), max(one.taken_ms for one in events)
    sql = (
        "UPDATE streams SET size = size + ?, taken_ms = max(?, coalesce(taken_ms, 0)) WHERE id = ?"
    )
    connection.execute(sql, (size, taken, stream))


def read(query: EventQuery, connection: Connection) -> list[LogEvent]:
    sql = "SELECT id, name FROM streams WHERE log_group = ?"
    streams = connection.execute(sql, (query.group,)).fetchall()
    wanted = None if query.streams is None else frozenset(query.streams)
    walks = [
        _walk(query, id_, name, connection)
        for id_, name in streams
        if wanted is None or name in wanted
    ]
    found: list[LogEvent] = []
    size = 0
    for at, number, taken, text, name in heapq.merge(
        *walks, key=lambda row: row[:2], reverse=query.newest_first
    ):
        one = LogEvent(at, text, taken, name, number)
        size += one.size
        if found and size > query.bytes_max:
            break
        found.append(one)
        if len(found) >= query.limit:
            break
    return found


def _walk(query: EventQuery, stream: int, name: str, connection: Connection) -> Iterator[Row]:
    """Return the events of one stream, fetched as they are asked for."""
    bounds, values = ["stream = ?"], [stream]
    for bound, instant in (("at_ms >= ?", query.since_ms), ("at_ms < ?", query.until_ms)):
        if instant is not None:
            bounds.append(bound)
            values.append(instant)
    for bound, mark in ((">", query.after), ("<", query.before)):
        if mark is not None:
            bounds.append(f"(at_ms, number) {bound} (?, ?)")
            values.extend(mark)
    order = "DESC" if query.newest_first else "ASC"
    sql = (
        f"SELECT at_ms, number, taken_ms, text FROM events WHERE {' AND '.join(bounds)} "  # noqa: S608 - of constants
        f"ORDER BY at_ms {order}, number {order} LIMIT ?"
    )
    for row in connection.execute(sql, (*values, query.limit)):
        yield (*row, name)


# Removal


def drop_group(name: str, connection: Connection) -> None:
    sql = "SELECT id FROM streams WHERE log_group = ?"
    ids = connection.execute(sql, (name,)).fetchall()
    connection.executemany("DELETE FROM events WHERE stream = ?", ids)
    connection.execute("DELETE FROM streams WHERE log_group = ?", (name,))
    connection.execute("DELETE FROM ends WHERE log_group = ?", (name,))
    connection.execute("DELETE FROM log_groups WHERE name = ?", (name,))


def drop_stream(group: str, name: str, connection: Connection) -> bool:
    sql = "DELETE FROM streams WHERE log_group = ? AND name = ? RETURNING id"
    found = connection.execute(sql, (group, name)).fetchall()
    connection.executemany("DELETE FROM events WHERE stream = ?", found)
    return bool(found)


def expire(group: str, before_ms: int, limit: int, connection: Connection) -> int:
    removed = 0
    sql = "SELECT id FROM streams WHERE log_group = ? ORDER BY id"
    for (stream,) in connection.execute(sql, (group,)).fetchall():
        if removed < limit:
            removed += _remove(stream, before_ms, limit - removed, connection)
    return removed


def shrink(group: str, bytes_max: int, limit: int, connection: Connection) -> int:
    """Remove the oldest events, as many as a stream has before the oldest of another at a time."""
    removed = 0
    while removed < limit:
        sql = "SELECT coalesce(sum(size), 0) FROM streams WHERE log_group = ?"
        (size,) = connection.execute(sql, (group,)).fetchone()
        oldest = _oldest(group, connection) if size > bytes_max else None
        if oldest is None:
            break
        most = min(limit - removed, (size - bytes_max) // OVERHEAD_BYTES + 1)
        removed += _remove(*oldest, most, connection, size - bytes_max)
    return removed


def _oldest(group: str, connection: Connection) -> tuple[int, int] | None:
    """Return the stream with the oldest event, and before when it may be taken from."""
    sql = """
        SELECT id, (SELECT min(at_ms) FROM events WHERE stream = streams.id) AS first_ms
        FROM streams WHERE log_group = ? AND first_ms IS NOT NULL ORDER BY first_ms LIMIT 2
    """
    rows = connection.execute(sql, (group,)).fetchall()
    if not rows:
        return None
    until = rows[1][1] if len(rows) > 1 else 2**62
    return rows[0][0], max(until, rows[0][1] + 1)


def _remove(
    stream: int, before_ms: int, limit: int, connection: Connection, excess: int | None = None
) -> int:
    """Remove the oldest events of a stream: up to `limit`, or until `excess` bytes are gone."""
    last, size, count = (0, 0), 0, 0
    chosen = (OVERHEAD_BYTES, stream, before_ms, limit)
    for at, number, bytes_ in connection.execute(OLDEST, chosen):
        last, size, count = (at, number), size + bytes_, count + 1
        if excess is not None and size >= excess:
            break
    if count:
        sql = "DELETE FROM events WHERE stream = ? AND (at_ms, number) <= (?, ?)"
        connection.execute(sql, (stream, *last))
        connection.execute("UPDATE streams SET size = size - ? WHERE id = ?", (size, stream))
    return count
