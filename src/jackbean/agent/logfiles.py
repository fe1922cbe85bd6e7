"""Files that only grow, kept within bounds.

A file that reaches its limit is renamed into `rotated/`, where the newest few of each name stay;
nothing is copied or cut off, so that no line is lost.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

COPY = re.compile(r"(.+)\.\d{15,20}(?:\.gz)?")
FILE_BYTES_MAX = 10 << 20
ROTATED_MAX = 5
TAIL_LINES = 50
TAIL_LINE_CHARS_MAX = 1_000
TAIL_BYTES_MAX = 256 << 10


class LogFile:
    """A file that several threads write to."""

    def __init__(self, path: Path, rotated: Path) -> None:
        self.path = path
        self._rotated = rotated
        self._lock = threading.Lock()
        self._file = -1
        self._size = 0

    def write(self, data: bytes) -> None:
        """Append all of `data`; a full disk loses it rather than stopping anything."""
        with self._lock:
            try:
                self._open()
                while data:
                    written = os.write(self._file, data)
                    self._size += written
                    data = data[written:]
                if self._size >= FILE_BYTES_MAX:
                    self._rotate()
            except OSError:
                self._close()

    def close(self) -> None:
        with self._lock:
            self._close()

    def _open(self) -> None:
        if self._file < 0:
            self._file = open_to_append(self.path)
            self._size = os.fstat(self._file).st_size

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _rotate(self) -> None:
        self._close()
        rotate(self.path, self._rotated)


@contextmanager
def appending(path: Path) -> Iterator[IO[bytes]]:
    """Open a log to append to it. Raises OSError."""
    with os.fdopen(open_to_append(path), "ab", buffering=0) as file:
        yield file


def open_to_append(path: Path) -> int:
    """Return the descriptor of a log. A link in its place goes: somebody else's file is no log."""
    if path.is_symlink():
        with suppress(OSError):
            path.unlink()
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    return os.open(path, flags, 0o644)


def rotate(path: Path, rotated: Path) -> None:
    """Move a log away under the time of its end, and let the oldest of its name go."""
    rotated.mkdir(parents=True, exist_ok=True)
    path.rename(rotated / f"{path.name}.{time.time_ns()}")
    forget_old(rotated, path.name, ROTATED_MAX)


def forget_old(rotated: Path, name: str, kept: int) -> None:
    """Let the oldest copies of a log go."""
    copies = sorted(path for path in rotated.iterdir() if original(path) == name)
    for old in copies[: max(0, len(copies) - kept)]:
        old.unlink(missing_ok=True)


def original(path: Path) -> str:
    """Return the name of the log that a file in `rotated/` is a copy of, "" if it is none."""
    found = COPY.fullmatch(path.name)
    return found[1] if found and not path.name.startswith(".") else ""


def size(path: Path) -> int:
    """Return how long a file is; 0 if it is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def tail(path: Path, lines: int = TAIL_LINES, since: int = 0) -> str:
    """Return the last lines of a file, at most `TAIL_BYTES_MAX` of it, of what follows `since`."""
    try:
        plain = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(plain, "rb") as file:
            return tail_of(file, lines, since)
    except OSError:
        return ""


def tail_of(file: IO[bytes], lines: int, since: int = 0) -> str:
    """Like `tail`, of a file that is open. Raises OSError."""
    length = file.seek(0, os.SEEK_END)
    start = max(length - TAIL_BYTES_MAX, since if since <= length else 0)
    file.seek(start)
    return last_lines(file.read(TAIL_BYTES_MAX).decode("utf-8", "replace"), lines)


def last_lines(text: str, lines: int = TAIL_LINES) -> str:
    """Return the last lines of a text, each of a bounded length."""
    found = text.rstrip().splitlines()[-lines:]
    return "\n".join(line[:TAIL_LINE_CHARS_MAX] for line in found)


class EngineLog:
    """`/var/log/eb-engine.log`, and a log of its own for each run in `/var/log/deployments`."""

    def __init__(self, file: LogFile) -> None:
        self._file = file

    def info(self, text: str) -> None:
        self._line("INFO", text)

    def warn(self, text: str) -> None:
        self._line("WARN", text)

    def error(self, text: str) -> None:
        self._line("ERROR", text)

    def _line(self, level: str, text: str) -> None:
        self._file.write(f"{_stamp()} [{level}] {text}\n".encode("utf-8", "replace"))


def _stamp() -> str:
    now = time.time()
    whole = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(now))
    return f"{whole}.{int(now % 1 * 1_000_000):06d}"
