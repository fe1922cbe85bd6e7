"""Giving up because somebody asked for it."""

from __future__ import annotations

from jackbean.core.acts import Attach, Step
from jackbean.core.fleet import MAIN, TEMPORARY, Fleet, Instance
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.verbs import retire


def abandon(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Turn back where the policy goes back, else stop where it is: what is new stays new.

    The way back is the policy's own. Stopping ends only what was launched to help, once those it
    stands in for serve again, or time is up.
    """
    after = rollout.give_up(now)
    if after.stage is Stage.REVERTING:
        return Step(after)
    helping = fleet.of_group(TEMPORARY).alive
    away = fleet.of_group(MAIN).alive.where(_may_serve)
    if not helping or not away or rollout.overdue(now):
        return Step(after, retire(helping))
    spared = away.where(lambda i: not i.busy)
    return Step(rollout, tuple(Attach(i.id) for i in spared), "waiting for the last batch")


def _may_serve(instance: Instance) -> bool:
    """Whether it does not serve now, and may in a while: it is changing, or was to be changed."""
    sight = instance.sight
    return not instance.serving and (
        instance.busy or (sight.running is not None and not sight.down)
    )
