"""The kernel's table of processes, read by shims and by the control plane.

It imports what is built in only: a shim weighs what it imports.
"""
# ruff: noqa: PTH123, PTH208 - no pathlib here, see above

from __future__ import annotations

import os


def boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def read(path: str) -> bytes:
    """Return a file's bytes; nothing of one that is not there."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def stat_fields(pid: int) -> list[bytes]:
    """Return /proc/PID/stat from the third field on, the state; empty for one that is gone."""
    return read(f"/proc/{pid}/stat").rpartition(b")")[2].split()


def start_ticks(pid: int) -> int | None:
    """Return when a process started, in ticks after boot; None for one that is gone or dead."""
    fields = stat_fields(pid)
    return int(fields[19]) if fields and fields[0] not in (b"Z", b"X") else None


def oom_kills(cgroups: list[str]) -> int:
    """Return how many processes the kernel has killed here for want of memory."""
    for directory in cgroups:
        for name in ("memory.oom_control", "memory.events"):  # version 1, version 2
            for line in read(f"{directory}/{name}").splitlines():
                if line.startswith(b"oom_kill "):
                    return int(line.split()[1])
    return 0


def descendants(pid: int) -> list[int]:
    """Return all living processes that come from `pid`, parents before children."""
    born: dict[int, list[int]] = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        fields = stat_fields(int(entry))
        if fields and fields[0] != b"Z":
            born.setdefault(int(fields[1]), []).append(int(entry))
    found = [pid]
    for parent in found:  # grows as it is read
        found += born.get(parent, [])
    return found[1:]


def innermost_id(pid: int) -> int:
    """Return a process's id in the namespace that it lives in."""
    told = read(f"/proc/{pid}/status").partition(b"\nNSpid:")[2].partition(b"\n")[0].split()
    return int(told[-1]) if told else 0
