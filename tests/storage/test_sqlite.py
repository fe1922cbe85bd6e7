"""The store on SQLite: a kill at any moment, and queries that need no scan."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jackbean.core.applications import Application
from jackbean.core.errors import PortError
from jackbean.core.events import Event
from jackbean.ports.store import AddEvent, EnvironmentQuery, EventQuery, PutApplication
from jackbean.simulator.clock import VirtualClock
from jackbean.storage.conditions import Conditions, of_environments, of_events
from jackbean.storage.schema import migrate, scripts
from jackbean.storage.sqlite import EVENTS, SqliteStore

DEADLINE_S = 30
WRITERS = 4

# Each commit of a writer saves its number in three places, which must never be seen apart.
CHILD = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from jackbean.core.applications import Application
from jackbean.core.environments import Environment
from jackbean.core.events import Event
from jackbean.ports.store import AddEvent, PutApplication, PutDocument, PutEnvironment
from jackbean.simulator.clock import VirtualClock
from jackbean.storage.sqlite import SqliteStore

async def main():
    store = SqliteStore.open(Path(sys.argv[1]), VirtualClock())
    await store.commit([PutApplication(Application("app"))])
    async def writer(n):
        e = Environment(f"e-{n}", f"env-{n}", "app", "s", "arn", "", n)
        for number in range(10**6):
            await store.commit([
                PutEnvironment(replace(e, desired=number, revision=number)),
                PutDocument("number", e.id, str(number)),
                AddEvent(Event(str(number), environment_id=e.id)),
            ])
            print(n, number, flush=True)
    await asyncio.gather(*map(writer, range(int(sys.argv[2]))))

asyncio.run(main())
"""


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.parametrize("lines", [1, 37, 400])
def test_a_kill_loses_nothing_that_was_answered(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "records.db"
    argv = [sys.executable, "-c", CHILD, str(path), str(WRITERS)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        answered = [child.stdout.readline() for _ in range(lines)]
        os.kill(child.pid, signal.SIGKILL)
        answered += [line for line in child.stdout if line.endswith("\n")]
    last = dict.fromkeys(range(WRITERS), -1)
    for line in answered:
        writer, number = map(int, line.split())
        last[writer] = max(last[writer], number)
    asyncio.run(_check(path, last))


async def _check(path: Path, answered: dict[int, int]) -> None:
    store = SqliteStore.open(path, VirtualClock())
    documents = await store.documents("number")
    for writer, number in answered.items():
        id_ = f"e-{writer}"
        environment = await store.environment(id_)
        events = await store.events(EventQuery(environment_id=id_, limit=10**6))
        told = [int(event.message) for event in events]
        if environment is None:
            assert (number, told, documents.get(id_)) == (-1, [], None)
            continue
        saved = environment.desired
        assert number <= saved <= number + 1  # one more may have been on its way
        assert environment.revision == saved + 1
        assert documents[id_] == str(saved)
        assert told == list(range(saved, -1, -1))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    await store.close()


def test_what_was_stored_is_there_after_reopening(tmp_path: Path) -> None:
    path, clock = tmp_path / "records.db", VirtualClock(100.0)

    async def session(number: int) -> list[int]:
        store = SqliteStore.open(path, clock)
        await store.commit([PutApplication(Application(f"app-{number}")), AddEvent(Event("x"))])
        applications = await store.applications()
        assert [a.name for a in applications] == [f"app-{n}" for n in range(number + 1)]
        dates = [event.date_ms for event in await store.events(EventQuery())]
        await store.close()
        return dates

    assert [asyncio.run(session(n)) for n in range(3)] == [
        [100_000],
        [100_001, 100_000],
        [100_002, 100_001, 100_000],
    ]


def test_a_record_of_a_newer_program_is_told_by_name(tmp_path: Path) -> None:
    async def story() -> None:
        store = SqliteStore.open(tmp_path / "records.db", VirtualClock())
        await store.commit([PutApplication(Application("app"))])
        with closing(sqlite3.connect(tmp_path / "records.db", isolation_level=None)) as other:
            other.execute("""UPDATE applications SET body = '{"name": "app", "colour": 1}'""")
        with pytest.raises(PortError, match=r"Application app is stored .*unknown field 'colour'"):
            await store.applications()
        await store.close()

    asyncio.run(story())


def test_text_that_cannot_be_a_name_is_refused_and_the_store_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        store = SqliteStore.open(tmp_path / "records.db", VirtualClock())
        with pytest.raises(PortError, match=r"records\.db did not take a change: .*surrogates"):
            await store.commit([AddEvent(Event("x", environment="\ud800"))])
        with pytest.raises(PortError, match=r"records\.db cannot be read: .*surrogates"):
            await store.events(EventQuery(environment="\ud800"))
        await store.commit([AddEvent(Event("y"))])
        assert [event.message for event in await store.events(EventQuery())] == ["y"]
        await store.close()

    asyncio.run(story())


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, tmp_path / "none", scripts("records"))
        yield connection


def plan(connection: sqlite3.Connection, sql: str, found: Conditions) -> list[str]:
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", found.values).fetchall()
    return [str(row[3]) for row in rows]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (EventQuery(), "events_by_date"),
        (EventQuery(start_ms=5, end_ms=9), "events_by_date (date_ms>? AND date_ms<?)"),
        (EventQuery(application="a"), "events_by_application (application=?)"),
        (EventQuery(application="a", start_ms=5), "(application=? AND date_ms>?)"),
        (EventQuery(application="a", environment="e"), "events_by_environment (environment=?)"),
        (EventQuery(environment_id="e", start_ms=5), "events_by_scope (scope=? AND date_ms>?)"),
        (
            EventQuery("a", "e", "e-1", "v", "r", "p", start_ms=5),
            "events_by_request (request_id=? AND date_ms>?)",
        ),
        (EventQuery(platform_arn="p"), "events_by_date"),
    ],
)
def test_events_are_read_in_the_order_of_an_index(
    connection: sqlite3.Connection, query: EventQuery, index: str
) -> None:
    found = of_events(query)
    sql = f"{EVENTS} {found.where()} ORDER BY date_ms DESC, id DESC LIMIT 1000"
    (step,) = plan(connection, sql, found)  # a second step would be a sort
    assert index in step


def test_environments_that_ended_are_not_looked_at(connection: sqlite3.Connection) -> None:
    found = of_environments(EnvironmentQuery(application="a"))
    steps = plan(connection, f"SELECT body FROM environments {found.where()}", found)
    assert "environments_by_end (terminated_at=?)" in steps[0]
