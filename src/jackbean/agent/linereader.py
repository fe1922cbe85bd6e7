"""Reading a log as it grows: whole lines, in pieces, across rotation and truncation.

What is read is held open, so a file that is renamed away is read to its end before the next one is
begun. A file gets a name of its own when it is taken up; an agent that comes later finds it again
by the mark in that name: its inode and its first line. Where lines are gone before they could be
read, that is said.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from jackbean.agent.logfiles import original
from jackbean.agent.logs import Log
from jackbean.agent.openlogs import open_log
from jackbean.agent.paths import Paths

HEAD_BYTES = 1 << 10
LINE_BYTES_MAX = 256 << 10  # a longer line is several
BEHIND_BYTES_MAX = 32 << 20  # of one file; what is older is passed over
REST_S = 1.0  # so long nobody adds to a file that was renamed away: its writer has gone on


@dataclass(frozen=True)
class Place:
    """How far a file has been read; `file` is "MARK.UNIQUE"."""

    file: str
    offset: int


@dataclass(frozen=True)
class Piece:
    """Whole lines of a file. `gap` says that lines before them could not be read."""

    file: str
    start: int
    data: bytes
    gap: bool = False

    @property
    def end(self) -> Place:
        return Place(self.file, self.start + len(self.data))


class LineReader:
    """One log. `read` returns what follows the place of the last `go_on`."""

    def __init__(self, paths: Paths, log: Log, place: Place | None = None) -> None:
        self._paths = paths
        self._log = log
        self._fd = -1
        self._mark = ""  # of its first line; empty until that is whole
        self._unique = ""
        self._offset = 0
        self._gap = False
        self._rest = (0.0, -1)  # since when the file has had which size
        if place:
            self._resume(place)

    @property
    def place(self) -> Place:
        return Place(self._file, self._offset)

    def begin_with_oldest(self) -> None:
        """Begin with what was rotated away already, where that is new to us as well."""
        for path in (*self._rotated(), self._log.path):
            with suppress(OSError):
                self._take_up(open_log(self._paths, path, self._log.granted))
                return

    def skip_to_tail(self, bytes_max: int) -> None:
        """Pass over all but the last bytes of what is there now, up to the end of a line."""
        if self._open():
            size = os.fstat(self._fd).st_size
            start = max(0, size - bytes_max)
            data = os.pread(self._fd, bytes_max, start)
            self._offset = start + (data.find(b"\n") + 1 if start else 0)

    def read(self, bytes_max: int) -> Piece | None:
        """Return the next lines; None where there are none yet. Raises OSError."""
        if not self._open():
            return None
        self._heed_truncation()
        piece = self._piece(bytes_max)
        if piece is None and self._turn_over():
            piece = self._piece(bytes_max)
        return piece

    def go_on(self, place: Place) -> None:
        """Take note that lines have arrived, or where somebody else knows the next to begin."""
        if place.file == self._file:
            self._offset, self._gap = place.offset, False

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    # Within

    @property
    def _file(self) -> str:
        return f"{self._mark}.{self._unique}" if self._mark else ""

    def _piece(self, bytes_max: int) -> Piece | None:
        size = os.fstat(self._fd).st_size
        self._mark = self._mark or _mark(self._fd)
        if not self._mark or size <= self._offset:
            return None
        if size - self._offset > BEHIND_BYTES_MAX:
            self._offset, self._gap = size - BEHIND_BYTES_MAX, True
        data = os.pread(self._fd, max(bytes_max, LINE_BYTES_MAX), self._offset)
        whole = data.rfind(b"\n", 0, bytes_max) + 1
        if not whole and (len(data) >= LINE_BYTES_MAX or self._ended()):
            whole = min(len(data), LINE_BYTES_MAX)
        return Piece(self._file, self._offset, data[:whole], self._gap) if whole else None

    def _open(self) -> bool:
        if self._fd < 0:
            with suppress(OSError):
                self._take_up(open_log(self._paths, self._log.path, self._log.granted))
        return self._fd >= 0

    def _take_up(self, fd: int, offset: int = 0, unique: str = "") -> None:
        self.close()
        self._fd, self._offset = fd, offset
        self._mark, self._unique = _mark(fd), unique or f"{time.time_ns():x}"
        self._rest = (0.0, -1)

    def _resume(self, place: Place) -> None:
        """Go on with a file that was read before, wherever it is now."""
        mark, _, unique = place.file.partition(".")
        for fd in self._candidates():
            if _mark(fd) == mark and os.fstat(fd).st_size >= place.offset:
                self._take_up(fd, place.offset, unique)
                return
            os.close(fd)
        self._gap = bool(mark)

    def _heed_truncation(self) -> None:
        """Find the rest of a file that was copied and cut off; it is begun anew after that."""
        line = _line(self._mark)
        if os.fstat(self._fd).st_size >= self._offset and _line(_mark(self._fd)) == line:
            return
        unique = self._unique
        for fd in self._candidates():
            if line and _line(_mark(fd)) == line and os.fstat(fd).st_size >= self._offset:
                mark = self._mark
                self._take_up(fd, self._offset, unique)
                self._mark = mark  # what has arrived of it is known by this one
                return
            os.close(fd)
        self._gap = bool(self._offset)
        self._take_up(os.dup(self._fd))

    def _candidates(self) -> Iterator[int]:
        """Open the present file and those that were moved away, the newest first."""
        for path in (self._log.path, *self._rotated()[::-1]):
            with suppress(OSError):
                yield open_log(self._paths, path, self._log.granted)

    def _rotated(self) -> list[Path]:
        """Return the copies of the log that are not compressed, the oldest first."""
        name = self._log.path.name
        found = self._paths.rotated_logs.iterdir()
        return sorted(path for path in found if original(path) == name and path.suffix != ".gz")

    def _ended(self) -> bool:
        """Whether the file has lost its name to another, and is not written to any more."""
        mine = os.fstat(self._fd)
        if _inode(self._log.path) in (0, mine.st_ino):
            self._rest = (0.0, -1)
            return False
        since, size = self._rest
        if mine.st_size != size:
            self._rest = (time.monotonic(), mine.st_size)
            return False
        return time.monotonic() - since >= REST_S

    def _turn_over(self) -> bool:
        """Begin the file after one that has been read to its end; tell if there is one."""
        if os.fstat(self._fd).st_size > self._offset or not self._ended():
            return False
        rotated = self._rotated()
        inodes, mine = [_inode(path) for path in rotated], os.fstat(self._fd).st_ino
        after = rotated[inodes.index(mine) + 1 :] if mine in inodes else rotated[:1]
        for path in (*after, self._log.path):
            with suppress(OSError):
                self._take_up(open_log(self._paths, path, self._log.granted))
                self._gap = bool(rotated) and mine not in inodes
                return True
        return False


def _mark(fd: int) -> str:
    """Return what tells a file from others once its first line is whole, "" before that."""
    head = os.pread(fd, HEAD_BYTES, 0)
    line = head[: head.find(b"\n") + 1] or (head if len(head) == HEAD_BYTES else b"")
    return f"{os.fstat(fd).st_ino:x}-{crc32(line):08x}" if line else ""


def _line(mark: str) -> str:
    return mark.partition("-")[2]


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0
