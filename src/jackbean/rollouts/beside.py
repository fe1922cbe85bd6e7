"""A full new set beside the old: what immutable and traffic splitting share."""

from __future__ import annotations

from jackbean.core.acts import Step
from jackbean.core.fleet import Fleet
from jackbean.core.records import replace
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.verbs import refill


def not_for(rollout: Rollout, fleet: Fleet) -> Fleet:
    """Return those that neither were meant for the goal nor run it.

    What runs it may have been told to prepare another one, and failed.
    """
    return fleet.without(fleet.meant_for(rollout.goal).ids).where(
        lambda i: not i.runs(rollout.goal)
    )


def keeping(step: Step, old: Fleet) -> Step:
    """Return the step with lost old capacity replaced beside it."""
    repairs = refill(step.rollout, old) if step.rollout.stage is Stage.ADVANCING else ()
    return replace(step, acts=(*step.acts, *repairs))
