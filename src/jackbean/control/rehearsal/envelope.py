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
from jackbean.control.rehearsal.moments import Moment


@dataclass(frozen=True)
class Passage:
    """From one moment to the next: the least and the most instances in service, old and new."""

    old: tuple[int, int]
    new: tuple[int, int]

    def holds(self, moment: Moment, slack: int) -> bool:
        return _within(moment.old, self.old, slack) and _within(moment.new, self.new, slack)


@dataclass(frozen=True)
class Envelope:
    """`lowest` and `most` are of the plan and of all failures, and so is everything else.

    `orders` are the stages that may be gone through, one after another; `ends` whether the release
    held, and what is left.
    """

    lowest: int
    most: int
    batch: int
    batches: int
    passages: frozenset[Passage]
    orders: frozenset[tuple[str, ...]]
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
        if end not in self.ends and not deaths:
            complaints.append(f"the end {end}")
        return tuple(complaints)

    def _moment(self, m: Moment, deaths: int) -> Iterator[str]:
        if not any(p.holds(m, deaths) for p in self.passages):
            yield f"{m.old} old and {m.new} new in service lie on no way that was rehearsed"
        if m.serving < self.lowest - deaths:
            yield f"{m.serving} in service, and {self.lowest} were to stay"
        if m.total > self.most + deaths:
            yield f"there are {m.total} instances, and {self.most} were to be the most"
        if m.batch_size > self.batch:
            yield f"a batch of {m.batch_size}, and none was to have more than {self.batch}"


def envelope(runs: Iterable[tuple[Sequence[Moment], Ending]]) -> Envelope:
    """Return what holds of all `runs`, each with how it ended."""
    known = [(tuple(moments), end) for moments, end in runs]
    every = [m for moments, _ in known for m in moments]
    return Envelope(
        lowest=min(m.serving for m in every),
        most=max(m.total for m in every),
        batch=max(m.batch_size for m in every),
        batches=max(m.batch for m in every),
        passages=frozenset(p for moments, _ in known for p in _passages(moments)),
        orders=frozenset(order_of(moments) for moments, _ in known),
        ends=frozenset((end.result is Result.SUCCEEDED, end.left) for _, end in known),
    )


def order_of(moments: Iterable[Moment]) -> tuple[str, ...]:
    """Return the stages that were gone through."""
    return tuple(stage for stage, _ in groupby(m.stage for m in moments if m.stage))


def _passages(moments: Sequence[Moment]) -> Iterator[Passage]:
    for was, now in pairwise((moments[0], *moments)):
        yield Passage(_span(was.old, now.old), _span(was.new, now.new))


def _span(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)


def _within(count: int, span: tuple[int, int], slack: int) -> bool:
    return span[0] - slack <= count <= span[1] + slack
