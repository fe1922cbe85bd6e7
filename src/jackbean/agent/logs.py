"""What people get to see of an instance's logs: the last lines of the main ones, or all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jackbean.agent.logfiles import size, tail
from jackbean.agent.paths import Paths
from jackbean.core.protocol import LOG_BYTES_MAX

TAIL_LINES = 100
RULE = "-" * 40
MAIN_LOGS = (
    "/var/log/web.stdout.log",
    "/var/log/eb-engine.log",
    "/var/log/eb-hooks.log",
    "/var/log/nginx/access.log",
    "/var/log/nginx/error.log",
)
TAIL_TASKS = "/opt/elasticbeanstalk/tasks/taillogs.d"
BUNDLE_TASKS = "/opt/elasticbeanstalk/tasks/bundlelogs.d"
FILES_MAX = 1_000
SPARE_BYTES = 1 << 20  # for the directory at the end of the ZIP file
TASK_BYTES_MAX = 64 << 10


def tail_text(paths: Paths) -> str:
    """Return the last 100 lines of each main log, a header before each."""
    files = [paths.at(path) for path in MAIN_LOGS]
    outputs = sorted(paths.logs.glob(paths.output_log("*").name))
    files += [path for path in outputs if path not in files]
    files += [path for path in _asked_for(paths, TAIL_TASKS) if path not in files]
    parts = [
        f"{RULE}\n{paths.shown(path)}\n{RULE}\n{tail(path, TAIL_LINES)}\n"
        for path in files
        if path.is_file()
    ]
    return "\n\n".join(parts)


def bundle_zip(paths: Paths, target: Path) -> None:
    """Write a ZIP file of all logs, the newest first, as many as may be sent."""
    from zipfile import ZIP_DEFLATED, ZipFile  # noqa: PLC0415 - 25 ms, and seldom needed

    files = [path for path in paths.logs.rglob("*") if path.is_file() and not path.is_symlink()]
    files += [path for path in _asked_for(paths, BUNDLE_TASKS) if path not in files]
    files.sort(key=_changed, reverse=True)
    with ZipFile(target, "w", ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
        for path in files[:FILES_MAX]:
            if size(path) + target.stat().st_size <= LOG_BYTES_MAX - SPARE_BYTES:
                with suppress(OSError):  # it was rotated away in the meantime
                    archive.write(path, paths.shown(path))


def _asked_for(paths: Paths, folder: str) -> Iterator[Path]:
    """Return the files that task files in a folder name, a path or a pattern a line."""
    for task in sorted(paths.at(folder).glob("*.conf")):
        with task.open("rb") as file:
            lines = file.read(TASK_BYTES_MAX).decode("utf-8", "replace").splitlines()
        for pattern in map(str.strip, lines):
            if pattern.startswith("/"):
                root = paths.at("/")
                yield from (path for path in root.glob(pattern[1:]) if path.is_file())


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
