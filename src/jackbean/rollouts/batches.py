"""Updating instances in place, a batch at a time: what AllAtOnce and Rolling share."""

from __future__ import annotations

from dataclasses import replace

from jackbean.core.acts import Step
from jackbean.core.fleet import Fleet
from jackbean.core.rollouts import Rollout
from jackbean.rollouts.verbs import advance, refill, retire


def all_at_once(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Update every instance in a single batch, in service: fastest, with downtime."""
    whole = replace(rollout, batch_size=max(rollout.size, len(fleet)))
    return _in_batches(whole, fleet, now, drain=False)


def rolling(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Update one batch at a time, out of service, and begin the next when the last is healthy."""
    return _in_batches(rollout, fleet, now, drain=True)


def _in_batches(rollout: Rollout, fleet: Fleet, now: float, *, drain: bool) -> Step:
    rollout = rollout.mourn(fleet.dead)
    if rollout.hopeless:
        return Step(rollout.give_up(now), retire(fleet.dead))
    repairs = refill(rollout, fleet)
    todo = fleet.alive.unsettled(rollout.target).without(rollout.waived)
    if not todo:
        return Step(rollout, repairs, "replacing lost capacity") if repairs else _done(rollout, now)
    batch = todo.named(rollout.batch)
    if not batch:
        batch = todo.weakest_first().first(rollout.batch_size)
        rollout = rollout.begin(batch, now)
    if batch.failed(rollout.target) and not batch.busy:
        return Step(rollout.give_up(now))
    if rollout.overdue(now):
        return _late(rollout, batch, now)
    step = advance(rollout, batch, drain=drain)
    return replace(step, acts=repairs + step.acts)


def _done(rollout: Rollout, now: float) -> Step:
    return Step(rollout.finish(now))


def _late(rollout: Rollout, batch: Fleet, now: float) -> Step:
    """Give up, unless all that is missing is health and health is to be ignored."""
    installed = all(i.runs(rollout.target) for i in batch)
    ignore = rollout.ignore_health and installed
    return Step(rollout.waive(batch) if ignore else rollout.give_up(now))
