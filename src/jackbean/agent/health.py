"""How an instance does: what nginx has served, and what the machine is busy with.

nginx writes a line for each request into an hourly file, whose fields are separated by double
quotes. The lines since the last report are counted; a share of the durations is kept.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jackbean.agent.children import Children, processes, stat_fields

LATENCIES_MAX = 1_000
BEHIND_BYTES_MAX = 16 << 20  # of a log, what is older is passed over
FILES_KEPT = 2
# 499 is nginx's own, for who hung up before there was an answer: a health check that meets an
# application being changed, for one. It says nothing of the application.
REQUEST = rb'(?m)^[\d.]+"[^"\n]*"(?!499)([1-5])\d\d"([\d.]+)"'
CPU_FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq")


@dataclass
class Served:
    """Requests since the last report: counts by class ("2xx"), durations, and since when."""

    since: float
    requests: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)


class RequestLog:
    """Follows nginx's health log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._offsets = {path.name: path.stat().st_size for path in self._files()}
        self._served = Served(time.monotonic())

    def read(self) -> Served:
        """Return what was served since `take`."""
        files = self._files()
        for path in files:
            self._read(path)
        for path in files[:-FILES_KEPT]:
            path.unlink(missing_ok=True)
            self._offsets.pop(path.name, None)
        return self._served

    def take(self) -> None:
        """Begin anew: what was read has been reported."""
        self._served = Served(time.monotonic())

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("application.log.*"))

    def _read(self, path: Path) -> None:
        start = self._offsets.get(path.name, 0)
        try:
            with path.open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                start = max(start if start <= end else 0, end - BEHIND_BYTES_MAX)
                file.seek(start)
                data = file.read(end - start)
        except OSError:
            return
        whole = data.rfind(b"\n") + 1
        self._offsets[path.name] = start + whole
        self._count(re.findall(REQUEST, data[:whole]))

    def _count(self, found: list[tuple[bytes, bytes]]) -> None:
        self._served.requests.update(f"{status.decode()}xx" for status, _ in found)
        latencies = self._served.latencies_s + [_seconds(latency) for _, latency in found]
        stride = len(latencies) // LATENCIES_MAX + 1
        self._served.latencies_s = latencies[::stride]


def _seconds(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


class System:
    """Follows what /proc says of the machine."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._before = _cpu_times()
        self._shares = [0.0] * len(CPU_FIELDS)

    def read(self) -> dict[str, Any]:
        """Return the shares of processor time over the last second or more, load and memory."""
        now = _cpu_times()
        spent = [max(0, b - a) for a, b in zip(self._before, now, strict=True)]
        total = sum(spent)
        if total >= os.sysconf("SC_CLK_TCK"):
            self._before = now
            self._shares = [round(100 * part / total, 1) for part in spent]
        return {
            "cpu": dict(zip(CPU_FIELDS, self._shares, strict=True)),
            "load": list(os.getloadavg()),
            "memory_bytes": self._memory(),
        }

    def _memory(self) -> int:
        """Return the resident memory of what runs on this instance."""
        sessions = {str(session) for session in self._children.sessions()}
        pages = 0
        for pid in processes():
            fields = stat_fields(pid)
            if len(fields) > 21 and fields[3] in sessions:
                pages += int(fields[21])
        return pages * os.sysconf("SC_PAGE_SIZE")


def _cpu_times() -> list[int]:
    try:
        line = Path("/proc/stat").read_text("latin-1").partition("\n")[0]
        times = [int(part) for part in line.split()[1 : len(CPU_FIELDS) + 1]]
    except (OSError, ValueError):
        times = []
    return times + [0] * (len(CPU_FIELDS) - len(times))
