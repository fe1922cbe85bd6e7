"""New instances for a new release: the old are not touched until the new have proved it."""

from __future__ import annotations

from dataclasses import replace

from jackbean.core.acts import Launch, Step, Weigh
from jackbean.core.fleet import MAIN, TEMPORARY, Fleet
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.temporary import end_old, raise_new, withdraw
from jackbean.rollouts.verbs import advance, commit, refill, retire

AILING_S = 10.0  # how long new instances may be unwell while they are evaluated


def immutable(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Launch one new instance beside the old, then the full set; end the old when all serve."""
    new, old = fleet.of_group(TEMPORARY), fleet.of_group(MAIN)
    if rollout.stage is Stage.REVERTING:
        return withdraw(rollout, new, now)
    if rollout.stage is Stage.COMMITTED:
        return end_old(rollout, fleet, _not_for(rollout, fleet), now)
    count = rollout.size if len(new.alive) > 1 or _proved(rollout, new) else min(1, rollout.size)
    step = raise_new(rollout, new, count, now)
    if step is None and count < rollout.size:
        step = raise_new(rollout, new, rollout.size, now)
    return _keeping(step or commit(rollout, now), old)


def traffic_splitting(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Give a full new set a share of the requests for a while, then all of them."""
    new, old = fleet.of_group(TEMPORARY), fleet.of_group(MAIN)
    if rollout.stage is Stage.REVERTING:
        return withdraw(rollout, new, now)
    if rollout.stage is Stage.COMMITTED:
        return end_old(rollout, fleet, _not_for(rollout, fleet), now)
    if rollout.evaluating:
        return _keeping(_evaluated(rollout, new, now), old)
    step = raise_new(rollout, new, rollout.size, now)
    if step is None:
        return Step(rollout.evaluate(now), (Weigh(rollout.percent),))
    return _keeping(replace(step, acts=(Weigh(0), *step.acts)), old)


def _evaluated(rollout: Rollout, new: Fleet, now: float) -> Step:
    """Watch the new instances with their share: well for long enough, or ill for too long."""
    if len(new.alive) >= rollout.size and not new.alive.unsettled(rollout.goal):
        if now - rollout.since >= rollout.evaluate_s:
            return commit(rollout, now)
        return Step(rollout.recover(), (), "evaluating the new instances")
    rollout = rollout.ail(now).mourn(new.dead)
    if rollout.hopeless or now - (rollout.ailing or now) > AILING_S:
        return Step(rollout.give_up(now), (Weigh(0),))
    launch = Launch(rollout.size, rollout.goal, rollout.template, TEMPORARY)
    step = advance(rollout, new.alive.unsettled(rollout.goal), drain=True)
    return replace(step, acts=(*retire(new.dead), launch, *step.acts))


def _proved(rollout: Rollout, new: Fleet) -> bool:
    return len(new.alive) == 1 and not new.alive.unsettled(rollout.goal)


def _not_for(rollout: Rollout, fleet: Fleet) -> Fleet:
    """Return those that were meant for another release than the goal."""
    return fleet.without(fleet.meant_for(rollout.goal).ids)


def _keeping(step: Step, old: Fleet) -> Step:
    """Return the step with lost old capacity replaced beside it."""
    repairs = refill(step.rollout, old) if step.rollout.stage is Stage.ADVANCING else ()
    return replace(step, acts=(*step.acts, *repairs))
