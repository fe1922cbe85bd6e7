"""What is measured, and what it is compared with: the same machine, in the same minute."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured thing: the median of `count` values, and the largest.

    `ratio` is how many times what was run side by side (`beside`) it is; `most` is the target, None
    where there is none.
    """

    bench: str
    what: str
    median: float
    largest: float
    unit: str
    count: int
    most: float | None = None
    ratio: float | None = None
    beside: str = ""

    @property
    def missed(self) -> bool:
        return self.most is not None and self.median > self.most


@dataclass(frozen=True)
class Series:
    """Values of one thing, in the unit in which they are told."""

    what: str
    values: Sequence[float]
    unit: str = "s"

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def figure(self, bench: str, most: float | None = None, beside: Series | None = None) -> Figure:
        return Figure(
            bench=bench,
            what=self.what,
            median=round(self.median, 4),
            largest=round(max(self.values), 4),
            unit=self.unit,
            count=len(self.values),
            most=most,
            ratio=round(self.median / beside.median, 2) if beside and beside.median else None,
            beside=beside.what if beside else "",
        )


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that `action` takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


HEAD = "| bench | what | median | largest | unit | n | target | times | of what ran beside it |"
RULE = "|---|---|---:|---:|---|---:|---:|---:|---|"


def row(figure: Figure) -> str:
    target = "" if figure.most is None else f"{'MISSED ' * figure.missed}≤ {figure.most:g}"
    times = "" if figure.ratio is None else f"{figure.ratio:g}"
    cells = (
        figure.bench,
        figure.what,
        f"{figure.median:.4g}",
        f"{figure.largest:.4g}",
        figure.unit,
        str(figure.count),
        target,
        times,
        figure.beside,
    )
    return f"| {' | '.join(cells)} |"
