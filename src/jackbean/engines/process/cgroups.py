"""Limits by control groups, of version 1 (a tree per controller) and version 2 (one tree).

An installation's groups are `jackbean-TAG/NAME`. What a group takes is data: `settings` for each
version gives file names and values, and making one is writing them. Shims live in a group of their
own without limits, so that ending the control plane's service does not end the instances with it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jackbean.core.errors import PortError
from jackbean.engines.process.limits import Limits

ROOT = Path("/sys/fs/cgroup")
PERIOD_US = 100_000
NEEDED = ("memory", "cpu", "pids")
ALSO = ("cpuacct",)  # version 1 counts here; often the same tree as cpu
SHIMS = "shims"
EMPTY_S = 5.0


@dataclass(frozen=True)
class Cgroups:
    """The groups of one installation. `trees` are the directories under which it has a subtree."""

    tag: str
    version: int
    trees: Mapping[str, Path]  # version 1: by controller; version 2: one, under ""

    @property
    def name(self) -> str:
        return f"jackbean-{self.tag}"

    def directories(self, group: str) -> tuple[str, ...]:
        """Return what the processes of a group join, memory first."""
        unique = dict.fromkeys(tree / self.name / group for tree in self.trees.values())
        return tuple(map(str, unique))

    def make(self, group: str, limits: Limits | None = None) -> tuple[str, ...]:
        """Make sure of a group and return its directories. Raises PortError."""
        try:
            for controller, tree in self.trees.items():
                directory = tree / self.name / group
                directory.mkdir(parents=True, exist_ok=True)
                if self.version == 2:
                    _delegate(tree / self.name)
                if limits:
                    _write(directory, settings(self.version, controller, limits))
        except OSError as error:
            raise PortError(f"control group {self.name}/{group}: {error}") from error
        return self.directories(group)

    def home(self) -> tuple[str, ...]:
        """Return where shims live, out of reach of whoever ends the control plane's service."""
        directories = [*self.make(SHIMS)]
        for tree in self._service_trees():
            directory = tree / self.name / SHIMS
            directory.mkdir(parents=True, exist_ok=True)
            directories.append(str(directory))
        return tuple(directories)

    def _service_trees(self) -> tuple[Path, ...]:
        """Return the trees by which systemd knows a service's processes, beside the limits'."""
        candidates = (ROOT / "systemd", ROOT / "unified") if self.version == 1 else ()
        return tuple(tree for tree in candidates if (tree / "cgroup.procs").exists())

    def visible(self, group: str) -> tuple[tuple[str, str], ...]:
        """Return (source, place) pairs that show a group's own files where programs look."""
        if self.version == 2:
            return ((str(self.trees[""] / self.name / group), str(ROOT)),)
        return tuple(
            (str(tree / self.name / group), str(ROOT / name)) for name, tree in self.trees.items()
        )

    def remove(self, group: str) -> None:
        """Kill what is left in a group and take it away. Raises PortError when it stays."""
        for directory in map(Path, self.directories(group)):
            _remove(directory)

    def groups(self) -> set[str]:
        """Return the names of the instances' groups that exist."""
        found = set()
        for tree in self.trees.values():
            with contextlib.suppress(FileNotFoundError):
                found |= {entry.name for entry in (tree / self.name).iterdir() if entry.is_dir()}
        return found - {SHIMS}

    def sweep(self, keep: Collection[str]) -> None:
        """Take away all groups but these."""
        for group in self.groups() - set(keep):
            self.remove(group)

    def down(self) -> None:
        """Take all of it away, and who is left in it: everything has been told to stop."""
        self.sweep(())
        for tree in {*self.trees.values(), *self._service_trees()}:
            _remove(tree / self.name / SHIMS)
            with contextlib.suppress(FileNotFoundError):
                (tree / self.name).rmdir()

    def possible(self) -> str:
        """Return why groups with limits cannot be made here, empty if they can: by making one."""
        try:
            name = f"probe-{os.getpid()}"  # there may be a second control plane: `down`
            self.make(name, Limits(1 << 30, 1.0, 100))
            self.remove(name)
        except PortError as error:
            return str(error)
        for tree in self.trees.values():
            with contextlib.suppress(OSError):  # others are in it
                (tree / self.name).rmdir()
        return ""


def find(tag: str, root: Path = ROOT) -> Cgroups | str:
    """Return the groups that we may make here, found by making one, or why there are none."""
    reason = f"{root} has no controllers for memory, processors and processes"
    for candidate in _candidates(tag, root):
        reason = candidate.possible()
        if not reason:
            return candidate
    return reason


def _candidates(tag: str, root: Path) -> Iterator[Cgroups]:
    trees = {name: root / name for name in (*NEEDED, *ALSO)}
    if all((trees[name] / "cgroup.procs").exists() for name in NEEDED):
        present = {n: tree.resolve() for n, tree in trees.items() if tree.is_dir()}
        yield Cgroups(tag, 1, present)
    if (root / "cgroup.controllers").exists():
        for tree in _trees(root):
            if set(NEEDED) <= set((tree / "cgroup.controllers").read_text().split()):
                yield Cgroups(tag, 2, {"": tree})


def _trees(root: Path, own: Path = Path("/proc/self/cgroup")) -> Iterator[Path]:
    """Yield where version 2 may let us make groups: the top, or what a user's systemd was given."""
    yield root
    for line in own.read_text().splitlines():
        if line.startswith("0::/"):
            path = root / line[len("0::/") :]
            above = [p for p in (*reversed(path.parents), path) if p.is_relative_to(root)]
            yield from (p for p in above[1:] if os.access(p / "cgroup.procs", os.W_OK))


def settings(version: int, controller: str, limits: Limits) -> list[tuple[str, str]]:
    """Return (file, value) pairs in the order to write them; version 2 has them all in one tree."""
    quota = int(limits.cpus * PERIOD_US)
    if version == 2:
        return [
            ("memory.max", str(limits.memory_bytes)),
            ("memory.swap.max", "0"),
            ("memory.oom.group", "0"),
            ("cpu.max", f"{quota} {PERIOD_US}"),
            ("pids.max", str(limits.pids)),
        ]
    return {
        "memory": [
            ("memory.limit_in_bytes", str(limits.memory_bytes)),
            ("memory.memsw.limit_in_bytes", str(limits.memory_bytes)),
        ],
        "cpu": [("cpu.cfs_period_us", str(PERIOD_US)), ("cpu.cfs_quota_us", str(quota))],
        "pids": [("pids.max", str(limits.pids))],
    }.get(controller, [])


OPTIONAL = {"memory.memsw.limit_in_bytes", "memory.swap.max", "memory.oom.group"}


def _write(directory: Path, values: Sequence[tuple[str, str]]) -> None:
    for name, value in values:
        file = directory / name
        if name in OPTIONAL and not file.exists():  # a kernel without swap accounting
            continue
        file.write_text(value)


def _delegate(top: Path) -> None:
    """Version 2: let the children of `top`, and of what it is in, have limits."""
    for directory in (top.parent, top):
        file = directory / "cgroup.subtree_control"
        missing = set(NEEDED) - set(file.read_text().split())
        if missing:
            file.write_text(" ".join(f"+{name}" for name in sorted(missing)))


def _remove(directory: Path) -> None:
    """Remove one group; a killed process leaves its group a moment after its death."""
    deadline = time.monotonic() + EMPTY_S
    while True:
        try:
            directory.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY or time.monotonic() > deadline:
                raise PortError(f"{directory} cannot be removed: {error}") from error
            _kill(directory)
            time.sleep(0.002)
        else:
            return


def _kill(directory: Path) -> None:
    for pid in (directory / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
