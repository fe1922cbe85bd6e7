"""Creating and deleting application versions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from jackbean.control.linking import extensions_of
from jackbean.control.world import World
from jackbean.core.applications import Location, Version, VersionStatus
from jackbean.core.environments import Environment
from jackbean.core.errors import Fault, invalid
from jackbean.core.events import Event, Severity
from jackbean.ports.store import AddEvent, DeleteVersion, EnvironmentQuery, PutVersion

VERSIONS_MAX = 1000  # of all applications together
DELETION = "application deletion"  # documents: who asked for it, by application


@dataclass(frozen=True)
class Bundle:
    """An uploaded source bundle: where it is, and the digest of its bytes."""

    location: Location
    digest: str


async def create_version(
    world: World, wanted: Version, bundle: Bundle | None, request_id: str
) -> Version:
    """Record a version. It keeps its bytes by digest, whatever happens to the upload later.

    One that is to be processed is so at once; what is wrong with its bundle makes it a failed one.
    """
    now = world.clock.now()
    version = replace(
        wanted,
        created=now,
        updated=now,
        location=bundle.location if bundle else None,
        digest=bundle.digest if bundle else None,
    )
    complaint = await _complaint(world, version)
    if complaint:
        version = replace(version, status=VersionStatus.FAILED)
    told = _story(version, complaint, request_id)
    async with world.names:
        await _refuse_taken(world, version)
        await world.store.commit([PutVersion(version), *map(AddEvent, told)])
    return version


async def _complaint(world: World, version: Version) -> str:
    """Return what is wrong with the files of a bundle that are ours to read."""
    if version.status is not VersionStatus.PROCESSED or version.digest is None:
        return ""
    try:
        extensions = await extensions_of(world, version.digest)
        await asyncio.to_thread(extensions.tasks)
        await asyncio.to_thread(extensions.declaration)
    except Fault as fault:
        return fault.message
    return ""


def _story(version: Version, complaint: str, request_id: str) -> Iterator[Event]:
    yield _event(version, "createApplicationVersion is starting.", request_id)
    yield _event(version, f"Created new Application Version: {version.label}", request_id)
    if complaint:
        yield replace(_event(version, complaint, request_id), severity=Severity.ERROR)
    if version.status is not VersionStatus.UNPROCESSED:
        said = f"Finished processing application version {version.label}: {version.status.value}."
        yield _event(version, said, request_id)
    yield _event(version, "createApplicationVersion completed successfully.", request_id)


async def refuse_unless_standing(world: World, application: str) -> None:
    """Raise a Fault unless there is such an application, and it is to stay."""
    if not await world.store.applications([application]):
        raise invalid(f"No Application named '{application}' found.")
    if await world.store.document(DELETION, application) is not None:
        raise invalid(f"Application {application} is being deleted.")


async def _refuse_taken(world: World, wanted: Version) -> None:
    await refuse_unless_standing(world, wanted.application)
    if await world.store.versions(wanted.application, [wanted.label]):
        raise invalid(f"Application Version {wanted.label} already exists.")
    if len(await world.store.versions()) >= VERSIONS_MAX:
        raise Fault(
            "TooManyApplicationVersionsException",
            f"There are {VERSIONS_MAX} application versions, which is the limit. "
            "Delete some that no environment uses.",
        )


async def deployable(world: World, application: str, label: str) -> Version:
    """Return the version to deploy. Raises a Fault where there is none, or a failed one."""
    version = await find_version(world, application, label)
    if version.status is VersionStatus.FAILED:
        raise invalid(
            f"Application Version {label} cannot be deployed: processing it failed, and its events "
            "say why. Correct the bundle, and make another version of it."
        )
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
    """Return the versions that an environment or any of its instances runs, or is to run."""
    operation = environment.operation
    numbers = {m.assignment.release for m in environment.members if m.assignment}
    numbers |= {operation.release} if operation and operation.release else set()
    releases = [await world.store.release(environment.id, number) for number in sorted(numbers)]
    return frozenset({environment.version_label, *(r.version_label for r in releases if r)})


def _event(version: Version, text: str, request_id: str) -> Event:
    return Event(
        text,
        application=version.application,
        version_label=version.label,
        request_id=request_id,
    )
