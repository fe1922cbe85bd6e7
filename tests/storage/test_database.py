"""One writer, several readers: who waits for whom, what fails alone, what is on disk."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackbean.core.errors import Conflict, PortError
from jackbean.storage import writer
from jackbean.storage.database import Database

STEPS = [
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT UNIQUE NOT NULL CHECK (text <> ''))"
]
DEADLINE_S = 20


def add(text: str) -> writer.Work:
    return lambda connection: connection.execute("INSERT INTO notes (text) VALUES (?)", (text,))


def notes(connection: sqlite3.Connection) -> list[str]:
    return [text for (text,) in connection.execute("SELECT text FROM notes ORDER BY id")]


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "notes.db"


@pytest.fixture
def database(runner: asyncio.Runner, path: Path) -> Iterator[Database]:
    database = Database.open(path, STEPS)
    yield database
    runner.run(database.close())


class Gate:
    """Work that holds the writer up until it is opened, so that other work waits behind it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, _: sqlite3.Connection) -> None:
        self.reached.set()
        assert self.opened.wait(DEADLINE_S)


async def behind_a_gate(database: Database, *works: writer.Work) -> list[object]:
    """Return the answers to `works`, which the writer takes up together."""
    gate = Gate()
    first = asyncio.create_task(database.write(gate))
    await asyncio.to_thread(gate.reached.wait, DEADLINE_S)
    rest = [asyncio.create_task(database.write(work)) for work in works]
    await asyncio.sleep(0)
    gate.opened.set()
    await first
    return await asyncio.gather(*rest, return_exceptions=True)


def test_every_commit_waits_for_the_disk(runner: asyncio.Runner, database: Database) -> None:
    def settings(connection: sqlite3.Connection) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names}

    full = 2
    found = runner.run(database.write(settings))
    assert found == {"journal_mode": "wal", "synchronous": full, "foreign_keys": 1}


def test_only_the_owner_may_read(path: Path, runner: asyncio.Runner, database: Database) -> None:
    runner.run(database.write(add("x")))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    modes = {p.name: p.stat().st_mode & 0o777 for p in path.parent.iterdir()}
    assert modes == dict.fromkeys(
        ("notes.db", "notes.db-wal", "notes.db-shm", "notes.db.lock"), 0o600
    )


def test_readers_cannot_write(runner: asyncio.Runner, database: Database) -> None:
    with pytest.raises(PortError, match="readonly"):
        runner.run(database.read(add("x")))


def test_reads_do_not_wait_for_writes_and_see_what_was_answered(
    runner: asyncio.Runner, database: Database
) -> None:
    async def story() -> list[str]:
        await database.write(add("answered"))
        gate = Gate()
        held_up = asyncio.create_task(database.write(gate))
        await asyncio.to_thread(gate.reached.wait, DEADLINE_S)
        waiting = asyncio.create_task(database.write(add("waiting")))
        seen = await asyncio.wait_for(database.read(notes), DEADLINE_S)
        gate.opened.set()
        await asyncio.gather(held_up, waiting)
        return seen

    assert runner.run(story()) == ["answered"]
    assert runner.run(database.read(notes)) == ["answered", "waiting"]


def test_commits_that_wait_together_share_one_transaction(
    runner: asyncio.Runner, database: Database
) -> None:
    seen: list[bool] = []

    def first(connection: sqlite3.Connection) -> None:
        add("1")(connection)
        connection.execute("CREATE TEMP TABLE shared (x)")

    def second(connection: sqlite3.Connection) -> None:
        seen.append(bool(connection.execute("SELECT 1 FROM temp.sqlite_schema").fetchone()))
        seen.append(notes(connection) == ["1"])
        connection.execute("DROP TABLE temp.shared")

    async def story() -> list[str]:
        during: list[str] = []

        def look(_: sqlite3.Connection) -> None:
            future = asyncio.run_coroutine_threadsafe(database.read(notes), loop)
            during.extend(future.result(DEADLINE_S))

        loop = asyncio.get_running_loop()
        await behind_a_gate(database, first, second, look)
        return during

    assert runner.run(story()) == []  # not answered yet, and not seen by readers yet
    assert seen == [True, True]


def test_one_that_fails_fails_alone(runner: asyncio.Runner, database: Database) -> None:
    def refused(connection: sqlite3.Connection) -> None:
        add("half")(connection)
        raise Conflict("not now")

    def broken(connection: sqlite3.Connection) -> None:
        add("a bug")(connection)
        raise ZeroDivisionError

    works = (add("a"), refused, add("b"), add("a"), broken, add("c"))
    answers = runner.run(behind_a_gate(database, *works))
    kinds = [type(a) for a in answers if isinstance(a, Exception)]
    assert kinds == [Conflict, PortError, ZeroDivisionError]
    assert "UNIQUE" in str(answers[3])
    assert runner.run(database.read(notes)) == ["a", "b", "c"]


def test_all_fail_where_the_transaction_they_share_is_lost(
    runner: asyncio.Runner, database: Database
) -> None:
    def lose(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT OR ROLLBACK INTO notes (text) VALUES ('')")

    answers = runner.run(behind_a_gate(database, add("a"), lose, add("b")))
    assert [type(a) for a in answers] == [PortError] * 3
    assert runner.run(database.read(notes)) == []
    runner.run(database.write(add("on it goes")))
    assert runner.run(database.read(notes)) == ["on it goes"]


def test_a_full_disk_is_told_and_passes(runner: asyncio.Runner, database: Database) -> None:
    def limit(pages: int) -> writer.Work:
        return lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    runner.run(database.write(add("before")))
    runner.run(database.write(limit(1)))
    with pytest.raises(PortError, match=r"notes\.db did not take a change: .*full"):
        runner.run(database.write(add("x" * 100_000)))
    runner.run(database.write(limit(1 << 20)))
    runner.run(database.write(add("after")))
    assert runner.run(database.read(notes)) == ["before", "after"]


def test_what_is_cancelled_in_time_leaves_no_trace(
    runner: asyncio.Runner, database: Database
) -> None:
    async def story() -> None:
        gate = Gate()
        held_up = asyncio.create_task(database.write(gate))
        await asyncio.to_thread(gate.reached.wait, DEADLINE_S)
        late = asyncio.create_task(database.write(add("cancelled")))
        await asyncio.sleep(0)
        late.cancel()
        with pytest.raises(asyncio.CancelledError):
            await late
        held_up.cancel()  # too late: it goes through, though nobody listens
        gate.opened.set()
        await database.write(add("told"))

    runner.run(story())
    assert runner.run(database.read(notes)) == ["told"]


def test_there_is_an_end_to_waiting(runner: asyncio.Runner, database: Database) -> None:
    async def story() -> None:
        gate = Gate()
        held_up = asyncio.create_task(database.write(gate))
        await asyncio.to_thread(gate.reached.wait, DEADLINE_S)
        crowd = [
            asyncio.create_task(database.write(add(f"{n}"))) for n in range(writer.WAITING_MAX)
        ]
        await asyncio.sleep(0)
        with pytest.raises(PortError, match="4096 commits waiting"):
            await database.write(add("one too many"))
        gate.opened.set()
        await asyncio.gather(held_up, *crowd)

    runner.run(story())
    assert len(runner.run(database.read(notes))) == writer.WAITING_MAX


def test_closing_finishes_what_waits(runner: asyncio.Runner, path: Path) -> None:
    async def story() -> None:
        database = Database.open(path, STEPS)
        tasks = [asyncio.create_task(database.write(add(f"{n}"))) for n in range(200)]
        await asyncio.sleep(0)
        await database.close()
        await asyncio.gather(*tasks)
        await database.close()
        with pytest.raises(PortError, match=r"notes\.db is closed"):
            await database.write(add("x"))
        with pytest.raises(PortError, match=r"notes\.db is closed"):
            await database.read(notes)

    runner.run(story())
    assert {p.name for p in path.parent.iterdir()} == {"notes.db", "notes.db.lock"}
    with sqlite3.connect(path) as connection:
        assert len(notes(connection)) == 200
    connection.close()


def test_a_second_opening_is_refused(runner: asyncio.Runner, path: Path) -> None:
    database = Database.open(path, STEPS)
    with pytest.raises(PortError, match=f"held by process {os.getpid()}: one control plane"):
        Database.open(path, STEPS)
    runner.run(database.close())
    runner.run(Database.open(path, STEPS).close())


HOLDER = """
import sys
from pathlib import Path
from jackbean.storage.database import Database
database = Database.open(Path(sys.argv[1]), [])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.timeout(DEADLINE_S)
def test_another_process_is_refused_until_the_first_is_dead(
    runner: asyncio.Runner, path: Path
) -> None:
    argv = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(PortError, match=f"held by process {holder.pid}:"):
            Database.open(path, [])
        holder.kill()
    runner.run(Database.open(path, []).close())


def test_a_failed_opening_gives_up_the_lock(runner: asyncio.Runner, path: Path) -> None:
    with pytest.raises(PortError, match=r"notes\.db cannot be opened: .*syntax error"):
        Database.open(path, ["CREATE NONSENSE"])
    runner.run(Database.open(path, STEPS).close())


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something else " * 100)
    with pytest.raises(PortError, match="not a database"):
        Database.open(path, STEPS)
    assert path.read_bytes() == b"something else " * 100


def test_a_path_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PortError, match=r"file/x\.db cannot be opened"):
        Database.open(tmp_path / "file" / "x.db", STEPS)


def test_names_that_mean_something_in_addresses_are_only_names(
    runner: asyncio.Runner, tmp_path: Path
) -> None:
    path = tmp_path / "a?mode=memory#%20&" / "notes.db"
    database = Database.open(path, STEPS)
    runner.run(database.write(add("x")))
    assert runner.run(database.read(notes)) == ["x"]
    runner.run(database.close())
    assert path.stat().st_size > 0
