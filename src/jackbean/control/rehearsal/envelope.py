"""What must hold of an update, whatever happens to it: the promise that a rehearsal makes.

Every moment of an execution lies between two moments that follow one another in the plan, or in one
of the failures that were rehearsed. Instances of one batch need not be equally fast, so what
changes at once in a rehearsal may change one by one; but nothing is ever seen beyond where it began
and where it led. An instance that dies by itself is one less, and one more until it is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from jackbean.control.rehearsal.endings import Ending, Result
from jackbean.control.rehearsal.moments import EVALUATING, Moment

Span = tuple[int, int]


@dataclass(frozen=True)
class Passage:
    """From one moment to the next, in the stage of either: the least and the most instances.

    `old` and `new` are in service, `kept` are those that are to stay.
    """

    stage: str
    old: Span
    new: Span
    kept: Span

    def holds(self, m: Moment, slack: int) -> bool:
        if m.stage != self.stage:
            return False
        pairs = ((m.old, self.old), (m.new, self.new), (m.kept, self.kept))
        return all(low - slack <= count <= high + slack for count, (low, high) in pairs)


@dataclass(frozen=True)
class Envelope:
    """`lowest` and `most` are of the plan and of all failures, and so is everything else.

    `orders` are the stages that may be gone through, one after another, `shares` the percentages
    of requests for the new release in each, `tested_s` how long it is evaluated at least before it
    holds; `ends` whether it held, and what is left.
    """

    lowest: int
    most: int
    exposed: int
    batch: int
    batches: int
    passages: frozenset[Passage]
    orders: frozenset[tuple[str, ...]]
    shares: frozenset[tuple[str, int | None]]
    tested_s: float
    ends: frozenset[tuple[bool, str]]

    def objections(
        self, moments: Sequence[Moment], end: tuple[bool, str], deaths: int = 0
    ) -> tuple[str, ...]:
        """Say what of an execution was not to be expected, where `deaths` instances died."""
        complaints = [c for m in moments for c in self._moment(m, deaths)]
        if max(m.batch for m in moments) > self.batches + deaths:
            complaints.append(f"more than {self.batches} batches")
        if order_of(moments) not in self.orders:
            complaints.append(f"the stages {order_of(moments)} in this order")
        if end[0] and tested_s(moments) < self.tested_s:
            complaints.append(f"it held after a test of {tested_s(moments)} seconds")
        if end not in self.ends and not deaths:
            complaints.append(f"the end {end}")
        return tuple(complaints)

    def _moment(self, m: Moment, deaths: int) -> Iterator[str]:
        if not any(p.holds(m, deaths) for p in self.passages):
            yield (
                f"{m.old} old and {m.new} new in service of {m.kept} lie on no way that was "
                f"rehearsed ({m.stage or 'at rest'})"
            )
        if (m.stage, m.split) not in self.shares:
            yield f"a share of {m.split} percent for the new release ({m.stage or 'at rest'})"
        if m.serving < self.lowest - deaths:
            yield f"{m.serving} in service, and {self.lowest} were to stay"
        if m.total > self.most + deaths:
            yield f"there are {m.total} instances, and {self.most} were to be the most"
        if m.exposed > self.exposed:
            yield f"{m.exposed} change in service, and no more than {self.exposed} were to"
        if m.batch_size > self.batch:
            yield f"a batch of {m.batch_size}, and none was to have more than {self.batch}"


def envelope(runs: Sequence[tuple[Sequence[Moment], Ending]]) -> Envelope:
    """Return what holds of all `runs`, each with how it ended; the first is the plan."""
    every = [m for moments, _ in runs for m in moments]
    return Envelope(
        lowest=min(m.serving for m in every),
        most=max(m.total for m in every),
        exposed=max(m.exposed for m in every),
        batch=max(m.batch_size for m in every),
        batches=max(m.batch for m in every),
        passages=frozenset(p for moments, _ in runs for p in _passages(moments)),
        orders=frozenset(order_of(moments) for moments, _ in runs),
        shares=frozenset((m.stage, m.split) for m in every),
        tested_s=tested_s(runs[0][0]),
        ends=frozenset((end.result is Result.SUCCEEDED, end.left) for _, end in runs),
    )


def order_of(moments: Iterable[Moment]) -> tuple[str, ...]:
    """Return the stages that were gone through."""
    return tuple(stage for stage, _ in groupby(m.stage for m in moments if m.stage))


def tested_s(moments: Sequence[Moment]) -> float:
    """Return how long the new release was evaluated."""
    return sum(now.at_s - was.at_s for was, now in pairwise(moments) if was.stage == EVALUATING)


def _passages(moments: Sequence[Moment]) -> Iterator[Passage]:
    for was, now in pairwise((moments[0], *moments)):
        spans = (_span(was.old, now.old), _span(was.new, now.new), _span(was.kept, now.kept))
        for stage in {was.stage, now.stage}:
            yield Passage(stage, *spans)


def _span(one: int, other: int) -> Span:
    return min(one, other), max(one, other)
