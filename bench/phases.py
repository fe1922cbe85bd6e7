"""What a deployment spends its time on, read off the environment's record while it changes.

The record says at every moment what is waited for: an instance that prepares the release while it
serves, one that drains, one that puts the release in its place, one that proves itself in service.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

LOOK_S = 0.01
BODY = "SELECT body FROM environments WHERE name = ? ORDER BY position DESC LIMIT 1"
NAMES = ("stage", "drain", "activate", "gate")


class Phases:
    """`seconds` by the name of the phase, while an operation is under way.

    To wait for the end here costs the machine far less than to ask the API again and again.
    """

    def __init__(self, database: Path, environment: str) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._uri = f"{database.absolute().as_uri()}?mode=ro"
        self._environment = environment
        self._stop = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def wait(self, timeout_s: float) -> None:
        """Wait for the end of an operation that has been seen."""
        assert self._over.wait(timeout_s), f"{self._environment} is not done in {timeout_s:.0f} s"

    def _watch(self) -> None:
        with closing(sqlite3.connect(self._uri, uri=True, timeout=5)) as connection:
            before, at = "", time.perf_counter()
            while not self._stop.wait(LOOK_S):
                (body,) = connection.execute(BODY, [self._environment]).fetchone()
                now = time.perf_counter()
                if before:
                    self.seconds[before] += now - at
                last, before, at = before, phase(json.loads(body)), now
                if last and not before:
                    self._over.set()


def phase(record: dict[str, Any]) -> str:
    """Return what is waited for; nothing where no operation is under way."""
    operation = record["operation"]
    if not operation:
        return ""
    members = record["members"]
    told = [m["assignment"] or {} for m in members]
    if any(m["service"] == "draining" for m in members):
        return "drain"
    if any(m["service"] == "out" for m in members):
        return "activate"
    if any(a.get("work") == "stage" for a in told):
        return "stage"
    return "gate"


@contextmanager
def watching(database: Path, environment: str) -> Iterator[Phases]:
    phases = Phases(database, environment)
    phases.start()
    try:
        yield phases
    finally:
        phases.stop()
