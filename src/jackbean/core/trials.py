"""The trial of a release by its errors: what is asked of the evidence, and what it has so far.

The evidence is a bet, look by look (`core.evidence`). A look takes the difference to the counters
of the look before, and both are kept in one record: so whoever starts anew goes on from where the
last saved look ended, and no request is lost by that or counted twice. A load balancer that starts
anew loses what nobody had looked at; its counters begin at nothing, and so does the next look.

What makes a look due is time and the number of requests, never an error: it would bias the bet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from jackbean.core.evidence import Counts, Evidence, Verdict
from jackbean.core.evidence.wealth import BLOCK_REQUESTS, LEVEL, LEVELS
from jackbean.core.records import replace
from jackbean.core.traffic import NOBODY, Count, added, renewed

LOOK_S = 1.0  # at least between two looks: each is saved
LOOK_LATE_S = 10.0  # and this where too few requests come for a comparison of their own
EFFECT = 0.05


@dataclass(frozen=True)
class Trial:
    """`level` is the share of good releases that may be taken back by mistake.

    With `hold` the release is not let through at the end of its time unless a rise of the error
    share by `effect` would have been seen; `holding` says that it waits for that. `counts` are the
    counters as they stood at the last look, None before the first, and `looked` its time. `saved`
    is the evidence in its own form, which may be of another program: then it begins anew.
    """

    level: float = LEVEL
    hold: bool = False
    effect: float = EFFECT
    holding: bool = False
    counts: tuple[Count, ...] | None = None
    looked: float = 0.0
    saved: str = ""

    @property
    def evidence(self) -> Evidence:
        try:
            return Evidence.from_json(json.loads(self.saved))
        except ValueError:
            return Evidence(level=min(max(self.level, LEVELS[0]), LEVELS[1]))

    @property
    def worse(self) -> bool:
        """Whether the new release is shown to fail more often."""
        return self.evidence.verdict is Verdict.WORSE

    @property
    def conclusive(self) -> bool:
        """Whether enough was seen to tell a release that is worse by `effect`."""
        visible = self.evidence.smallest_visible_effect()
        return visible is not None and visible <= self.effect

    def look(self, counts: tuple[Count, ...] | None, goal: int, now: float) -> Trial:
        """Return the trial after a look at the counters; None where they are not known."""
        if counts is None:
            return self
        if self.counts is None:
            return replace(self, counts=counts, looked=now)
        more = added(self.counts, counts)
        new = _arm(count for count in more if count.release == goal)
        old = _arm(count for count in more if count.release not in {goal, NOBODY})
        if not self._due(old.requests + new.requests, now):
            return self
        after = self.evidence.observe(old, new)
        return replace(
            self,
            counts=renewed(self.counts, counts),
            looked=now,
            saved=json.dumps(after.to_json()),
        )

    def _due(self, requests: int, now: float) -> bool:
        wait_s = LOOK_S if requests >= BLOCK_REQUESTS else LOOK_LATE_S
        return requests > 0 and now - self.looked >= wait_s


def _arm(counts: Iterable[Count]) -> Counts:
    """Return what came of the attempts on one side, whoever tried again."""
    of = tuple(counts)
    requests = sum(count.requests for count in of)
    return Counts(requests, min(requests, sum(count.errors + count.failed for count in of)))
