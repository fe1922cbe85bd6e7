"""Updating instances in place, a batch at a time: what AllAtOnce and Rolling share."""

from __future__ import annotations

from jackbean.core.acts import Step
from jackbean.core.fleet import Fleet
from jackbean.core.records import replace
from jackbean.core.rollouts import Rollout
from jackbean.rollouts.verbs import advance, conclude, refill


def all_at_once(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Update every instance in a single batch, in service: fastest, with downtime."""
    whole = replace(rollout, batch_size=max(rollout.size, len(fleet)))
    return _in_batches(whole, fleet, now, drain=False)


def rolling(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Update one batch at a time, out of service, and begin the next when the last is healthy."""
    return _in_batches(rollout, fleet, now, drain=True)


def _in_batches(rollout: Rollout, fleet: Fleet, now: float, *, drain: bool) -> Step:
    rollout, repairs = rollout.mourn(fleet.dead), refill(rollout, fleet)
    if rollout.hopeless:
        return Step(rollout.give_up(now), repairs)
    todo = fleet.alive.unsettled(rollout.target).without(rollout.waived)
    batch = todo.named(rollout.batch)
    if repairs and not batch:  # who comes is to be the next batch, not one of those that serve
        return Step(rollout, repairs, "replacing lost capacity")
    if not todo:
        return Step(rollout.finish(now))
    if not batch:
        batch = todo.weakest_first().first(rollout.batch_size)
        rollout = rollout.begin(batch, now)
    if batch.failed(rollout.target) and not batch.busy:
        return Step(rollout.give_up(now), repairs)
    late = rollout.overdue(now)
    step = conclude(rollout, batch, now) if late else advance(rollout, batch, drain=drain)
    return replace(step, acts=repairs + step.acts)
