"""What the daemon says: its log, on standard output, and its state, in a file.

Whoever holds the daemon keeps the log within bounds. Lines are those of AWS's daemon:

    2026-01-31T12:00:00Z message: sent to http://localhost:80/
    2026-01-31T12:00:01Z http-err: 5b6d... (2) 500 - 1.003
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict

from jackbean.core.daemon import STATE_BYTES, DaemonState
from jackbean.sqsd.message import header_value

LINE_CHARS_MAX = 1_000


class Journal:
    """Lines are written together, once in a turn."""

    def __init__(self, output: int, state: str) -> None:
        self._output = output
        self._state = os.open(state, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._said = b""
        self._lines: list[str] = []

    def say(self, text: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._lines.append(f"{stamp} {header_value(text)[:LINE_CHARS_MAX]}\n")

    def flush(self, state: DaemonState) -> None:
        """Write what has been said, and the state if it has changed."""
        lines, self._lines = self._lines, []
        data = json.dumps(asdict(state)).encode().ljust(STATE_BYTES - 1) + b"\n"
        with suppress(OSError):  # nobody reads it any more, or the disk is full
            _write(self._output, "".join(lines).encode("utf-8", "replace"))
        if data != self._said:
            self._said = data
            with suppress(OSError):
                os.pwrite(self._state, data, 0)


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


Say = Callable[[str], None]
