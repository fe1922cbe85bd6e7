"""A new release gets a share of the requests for a while, and proves itself with it."""

from __future__ import annotations

from dataclasses import replace

from jackbean.core.acts import Launch, Step, Weigh
from jackbean.core.fleet import MAIN, TEMPORARY, Fleet
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.beside import keeping, not_for
from jackbean.rollouts.temporary import end_old, raise_new, withdraw
from jackbean.rollouts.verbs import advance, commit, retire

AILING_S = 10.0  # how long new instances may be unwell while they are evaluated


def traffic_splitting(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Give a full new set a share of the requests for a while, then all of them."""
    new, old = fleet.of_group(TEMPORARY), fleet.of_group(MAIN)
    if rollout.stage is Stage.REVERTING:
        return withdraw(rollout, new, now)
    if rollout.stage is Stage.COMMITTED:
        return end_old(rollout, fleet, not_for(rollout, fleet), now)
    if rollout.evaluating:
        return keeping(_evaluated(rollout, new, now), old)
    step = raise_new(rollout, new, rollout.size, now)
    if step is None:
        return Step(rollout.evaluate(now), (Weigh(rollout.percent),))
    return keeping(replace(step, acts=(Weigh(0), *step.acts)), old)


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
