"""One process per database.

The lock is the kernel's, on a file beside the database, so it ends with its holder however that
ends; the process id in the file is for the message only.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from jackbean.core.errors import PortError

OWNER_BYTES_MAX = 32


class Lock:
    """An exclusive hold on `path`, from when it is made until `release`."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = _owner(self._file)
            os.close(self._file)
            raise PortError(
                f"{path} is held by process {owner}: one control plane at a time; stop that one"
            ) from error
        os.truncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.truncate(self._file, 0)
        os.close(self._file)


def _owner(file: int) -> str:
    text = os.pread(file, OWNER_BYTES_MAX, 0).decode(errors="replace").strip()
    return text or "(unknown)"
