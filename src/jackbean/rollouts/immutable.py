"""New instances for a new release: the old are not touched until the new have proved it."""

from __future__ import annotations

from dataclasses import replace

from jackbean.core.acts import Step
from jackbean.core.fleet import MAIN, TEMPORARY, Fleet
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.beside import keeping, not_for
from jackbean.rollouts.temporary import end_old, raise_new, withdraw
from jackbean.rollouts.verbs import commit


def immutable(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Launch one new instance beside the old, then the full set; end the old when all serve."""
    new, old = fleet.of_group(TEMPORARY), fleet.of_group(MAIN)
    if rollout.stage is Stage.REVERTING:
        return withdraw(rollout, new, now)
    if rollout.stage is Stage.COMMITTED:
        return end_old(rollout, fleet, not_for(rollout, fleet), now)
    step = None if rollout.proved else raise_new(rollout, new, min(1, rollout.size), now)
    if step is None:
        rollout = replace(rollout, proved=True)
        step = raise_new(rollout, new, rollout.size, now)
    return keeping(step or commit(rollout, now), old)
