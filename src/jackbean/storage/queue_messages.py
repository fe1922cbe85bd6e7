"""What is done to messages, in SQL: each function is one transaction on the writer's thread."""

from __future__ import annotations

import json
from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from jackbean.ports.queues import (
    ATTEMPTS_MS,
    DUPLICATES_MS,
    HELD_MS_MAX,
    DeadLetters,
    Draft,
    Haul,
    Kept,
    Message,
    Outcome,
    QueueRefusal,
    QueueRefused,
    Receipt,
    Transfer,
    Transferred,
    Wanted,
)
from jackbean.storage.queue_lanes import every_lane, lanes_of, open_lane, settle

SWEPT_MAX = 1000  # messages forgotten in one transaction, so that others need not wait for all
DIED_MAX = 100  # dead letters in one transaction


def require_queue(connection: Connection, key: int) -> None:
    if connection.execute("SELECT 1 FROM queues WHERE key = ?", (key,)).fetchone() is None:
        raise QueueRefused(QueueRefusal.ABSENT)


# Sending


def send(queue: int, drafts: Sequence[Draft], now_ms: int, connection: Connection) -> list[Kept]:
    require_queue(connection, queue)
    if any(draft.token for draft in drafts):
        connection.execute(FORGET_TOKENS, (queue, now_ms - DUPLICATES_MS))
    if any(draft.token or draft.lane is not None for draft in drafts):
        return [_keep(connection, queue, draft, now_ms) for draft in drafts]
    return _keep_all(connection, queue, drafts, now_ms)


def _keep_all(
    connection: Connection, queue: int, drafts: Sequence[Draft], now_ms: int
) -> list[Kept]:
    """Keep messages that nothing is to be looked up for: in two statements, numbered beforehand."""
    row = connection.execute(LAST_NUMBER).fetchone()
    numbered = list(enumerate(drafts, (row[0] if row else 0) + 1))
    rows = [(number, queue, d.id, now_ms, d.visible_ms) for number, d in numbered]
    connection.executemany(INSERT_NUMBERED, rows)
    bodies = [(number, d.body, d.attributes, d.system, d.token) for number, d in numbered]
    connection.executemany(INSERT_BODY, bodies)
    return [Kept(d.id, number, fresh=True) for number, d in numbered]


def _keep(connection: Connection, queue: int, draft: Draft, now_ms: int) -> Kept:
    execute = connection.execute
    if draft.token:
        known = execute(KNOWN_TOKEN, (queue, draft.scope, draft.token)).fetchone()
        if known:
            id_, number = known
            return Kept(id_, number, fresh=False)
    number = _insert(connection, (queue, draft.id, draft.lane, now_ms, draft.visible_ms))
    execute(INSERT_BODY, (number, draft.body, draft.attributes, draft.system, draft.token))
    if draft.token:
        token = (queue, draft.scope, draft.token, now_ms, draft.id, number)
        execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)", token)
    if draft.lane is not None:
        open_lane(connection, queue, draft.lane, draft.visible_ms)
    return Kept(draft.id, number, fresh=True)


def _insert(connection: Connection, row: tuple[int, str, str | None, int, int]) -> int:
    return int(connection.execute(INSERT, row).lastrowid or 0)


# Receiving


def receive(wanted: Wanted, connection: Connection) -> Haul:
    expire(wanted.queue, wanted.oldest_ms, connection)
    if wanted.attempt:
        again = _again(wanted, connection)
        if again is not None:
            return again
    died, found = 0, _candidates(wanted, connection)
    if wanted.dead:
        found, died = _without_dead(wanted, wanted.dead, found, connection)
    messages = _hand_out(found, wanted, connection)
    if wanted.fifo:
        settle(connection, wanted.queue, (m.lane for m in messages))
    if wanted.attempt and messages:
        _note_attempt(wanted, messages, connection)
    return Haul(messages, _due(wanted, connection), died)


def _candidates(wanted: Wanted, connection: Connection) -> list[Any]:
    """Return the rows of the messages to hand out next."""
    found: list[Any] = []
    if not wanted.fifo:
        return connection.execute(VISIBLE, (wanted.queue, wanted.now_ms, wanted.limit)).fetchall()
    free = connection.execute(FREE_LANES, (wanted.queue, wanted.now_ms, wanted.limit)).fetchall()
    for (lane,) in free:
        left = wanted.limit - len(found)
        if left:
            found += connection.execute(OF_LANE, (wanted.queue, lane, wanted.now_ms, left))
    return found


def _without_dead(
    wanted: Wanted, dead: DeadLetters, found: list[Any], connection: Connection
) -> tuple[list[Any], int]:
    """Bury what has been handed out too often, and look again: others may have come to the fore."""
    died = 0
    while any(_worn(row, dead) for row in found) and died < DIED_MAX:
        worn = [row for row in found if _worn(row, dead)]
        moved = [(dead.queue, wanted.now_ms, dead.source, row[0]) for row in worn]
        connection.executemany(BURY, moved)
        died += len(worn)
        if wanted.fifo:
            lanes = {row[2] for row in worn}
            connection.executemany(RESEND, [(wanted.now_ms, row[0]) for row in worn])
            settle(connection, wanted.queue, lanes)
            settle(connection, dead.queue, lanes)
        found = _candidates(wanted, connection)
    return [row for row in found if not _worn(row, dead)], died


def _worn(row: Any, dead: DeadLetters) -> bool:
    receives, carried = row[5], row[6]
    return bool(receives - carried >= dead.receives_max)


def _hand_out(rows: Sequence[Any], wanted: Wanted, connection: Connection) -> tuple[Message, ...]:
    now = wanted.now_ms
    messages = tuple(_handed(row, now) for row in rows)
    held = [(now + wanted.hold_ms, m.first_ms, now, m.number) for m in messages]
    connection.executemany(HAND_OUT, held)
    return messages


def _handed(row: Any, now_ms: int) -> Message:
    """Return the message of a row as somebody gets it now."""
    number, id_, lane, sent, first, receives, _, source, body, attributes, system, token = row
    return Message(
        number=number,
        id=id_,
        body=body,
        attributes=attributes,
        system=system,
        sent_ms=sent,
        first_ms=first or now_ms,
        receives=receives + 1,
        lane=lane,
        token=token,
        source=source,
    )


def _due(wanted: Wanted, connection: Connection) -> int | None:
    (due,) = connection.execute(NEXT_FREE if wanted.fifo else NEXT, (wanted.queue,)).fetchone()
    return None if due is None else int(due)


def _again(wanted: Wanted, connection: Connection) -> Haul | None:
    """Return what an attempt got before, if nothing has happened to it since."""
    since = wanted.now_ms - ATTEMPTS_MS
    connection.execute("DELETE FROM attempts WHERE queue = ? AND at <= ?", (wanted.queue, since))
    sql = "SELECT receipts FROM attempts WHERE queue = ? AND attempt = ?"
    noted = connection.execute(sql, (wanted.queue, wanted.attempt)).fetchone()
    if noted is None:
        return None
    rows = []
    for number, receives in json.loads(noted[0]):
        values = (number, wanted.queue, receives, wanted.now_ms)
        row = connection.execute(STILL_HELD, values).fetchone()
        if row is None:
            return None
        rows.append((*row[:5], receives - 1, *row[6:]))
    before = [(number,) for number, *_ in rows]
    connection.executemany("UPDATE messages SET receives = receives - 1 WHERE number = ?", before)
    messages = _hand_out(rows, wanted, connection)
    settle(connection, wanted.queue, (m.lane for m in messages))
    return Haul(messages, _due(wanted, connection))


def _note_attempt(wanted: Wanted, messages: Sequence[Message], connection: Connection) -> None:
    receipts = json.dumps([(m.number, m.receives) for m in messages])
    values = (wanted.queue, wanted.attempt, wanted.now_ms, receipts)
    connection.execute("INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)", values)


def put_back(queue: int, receipts: Sequence[Receipt], now_ms: int, connection: Connection) -> None:
    for receipt in receipts:
        values = (now_ms, receipt.number, queue, receipt.receives)
        connection.execute(PUT_BACK, values)
    settle(connection, queue, lanes_of(connection, receipts))


# What is done to a message that was handed out


def delete(
    queue: int, receipts: Sequence[Receipt], held_at_ms: int | None, connection: Connection
) -> list[Outcome]:
    outcomes, lanes, over = [], set(), []
    for receipt in receipts:
        outcome, lane = _look(queue, receipt, held_at_ms, connection)
        outcomes.append(outcome)
        if outcome is Outcome.DONE:
            over.append((receipt.number,))
            lanes.add(lane)
    _forget(connection, over)
    settle(connection, queue, lanes)
    return outcomes


def hold(
    queue: int, holds: Sequence[tuple[Receipt, int]], now_ms: int, connection: Connection
) -> list[Outcome]:
    outcomes, lanes = [], set()
    for receipt, hold_ms in holds:
        outcome, lane = _look(queue, receipt, now_ms, connection)
        if outcome is Outcome.DONE:
            values = (now_ms + hold_ms, receipt.number, now_ms + hold_ms - HELD_MS_MAX)
            if not connection.execute(HOLD, values).rowcount:
                outcome = Outcome.TOO_LONG
            lanes.add(lane)
        outcomes.append(outcome)
    settle(connection, queue, lanes)
    return outcomes


def _look(
    queue: int, receipt: Receipt, held_at_ms: int | None, connection: Connection
) -> tuple[Outcome, str | None]:
    """Return whether a receipt holds, and the lane of its message."""
    sql = "SELECT receives, visible, lane FROM messages WHERE number = ? AND queue = ?"
    row = connection.execute(sql, (receipt.number, queue)).fetchone()
    if row is None:
        return Outcome.GONE, None
    receives, visible, lane = row
    if receives != receipt.receives:
        return Outcome.STALE, lane
    if held_at_ms is not None and visible <= held_at_ms:
        return Outcome.VISIBLE, lane
    return Outcome.DONE, lane


# Forgetting


def expire(queue: int, oldest_ms: int, connection: Connection) -> int:
    """Forget some messages that were sent before, and return how many."""
    rows = connection.execute(EXPIRED, (queue, oldest_ms, SWEPT_MAX)).fetchall()
    return _sweep(connection, queue, rows, "expired")


def purge(queue: int, last: int, connection: Connection, how: str = "purged") -> int:
    """Forget some messages with a number up to `last`, and return how many."""
    rows = connection.execute(UP_TO, (queue, last, SWEPT_MAX)).fetchall()
    return _sweep(connection, queue, rows, how)


def sweep(connection: Connection) -> bool:
    """Forget some of what queues that are gone have left, and return whether there is more."""
    gone = connection.execute("SELECT queue FROM dropped LIMIT 1").fetchone()
    if gone is None:
        return False
    if not purge(gone[0], 2**62, connection, "dropped"):
        for table in ("tokens", "attempts", "tries", "dropped"):
            connection.execute(f"DELETE FROM {table} WHERE queue = ?", gone)  # noqa: S608 - ours
    return True


def _sweep(
    connection: Connection, queue: int, rows: Sequence[tuple[int, str | None]], how: str
) -> int:
    if rows:
        ended = [{"queue": queue, "number": number, "how": how} for number, _ in rows]
        connection.executemany(END_FIRING, ended)
        _forget(connection, [(number,) for number, _ in rows])
        settle(connection, queue, {lane for _, lane in rows})
    return len(rows)


def _forget(connection: Connection, numbers: Sequence[tuple[int]]) -> None:
    connection.executemany("DELETE FROM messages WHERE number = ?", numbers)
    connection.executemany("DELETE FROM bodies WHERE number = ?", numbers)


# Sending on


def transfer(wanted: Transfer, connection: Connection) -> Transferred:
    rows = connection.execute(VISIBLE, (wanted.queue, wanted.now_ms, len(wanted.ids))).fetchall()
    count, lost, targets, lanes = 0, False, set(), set()
    for id_, row in zip(wanted.ids, rows, strict=False):
        number, lane, source = row[0], row[2], row[7]
        target = wanted.target or (wanted.origins or {}).get(source)
        if target is None:
            lost = True
            break
        _send_on(connection, number, (target, id_, lane, wanted.now_ms))
        lanes.add(lane)
        targets.add(target)
        count += 1
    settle(connection, wanted.queue, lanes)
    return Transferred(count, lost, frozenset(targets))


def _send_on(connection: Connection, old: int, to: tuple[int, str, str | None, int]) -> None:
    """Make a message one that was sent just now, with a number of its own."""
    target, id_, lane, now_ms = to
    new = _insert(connection, (target, id_, lane, now_ms, now_ms))
    connection.execute("UPDATE bodies SET number = ? WHERE number = ?", (new, old))
    connection.execute("DELETE FROM messages WHERE number = ?", (old,))
    connection.execute(MOVE_FIRING, (new, id_, target, old))
    if lane is not None:
        open_lane(connection, target, lane, now_ms)


def delay(queue: int, by_ms: int, connection: Connection) -> None:
    sql = "UPDATE messages SET visible = sent + ? WHERE queue = ? AND receives = 0"
    connection.execute(sql, (by_ms, queue))
    settle(connection, queue, every_lane(connection, queue))


ROW = "number, id, lane, sent, first, receives, carried, source, body, attributes, system, token"
INSERT_NUMBERED = """
    INSERT INTO messages (number, queue, id, sent, visible) VALUES (?, ?, ?, ?, ?)
"""
INSERT_BODY = "INSERT INTO bodies VALUES (?, ?, ?, ?, ?)"
LAST_NUMBER = "SELECT seq FROM sqlite_sequence WHERE name = 'messages'"
INSERT = "INSERT INTO messages (queue, id, lane, sent, visible) VALUES (?, ?, ?, ?, ?)"
KNOWN_TOKEN = "SELECT id, number FROM tokens WHERE queue = ? AND scope = ? AND token = ?"  # noqa: S105 - SQL
FORGET_TOKENS = "DELETE FROM tokens WHERE queue = ? AND at <= ?"
VISIBLE = f"""
    SELECT {ROW} FROM messages JOIN bodies USING (number)
    WHERE queue = ? AND visible <= ? ORDER BY visible, number LIMIT ?
"""  # noqa: S608 - ours
FREE_LANES = "SELECT lane FROM lanes WHERE queue = ? AND free <= ? ORDER BY free, lane LIMIT ?"
OF_LANE = f"""
    SELECT {ROW} FROM messages JOIN bodies USING (number)
    WHERE queue = ? AND lane = ? AND visible <= ? ORDER BY number LIMIT ?
"""  # noqa: S608 - ours
STILL_HELD = f"""
    SELECT {ROW} FROM messages JOIN bodies USING (number)
    WHERE number = ? AND queue = ? AND receives = ? AND visible > ?
"""  # noqa: S608 - ours
NEXT = "SELECT min(visible) FROM messages WHERE queue = ?"
NEXT_FREE = "SELECT min(free) FROM lanes WHERE queue = ?"
HAND_OUT = """
    UPDATE messages SET visible = ?, first = ?, received = ?, receives = receives + 1
    WHERE number = ?
"""
BURY = """
    UPDATE messages SET queue = ?, visible = ?, source = ?, carried = receives WHERE number = ?
"""
RESEND = "UPDATE messages SET sent = ? WHERE number = ?"
PUT_BACK = """
    UPDATE messages
    SET visible = ?, first = CASE receives WHEN 1 THEN 0 ELSE first END, receives = receives - 1
    WHERE number = ? AND queue = ? AND receives = ?
"""
HOLD = "UPDATE messages SET visible = ? WHERE number = ? AND received >= ?"
EXPIRED = "SELECT number, lane FROM messages WHERE queue = ? AND sent < ? LIMIT ?"
UP_TO = "SELECT number, lane FROM messages WHERE queue = ? AND number <= ? LIMIT ?"
END_FIRING = """
    UPDATE firings SET ended = CASE queue WHEN :queue THEN :how ELSE 'dead' END,
        receives = (SELECT receives FROM messages WHERE messages.number = :number)
    WHERE number = :number
"""
MOVE_FIRING = "UPDATE firings SET number = ?, id = ?, queue = ? WHERE number = ?"
