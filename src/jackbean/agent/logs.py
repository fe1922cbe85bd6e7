"""Which logs an instance has, and what people get to see of them on request."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from shutil import copyfileobj

from jackbean.agent.logfiles import tail_of
from jackbean.agent.openlogs import log_file
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
    "/var/log/aws-sqsd/default.log",
)
# Of programs that a bundle may bring: streamed as on AWS, where they are there.
FURTHER_LOGS = (
    "/var/log/httpd/access_log",
    "/var/log/httpd/error_log",
    "/var/log/puma/puma.log",
)
TASKS = "/opt/elasticbeanstalk/tasks"
TAIL_TASKS = f"{TASKS}/taillogs.d"
BUNDLE_TASKS = f"{TASKS}/bundlelogs.d"
PUBLISH_TASKS = f"{TASKS}/publishlogs.d"
STREAM_TASKS = f"{TASKS}/streamlogs.d"  # ours: what a bundle tells the CloudWatch agent
FILES_MAX = 1_000
SPARE_BYTES = 1 << 20  # for the directory at the end of the ZIP file
TASK_BYTES_MAX = 64 << 10
WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Log:
    """A log, and the folder in which an administrator's pattern found it, "" for a usual one."""

    path: Path
    granted: str = ""


def main_logs(paths: Paths) -> list[Log]:
    """Return the logs that every instance has, and what each of its processes prints."""
    files = [paths.at(path) for path in MAIN_LOGS]
    outputs = sorted(paths.logs.glob(paths.output_log("*").name))
    return [Log(path) for path in (*files, *outputs)]


def every_log(paths: Paths) -> Iterator[Log]:
    """Return all files below /var/log."""
    for folder, _, names in os.walk(paths.logs):
        yield from (Log(Path(folder, name)) for name in names)


def asked_for(paths: Paths, folder: str) -> Iterator[Log]:
    """Return the files that task files in a folder name, a path or a pattern a line."""
    for task in sorted(paths.at(folder).glob("*.conf")):
        with task.open("rb") as file:
            lines = file.read(TASK_BYTES_MAX).decode("utf-8", "replace").splitlines()
        for pattern in map(str.strip, lines):
            yield from matching(paths, pattern)


def matching(paths: Paths, pattern: str) -> Iterator[Log]:
    """Return the files that fit; what they are links to has to be in the folder that was named."""
    if not pattern.startswith("/") or ".." in pattern.split("/"):
        return iter(())
    plain = WILD.split(pattern)[0].rpartition("/")[0]
    found = paths.at("/").glob(pattern[1:]) if WILD.search(pattern) else [paths.at(pattern)]
    return islice((Log(path, plain) for path in found if path.is_file()), FILES_MAX)


def streamed(paths: Paths) -> list[Log]:
    """Return the logs whose lines go to log groups."""
    found = main_logs(paths) + [Log(paths.at(path)) for path in FURTHER_LOGS]
    return _once([*found, *asked_for(paths, STREAM_TASKS)])


def tail_text(paths: Paths) -> str:
    """Return the last 100 lines of each main log, a header before each."""
    parts = []
    for log in _once([*main_logs(paths), *asked_for(paths, TAIL_TASKS)]):
        with suppress(OSError), log_file(paths, log.path, log.granted) as file:
            text = tail_of(file, TAIL_LINES)
            parts.append(f"{RULE}\n{paths.shown(log.path)}\n{RULE}\n{text}\n")
    return "\n\n".join(parts)


def bundle_zip(paths: Paths, target: Path) -> None:
    """Write a ZIP file of all logs, the newest first, as many as may be sent."""
    from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo  # noqa: PLC0415 - 25 ms, seldom needed

    files = _once([*every_log(paths), *asked_for(paths, BUNDLE_TASKS)])
    files.sort(key=lambda log: _changed(log.path), reverse=True)
    with ZipFile(target, "w", ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
        for log in files[:FILES_MAX]:
            room = LOG_BYTES_MAX - SPARE_BYTES - target.stat().st_size
            # It may be rotated away in the meantime, or be nothing to be shown.
            with suppress(OSError), log_file(paths, log.path, log.granted) as file:
                if os.fstat(file.fileno()).st_size <= room:
                    info = ZipInfo.from_file(f"/proc/self/fd/{file.fileno()}")
                    info.filename = paths.shown(log.path).lstrip("/")
                    info.compress_type = ZIP_DEFLATED
                    with archive.open(info, "w") as entry:
                        copyfileobj(file, entry)


def _once(logs: list[Log]) -> list[Log]:
    """Return each path's first mention: usual ones need nobody's grant."""
    known: dict[Path, Log] = {}
    for log in logs:
        known.setdefault(log.path, log)
    return list(known.values())


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
