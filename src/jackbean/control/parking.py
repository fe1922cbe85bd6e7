"""Instances of the release before that are kept at hand, so that a rollback takes no time. Pure."""

from __future__ import annotations

from jackbean.core.acts import Act
from jackbean.core.environments import Environment, Parked
from jackbean.core.fleet import Fleet
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts.verbs import retire

ROLLBACK = "Rollback"


def kept(environment: Environment, fleet: Fleet, now: float) -> Parked | None:
    """Return what can still be rolled back to: its time is not up, and somebody of it lives."""
    parked = environment.parked
    return parked if parked and now < parked.until and fleet.parked.alive else None


def clearing(parked: Parked | None, fleet: Fleet) -> tuple[Act, ...]:
    """Return what ends the parked instances that nobody goes back to."""
    return retire(fleet.parked.dead if parked else fleet.parked)


def during(environment: Environment, before: Rollout, after: Rollout, now: float) -> Parked | None:
    """Return what can be rolled back to after a step from `before` to `after`.

    A rollout begins by letting go of what an earlier one has parked, and parks when it is committed
    what `environment` was on until then.
    """
    if before.stage is not Stage.ADVANCING:
        return environment.parked
    if after.stage is Stage.COMMITTED and after.park_s and environment.release:
        return Parked(environment.release, now + after.park_s, before.previous or 0)
    returning = before.policy == ROLLBACK and after.stage is Stage.ADVANCING
    return environment.parked if returning else None
