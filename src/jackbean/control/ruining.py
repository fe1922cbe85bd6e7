"""Whether an operation is to be given up because its release fails most of its requests.

What a release's own settings let pass is let pass. A canary has a trial of its own, with a level
that people choose; a message that a worker fails is not lost.
"""

from __future__ import annotations

from jackbean.control.scene import Scene
from jackbean.core.health.options import HealthOptions
from jackbean.core.operations import Operation
from jackbean.core.options.settings import Settings
from jackbean.core.options.views import DeploymentOptions, Policy
from jackbean.core.rollouts import Stage
from jackbean.rollouts.ruin import NEW_MIN, Ruin, ruin


def ruined(operation: Operation, scene: Scene) -> Ruin | None:
    """Return what shows it, None where nothing does or nobody wants to know."""
    rollout, counts = operation.rollout, scene.fleet.counts
    if rollout is None or rollout.stage is not Stage.ADVANCING or counts is None:
        return None
    if sum(one.requests for one in counts if one.release == rollout.goal) < NEW_MIN:
        return None
    elsewhere = scene.environment.worker or rollout.policy == Policy.TRAFFIC_SPLITTING
    if elsewhere or _lenient(scene.release.settings):
        return None
    return ruin(rollout, operation.tally.counting(counts).served)


def _lenient(settings: Settings) -> bool:
    """Whether instances that answer with errors pass: nobody looks, or nobody minds."""
    options = DeploymentOptions.of(settings)
    minds = options.success_threshold != "Severe" and not options.ignore_health_check
    return not (minds and HealthOptions.of(settings).enhanced)
