"""Rolling at full capacity: a batch more is launched first and ended last."""

from __future__ import annotations

from jackbean.core.acts import Step
from jackbean.core.fleet import MAIN, TEMPORARY, Fleet
from jackbean.core.records import replace
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.batches import rolling
from jackbean.rollouts.beside import keeping
from jackbean.rollouts.temporary import end_old, raise_new
from jackbean.rollouts.verbs import commit, retire


def rolling_with_additional_batch(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Launch a batch with the new release, update the others in batches, and end one batch."""
    extra, regular = fleet.of_group(TEMPORARY), fleet.of_group(MAIN)
    if rollout.stage is Stage.COMMITTED:
        return end_old(rollout, fleet, extra, now)
    if rollout.stage is Stage.ADVANCING:
        raising = raise_new(rollout, extra, rollout.batch_size, now)
        if raising is not None:
            return keeping(raising, regular)
        rollout = replace(rollout, leader=rollout.leader or extra.alive.ids[0])
    step = rolling(rollout, regular, now)
    if step.rollout.stage is Stage.SUCCEEDED:
        return commit(rollout, now)
    ending = extra if step.rollout.over else extra.dead  # full capacity on the way back as well
    return replace(step, acts=(*step.acts, *retire(ending)))
