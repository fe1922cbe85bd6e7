"""Back to the release before, whose instances are still at hand."""

from __future__ import annotations

from jackbean.core.acts import Join, Step
from jackbean.core.fleet import Fleet
from jackbean.core.records import replace
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.beside import not_for
from jackbean.rollouts.temporary import end_old


def rollback(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Give the parked instances all requests at once; what is missing of them is launched after."""
    if rollout.stage is Stage.ADVANCING:
        if not fleet.parked.alive or rollout.overdue(now):
            return Step(rollout.give_up(now))
        if not any(i.serving for i in fleet.parked.alive):
            return Step(rollout, (), "waiting for a parked instance to be well")
        rollout = rollout.enter(Stage.COMMITTED, now)
    step = end_old(rollout, fleet, not_for(rollout, fleet), now)
    return replace(step, acts=(Join(parked=True), *step.acts))
