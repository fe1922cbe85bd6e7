"""Replacing instances, for changes that a running instance cannot take."""

from __future__ import annotations

from jackbean.core.acts import Act, Launch, Step
from jackbean.core.fleet import Fleet
from jackbean.core.records import replace
from jackbean.core.rollouts import Rollout
from jackbean.rollouts.verbs import advance, conclude, retire


def replacement(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """End a batch of old instances, launch as many new ones, and go on when those are healthy.

    Where too few would stay in service the new ones come first, as many as there is room for.
    """
    rollout, dead = rollout.mourn(fleet.dead), retire(fleet.dead)
    new = fleet.alive.launched_from(rollout.target_template).meant_for(rollout.target)
    old = fleet.alive.without(new.ids)  # also those that a stopped deployment has left behind
    todo = _awaited(rollout, old, new)
    if todo.failed(rollout.target) or rollout.hopeless:
        return Step(rollout.give_up(now), dead)
    if todo and rollout.overdue(now):
        step = conclude(rollout, todo, now)
        return replace(step, acts=dead + step.acts)
    launch = _launch(rollout, old, new, waits=bool(todo))
    if dead or launch:
        return Step(rollout.begin_group(now), (*dead, *launch), "launching new instances")
    if todo or not old:
        return advance(rollout, todo, drain=True) if todo else Step(rollout.finish(now))
    if rollout.pausing(now):
        return Step(rollout, (), "pausing between batches")
    batch = _batch(rollout, old, new)
    return Step(rollout.begin(batch, now), retire(batch))


def _awaited(rollout: Rollout, old: Fleet, new: Fleet) -> Fleet:
    """Return the new instances that are waited for.

    By time it is enough that they serve, until there are no others left: then all must be well.
    """
    todo = new.unsettled(rollout.target).without(rollout.waived)
    if rollout.pause_s is None or not old:
        return todo
    return todo.where(lambda i: not i.serving or not i.runs(rollout.target))


def _launch(rollout: Rollout, old: Fleet, new: Fleet, *, waits: bool) -> tuple[Act, ...]:
    """Return the launch of the next new instances, if there is room for any.

    What is missing of the full number comes at once; what comes beyond it, batch by batch.
    """
    size, have = rollout.size, len(old) + len(new)
    surge = 0 if waits else min(rollout.surge, rollout.batch_size)
    room = size + surge if old else size
    count = min(room - have, size - len(new))
    if count <= 0:
        return ()
    leads = rollout.leads and rollout.target == rollout.goal
    return (Launch(have + count, rollout.target, rollout.target_template, leader=leads),)


def _batch(rollout: Rollout, old: Fleet, new: Fleet) -> Fleet:
    """Return the old instances that end next: all that are not needed any more, else a batch."""
    have = len(old) + len(new)
    needed = rollout.size if len(new) >= rollout.size else rollout.floor
    count = max(1, min(rollout.batch_size, have - needed))
    return old.weakest_first().first(count)
