"""What a rollout is busy with at a moment, in the words that people are told.

    provision     nothing has begun yet but the resources
    launching     an instance has no machine yet, or has not spoken
    staging       everything that does not disturb the running release
    draining      the last requests to an instance that leaves service
    activating    the change itself
    gate          waiting for the load balancer and the health gate

Several instances are worked on at once; the one that is furthest behind says what is waited for.
"""

from __future__ import annotations

from jackbean.core.fleet import PARKED, TEMPORARY, Fleet, Instance, Machine, Service, Work
from jackbean.core.operations import Phase, Provision, Roll, Settle, Tidy, Undo
from jackbean.core.rollouts import Rollout, Stage
from jackbean.core.tallies import Moment

ORDER = ("launching", "staging", "draining", "activating", "gate")
STAGES = {
    Stage.COMMITTED: "tidying up",
    Stage.REVERTING: "going back",
    Stage.FAILED: "tidying up",
    Stage.REVERTED: "tidying up",
    Stage.SUCCEEDED: "tidying up",
}
PHASES: dict[type, str] = {
    Provision: "provision",
    Settle: "settling",
    Tidy: "tidying up",
    Undo: "going back",
}


def moment(phase: Phase | None, fleet: Fleet) -> Moment | None:
    """Return what is being done; None where nothing is."""
    if phase is None:
        return None
    if isinstance(phase, Roll):
        return _of_rollout(phase.rollout, fleet)
    return Moment(PHASES.get(type(phase), "other"))


def serving(fleet: Fleet, split: int | None) -> int:
    """Return how many instances answer requests: what a visitor would call the capacity.

    One that is changing does not count, though it might still answer; nor do new ones without a
    share of the requests, and those that are parked.
    """
    idle = {PARKED} if split != 0 else {PARKED, TEMPORARY}
    return sum(_serves(i) and i.member.group not in idle for i in fleet.instances)


def _serves(instance: Instance) -> bool:
    if instance.member.service is not Service.IN or not instance.sight.reached:
        return False
    told = instance.member.assignment
    return told is None or told.work is Work.STAGE or not instance.busy


def _of_rollout(rollout: Rollout, fleet: Fleet) -> Moment:
    if rollout.stage in STAGES:
        return Moment(STAGES[rollout.stage])
    if rollout.evaluating:
        return Moment("evaluation")
    watched = fleet.named(rollout.batch) if rollout.batch else fleet.of_group(TEMPORARY)
    if not watched:
        return Moment("launching" if rollout.batch else "provision")
    doing = {_doing(i, rollout.target) for i in watched if not i.settled(rollout.target)}
    return Moment(next((name for name in ORDER if name in doing), "gate"), rollout.batches)


def _doing(instance: Instance, target: int) -> str:
    sight, told = instance.sight, instance.member.assignment
    if sight.machine is not Machine.RUNNING or not sight.heard:
        return "draining" if instance.member.leaving else "launching"
    if instance.member.service is Service.DRAINING:
        return "draining"
    if sight.running == target:
        return "gate"
    staged = sight.staged == target and told is not None and told.work is not Work.STAGE
    return "activating" if staged else "staging"
