"""Creating and deleting application versions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jackbean.control.world import World
from jackbean.core.applications import Location, Version
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
    if await world.store.versions(wanted.application, [wanted.label]):
        raise invalid(f"Application Version {wanted.label} already exists.")
    if len(await world.store.versions()) >= VERSIONS_MAX:
        raise Fault(
            "TooManyApplicationVersionsException",
            f"There are {VERSIONS_MAX} application versions, which is the limit. "
            "Delete some that no environment uses.",
        )
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
    await world.store.commit([PutVersion(version), *map(AddEvent, told)])
    return version


async def find_version(world: World, application: str, label: str) -> Version:
    found = await world.store.versions(application, [label])
    if not found:
        raise invalid(f"No Application Version named '{label}' found.")
    return found[0]


async def describe_anew(
    world: World, application: str, label: str, description: str | None
) -> Version:
    """Change the description; None keeps it."""
    version = await find_version(world, application, label)
    if description is None:
        return version
    changed = replace(version, description=description, updated=world.clock.now())
    await world.store.commit([PutVersion(changed)])
    return changed


async def delete_version(world: World, application: str, label: str) -> Version | None:
    """Delete a version that no environment runs; one that is unknown is deleted already."""
    found = await world.store.versions(application, [label])
    if not found:
        return None
    query = EnvironmentQuery(application=application, version_label=label)
    using = await world.store.environments(query)
    if using:
        names = ", ".join(e.name for e in using)
        raise invalid(
            f"Application Version {label} is deployed to environment(s) {names}. "
            "Deploy another version there, or terminate them, first."
        )
    await world.store.commit([DeleteVersion(application, label)])
    return found[0]


def _event(version: Version, text: str, request_id: str) -> Event:
    return Event(
        text,
        application=version.application,
        version_label=version.label,
        request_id=request_id,
    )
