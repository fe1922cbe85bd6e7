"""What an instance has on the disk, watched by its shim: one that takes too much is ended.

All instances share the machine's file system, which few machines can divide. So each shim looks
every other second how much is free, which costs nothing, and counts its own instance's files when
that has shrunk. It imports what is built in only: a shim weighs what it imports.
"""
# ruff: noqa: PTH116, PTH123 - no pathlib here, see above

from __future__ import annotations

import os
import time

LOOK_S = 2.0
STEP_BYTES = 128 << 20  # so much less is free: time to count
COUNT_AGAIN_S = 300.0  # what one takes another may have given back
ENTRY_BYTES_MIN = 4096  # an empty file takes its share of the file system too
BLOCK = 512
TOO_LONG = 36  # ENAMETOOLONG: the module of that name is not built in everywhere


class Guard:
    """Tells when a tree holds more than it may; one without a bound never does."""

    def __init__(self, root: str, bytes_max: int) -> None:
        self._root = root
        self._bytes_max = bytes_max
        self._free = -1
        self._counted = 0.0

    def excess(self) -> int:
        """Return the bytes that the tree holds if those are too many, else 0."""
        if not self._bytes_max:
            return 0
        free, now = _free(self._root), time.monotonic()
        self._free = max(self._free, free)
        recent = self._counted and now - self._counted < COUNT_AGAIN_S
        if recent and self._free - free < STEP_BYTES:
            return 0
        self._free, self._counted = free, now
        held = used(self._root, self._bytes_max)
        return held if held > self._bytes_max else 0


def used(root: str, enough: int) -> int:
    """Return the bytes below a directory, links not followed; it stops counting at `enough`.

    A path too long to be looked at holds too much: nobody has such, but who hides something.
    """
    total, waiting = 0, [root]
    while waiting and total <= enough:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    total += _size(entry)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError as error:
            if error.errno == TOO_LONG:
                return enough + 1
    return total


def _size(entry: os.DirEntry[str]) -> int:
    try:
        seen = entry.stat(follow_symlinks=False)
    except OSError:  # it is gone
        return 0
    return max(seen.st_blocks * BLOCK // max(1, _links(seen)), ENTRY_BYTES_MIN)


def _links(seen: os.stat_result) -> int:
    """Return among how many names a file's bytes are divided; a directory has its own."""
    return seen.st_nlink if seen.st_mode & 0o170000 != 0o040000 else 1


def _free(root: str) -> int:
    try:
        status = os.statvfs(root)
    except OSError:
        return 0
    return status.f_bavail * status.f_frsize


def shorten(log: str, bytes_max: int) -> None:
    """Start a log anew when it has grown too long; it is open for appending, so this is safe."""
    try:
        size = os.stat(log).st_size
        if size <= bytes_max:
            return
        with open(log, "rb") as old, open(log + ".1", "wb") as kept:
            os.sendfile(kept.fileno(), old.fileno(), max(0, size - bytes_max), bytes_max)
        os.truncate(log, 0)
    except OSError:
        pass  # a full disk; there will be another look
