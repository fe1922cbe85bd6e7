"""Every policy by its name."""

from __future__ import annotations

from collections.abc import Callable

from jackbean.core.acts import Step
from jackbean.core.fleet import Fleet
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.abandon import abandon
from jackbean.rollouts.additional import rolling_with_additional_batch
from jackbean.rollouts.batches import all_at_once, rolling
from jackbean.rollouts.immutable import immutable
from jackbean.rollouts.replacement import replacement
from jackbean.rollouts.rollback import rollback
from jackbean.rollouts.traffic_splitting import traffic_splitting

Policy = Callable[[Rollout, Fleet, float], Step]

POLICIES: dict[str, Policy] = {
    "AllAtOnce": all_at_once,
    "Rolling": rolling,
    "RollingWithAdditionalBatch": rolling_with_additional_batch,
    "Immutable": immutable,
    "TrafficSplitting": traffic_splitting,
    "Replacement": replacement,
    "Rollback": rollback,
}


def next_step(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Return what `rollout` does next. Pure; a rollout that is over stays as it is."""
    if rollout.over:
        return Step(rollout)
    if rollout.aborted and rollout.stage is Stage.ADVANCING:
        return abandon(rollout, fleet, now)
    return POLICIES[rollout.policy](rollout, fleet, now)
