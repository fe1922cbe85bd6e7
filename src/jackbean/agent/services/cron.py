"""Cron: jobs in /etc/crontab, /etc/cron.d and /etc/cron.hourly and so on are run.

The files are read anew each minute. What `.ebextensions` leave beside a file that they replace
(`NAME.bak`) is no crontab here, so that a job is not run twice.
"""

from __future__ import annotations

import os
import re
import shlex
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from jackbean.agent import environment
from jackbean.agent.children import Children, Command
from jackbean.agent.logfiles import LogFile, appending
from jackbean.agent.paths import Paths

FILE_BYTES_MAX = 256 << 10
FILES_MAX = 200
JOBS_MAX = 500
AT_ONCE_MAX = 20
LOG = "/var/log/cron"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# minute, hour, day of month, month, day of week: lowest, highest, and names
FIELDS: tuple[tuple[int, int, tuple[str, ...]], ...] = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, MONTHS),
    (0, 7, DAYS),
)
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
# Folders of programs, and when they are run.
PARTS = {
    "/etc/cron.hourly": "1 * * * *",
    "/etc/cron.daily": "25 3 * * *",
    "/etc/cron.weekly": "47 3 * * 0",
    "/etc/cron.monthly": "52 3 1 * *",
}
ASSIGNMENT = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*")


class Malformed(ValueError):
    """A sentence about a line."""


@dataclass(frozen=True)
class Job:
    """`when` are the values of each field that fit; `any_day` says which day fields were `*`."""

    when: tuple[frozenset[int], ...]
    any_day: tuple[bool, bool]
    user: str
    line: str
    env: Mapping[str, str] = field(default_factory=dict)

    def due(self, now: time.struct_time) -> bool:
        """Tell if it is to run in this minute. Of two restricted days either will do."""
        minute, hour, day, month, weekday = self.when
        if now.tm_min not in minute or now.tm_hour not in hour or now.tm_mon not in month:
            return False
        fits = now.tm_mday in day, (now.tm_wday + 1) % 7 in weekday
        return all(fits) if any(self.any_day) else any(fits)


def jobs(text: str) -> Iterator[Job | Malformed]:
    """Yield the jobs of a crontab with users, and what is wrong with other lines."""
    env: dict[str, str] = {}
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        assigned = ASSIGNMENT.fullmatch(line)
        if assigned:
            env[assigned[1]] = assigned[2].strip("\"'")
            continue
        try:
            yield _job(stripped, dict(env))
        except Malformed as error:
            yield error


def _job(line: str, env: dict[str, str]) -> Job:
    first, _, rest = line.partition(" ")
    if first.startswith("@"):
        if first not in NICKNAMES:
            raise Malformed(f"{first[:40]} is not understood")
        line = f"{NICKNAMES[first]} {rest.strip()}"
    words = line.split(None, 6)
    if len(words) < 7:
        raise Malformed(f"{line[:80]!r} has no five times, a user and a command")
    when = tuple(_values(word, *spec) for word, spec in zip(words[:5], FIELDS, strict=True))
    days = frozenset(day % 7 for day in when[4])
    any_day = (words[2].startswith("*"), words[4].startswith("*"))
    command = re.sub(r"(?<!\\)%.*", "", words[6]).replace("\\%", "%")
    return Job((*when[:4], days), any_day, words[5], command, env)


def _values(word: str, lowest: int, highest: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in word.lower().split(","):
        span, slash, step = part.partition("/")
        if span == "*":
            first, last = lowest, highest
        else:
            low, dash, high = span.partition("-")
            first = _number(low, lowest, highest, names)
            last = _number(high, lowest, highest, names) if dash else highest if slash else first
        if slash and not (step.isdecimal() and 0 < int(step) <= highest):
            raise Malformed(f"{part[:40]!r} has no step that makes sense")
        found.update(range(first, last + 1, int(step) if slash else 1))
    if not found:
        raise Malformed(f"{word[:40]!r} never comes")
    return frozenset(found)


def _number(word: str, lowest: int, highest: int, names: tuple[str, ...]) -> int:
    if word in names:
        return names.index(word) + lowest
    if not word.isdecimal() or len(word) > 3 or not lowest <= int(word) <= highest:
        raise Malformed(f"{word[:40]!r} is not within {lowest}-{highest}")
    return int(word)


class Cron:
    """Runs what is due, each minute."""

    def __init__(self, paths: Paths, children: Children, user: str = "") -> None:
        self._paths = paths
        self._children = children
        self._accounts = bool(user)  # whether there are accounts besides our own
        self._log = LogFile(paths.at(LOG), paths.rotated_logs)
        self._seats = threading.BoundedSemaphore(AT_ONCE_MAX)
        self._closing = threading.Event()
        self._told: set[str] = set()

    def start(self) -> None:
        threading.Thread(target=self._keep, name="cron", daemon=True).start()

    def close(self) -> None:
        self._closing.set()

    def _keep(self) -> None:
        while not self._closing.wait(60.0 - time.time() % 60.0):
            with suppress(OSError):  # a file that went away; the next minute comes
                self.minute(time.localtime())

    def minute(self, now: time.struct_time) -> int:
        """Begin everything that is due in a minute; return how much that is."""
        due = [(file, job) for file, job in self._all() if job.due(now)]
        for _, job in due:
            self._begin(job)
        return len(due)

    def _all(self) -> Iterator[tuple[Path, Job]]:
        yield from self._parts()
        count = 0
        for path in self._files():
            with path.open("rb") as file:
                text = file.read(FILE_BYTES_MAX).decode("utf-8", "replace")
            for found in jobs(text):
                if isinstance(found, Malformed):
                    self._tell_once(f"{self._paths.shown(path)}: {found}")
                    continue
                count += 1
                if count > JOBS_MAX:
                    return
                yield path, found

    def _parts(self) -> Iterator[tuple[Path, Job]]:
        """Yield the programs that are run because of the folder that they lie in."""
        for folder, when in PARTS.items():
            place = self._paths.at(folder)
            for path in sorted(place.iterdir())[:FILES_MAX] if place.is_dir() else ():
                plain = not path.name.startswith(".") and _is_crontab(path.name)
                if plain and path.is_file() and os.access(path, os.X_OK):
                    yield path, _job(f"{when} root {shlex.quote(str(path))}", {})

    def _files(self) -> list[Path]:
        folder = self._paths.at("/etc/cron.d")
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        crontab = self._paths.at("/etc/crontab")
        wanted = [p for p in found if not p.name.startswith(".") and _is_crontab(p.name)]
        return [p for p in (*wanted, crontab) if p.is_file()][:FILES_MAX]

    def _begin(self, job: Job) -> None:
        if not self._seats.acquire(blocking=False):
            self._say(f"({job.user}) NOT RUN, since {AT_ONCE_MAX} jobs run already ({job.line})")
            return
        self._say(f"({job.user}) CMD ({job.line})")
        threading.Thread(target=self._run, args=(job,), daemon=True).start()

    def _run(self, job: Job) -> None:
        try:
            with appending(self._log.path) as output:
                child = self._children.spawn(self._command(job), output)
            code = child.wait()
            self._children.forget(child)
            if code:
                self._say(f"({job.user}) EXITED WITH {code} ({job.line})")
        except (OSError, KeyError) as error:
            self._say(f"({job.user}) ERROR ({job.line}): {error}")
        finally:
            self._seats.release()

    def _command(self, job: Job) -> Command:
        user = job.user if self._accounts and job.user != "root" else ""
        home = self._paths.at("/root" if not user else f"/home/{user}")
        env = environment.base((), home) | {"SHELL": "/bin/sh", "LOGNAME": job.user} | dict(job.env)
        folder = home if home.is_dir() else self._paths.at("/")
        return Command((env["SHELL"], "-c", job.line), folder, env, user)

    def _tell_once(self, text: str) -> None:
        if text not in self._told and len(self._told) < JOBS_MAX:
            self._told.add(text)
            self._say(f"BAD LINE {text}")

    def _say(self, text: str) -> None:
        stamp = time.strftime("%b %d %H:%M:%S")
        self._log.write(f"{stamp} CROND {text}\n".encode("utf-8", "replace"))


def _is_crontab(name: str) -> bool:
    return not name.endswith(("~", ".bak", ".rpmsave", ".rpmorig", ".rpmnew", ".swp"))
