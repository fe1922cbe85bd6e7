"""The one thread that writes to a database.

Waiting for the disk is what a commit costs, so commits that wait together share one transaction and
one wait: each runs in a savepoint of its own, so that one that fails fails alone. None is answered
before the transaction they share is on disk, and all of them fail if that fails.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from jackbean.core.errors import PortError

WAITING_MAX = 4096
SHARED_MAX = 64  # commits in one transaction: bounds how long the first waits for the last

Work = Callable[[sqlite3.Connection], Any]


@dataclass
class _Job:
    work: Work
    answer: Future[Any] = field(default_factory=Future)
    result: Any = None
    failure: BaseException | None = None


class Writer:
    """Owns a connection in autocommit mode; closes it at the end."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._jobs: queue.Queue[_Job | None] = queue.Queue(WAITING_MAX)
        self._thread = threading.Thread(target=self._run, name=f"writes {name}", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> Future[Any]:
        """Run `work` in a transaction. Its future is done once that is on disk, or failed.

        One that is cancelled in time leaves no trace; once begun it goes through all the same.
        """
        job = _Job(work)
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise PortError(
                f"{self._name} has {WAITING_MAX} commits waiting: the disk does not keep up"
            ) from None
        return job.answer

    def close(self) -> None:
        """Finish what waits, then end. Blocks."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        last = False
        while not last:
            waiting = self._gather()
            last = None in waiting
            jobs = [j for j in waiting if j and j.answer.set_running_or_notify_cancel()]
            if jobs:
                self._commit(jobs)
        self._connection.close()

    def _gather(self) -> list[_Job | None]:
        """Wait for a job and take those that wait behind it."""
        waiting = [self._jobs.get()]
        while waiting[-1] and len(waiting) < SHARED_MAX and not self._jobs.empty():
            waiting.append(self._jobs.get())
        return waiting

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._attempt(job)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            for job in jobs:
                job.failure = error
        for job in jobs:
            if job.failure is None:
                job.answer.set_result(job.result)
            else:
                job.answer.set_exception(job.failure)

    def _attempt(self, job: _Job) -> None:
        execute = self._connection.execute
        execute("SAVEPOINT job")
        try:
            job.result = job.work(self._connection)
        except Exception as error:
            if not self._connection.in_transaction:  # a full disk, say, has ended it for all
                raise sqlite3.OperationalError(f"the transaction is lost: {error}") from error
            execute("ROLLBACK TO job")
            job.failure = error
        execute("RELEASE job")

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # there is none, or the next BEGIN will say what is wrong
            self._connection.execute("ROLLBACK")
