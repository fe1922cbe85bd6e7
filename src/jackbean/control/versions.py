"""Creating and deleting application versions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jackbean.control.world import World
from jackbean.core.applications import Location, Version
from jackbean.core.environments import Environment
from jackbean.core.errors import Fault, invalid
from jackbean.core.events import Event
from jackbean.ports.store import AddEvent, DeleteVersion, EnvironmentQuery, PutVersion

VERSIONS_MAX = 1000  # of all applications together


@dataclass(frozen=True)
class Bundle:
    """An uploaded source bundle: where it is, and the digest of its bytes."""

    location: Location
    digest: str


async def create_version(
    world: World, wanted: Version, bundle: Bundle | None, request_id: str
) -> Version:
    """Record a version. It keeps its bytes by digest, whatever happens to the upload later."""
    now = world.clock.now()
    version = replace(
        wanted,
        created=now,
        updated=now,
        location=bundle.location if bundle else None,
        digest=bundle.digest if bundle else None,
    )
    story = (
        "createApplicationVersion is starting.",
        f"Created new Application Version: {version.label}",
        "createApplicationVersion completed successfully.",
    )
    told = [_event(version, text, request_id) for text in story]
    async with world.names:
        await _refuse_taken(world, version)
        await world.store.commit([PutVersion(version), *map(AddEvent, told)])
    return version


async def _refuse_taken(world: World, wanted: Version) -> None:
    if not await world.store.applications([wanted.application]):
        raise invalid(f"No Application named '{wanted.application}' found.")
    if await world.store.versions(wanted.application, [wanted.label]):
        raise invalid(f"Application Version {wanted.label} already exists.")
    if len(await world.store.versions()) >= VERSIONS_MAX:
        raise Fault(
            "TooManyApplicationVersionsException",
            f"There are {VERSIONS_MAX} application versions, which is the limit. "
            "Delete some that no environment uses.",
        )


async def find_version(world: World, application: str, label: str) -> Version:
    found = await world.store.versions(application, [label])
    if not found:
        raise invalid(f"No Application Version named '{label}' found.")
    return found[0]


async def describe_anew(
    world: World, application: str, label: str, description: str | None
) -> Version:
    """Change the description; None keeps it."""
    async with world.names:
        version = await find_version(world, application, label)
        if description is not None:
            version = replace(version, description=description, updated=world.clock.now())
            await world.store.commit([PutVersion(version)])
    return version


async def delete_version(world: World, application: str, label: str) -> Version | None:
    """Delete a version that no environment runs; one that is unknown is deleted already."""
    async with world.names:
        found = await world.store.versions(application, [label])
        if not found:
            return None
        await _refuse_used(world, application, label)
        await world.store.commit([DeleteVersion(application, label)])
    return found[0]


async def _refuse_used(world: World, application: str, label: str) -> None:
    environments = await world.store.environments(EnvironmentQuery(application=application))
    using = [e.name for e in environments if label in await _labels(world, e)]
    if using:
        raise invalid(
            f"Application Version {label} is deployed to environment(s) {', '.join(using)}. "
            "Deploy another version there, or terminate them, first."
        )


async def _labels(world: World, environment: Environment) -> frozenset[str | None]:
    """Return the versions that an environment runs, and that it is on its way to."""
    operation = environment.operation
    number = operation.release if operation else None
    release = await world.store.release(environment.id, number) if number else None
    return frozenset({environment.version_label, release.version_label if release else None})


def _event(version: Version, text: str, request_id: str) -> Event:
    return Event(
        text,
        application=version.application,
        version_label=version.label,
        request_id=request_id,
    )
