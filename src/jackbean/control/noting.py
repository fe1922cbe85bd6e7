"""What each turn of an operation adds to its tally. Pure."""

from __future__ import annotations

from jackbean.control.scene import Decision, Scene
from jackbean.core.operations import Operation
from jackbean.core.records import replace
from jackbean.core.tallies import Glance
from jackbean.rollouts.moments import moment, serving


def noted(decision: Decision, scene: Scene) -> Decision:
    """Return the decision with what was seen of its operation; as it is where nothing is to save.

    Whatever is saved anyway takes the newest tally along.
    """
    before, after = scene.environment, decision.environment
    if before.operation is None or before.operation.rollout is None:
        return decision
    operation, tally = after.operation, before.operation.tally
    if decision.ended is not None:
        ended = replace(decision.ended, tally=tally.end(_glance(decision.ended, scene), scene.now))
        return replace(decision, ended=ended)
    if operation is None:
        return decision
    newer = tally.look(_glance(operation, scene), scene.now)
    if after == before and not newer.due(tally, scene.now):
        return decision
    return replace(decision, environment=replace(after, operation=replace(operation, tally=newer)))


def _glance(operation: Operation, scene: Scene) -> Glance:
    promised = operation.previous is not None
    in_service = serving(scene.fleet, scene.environment.split) if promised else None
    return Glance(scene.fleet.counts, in_service, moment(operation.phase, scene.fleet))
