"""A new release gets a share of the requests for a while, and proves itself with it.

It is judged by the health of its instances, and by its errors beside those of what it is to replace
(`core.trials`). Whatever is not known in the end, it ends: one that waits for evidence waits for a
bounded time.
"""

from __future__ import annotations

from jackbean.core.acts import Launch, Step, Weigh
from jackbean.core.fleet import MAIN, TEMPORARY, Fleet
from jackbean.core.records import replace
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.beside import keeping, not_for
from jackbean.rollouts.temporary import end_old, raise_new, withdraw
from jackbean.rollouts.verbs import advance, commit, retire

HOLD_TIMES = 3  # the evaluation, for who waits for evidence


def traffic_splitting(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Give a full new set a share of the requests for a while, then all of them."""
    new, old = fleet.of_group(TEMPORARY), fleet.of_group(MAIN)
    if rollout.stage is Stage.REVERTING:
        return withdraw(rollout, new, now)
    if rollout.stage is Stage.COMMITTED:
        return end_old(rollout, fleet, not_for(rollout, fleet), now)
    if rollout.evaluating:
        return keeping(_evaluated(rollout.compare(fleet.counts, now), new, now), old)
    step = raise_new(rollout, new, rollout.size, now)
    if step is None:
        begun = rollout.evaluate(now).compare(fleet.counts, now)
        return Step(begun, (Weigh(rollout.percent),))
    return keeping(replace(step, acts=(Weigh(0), *step.acts)), old)


def _evaluated(rollout: Rollout, new: Fleet, now: float) -> Step:
    """Watch the new instances with their share: well for long enough, or ill for too long."""
    if rollout.worse:
        return Step(rollout.give_up(now), (Weigh(0),))
    if len(new.alive) >= rollout.size and not new.alive.unsettled(rollout.goal):
        return _judged(rollout.recover(), now)
    rollout = rollout.ail(now).mourn(new.dead)
    if rollout.hopeless or now - (rollout.ailing or now) > rollout.ailing_s_max:
        return Step(rollout.give_up(now), (Weigh(0),))
    launch = Launch(rollout.size, rollout.goal, rollout.template, TEMPORARY)
    step = advance(rollout, new.alive.unsettled(rollout.goal), drain=True)
    return replace(step, acts=(*retire(new.dead), launch, *step.acts))


def _judged(rollout: Rollout, now: float) -> Step:
    """Let healthy instances through when their time is over, unless more is to be known."""
    watched_s = now - rollout.since
    if watched_s < rollout.evaluate_s:
        return Step(rollout, (), "evaluating the new instances")
    if not rollout.undecided:
        return commit(rollout, now)
    if watched_s < HOLD_TIMES * rollout.evaluate_s:
        return Step(rollout.hold(), (), "waiting for evidence of the new release")
    return Step(rollout.give_up(now), (Weigh(0),))
