"""Giving up because somebody asked for it."""

from __future__ import annotations

from jackbean.core.acts import Step
from jackbean.core.fleet import TEMPORARY, Fleet
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.verbs import retire


def abandon(rollout: Rollout, fleet: Fleet, now: float) -> Step:
    """Turn back where the policy goes back, else stop where it is: what is new stays new.

    The way back is the policy's own. Stopping ends only what was launched to help.
    """
    after = rollout.give_up(now)
    if after.stage is Stage.REVERTING:
        return Step(after)
    return Step(after, retire(fleet.of_group(TEMPORARY).alive))
