"""Logs that others write, kept within bounds: copied away and cut off, as logrotate does it.

The agent rotates its own files and nginx's by renaming them, which loses nothing. Who else writes
to /var/log keeps its file open and knows nothing of us: its file is copied to /var/log/rotated and
then emptied. Older copies are compressed, unless their lines may be on their way to log groups yet,
and the newest few of each name stay. A bundle says more with files in
/etc/logrotate.elasticbeanstalk.hourly, of which paths, `size` and `rotate` count.
"""

from __future__ import annotations

import errno
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from shutil import copyfileobj

from jackbean.agent.logfiles import ROTATED_MAX, forget_old, original
from jackbean.agent.logs import Log, every_log, matching
from jackbean.agent.openlogs import open_log
from jackbean.agent.paths import Paths

SWEEP_S = 20.0
SIZE_MAX = 12 << 20  # more than the agent's own files ever reach
RULES = "/etc/logrotate.elasticbeanstalk.hourly"
RULE_BYTES_MAX = 64 << 10
RULES_MAX = 100
PLAIN_MAX = 1  # copies that are not compressed yet: their writer may still be at it
COPIED_BYTES_MAX = 256 << 20  # of a longer one only the end is kept
UNITS = {"": 1, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30}
BLOCK = re.compile(r"^([^{}]*)\{([^}]*)\}", re.MULTILINE)
SIZE = re.compile(r"^\s*(?:max)?size\s+(\d{1,12})([kMG]?)\s*$", re.MULTILINE)
KEEP = re.compile(r"^\s*rotate\s+(\d{1,3})\s*$", re.MULTILINE)
BINARY = frozenset({"wtmp", "btmp", "lastlog", "faillog", "tallylog"})


@dataclass(frozen=True)
class Rule:
    """From which size on a log is rotated, and how many copies of it stay."""

    size_max: int = SIZE_MAX
    kept: int = ROTATED_MAX


class Rotation:
    """One thread. `streams` says if lines go to log groups; `publish` hears of each sweep."""

    def __init__(
        self, paths: Paths, streams: Callable[[], bool], publish: Callable[[], None]
    ) -> None:
        self._paths = paths
        self._streams = streams
        self._publish = publish
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="rotate logs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()

    def _work(self) -> None:
        while not self._stop.wait(SWEEP_S):
            sweep(self._paths, Rule())
            if not self._streams():
                compress(self._paths.rotated_logs)
            self._publish()


def sweep(paths: Paths, usual: Rule) -> None:
    """Rotate what is too long, by the bundle's rules where it has some."""
    known = {log.path: (log, rule) for log, rule in _asked_for(paths)}
    for log in every_log(paths):
        text = paths.rotated_logs not in log.path.parents and log.path.name not in BINARY
        if text and log.path not in known:
            known[log.path] = (log, usual)
    for log, rule in known.values():
        with suppress(OSError):
            if log.path.lstat().st_size >= rule.size_max:
                _rotate(paths, log, rule.kept)


def _rotate(paths: Paths, log: Log, kept: int) -> None:
    """Copy a log away and empty it. Raises OSError where it is none, or cannot be copied."""
    file = open_log(paths, log.path, log.granted, writing=True)
    target = paths.rotated_logs / f"{log.path.name}.{time.time_ns()}"
    try:
        paths.rotated_logs.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as copy, os.fdopen(os.dup(file), "rb") as source:
            source.seek(max(0, os.fstat(file).st_size - COPIED_BYTES_MAX))
            copyfileobj(source, copy)
        os.ftruncate(file, 0)
    except OSError as error:
        target.unlink(missing_ok=True)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        os.ftruncate(file, 0)  # rather its lines are lost than everything stands still
    finally:
        os.close(file)
    forget_old(paths.rotated_logs, log.path.name, kept)


def compress(rotated: Path) -> None:
    """Compress all but the newest copies of each log."""
    plain: dict[str, list[Path]] = {}
    for path in sorted(rotated.iterdir()):
        if path.suffix != ".gz" and (name := original(path)) and not path.is_symlink():
            plain.setdefault(name, []).append(path)
    for paths in plain.values():
        for path in paths[:-PLAIN_MAX]:
            with suppress(OSError):
                _compress(path)


def _compress(path: Path) -> None:
    import gzip  # noqa: PLC0415 - seldom needed

    new = path.with_name(f".{path.name}.new")
    with path.open("rb") as source, gzip.open(new, "wb", compresslevel=4) as target:
        copyfileobj(source, target)
    os.utime(new, (path.stat().st_atime, path.stat().st_mtime))
    new.replace(path.with_name(f"{path.name}.gz"))
    path.unlink(missing_ok=True)


def _asked_for(paths: Paths) -> Iterator[tuple[Log, Rule]]:
    """Return the logs that rules of the bundle name, each with its rule."""
    for file in islice(sorted(paths.at(RULES).glob("*.conf")), RULES_MAX):
        with suppress(OSError), file.open("rb") as opened:
            text = opened.read(RULE_BYTES_MAX).decode("utf-8", "replace")
            for patterns, rule in rules(text):
                for pattern in patterns:
                    yield from ((log, rule) for log in matching(paths, pattern))


def rules(text: str) -> Iterator[tuple[list[str], Rule]]:
    """Return the patterns and the rule of each block of a logrotate configuration."""
    plain = re.sub(r"(?m)#.*$", "", text)
    for patterns, body in BLOCK.findall(plain):
        size, keep = SIZE.search(body), KEEP.search(body)
        yield (
            [word.strip("\"'") for word in patterns.split() if word.strip("\"'").startswith("/")],
            Rule(
                int(size[1]) * UNITS[size[2]] if size else SIZE_MAX,
                min(max(1, int(keep[1])), 100) if keep else ROTATED_MAX,
            ),
        )
