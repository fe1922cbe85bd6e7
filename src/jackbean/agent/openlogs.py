"""Opening logs, which lie where applications can put whatever they like.

The agent may be root where the application is not, so a name below /var/log must not lead it to
somebody else's file. A path is opened folder by folder, and nothing on the way is followed that has
become a link meanwhile. Links are taken for what they lead to: within /var/log and /var/app it is
the application's own, and elsewhere it is nobody's business.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from jackbean.agent.paths import Paths

ROOTS = ("/var/log", "/var/app")
FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@contextmanager
def log_file(paths: Paths, path: Path, granted: str = "") -> Iterator[IO[bytes]]:
    """Open a log for reading. Raises OSError where it is none, or none that may be shown."""
    with os.fdopen(open_log(paths, path, granted), "rb") as file:
        yield file


def open_log(paths: Paths, path: Path, granted: str = "", *, writing: bool = False) -> int:
    """Return the descriptor of a log. Raises OSError.

    `granted` is a folder in which files may be shown as well: one that an administrator named.
    """
    base = os.path.realpath(paths.prefix or "/")
    target = os.path.realpath(path)
    roots = [str(Path(base, root[1:])) for root in (*ROOTS, granted) if root]
    if not any(os.path.commonpath((root, target)) == root for root in roots):
        raise PermissionError(f"{path} leads out of the logs")
    return _descend(base, os.path.relpath(target, base), os.O_RDWR if writing else os.O_RDONLY)


def _descend(base: str, relative: str, access: int) -> int:
    *folders, name = relative.split("/")
    here = os.open(base, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            there = os.open(folder, FOLDER, dir_fd=here)
            os.close(here)
            here = there
        found = os.open(name, access | PLAIN, dir_fd=here)
    finally:
        os.close(here)
    return _checked(found, relative)


def _checked(found: int, name: str) -> int:
    """Return a descriptor of a regular file that has one name: a second one may be elsewhere."""
    seen = os.fstat(found)
    if not stat.S_ISREG(seen.st_mode) or seen.st_nlink > 1:
        os.close(found)
        raise PermissionError(f"{name} is no plain file of its own")
    return found
