"""Replacing instances, for changes that a running instance cannot take."""

from __future__ import annotations

from dataclasses import replace

from jackbean.core.acts import Launch, Step
from jackbean.core.fleet import Fleet
from jackbean.core.rollouts import Rollout
from jackbean.rollouts.verbs import advance, conclude, retire


def replacement(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """End a batch of old instances, launch as many new ones, and go on when those are healthy."""
    rollout, dead = rollout.mourn(fleet.dead), retire(fleet.dead)
    old = fleet.alive.outdated(rollout.target_template)
    new = fleet.alive.without(old.ids)
    todo = new.unsettled(rollout.target).without(rollout.waived)
    if todo.failed(rollout.target) or rollout.hopeless:
        return Step(rollout.give_up(now), dead)
    if todo and rollout.overdue(now):
        step = conclude(rollout, todo, now)
        return replace(step, acts=dead + step.acts)
    if dead or len(fleet.alive) < rollout.size:
        lead = rollout.previous is None
        launch = Launch(rollout.size, rollout.target, rollout.target_template, leader=lead)
        return Step(rollout, (*dead, launch), "replacing lost capacity")
    if todo:
        return advance(rollout, todo, drain=True)
    if not old:
        return Step(rollout.finish(now))
    batch = old.weakest_first().first(rollout.batch_size)
    return Step(rollout.begin(batch, now), retire(batch))
