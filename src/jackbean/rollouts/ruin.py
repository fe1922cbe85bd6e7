"""A release that fails most of its requests: no gate of health checks shows it.

A health check looks at one path, and a gate of half a second is through before an instance tells
what it has answered. Only the worst is judged here, with few requests and no statistics; smaller
differences are for a canary's trial (`core.trials`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jackbean.core.rollouts import Rollout, Stage
from jackbean.core.tallies import Served
from jackbean.core.traffic import NOBODY

NEW_MIN, OLD_MIN = 20, 10  # requests; with fewer nothing is said
SHARE = 0.5  # more of the new release's requests than that fail
TIMES = 2  # and so many times the old one's share


@dataclass(frozen=True)
class Ruin:
    """What came of the requests to both releases."""

    new: Served
    old: Served


def ruin(rollout: Rollout, served: Iterable[Served]) -> Ruin | None:
    """Return what shows that a rollout's goal fails most requests, and what it replaces did not."""
    if rollout.stage is not Stage.ADVANCING or rollout.previous is None:
        return None
    known = {one.release: one for one in served if one.release != NOBODY}
    new, old = known.get(rollout.goal), known.get(rollout.previous)
    if new is None or old is None or new.requests < NEW_MIN or old.requests < OLD_MIN:
        return None
    failing, failed = new.harmed / new.requests, old.harmed / old.requests
    return Ruin(new, old) if failing > SHARE and failing >= TIMES * failed else None
