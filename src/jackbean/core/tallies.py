"""What is noted of an operation while it is under way: requests, capacity, and where time went.

The load balancer's counters only rise and outlive the control plane, so a tally needs no more than
how they stood when it was saved last: whoever goes on from there has lost nothing and counts
nothing twice. Therefore it is saved with the operation, whenever that is saved anyway and every few
seconds, and what happened since is worked out anew. What cannot be known is marked, not guessed:

    partial   counters were not there at the first or the last look, or began anew meanwhile
    away_s    for so long at most nobody watched, as no control plane was running
"""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.core.records import replace
from jackbean.core.traffic import Count, added, began_anew, renewed

SAVE_S = 10.0  # at most between two saves of a tally during an operation
PASSAGES_MAX = 200  # of single batches


@dataclass(frozen=True)
class Served:
    """What came of the requests to one release. `errors` are answers with 500 or above.

    `attempts` counts a request on each instance it was tried on; `failed` of those got no answer,
    and `retried` of these were tried again.
    """

    release: int
    attempts: int = 0
    errors: int = 0
    failed: int = 0
    retried: int = 0

    @property
    def requests(self) -> int:
        """How many visitors' requests ended here."""
        return max(0, self.attempts - self.retried)

    @property
    def harmed(self) -> int:
        """How many of those ended badly: with 500 or above, or without an answer."""
        return min(self.requests, self.errors + max(0, self.failed - self.retried))

    def plus(self, more: Count) -> Served:
        return replace(
            self,
            attempts=self.attempts + more.requests,
            errors=self.errors + more.errors,
            failed=self.failed + more.failed,
            retried=self.retried + more.retried,
        )


@dataclass(frozen=True)
class Moment:
    """What an operation is doing. `batch` 0: it has none, or none in particular."""

    name: str
    batch: int = 0


@dataclass(frozen=True)
class Passage:
    """For how long something was done, from when on. It may have been done in several pieces."""

    moment: Moment
    began: float
    seconds: float = 0.0


@dataclass(frozen=True)
class Glance:
    """One look at an operation: counters (None: not known), and how many instances serve.

    `serving` is None where no capacity is promised: there is none before there are instances.
    """

    counts: tuple[Count, ...] | None
    serving: int | None
    moment: Moment | None


@dataclass(frozen=True)
class Tally:
    """What was noted until `at`; None: nothing yet.

    `counts` are the counters as they stood then, None as long as they were never known. `served`
    is the sum of what was added to them. `current` is the passage under way. `unwatched` says that
    nobody has looked since.
    """

    at: float | None = None
    counts: tuple[Count, ...] | None = None
    served: tuple[Served, ...] = ()
    partial: bool = False
    lowest: int | None = None
    lowest_at: float = 0.0
    passages: tuple[Passage, ...] = ()
    current: int = 0
    unwatched: bool = False
    away_s: float = 0.0

    @property
    def counted(self) -> bool:
        """Whether counters were ever seen."""
        return self.counts is not None

    @property
    def requests(self) -> int:
        return sum(one.requests for one in self.served)

    @property
    def harmed(self) -> int:
        return sum(one.harmed for one in self.served)

    @property
    def retried(self) -> int:
        return sum(max(0, one.retried) for one in self.served)

    def counting(self, counts: tuple[Count, ...]) -> Tally:
        """Return the tally with what has come since the last look at the counters."""
        return _added(self, counts)

    def look(self, glance: Glance, now: float) -> Tally:
        """Return the tally after a look."""
        counts = glance.counts
        tally = self if counts is None else _added(self, counts)
        late = self.at is None and counts is None
        lower = glance.serving is not None and (self.lowest is None or glance.serving < self.lowest)
        away_s = now - self.at if self.unwatched and self.at is not None else 0.0
        passages, current = _timed(self, glance.moment, now)
        return replace(
            tally,
            at=now,
            partial=tally.partial or late,
            lowest=glance.serving if lower else self.lowest,
            lowest_at=now if lower else self.lowest_at,
            passages=passages,
            current=current,
            unwatched=False,
            away_s=self.away_s + away_s,
        )

    def end(self, glance: Glance, now: float) -> Tally:
        """Return the tally after the last look; how counters stood then is of no more use."""
        tally, known = self.look(glance, now), glance.counts is not None
        counts = () if tally.counted else None
        return replace(tally, counts=counts, partial=tally.partial or not known)

    def interrupted(self) -> Tally:
        """Note that nobody has watched since it was saved, and will not until the next look."""
        return replace(self, unwatched=self.at is not None)

    def due(self, before: Tally, now: float) -> bool:
        """Whether it is worth saving for itself, where `before` is saved."""
        told = (self.lowest, self.partial, self.current, self.away_s)
        known = (before.lowest, before.partial, before.current, before.away_s)
        return before.at is None or told != known or now - before.at >= SAVE_S


UNTOUCHED = Tally()


def _added(tally: Tally, counts: tuple[Count, ...]) -> Tally:
    """Return the tally with what has come since the last look at the counters."""
    before = tally.counts
    if before is None:
        return replace(tally, counts=counts, partial=tally.partial or tally.at is not None)
    if before == counts:
        return tally
    served = {one.release: one for one in tally.served}
    for more in added(before, counts):
        if any((more.requests, more.errors, more.failed, more.retried)):
            served[more.release] = served.get(more.release, Served(more.release)).plus(more)
    return replace(
        tally,
        counts=renewed(before, counts),
        served=tuple(served[release] for release in sorted(served)),
        partial=tally.partial or began_anew(before, counts),
    )


def _timed(tally: Tally, moment: Moment | None, now: float) -> tuple[tuple[Passage, ...], int]:
    """Give the time since the last look to what was under way, and note what is now.

    Where there are too many to be noted one by one, what is done in further batches is one.
    """
    passages, current = list(tally.passages), tally.current
    if passages and tally.at is not None:
        last = passages[current]
        passages[current] = Passage(last.moment, last.began, last.seconds + now - tally.at)
        if moment == last.moment:
            return tuple(passages), current
    known = [passage.moment for passage in passages]
    if moment is not None and moment not in known and len(known) >= PASSAGES_MAX:
        moment = Moment(moment.name)
    if moment in known:
        current = known.index(moment)
    elif moment is not None:
        current = len(passages)
        passages.append(Passage(moment, now))
    return tuple(passages), current
