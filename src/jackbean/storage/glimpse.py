"""A look into the records while nobody serves them: nothing is made, locked or migrated."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from jackbean.core.environments import Environment
from jackbean.core.errors import PortError
from jackbean.storage.codec import load

LIVING = "SELECT body, name FROM environments WHERE terminated_at IS NULL ORDER BY position"
BUSY_S = 2.0


def living_environments(path: Path) -> list[Environment]:
    """Return the environments that are not terminated, as they were saved last.

    Raises PortError where the file cannot be read, or is from another version of the program.
    """
    if not path.exists():
        return []
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as connection:
            rows = connection.execute(LIVING).fetchall()
    except sqlite3.Error as error:
        raise PortError(f"{path} cannot be read: {error}") from error
    return [load(Environment, body, f"environment {name}") for body, name in rows]
