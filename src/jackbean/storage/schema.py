"""Bringing a database to the schema that this program knows.

A schema is a folder of numbered SQL files; its version is how many have been applied, and SQLite
keeps it in the file (`user_version`). Going back is not possible, so a copy is made before an
existing database goes forward, and one from a newer program is left alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from jackbean.core.errors import PortError
from jackbean.storage.durable import sync_directory, sync_file

Script = str


def scripts(folder: str) -> list[Script]:
    """Return the SQL of a folder in `jackbean.storage.migrations`, in the order of its numbers."""
    found = files("jackbean.storage.migrations").joinpath(folder).iterdir()
    numbered = sorted((file for file in found if file.name.endswith(".sql")), key=_name)
    return [file.read_text() for file in numbered]


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Script]) -> None:
    """Apply those of `steps` that the database at `path` lacks. Raises PortError, sqlite3.Error."""
    version = _version(connection)
    if version > len(steps):
        raise PortError(
            f"{path} has schema version {version} and this program knows {len(steps)} at most: "
            "start the program that last used it, or a newer one"
        )
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
        raise PortError(f"{path} is a database of another program: choose another path")
    if 0 < version < len(steps):
        _back_up(connection, path.with_name(f"{path.name}.version-{version}"))
    for number in range(version + 1, len(steps) + 1):
        _apply(connection, path, number, steps[number - 1])


def _name(file: Traversable) -> str:
    return file.name


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _apply(connection: sqlite3.Connection, path: Path, number: int, step: Script) -> None:
    """Apply one step, whole or not at all. References may dangle within it, but not after it."""
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        connection.executescript(f"BEGIN EXCLUSIVE;\n{step};\nPRAGMA user_version = {number};")
        dangling = connection.execute("PRAGMA foreign_key_check").fetchone()
        if dangling:
            raise PortError(
                f"{path} cannot go to schema version {number}: a row of {dangling[0]} refers to "
                f"one of {dangling[2]} that is not there; the database is as it was"
            )
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _back_up(connection: sqlite3.Connection, copy: Path) -> None:
    """Copy the database, readable by its owner only, on disk when it returns."""
    unfinished = copy.with_name(f"{copy.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    with closing(sqlite3.connect(unfinished)) as target:
        connection.backup(target)
    sync_file(unfinished)
    unfinished.replace(copy)
    sync_directory(copy.parent)
