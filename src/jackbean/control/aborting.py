"""Giving up an operation that is under way."""

from __future__ import annotations

from jackbean.control.environments import find, retried
from jackbean.control.story.narration import aside
from jackbean.control.world import World
from jackbean.core.environments import Environment, Status
from jackbean.core.errors import invalid
from jackbean.core.events import Severity
from jackbean.core.records import replace
from jackbean.ports.store import AddEvent, EventQuery, PutEnvironment

ABORTING = "abortEnvironmentUpdate is starting."
TOO_LATE = (
    "What is under way cannot be aborted any more, and ends by itself. Nothing was changed by the "
    "request to abort it."
)
ALREADY = "What is under way is being aborted already. Nothing was changed by asking again."


async def abort(world: World, name_or_id: str, request_id: str) -> Environment:
    """Begin to give up what is under way. Raises a Fault where nothing is.

    It is accepted in every other state: what is past its point of no return ends by itself.
    """
    return await retried(lambda: _abort(world, name_or_id, request_id))


async def _abort(world: World, name_or_id: str, request_id: str) -> Environment:
    before = await find(world, name_or_id)
    operation = before.operation
    if operation is None:
        raise invalid(
            f"Environment named {before.name} is in an invalid state for this operation. "
            "Must be Updating."
        )
    if not operation.revocable:
        asked = EventQuery(environment_id=before.id, request_id=request_id, limit=1)
        if await world.store.events(asked):  # by this very request, which had no answer
            return before
        said = ALREADY if operation.aborted else TOO_LATE
        told = aside(before, said, request_id, Severity.WARN)
        await world.store.commit([AddEvent(told)])
        return before
    after = replace(
        before,
        status=Status.ABORTING,
        operation=replace(operation, aborted=True),
        updated=world.clock.now(),
    )
    told = aside(after, ABORTING, request_id)
    await world.store.commit([PutEnvironment(after), AddEvent(told)])
    world.bell.poke(after.id)
    return after
