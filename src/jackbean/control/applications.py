"""Creating, changing and deleting applications."""

from __future__ import annotations

from dataclasses import replace

from jackbean.control.environments import terminate
from jackbean.control.versions import DELETION
from jackbean.control.world import World
from jackbean.core.applications import Application, check_description
from jackbean.core.environments import Environment, Status
from jackbean.core.errors import Fault, invalid
from jackbean.core.events import Event
from jackbean.ports.store import (
    AddEvent,
    DeleteApplication,
    EnvironmentQuery,
    PutApplication,
    PutDocument,
)

DELETED = "The application has been deleted successfully."


async def create_application(world: World, wanted: Application, request_id: str) -> Application:
    now = world.clock.now()
    application = replace(wanted, created=now, updated=now)
    story = (
        "createApplication is starting.",
        f"Created new Application: {application.name}",
        "createApplication completed successfully.",
    )
    told = [Event(text, application=application.name, request_id=request_id) for text in story]
    async with world.names:
        if await world.store.applications([wanted.name]):
            raise invalid(f"Application {wanted.name} already exists.")
        await world.store.commit([PutApplication(application), *map(AddEvent, told)])
    return application


async def find_application(world: World, name: str) -> Application:
    """Return the application. Raises the Fault that clients take as leave to create it."""
    found = await world.store.applications([name])
    if not found:
        raise invalid(f"No Application named '{name}' found.")
    return found[0]


async def describe_anew(world: World, name: str, description: str | None) -> Application:
    """Change the description; None keeps it."""
    async with world.names:
        application = await find_application(world, name)
        if description is not None:
            check_description(description)
            application = replace(application, description=description, updated=world.clock.now())
            await world.store.commit([PutApplication(application)])
    return application


async def delete_application(world: World, name: str, request_id: str, *, force: bool) -> None:
    """Delete it with its versions; environments must be gone, or `force` terminates them first.

    With environments to end, the rest follows when the last one has: see `finish_deletion`.
    """
    starting = Event("deleteApplication is starting.", application=name, request_id=request_id)
    async with world.names:
        await find_application(world, name)
        if await world.store.document(DELETION, name) is not None:
            text = f"Application {name} is being deleted already."
            raise Fault("OperationInProgressFailure", text)
        if not force:
            await _refuse_inhabited(world, name)
        await world.store.commit([PutDocument(DELETION, name, request_id), AddEvent(starting)])
    await _go_on(world, name, request_id)


async def _refuse_inhabited(world: World, name: str) -> None:
    if running := await world.store.environments(EnvironmentQuery(application=name)):
        names = ", ".join(e.name for e in running)
        raise invalid(
            f"Unable to delete application {name} because it has running environments: {names}. "
            "Terminate them first, or ask for them to be terminated."
        )


async def finish_deletions(world: World) -> None:
    """Go on with what an earlier control plane began to delete."""
    for name, request_id in (await world.store.documents(DELETION)).items():
        await _go_on(world, name, request_id)


async def _go_on(world: World, name: str, request_id: str) -> None:
    for environment in await world.store.environments(EnvironmentQuery(application=name)):
        await _end(world, environment, request_id)
    await finish_deletion(world, name)


async def finish_deletion(world: World, name: str) -> None:
    """Delete an application whose deletion waits for nobody any more, and say so."""
    if await world.store.document(DELETION, name) is None:
        return  # nearly always, so do not wait for anybody
    async with world.names:
        request_id = await world.store.document(DELETION, name)
        environments = await world.store.environments(EnvironmentQuery(application=name))
        if request_id is None or environments:
            return
        told = Event(DELETED, application=name, request_id=request_id)
        done = PutDocument(DELETION, name, None)
        await world.store.commit([done, DeleteApplication(name), AddEvent(told)])


async def _end(world: World, environment: Environment, request_id: str) -> None:
    """Terminate it, unless somebody has begun to meanwhile."""
    try:
        await terminate(world, environment.id, request_id)
    except Fault:
        now = await world.store.environment(environment.id)
        if now is not None and now.status not in {Status.TERMINATING, Status.TERMINATED}:
            raise
