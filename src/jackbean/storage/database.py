"""A SQLite file with one writer and several readers, for asyncio.

Write-ahead logging lets reads go on while a commit waits for the disk, and full synchronisation
means that a commit that was answered survives a power cut. A kill at any moment leaves the last
transaction that was on disk: there is nothing to repair.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar, cast

from jackbean.core.errors import PortError
from jackbean.storage.durable import sync_directory
from jackbean.storage.lock import Lock
from jackbean.storage.schema import Script, migrate
from jackbean.storage.writer import Writer

READERS = 4
BUSY_S = 5.0  # for somebody who looks into the file by hand
LOG_BYTES_KEPT = 16 << 20  # of the write-ahead log, after a burst

Result = TypeVar("Result")
# What SQLite raises, and what Python does for text and numbers that SQLite cannot hold.
REFUSALS = (sqlite3.Error, UnicodeEncodeError, OverflowError)


class Database:
    """Open with `Database.open`; `close` ends its threads and gives up its lock."""

    def __init__(self, path: Path, lock: Lock, connections: Sequence[sqlite3.Connection]) -> None:
        writing, *reading = connections
        self._path = path
        self._lock = lock
        self._writer: Writer | None = Writer(writing, str(path))
        self._pool = ThreadPoolExecutor(len(reading), thread_name_prefix=f"reads {path}")
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        for connection in reading:
            self._idle.put(connection)

    @classmethod
    def open(cls, path: Path, steps: Sequence[Script], *, readers: int = READERS) -> Self:
        """Open the file, making it where there is none, and bring it to the schema of `steps`.

        Raises PortError: it is in use, from a newer program, or no database. Blocks.
        """
        opened: list[sqlite3.Connection] = []
        path = path.absolute()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = Lock(path.with_name(f"{path.name}.lock"))
        except OSError as error:
            raise PortError(f"{path} cannot be opened: {error}") from error
        try:
            _make(path)
            opened.append(_connect(path, "rw"))
            migrate(opened[0], path, steps)
            _prepare(opened[0], path)
            opened.extend(_connect(path, "ro") for _ in range(readers))
            return cls(path, lock, opened)
        except BaseException as error:
            for connection in opened:
                connection.close()
            lock.release()
            if isinstance(error, (OSError, sqlite3.Error)):
                raise PortError(f"{path} cannot be opened: {error}") from error
            raise

    async def write(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what `work` returns once its transaction is on disk; it runs in another thread.

        What it raises undoes what it did, and nothing else. Raises PortError.
        """
        if self._writer is None:
            raise PortError(f"{self._path} is closed")
        try:
            return cast("Result", await asyncio.wrap_future(self._writer.submit(work)))
        except REFUSALS as error:
            raise PortError(f"{self._path} did not take a change: {error}") from error

    async def read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what `work` returns, run in another thread. Sees every commit that was answered.

        Raises PortError.
        """
        if self._writer is None:
            raise PortError(f"{self._path} is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, work)
        except REFUSALS as error:
            raise PortError(f"{self._path} cannot be read: {error}") from error

    async def close(self) -> None:
        """Finish the commits and reads that wait, then end; closing again does nothing."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await asyncio.to_thread(self._end, writer)

    def _read(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        connection = self._idle.get()
        try:
            return work(connection)
        finally:
            self._idle.put(connection)

    def _end(self, writer: Writer) -> None:
        self._pool.shutdown()
        while not self._idle.empty():
            self._idle.get().close()
        writer.close()
        self._lock.release()


def _make(path: Path) -> None:
    """Make an empty file that only its owner can read; what SQLite puts beside it follows."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(file, 0o600)
    finally:
        os.close(file)
    sync_directory(path.parent)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,  # transactions begin and end where we say so
        check_same_thread=False,  # each is used by one thread at a time
    )


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise PortError(f"{path} is on a file system without shared memory: choose a local disk")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES_KEPT}")
