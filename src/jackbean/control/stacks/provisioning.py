"""Asking for what a record says is to be done about resources, and seeing what comes of it.

It is asked for at the beginning of a turn, after it was saved; what comes of it is what that turn
is decided from. So nothing is done that is not on record, and a turn that dies is taken again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from jackbean.core.environments import Environment
from jackbean.core.errors import Fault, PortError
from jackbean.core.resources import Key, Refused, Resource, Sight, State, Underway
from jackbean.ports.resources import Resources, Wanted
from jackbean.stacks.graph import WAIT_CONDITION
from jackbean.stacks.names import stack_of


async def realise(resources: Resources, environment: Environment) -> dict[Key, Sight]:
    """Do what is to be done about an environment's resources, and return what came of it."""
    return await seen(resources, stack_of(environment.id), environment.resources)


async def seen(resources: Resources, stack: str, wished: Iterable[Resource]) -> dict[Key, Sight]:
    """Do what is to be done about the resources of a stack, and return what came of it."""
    pending = [r for r in wished if r.pending]
    return {r.key: await _realised(resources, wanted(stack, r), r) for r in pending}


def wanted(stack: str, resource: Resource) -> Wanted:
    """Return what is to be made of a resource."""
    return Wanted(
        stack=stack,
        id=resource.id,
        type=resource.type,
        name=resource.name,
        properties=json.loads(resource.properties or "{}"),
        former=json.loads(resource.former) if resource.former else None,
    )


async def _realised(resources: Resources, wanted: Wanted, resource: Resource) -> Sight:
    """Return what came of one; what the world refuses now may be possible later."""
    removing = resource.state is State.REMOVING
    try:
        return await (resources.remove(wanted) if removing else resources.ensure(wanted))
    except Fault as fault:
        return Refused(fault.message)
    except PortError as error:
        return Underway(str(error), ends=resource.type == WAIT_CONDITION)
