"""Going back to the release before: code and configuration together."""

from __future__ import annotations

from dataclasses import replace

from jackbean.control.environments import current_release, find, must_be_ready, retried
from jackbean.control.observe import running
from jackbean.control.plans import Plan, begun, rollback_plan, update_plan
from jackbean.control.story.narration import opening
from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.core.errors import invalid
from jackbean.core.releases import Release
from jackbean.ports.store import AddEvent, Change, PutEnvironment, PutRelease


async def roll_back(world: World, name_or_id: str, request_id: str) -> Environment:
    """Begin to go back: to parked instances where there are any, else by a deployment.

    Raises a Fault where there is no release to go back to.
    """
    return await retried(lambda: _roll_back(world, name_or_id, request_id))


async def _roll_back(world: World, name_or_id: str, request_id: str) -> Environment:
    before = await find(world, name_or_id)
    must_be_ready(before)
    base = replace(before, updated=world.clock.now())
    plan = rollback_plan(before, before.parked, base.updated) if before.parked else None
    if before.parked and plan:
        parked = await _release(world, before, before.parked.release)
        return await _begin(world, begun(before, base, parked, plan, request_id))
    release, plan = await _deployment(world, base)
    put = PutRelease(release)
    return await _begin(world, begun(before, base, release, plan, request_id), put)


async def _deployment(world: World, base: Environment) -> tuple[Release, Plan]:
    """Return what to go back to as a new release, and how it is deployed.

    That is the release before; but where a deployment stopped half-way it is the one that the
    environment is on, and some of its instances are not.
    """
    current = await current_release(world, base)
    mixed = await _mixed(world, base)
    if base.former is None and not mixed:
        raise invalid(f"No other release has worked in {base.name} before: none to go back to.")
    goal = current if mixed or base.former is None else await _release(world, base, base.former)
    same = (goal.version_label, goal.digest) == (current.version_label, current.digest)
    again = replace(
        goal,
        number=base.releases + 1,
        created=base.updated,
        configuration_only=same and not mixed,
        restarts=False,
    ).after(current)
    return again, update_plan(base, current, again, base.updated)


async def _mixed(world: World, environment: Environment) -> bool:
    """Whether a deployment has left instances on something else than the environment is on.

    One that could not prepare other settings was told those last, and runs what it ran.
    """
    on, runs = environment.deployment, running(world.reports, environment)
    if on is None:  # nothing has worked yet, so nothing can be mixed with it
        return False
    told = {m.id: m.assignment.release for m in environment.members if m.counted and m.assignment}
    for name, number in told.items():
        if number == on:
            continue
        asked = await _release(world, environment, number)
        if runs.get(name) != on or not asked.configuration_only:
            return True
    return False


async def _release(world: World, environment: Environment, number: int) -> Release:
    release = await world.store.release(environment.id, number)
    if release is None:
        raise AssertionError(f"environment {environment.name} has no release {number}")
    return release


async def _begin(world: World, environment: Environment, *more: Change) -> Environment:
    changes = [PutEnvironment(environment), *more, AddEvent(opening(environment))]
    await world.store.commit(changes)
    world.bell.poke(environment.id)
    return environment
