"""The ledger of periodic tasks on SQLite, in the database of the queues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from sqlite3 import Connection, IntegrityError
from typing import Any

from jackbean.core.errors import Conflict
from jackbean.core.tasks import Task
from jackbean.ports.firings import KEPT, Firing, History, Letter, Run, State
from jackbean.schedules.accounts import Account, Decision, Fate, Sent, Skipped
from jackbean.storage import queue_messages
from jackbean.storage.codec import dump, load
from jackbean.storage.database import Database

MINUTE_MS = 60_000


class SqliteFirings:
    """`ports.firings.Firings`; the database is that of `SqliteQueues`, which closes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def account(self, environment: str) -> Account:
        return await self._database.read(partial(_account, environment))

    async def accounts(self) -> list[str]:
        return await self._database.read(_accounts)

    async def ahead(self, environment: str, after: int) -> list[Fate]:
        return await self._database.read(partial(_ahead, environment, after))

    async def save(self, decision: Decision, letters: Sequence[Letter], now_ms: int) -> None:
        await self._database.write(partial(_save, decision, tuple(letters), now_ms))

    async def run(self, run: Run, letter: Letter, now_ms: int) -> None:
        await self._database.write(partial(_send, run, letter, now_ms))

    async def history(self, wanted: History, now_ms: int) -> list[Firing]:
        return await self._database.read(partial(_history, wanted, now_ms))

    async def prune(self, environment: str, keep: int = KEPT) -> None:
        await self._database.write(partial(_prune, environment, keep))

    async def forget(self, environment: str) -> None:
        await self._database.write(partial(_forget, environment))


def _account(environment: str, connection: Connection) -> Account:
    sql = "SELECT body FROM accounts WHERE environment = ?"
    row = connection.execute(sql, (environment,)).fetchone()
    if row is None:
        return Account(environment)
    return load(Account, row[0], f"the account of periodic tasks of {environment}")


def _accounts(connection: Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT environment FROM accounts ORDER BY 1")]


def _ahead(environment: str, after: int, connection: Connection) -> list[Fate]:
    rows = connection.execute(AHEAD, (environment, after * MINUTE_MS)).fetchall()
    return [_fate(row) for row in rows]


def _fate(row: Any) -> Fate:
    task, url, schedule, at, last, count, release, reason = row
    found, minute = Task(task, url, schedule), at // MINUTE_MS
    if not reason:
        return Sent(found, minute, release)
    return Skipped(found, minute, last // MINUTE_MS, count, release, reason)


def _save(
    decision: Decision, letters: Sequence[Letter], now_ms: int, connection: Connection
) -> None:
    account = decision.account
    _save_account(account, connection)
    for void in decision.void:
        key = (account.environment, void.task.name, void.minute * MINUTE_MS)
        connection.execute("DELETE FROM firings WHERE environment = ? AND task = ? AND at = ?", key)
    for fate in decision.fates:
        if isinstance(fate, Skipped):
            _put_skipped(account.environment, fate, connection)
    for sent, letter in zip(decision.sent, letters, strict=True):
        at_ms = sent.minute * MINUTE_MS
        run = Run(account.environment, sent.task, sent.release, at_ms)
        _send(run, letter, now_ms, connection)


def _save_account(account: Account, connection: Connection) -> None:
    before = _account(account.environment, connection)
    if before.revision != account.revision:
        raise Conflict(f"periodic tasks of {account.environment}: somebody else decided meanwhile")
    saved = replace(account, revision=account.revision + 1)
    values = (account.environment, saved.revision, dump(saved))
    connection.execute("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?)", values)


def _put_skipped(environment: str, fate: Skipped, connection: Connection) -> None:
    at, last = fate.minute * MINUTE_MS, fate.last * MINUTE_MS
    task = fate.task
    row = (environment, task.name, at, last, fate.count, fate.release, task.url, task.schedule)
    if not connection.execute(PUT_SKIPPED, (*row, fate.reason)).rowcount:
        raise _sent_before(environment, task, at)


def _send(run: Run, letter: Letter, now_ms: int, connection: Connection) -> None:
    (kept,) = queue_messages.send(letter.queue, (letter.draft,), now_ms, connection)
    task, at = run.task, run.at_ms
    row = (run.environment, task.name, at, at, run.release, task.url, task.schedule)
    try:
        connection.execute(PUT_SENT, (*row, letter.queue, kept.number, kept.id))
    except IntegrityError:
        raise _sent_before(run.environment, task, at) from None


def _sent_before(environment: str, task: Task, at_ms: int) -> Conflict:
    return Conflict(f"task {task.name} of {environment} was sent for {at_ms} before")


def _history(wanted: History, now_ms: int, connection: Connection) -> list[Firing]:
    values = {
        "environment": wanted.environment,
        "task": wanted.task,
        "before": 2**62 if wanted.before_ms is None else wanted.before_ms,
        "limit": wanted.limit,
        "now": now_ms,
    }
    return [_firing(row) for row in connection.execute(HISTORY, values)]


def _firing(row: Any) -> Firing:
    task, url, schedule, at, last, count, release, reason, id_, number, state, receives = row
    return Firing(
        task=Task(task, url, schedule),
        at_ms=at,
        last_ms=last,
        count=count,
        release=release,
        state=State(state),
        reason=reason,
        message=id_,
        number=number,
        receives=receives,
    )


def _prune(environment: str, keep: int, connection: Connection) -> None:
    connection.execute(PRUNE, {"environment": environment, "keep": keep})


def _forget(environment: str, connection: Connection) -> None:
    for table in ("accounts", "firings"):
        connection.execute(f"DELETE FROM {table} WHERE environment = ?", (environment,))  # noqa: S608 - ours


FATE = "task, url, schedule, at, last, count, release, reason"
AHEAD = f"""
    SELECT {FATE} FROM firings
    WHERE environment = ? AND last > ? AND at % {MINUTE_MS} = 0 ORDER BY at, task
"""  # noqa: S608 - ours
PUT_SKIPPED = """
    INSERT INTO firings (environment, task, at, last, count, release, url, schedule, reason)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET last = excluded.last, count = excluded.count WHERE reason <> ''
"""
PUT_SENT = """
    INSERT INTO firings
        (environment, task, at, last, count, release, url, schedule, queue, number, id)
    VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)
"""
HISTORY = """
    SELECT f.task, f.url, f.schedule, f.at, f.last, f.count, f.release, f.reason, f.id, f.number,
        CASE
            WHEN f.reason <> '' THEN 'skipped'
            WHEN f.ended <> '' THEN f.ended
            WHEN m.number IS NULL THEN 'done'
            WHEN m.queue <> f.queue THEN 'dead'
            WHEN m.receives = 0 THEN 'waiting'
            WHEN m.visible > :now THEN 'running'
            ELSE 'failed'
        END,
        coalesce(m.receives, f.receives)
    FROM firings f LEFT JOIN messages m ON m.number = f.number
    WHERE f.environment = :environment AND :task IN ('', f.task) AND f.at < :before
    ORDER BY f.at DESC, f.task LIMIT :limit
"""
PRUNE = """
    DELETE FROM firings WHERE environment = :environment AND at <= (
        SELECT at FROM firings WHERE environment = :environment
        ORDER BY at DESC LIMIT 1 OFFSET :keep)
"""
