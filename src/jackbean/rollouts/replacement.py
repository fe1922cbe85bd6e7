"""Replacing instances, for changes that a running instance cannot take."""

from __future__ import annotations

from jackbean.core.acts import Launch, Step
from jackbean.core.fleet import Fleet
from jackbean.core.rollouts import Rollout
from jackbean.rollouts.verbs import advance, retire


def replacement(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """End a batch of old instances, launch as many new ones, and go on when those are healthy."""
    rollout = rollout.mourn(fleet.dead)
    old = fleet.alive.outdated(rollout.target_template)
    new = fleet.alive.without(old.ids)
    todo = new.unsettled(rollout.target)
    stuck = todo.failed(rollout.target) or (todo and rollout.overdue(now))
    if stuck or rollout.hopeless:
        return Step(rollout.give_up(now), retire(fleet.dead))
    if len(fleet.alive) < rollout.size or fleet.dead:
        lead = rollout.previous is None
        launch = Launch(rollout.size, rollout.target, rollout.target_template, leader=lead)
        return Step(rollout, (*retire(fleet.dead), launch))
    if todo:
        return advance(rollout, todo, drain=True)
    if not old:
        return Step(rollout.finish(now))
    batch = old.weakest_first().first(rollout.batch_size)
    return Step(rollout.begin(batch, now), retire(batch))
