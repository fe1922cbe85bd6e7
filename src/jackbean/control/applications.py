"""Creating, changing and deleting applications."""

from __future__ import annotations

from dataclasses import replace

from jackbean.control.environments import retried, terminate
from jackbean.control.world import World
from jackbean.core.applications import Application, check_description
from jackbean.core.errors import invalid
from jackbean.core.events import Event
from jackbean.ports.store import (
    AddEvent,
    DeleteApplication,
    EnvironmentQuery,
    PutApplication,
    PutDocument,
)

DELETION = "application deletion"
DELETED = "The application has been deleted successfully."


async def create_application(world: World, wanted: Application, request_id: str) -> Application:
    if await world.store.applications([wanted.name]):
        raise invalid(f"Application {wanted.name} already exists.")
    now = world.clock.now()
    application = replace(wanted, created=now, updated=now)
    story = (
        "createApplication is starting.",
        f"Created new Application: {application.name}",
        "createApplication completed successfully.",
    )
    told = [Event(text, application=application.name, request_id=request_id) for text in story]
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
    await find_application(world, name)
    running = await world.store.environments(EnvironmentQuery(application=name))
    if running and not force:
        names = ", ".join(e.name for e in running)
        raise invalid(
            f"Unable to delete application {name} because it has running environments: {names}. "
            "Terminate them first, or ask for them to be terminated."
        )
    starting = Event("deleteApplication is starting.", application=name, request_id=request_id)
    await world.store.commit([PutDocument(DELETION, name, request_id), AddEvent(starting)])
    for environment in running:
        await _end(world, environment.id, request_id)
    await finish_deletion(world, name)


async def finish_deletion(world: World, name: str) -> None:
    """Delete an application whose deletion waits for nobody any more, and say so."""
    request_id = await world.store.document(DELETION, name)
    if request_id is None or await world.store.environments(EnvironmentQuery(application=name)):
        return
    told = Event(DELETED, application=name, request_id=request_id)
    done = PutDocument(DELETION, name, None)
    await world.store.commit([done, DeleteApplication(name), AddEvent(told)])


async def _end(world: World, environment_id: str, request_id: str) -> None:
    async def once() -> None:
        await terminate(world, environment_id, request_id)

    await retried(once)
