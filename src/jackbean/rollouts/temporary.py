"""New instances beside the old ones: what immutable, canary and additional batches share."""

from __future__ import annotations

from jackbean.core.acts import Act, Join, Launch, Park, Step, Weigh
from jackbean.core.fleet import TEMPORARY, Fleet
from jackbean.core.records import replace
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.verbs import advance, conclude, retire


def raise_new(rollout: Rollout, new: Fleet, count: int, now: float) -> Step | None:
    """Bring `count` new instances into service beside the others; None once they have settled."""
    rollout, dead = rollout.mourn(new.dead), retire(new.dead)
    todo = new.alive.unsettled(rollout.goal).without(rollout.waived)
    step = conclude(rollout, todo, now) if todo and rollout.overdue(now) else Step(rollout)
    if todo.failed(rollout.goal) or rollout.hopeless or step.rollout.stage is not rollout.stage:
        return Step(rollout.give_up(now), retire(new.alive) + dead)
    if step.acts:
        return replace(step, acts=dead + step.acts)
    if dead or len(new.alive) < count:
        launch = Launch(count, rollout.goal, rollout.template, TEMPORARY, leader=rollout.leads)
        return Step(rollout.begin_group(now), (*dead, launch), "launching new instances")
    return advance(rollout, todo, drain=True) if todo else None


def end_old(rollout: Rollout, fleet: Fleet, old: Fleet, now: float) -> Step:
    """Join the groups, end the old, and finish when the number is full and settled.

    There is no way back from here: what is not well when time is up is left to the steady state.
    """
    acts = (Join(), Weigh(None), *retire(fleet.dead), *_dismiss(rollout, old.alive))
    kept = fleet.alive.without(old.ids)
    if rollout.overdue(now):
        return Step(rollout.enter(Stage.SUCCEEDED, now), acts)
    if len(kept) < rollout.size:
        launch = Launch(rollout.size, rollout.goal, rollout.template)
        return Step(rollout, (*acts, launch), "replacing lost capacity")
    todo = kept.unsettled(rollout.goal).without(rollout.waived)
    if todo:
        step = advance(rollout, todo, drain=True)
        return Step(rollout, acts + step.acts, step.why)
    if old or len(fleet) > len(kept):
        return Step(rollout, acts, "waiting for the old instances to end")
    return Step(rollout.enter(Stage.SUCCEEDED, now))


def _dismiss(rollout: Rollout, old: Fleet) -> tuple[Act, ...]:
    """End the old instances, or keep those at hand that serve the release before."""
    if not rollout.park_s:
        return retire(old)
    parked = old.where(lambda i: i.serving and i.sight.running == rollout.previous)
    return (*(Park(i.id) for i in parked), *retire(old.without(parked.ids)))


def withdraw(rollout: Rollout, new: Fleet, now: float) -> Step:
    """End the new instances; when they are gone, everything is as it was."""
    if new:
        return Step(rollout, (Weigh(0), *retire(new.alive), *retire(new.dead)), "ending the new")
    return Step(rollout.finish(now), (Weigh(None),))
