"""Requests and latencies of the last ten seconds, folded from successive reports.

An instance reports every ten seconds, or sooner when it has news, and each report covers the time
since the one before. A window keeps the newest reports that together cover its length. So it
changes only when a report comes, never by the clock; a short report does not push out what came
before it; and what the window says is always about complete reports.

PNN is what Elastic Beanstalk means by it: the mean latency of the slowest (100 - NN) percent of
requests. A report holds at most a thousand latencies; where it counts more requests, each latency
stands for several. Reports come from instances and may hold anything: what is no finite, sensible
number is left out.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jackbean.core.protocol import REPORT_S, Report

SAMPLES_MAX = 64  # reports in one window
LATENCIES_MAX = 1000  # of one report
NEARLY = 0.9  # of its length: what a window may lack, for reports come a little early
COUNT_MAX = 10**9  # requests in one report
CLASSES = ("2", "3", "4", "5")
PERCENTILES = {
    "P999": 99.9,
    "P99": 99.0,
    "P95": 95.0,
    "P90": 90.0,
    "P85": 85.0,
    "P75": 75.0,
    "P50": 50.0,
    "P10": 10.0,
}
CPU = {
    "user": "User",
    "nice": "Nice",
    "system": "System",
    "idle": "Idle",
    "iowait": "IOWait",
    "irq": "IRQ",
    "softirq": "SoftIRQ",
}

Weighted = tuple[float, float]  # a latency in seconds, and how many requests it stands for


@dataclass(frozen=True, slots=True)
class Tally:
    """How many requests were answered how, over so many seconds."""

    duration_s: float = 0.0
    ok: int = 0
    redirected: int = 0
    erring: int = 0  # 4xx
    failing: int = 0  # 5xx

    @property
    def total(self) -> int:
        return self.ok + self.redirected + self.erring + self.failing

    def plus(self, other: Tally) -> Tally:
        """Return both one after the other: what one instance did in all."""
        return Tally(
            self.duration_s + other.duration_s,
            self.ok + other.ok,
            self.redirected + other.redirected,
            self.erring + other.erring,
            self.failing + other.failing,
        )


EMPTY = Tally()


def beside(tallies: Iterable[Tally]) -> Tally:
    """Return tallies of the same time on several instances as one."""
    merged, longest = EMPTY, 0.0
    for tally in tallies:
        merged = merged.plus(tally)
        longest = max(longest, tally.duration_s)
    return Tally(longest, merged.ok, merged.redirected, merged.erring, merged.failing)


@dataclass(frozen=True, slots=True)
class Sample:
    """One report's requests."""

    tally: Tally
    latencies_s: tuple[float, ...]

    @classmethod
    def of(cls, report: Report) -> Sample:
        counts = dict.fromkeys(CLASSES, 0)
        for name, count in report.requests.items():
            if name[:1] in counts:
                counts[name[:1]] += min(max(count, 0), COUNT_MAX)
        latencies = (_sensible(s) for s in report.latencies_s[:LATENCIES_MAX])
        unsaid_s = REPORT_S if any(counts.values()) else 0.0
        duration_s = _sensible(report.duration_s) or unsaid_s
        return cls(Tally(duration_s, *counts.values()), tuple(_present(latencies)))

    @property
    def weighted(self) -> Iterable[Weighted]:
        """Its latencies, each for as many requests as it stands for."""
        weight = max(1.0, self.tally.total / len(self.latencies_s)) if self.latencies_s else 0.0
        return ((latency, weight) for latency in self.latencies_s)


class Window:
    """The newest samples that together cover `length_s` seconds, whole."""

    __slots__ = ("_length_s", "_samples", "tally")

    def __init__(self, length_s: float) -> None:
        self._length_s = length_s
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_MAX)
        self.tally = EMPTY

    def clear(self) -> None:
        self._samples.clear()
        self.tally = EMPTY

    def add(self, report: Report) -> None:
        sample = Sample.of(report)
        if not sample.tally.duration_s:
            return
        self._samples.append(sample)
        covered = math.fsum(s.tally.duration_s for s in self._samples)
        while covered - self._samples[0].tally.duration_s >= NEARLY * self._length_s:
            covered -= self._samples.popleft().tally.duration_s
        self.tally = EMPTY
        for kept in self._samples:
            self.tally = self.tally.plus(kept.tally)

    def weighted(self) -> list[Weighted]:
        return [pair for sample in self._samples for pair in sample.weighted]


def slowest_means(latencies: Iterable[Weighted]) -> dict[str, float]:
    """Return PNN -> seconds, to the millisecond; empty where there are no latencies."""
    slowest_first = sorted(latencies, reverse=True)
    total = math.fsum(weight for _, weight in slowest_first)
    if total <= 0:
        return {}
    return {
        name: round(_tail_mean(slowest_first, total * (100 - p) / 100), 3)
        for name, p in PERCENTILES.items()
    }


def _tail_mean(slowest_first: Sequence[Weighted], wanted: float) -> float:
    """Return the mean of the first `wanted` requests; a part of a request counts as that part."""
    left, parts = wanted, []
    for latency, weight in slowest_first:
        taken = min(weight, left)
        parts.append(latency * taken)
        left -= taken
        if left <= 0:
            break
    return math.fsum(parts) / (wanted - max(left, 0.0))


@dataclass(frozen=True, slots=True)
class Vitals:
    """What an instance says of its machine: `cpu` in percent, by AWS's names; `cpus` 0: unsaid."""

    cpu: Mapping[str, float]
    load: tuple[float, ...]
    cpus: int = 0

    @classmethod
    def of(cls, system: Mapping[str, Any]) -> Vitals:
        said, load, cpus = system.get("cpu"), system.get("load"), _sensible(system.get("cpus"))
        used = said if isinstance(said, Mapping) else {}
        averages = load if isinstance(load, list | tuple) else ()
        cpu = {ours: _sensible(used.get(name)) for name, ours in CPU.items()}
        return cls(
            cpu={name: value for name, value in cpu.items() if value is not None},
            load=tuple(_present(map(_sensible, averages[:3]))),
            cpus=int(cpus or 0),
        )

    @property
    def in_use(self) -> float:
        """Percent of CPU that is not idle; 0 where the instance does not say."""
        used = math.fsum(share for name, share in self.cpu.items() if name != "Idle")
        return min(100.0, used)

    @property
    def load_per_cpu(self) -> float:
        return self.load[0] / self.cpus if self.load and self.cpus else 0.0


UNSAID = Vitals({}, ())


def _sensible(value: object) -> float | None:
    """Return a number that may be one of ours, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1e9 else None


def _present(values: Iterable[float | None]) -> Iterable[float]:
    return (value for value in values if value is not None)
