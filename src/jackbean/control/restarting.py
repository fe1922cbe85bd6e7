"""Restarting the application servers: the same release once more, with nothing to be done for it.

It goes through the machinery of deployments: instances leave service and return batch by batch, as
they do for any change. No hooks run and nothing of `.ebextensions` is done.
"""

from __future__ import annotations

from dataclasses import replace

from jackbean.control.environments import current_release, find, must_be_ready, retried
from jackbean.control.plans import begun, restart_plan
from jackbean.control.story.narration import opening
from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.ports.store import AddEvent, PutEnvironment, PutRelease


async def restart(world: World, name_or_id: str, request_id: str) -> Environment:
    """Begin to restart proxy and application on every instance. Raises a Fault unless at rest."""
    return await retried(lambda: _restart(world, name_or_id, request_id))


async def _restart(world: World, name_or_id: str, request_id: str) -> Environment:
    before = await find(world, name_or_id)
    must_be_ready(before)
    base = replace(before, updated=world.clock.now())
    current = await current_release(world, base)
    again = replace(
        current,
        number=base.releases + 1,
        created=base.updated,
        configuration_only=True,
        restarts=True,
    ).after(current)
    plan = restart_plan(base, again, base.updated)
    environment = begun(before, base, again, plan, request_id)
    await world.store.commit(
        [PutEnvironment(environment), PutRelease(again), AddEvent(opening(environment))]
    )
    world.bell.poke(environment.id)
    return environment
