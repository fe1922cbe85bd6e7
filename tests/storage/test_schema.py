"""From one schema version to the next."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from jackbean.core.errors import PortError
from jackbean.storage.schema import migrate, scripts

FIRST = "CREATE TABLE a (x INTEGER PRIMARY KEY); INSERT INTO a VALUES (1);"
SECOND = "ALTER TABLE a ADD COLUMN y TEXT; UPDATE a SET y = 'new'; -- the end"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def rows(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT * FROM a").fetchall()


def test_a_new_database_goes_all_the_way_without_a_copy(
    connection: sqlite3.Connection, path: Path
) -> None:
    migrate(connection, path, [FIRST, SECOND])
    assert version(connection) == 2
    assert rows(connection) == [(1, "new")]
    assert list(path.parent.iterdir()) == [path]
    migrate(connection, path, [FIRST, SECOND])
    assert rows(connection) == [(1, "new")]


def test_an_old_one_is_copied_before_it_goes_forward(
    connection: sqlite3.Connection, path: Path
) -> None:
    migrate(connection, path, [FIRST])
    copy = path.with_name("x.db.version-1")
    copy.write_text("of an attempt before")
    migrate(connection, path, [FIRST, SECOND])
    assert rows(connection) == [(1, "new")]
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as before:
        assert version(before) == 1
        assert rows(before) == [(1,)]
    assert {p.name for p in path.parent.iterdir()} == {"x.db", "x.db.version-1"}


def test_one_from_a_newer_program_is_refused_by_both_numbers(
    connection: sqlite3.Connection, path: Path
) -> None:
    migrate(connection, path, [FIRST, SECOND])
    before = path.read_bytes()
    with pytest.raises(PortError, match=r"schema version 2 and this program knows 1 at most"):
        migrate(connection, path, [FIRST])
    assert path.read_bytes() == before


def test_one_of_another_program_is_refused(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(PortError, match=r"x\.db is a database of another program"):
        migrate(connection, path, [FIRST])


def test_a_step_is_taken_whole_or_not_at_all(connection: sqlite3.Connection, path: Path) -> None:
    migrate(connection, path, [FIRST])
    with pytest.raises(sqlite3.OperationalError, match="nonsense"):
        migrate(connection, path, [FIRST, SECOND + "\nINSERT INTO nonsense VALUES (1)"])
    assert (version(connection), rows(connection)) == (1, [(1,)])
    migrate(connection, path, [FIRST, SECOND])
    assert rows(connection) == [(1, "new")]


def test_a_step_that_leaves_references_dangling_is_not_taken(
    connection: sqlite3.Connection, path: Path
) -> None:
    dangling = "CREATE TABLE b (x REFERENCES a (x)); INSERT INTO b VALUES (7);"
    with pytest.raises(PortError, match="schema version 2: a row of b refers to one of a"):
        migrate(connection, path, [FIRST, dangling])
    assert version(connection) == 1


def test_while_going_forward_nobody_else_writes(connection: sqlite3.Connection, path: Path) -> None:
    migrate(connection, path, [FIRST])
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
        connection.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            migrate(connection, path, [FIRST, SECOND])
    assert version(connection) == 1


def test_every_schema_of_ours_can_be_made(connection: sqlite3.Connection, path: Path) -> None:
    steps = scripts("records")
    assert steps
    migrate(connection, path, steps)
    assert version(connection) == len(steps)
