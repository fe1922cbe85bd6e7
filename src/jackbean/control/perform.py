"""From what was saved to what is done: level-triggered, so that doing it again does no harm.

Nothing here decides. Machines are started for members that have none and ended for members that
have left; routes are those of the members in service; agents with work waiting are nudged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jackbean.control.balancer import routes
from jackbean.control.intake import polls
from jackbean.control.observe import Look
from jackbean.control.terms import Terms
from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.core.fleet import Instance, Machine, Member
from jackbean.core.openings import Opening
from jackbean.core.releases import Release
from jackbean.ports.engine import LaunchSpec
from jackbean.rollouts.service import endable

LAUNCH = "aws:autoscaling:launchconfiguration"


@dataclass(frozen=True)
class Means:
    """What performing draws on: how to route, what was seen, and the releases of members."""

    terms: Terms
    look: Look
    releases: Mapping[int, Release]
    openings: tuple[Opening, ...] = ()  # of its security groups, besides the load balancer's port


async def perform(world: World, environment: Environment, means: Means) -> None:
    """Make machines, routes and agents follow `environment` as it was saved.

    Raises PortError where something outside refused; the next tick does it again.
    """
    if environment.terminated:
        await world.router.withdraw(environment.id)
        return
    look = means.look
    if not environment.worker:
        await world.router.publish(routes(world.installation, environment, look, means.terms))
    await world.engine.admit(dict.fromkeys((m.id for m in environment.members), means.openings))
    seen = {i.id: i for i in look.fleet}
    acts = [
        act
        for member in environment.members
        if (act := _machine(world, environment, means, (member, seen.get(member.id))))
    ]
    if acts:
        await _all(acts)
    _nudge(world, environment, seen)


async def _all(acts: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Do all of `acts`, and only when all have ended raise what the first of them raised."""
    for result in await asyncio.gather(*acts, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


def launching(environment: Environment) -> frozenset[int]:
    """Return the numbers of the releases that `environment`'s members are launched for."""
    return frozenset(m.assignment.release for m in environment.members if m.assignment)


def _machine(
    world: World, environment: Environment, means: Means, known: tuple[Member, Instance | None]
) -> Coroutine[Any, Any, None] | None:
    member, seen = known
    machine = seen.sight.machine if seen else Machine.ABSENT
    if endable(member):
        return None if machine is Machine.ABSENT else world.engine.terminate(member.id)
    if member.leaving or machine in {Machine.RUNNING, Machine.EXITED}:
        return None
    return world.engine.ensure(_spec(world, environment, means, member))


DISK_GIB = 8  # of Amazon Linux's images


def _spec(world: World, environment: Environment, means: Means, member: Member) -> LaunchSpec:
    """Return what a machine is made of: the same whatever its environment is on its way to."""
    if member.assignment is None:
        raise AssertionError(f"instance {member.id} was launched for nothing")
    release = means.releases[member.assignment.release]
    return LaunchSpec(
        instance=member.id,
        environment_id=environment.id,
        platform=world.platforms.of(environment, release).branch.name,
        instance_type=release.settings.text(LAUNCH, "InstanceType") or "t3.micro",
        token=world.credentials.token(member.id),
        metadata_v1=release.settings.text(LAUNCH, "DisableIMDSv1") == "false",
        disk_gib=int(release.settings.text(LAUNCH, "RootVolumeSize") or DISK_GIB),
    )


def _nudge(world: World, environment: Environment, seen: Mapping[str, Instance]) -> None:
    for member in environment.members:
        if _uninformed(member, seen.get(member.id)) or _unaware(world, environment, member):
            world.reports.nudge(member.id)


def _uninformed(member: Member, seen: Instance | None) -> bool:
    """Whether an instance has not heard of its assignment."""
    told = seen.sight.serial if seen else 0
    return member.assignment is not None and member.assignment.serial > told


def _unaware(world: World, environment: Environment, member: Member) -> bool:
    """Whether an instance of a worker has not heard that it may take messages, or no longer may."""
    if not environment.worker:
        return False
    heard = world.reports.latest(member.id)
    return heard is not None and heard[0].polling is not polls(member)


def ends(environment: Environment) -> bool:
    """Whether a machine of it is due to end: worth looking again soon."""
    return any(endable(m) for m in environment.members)
