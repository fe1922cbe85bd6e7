"""The last logs of instances that are gone: kept as they were on the disk, within bounds.

An instance that died could not send anything any more, and one that is ended has nobody who would
ask it. So the engine keeps the ends of its logs before its disk goes. Whoever was root on that disk
can have put anything there: folders are walked by descriptor and no link is followed.
"""

from __future__ import annotations

import os
import re
import stat
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jackbean.engines.process.paths import InstancePaths, Layout
from jackbean.ports.engine import Departed

FILE_BYTES_MAX = 1 << 20  # the end of each
TOTAL_BYTES_MAX = 8 << 20
FILES_MAX = 200
WALKED_MAX = 5_000
KEPT_S = 7 * 86_400.0
KEPT_MAX = 200  # instances, whatever their environment
NAME = re.compile(r"(i-[0-9a-f]{1,40})\.zip")
ENVIRONMENT = re.compile(r"e-[a-z0-9]{1,40}")
SKIPPED = frozenset({"journal", "healthd"})


def keep(layout: Layout, paths: InstancePaths, environment_id: str) -> None:
    """Keep the ends of an instance's logs. Raises OSError."""
    folder = layout.departed / environment_id
    if not ENVIRONMENT.fullmatch(environment_id):
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"{paths.directory.name}.zip"
    new = target.with_suffix(".new")
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        room = TOTAL_BYTES_MAX
        for name, data in ends(paths.root):
            room -= len(data)
            if room < 0:
                break
            archive.writestr(f"var/log/{name}", data)
    new.replace(target)
    forget_old(layout, time.time())


def ends(root: Path) -> Iterator[tuple[str, bytes]]:
    """Return the name below /var/log and the last bytes of each log, the newest first."""
    with suppress(OSError):
        top = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            logs = _inside(top, ("var", "log"))
        finally:
            os.close(top)
        try:
            found = sorted(_files(logs), reverse=True)[:FILES_MAX]
            for _, name in found:
                with suppress(OSError):
                    yield name, _end(logs, name)
        finally:
            os.close(logs)


def forget_old(layout: Layout, now: float) -> None:
    """Remove what has been kept long enough, and the oldest of what is too much."""
    kept = sorted(layout.departed.glob("*/*.zip"), key=_changed)
    old = [path for path in kept if _changed(path) < now - KEPT_S]
    for path in {*old, *kept[:-KEPT_MAX]}:
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()


def departed(layout: Layout, environment_id: str) -> list[Departed]:
    """Return whose last logs are kept, those who went last first."""
    if not ENVIRONMENT.fullmatch(environment_id):
        return []
    oldest = time.time() - KEPT_S
    found = [
        Departed(name[1], _changed(path), path)
        for path in layout.departed.joinpath(environment_id).glob("*.zip")
        if (name := NAME.fullmatch(path.name)) and _changed(path) >= oldest
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _inside(at: int, parts: tuple[str, ...]) -> int:
    """Return a descriptor of a folder, none of whose parts is a link. Raises OSError."""
    here = os.dup(at)
    for part in parts:
        try:
            there = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
        finally:
            os.close(here)
        here = there
    return here


def _files(logs: int) -> Iterator[tuple[float, str]]:
    """Return when each file was changed last, and its name."""
    walked = 0
    for folder, folders, names, at in os.fwalk(".", dir_fd=logs):
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in names:
            walked += 1
            if walked > WALKED_MAX:
                return
            with suppress(OSError):
                seen = os.stat(name, dir_fd=at, follow_symlinks=False)
                if stat.S_ISREG(seen.st_mode) and seen.st_nlink == 1 and seen.st_size:
                    yield seen.st_mtime, os.path.normpath(f"{folder}/{name}")


def _end(logs: int, name: str) -> bytes:
    *folders, file = name.split("/")
    at = _inside(logs, tuple(folders))
    try:
        found = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=at)
    finally:
        os.close(at)
    try:
        size = os.fstat(found).st_size if stat.S_ISREG(os.fstat(found).st_mode) else 0
        return os.pread(found, FILE_BYTES_MAX, max(0, size - FILE_BYTES_MAX))
    finally:
        os.close(found)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
