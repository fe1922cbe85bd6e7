"""The verbs that policies are written in."""

from __future__ import annotations

from jackbean.core.acts import Act, Assign, Attach, Drain, Launch, Retire, Step
from jackbean.core.fleet import Fleet, Instance, Service, Work
from jackbean.core.rollouts import Rollout, Stage


def advance(rollout: Rollout, batch: Fleet, *, drain: bool) -> Step:
    """Take every instance of `batch` one step nearer to serving the target release.

    Everything that does not disturb the running release is done while it serves; only then does an
    instance leave service (unless `drain` is False) for the moment of the change.
    """
    acts = tuple(act for i in batch if (act := _next_act(i, rollout, drain=drain)))
    return Step(rollout, acts, f"waiting for {', '.join(batch.ids)}")


def _next_act(instance: Instance, rollout: Rollout, *, drain: bool) -> Act | None:
    if instance.busy:
        return _instead(instance, rollout) if _in_vain(instance, rollout) else None
    if instance.sight.running == rollout.target:
        return Attach(instance.id) if instance.member.service is Service.OUT else None
    leader = instance.id == rollout.leader
    activate = Assign(instance.id, Work.ACTIVATE, rollout.target, leader)
    if not drain:
        return activate
    if instance.sight.staged != rollout.target:
        return Assign(instance.id, Work.STAGE, rollout.target, leader)
    match instance.member.service:
        case Service.IN:
            return Drain(instance.id)
        case Service.DRAINING:
            return None
        case Service.OUT:
            return activate


def _in_vain(instance: Instance, rollout: Rollout) -> bool:
    """Whether it works on what nobody wants any more: its agent drops that for what it is told.

    What an aborted deployment has begun may take until its own time is up: its hooks may hang.
    """
    told = instance.member.assignment
    return told is not None and told.release not in {rollout.target, rollout.previous}


def _instead(instance: Instance, rollout: Rollout) -> Act:
    """Have it work on the target; what was being changed out of service may not run any more."""
    told, out = instance.member.assignment, instance.member.service is Service.OUT
    broken = out and told is not None and told.work is not Work.STAGE
    work = Work.ACTIVATE if broken else Work.STAGE
    return Assign(instance.id, work, rollout.target, instance.id == rollout.leader)


def conclude(rollout: Rollout, batch: Fleet, now: float) -> Step:
    """Judge a batch whose time is up: give up, unless all it lacks is health that is ignored."""
    installed = all(i.runs(rollout.target) for i in batch)
    if rollout.ignore_health and installed:
        return Step(rollout.waive(batch), tuple(Attach(i.id) for i in batch))
    return Step(rollout.give_up(now))


def refill(rollout: Rollout, fleet: Fleet) -> tuple[Act, ...]:
    """Give up the dead, and launch what is missing; newcomers get what is known to work."""
    known = rollout.goal if rollout.previous is None else rollout.previous
    template = rollout.template if rollout.previous is None else rollout.previous_template
    launch = Launch(rollout.size, known, template, leader=rollout.previous is None)
    return (*retire(fleet.dead), *((launch,) if len(fleet.alive) < rollout.size else ()))


def commit(rollout: Rollout, now: float) -> Step:
    """Pass the point of no return; what is launched from now on gets the goal."""
    return Step(rollout.enter(Stage.COMMITTED, now))


def retire(fleet: Fleet) -> tuple[Act, ...]:
    """Ensure that everyone in `fleet` leaves service and ends."""
    return tuple(Retire(i.id) for i in fleet)
