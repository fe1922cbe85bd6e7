"""Rolling at full capacity: a batch more is launched first and ended last."""

from __future__ import annotations

from jackbean.core.acts import Launch, Step
from jackbean.core.fleet import MAIN, TEMPORARY, Fleet
from jackbean.core.records import replace
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.batches import rolling
from jackbean.rollouts.beside import keeping
from jackbean.rollouts.temporary import end_old, raise_new
from jackbean.rollouts.verbs import advance, commit, retire


def rolling_with_additional_batch(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Launch a batch with the new release, update the others in batches, and end one batch."""
    extra, regular = fleet.of_group(TEMPORARY), fleet.of_group(MAIN)
    if rollout.stage is Stage.COMMITTED:
        return end_old(rollout, fleet, extra, now)
    if rollout.stage is Stage.ADVANCING:
        raising = raise_new(rollout, extra, rollout.batch_size, now)
        if raising is not None:
            raising = replace(raising, rollout=raising.rollout.relieve(regular.dead))
            return keeping(raising, regular)
        leader = extra.alive.ids[0] if rollout.leads else ""
        rollout = replace(rollout, leader=rollout.leader or leader)
    step = _stand_in(rollout, extra, regular, now) or rolling(rollout, regular, now)
    if step.rollout.stage is Stage.SUCCEEDED:
        return commit(rollout, now)
    ending = extra if step.rollout.over else extra.dead  # full capacity on the way back as well
    return replace(step, acts=(*step.acts, *retire(ending)))


def _stand_in(rollout: Rollout, extra: Fleet, regular: Fleet, now: float) -> Step | None:
    """Have a batch more serve before the way back takes one out of service; None where it does.

    There is something to take out where an earlier deployment has left other releases behind.
    """
    if rollout.stage is not Stage.REVERTING or rollout.batch or rollout.overdue(now):
        return None
    serving = extra.alive.where(lambda i: i.serving)
    if len(serving) >= rollout.batch_size or all(i.runs(rollout.target) for i in regular.alive):
        return None
    launch = Launch(rollout.batch_size, rollout.target, rollout.target_template, TEMPORARY)
    step = advance(rollout, extra.alive.without(serving.ids), drain=True)
    return replace(step, acts=(launch, *step.acts))
