"""Creating, updating and terminating environments: each writes intent in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from jackbean.control import certifying
from jackbean.control.linking import dependants
from jackbean.control.plans import begun, launch_plan, update_plan
from jackbean.control.releases import Cut, Wanted, cut
from jackbean.control.story.narration import ending, opening, superseded
from jackbean.control.versions import deployable, refuse_unless_standing
from jackbean.control.world import World
from jackbean.core.applications import Tags, check_description
from jackbean.core.environments import (
    Environment,
    Status,
    Tier,
    check_cname_prefix,
    check_environment_name,
)
from jackbean.core.errors import Conflict, Fault, invalid, unfitting
from jackbean.core.events import Severity
from jackbean.core.operations import Deprovision, Empty, Kind, Operation
from jackbean.core.options.settings import Key, Setting
from jackbean.core.options.table import options
from jackbean.core.options.views import CapacityOptions
from jackbean.core.platforms.catalogue import PlatformVersion
from jackbean.core.records import replace
from jackbean.core.releases import Release
from jackbean.ports.store import AddEvent, Change, EnvironmentQuery, PutEnvironment, PutRelease

WEB = Tier()
SAMPLE = "Sample Application"
SLOTS_MAX = 60_000
ATTEMPTS = 8  # to save over somebody else's save

Result = TypeVar("Result")


@dataclass(frozen=True)
class Creation:
    """What CreateEnvironment asks for. `label` None is the sample application.

    `along` is saved with it, or not at all.
    """

    application: str
    name: str
    platform: PlatformVersion
    request_id: str
    label: str | None = None
    cname_prefix: str | None = None
    description: str = ""
    tier: Tier = WEB
    settings: tuple[Setting, ...] = ()
    tags: Tags = ()
    group: str = ""
    along: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Update:
    """What UpdateEnvironment asks for; None means as it is. `along` is saved with it."""

    request_id: str
    label: str | None = None
    description: str | None = None
    platform: PlatformVersion | None = None
    settings: tuple[Setting, ...] = ()
    remove: tuple[Key, ...] = ()
    tier: Tier | None = None
    group: str | None = None
    along: tuple[Change, ...] = ()


async def create(world: World, wanted: Creation) -> Environment:
    """Reserve the name and begin to launch."""
    return await retried(lambda: _create(world, wanted))


async def _create(world: World, wanted: Creation) -> Environment:
    await _refuse_taken(world, wanted)
    draft = await _draft(world, wanted)
    label, digest = wanted.label, None
    if label is not None:
        digest = (await deployable(world, wanted.application, label)).digest
    table = options(wanted.platform.branch.platform_name)
    made = await cut(world, draft, Wanted(label or SAMPLE, digest, table, wanted.settings))
    environment = _launching(draft, made, wanted.request_id)
    bucket = world.installation.bucket
    told = f"Using {bucket} as Amazon S3 storage bucket for environment data."
    await world.store.commit(
        [
            PutEnvironment(environment),
            PutRelease(made.release),
            AddEvent(opening(environment)),
            AddEvent(replace(opening(environment), message=told)),
            *_warnings(environment, made.warnings),
            *wanted.along,
        ]
    )
    world.bell.poke(environment.id)
    return environment


async def update(world: World, name_or_id: str, wanted: Update) -> Environment:
    """Begin a deployment, a change of settings, or both, as one operation."""
    return await retried(lambda: _update(world, name_or_id, wanted))


async def terminate(
    world: World, name_or_id: str, request_id: str, *, force: bool = True
) -> Environment:
    """Begin to terminate, whatever else is under way; by `force` one that others link to, too."""
    found = await find(world, name_or_id)
    if not force and (others := await dependants(world, found)):
        raise invalid(
            f"Environment {found.name} cannot be terminated: others link to it by env.yaml "
            f"({', '.join(others)}). End those first, or set ForceTerminate (--ignore-links)."
        )
    return await retried(lambda: _terminate(world, name_or_id, request_id))


async def find(world: World, name_or_id: str) -> Environment:
    """Return the environment of that name or id that is not terminated. Raises a Fault."""
    query = EnvironmentQuery(ids=(name_or_id,)), EnvironmentQuery(names=(name_or_id,))
    for one in query:
        if found := await world.store.environments(one):
            return found[-1]
    raise unknown(name_or_id)


def must_be_ready(environment: Environment) -> None:
    """Raise the Fault that clients know unless `environment` is at rest."""
    if not environment.ready:
        raise invalid(
            f"Environment named {environment.name} is in an invalid state for this operation. "
            "Must be Ready."
        )


def unknown(name_or_id: str) -> Fault:
    return invalid(f"No Environment found for EnvironmentName = '{name_or_id[:80]}'.")


async def retried(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """Return what `attempt` does, trying again while others save the same record first."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await attempt()
        except Conflict:
            continue
    return await attempt()


async def _refuse_taken(world: World, wanted: Creation) -> None:
    check_environment_name(wanted.name)
    check_description(wanted.description)
    await refuse_unless_standing(world, wanted.application)
    if await world.store.environments(EnvironmentQuery(names=(wanted.name,))):
        raise invalid(f"Environment {wanted.name} already exists.")
    if wanted.cname_prefix is not None:
        if wanted.tier.worker:
            raise unfitting("A worker environment has no CNAME; leave CNAMEPrefix out.")
        prefix = wanted.cname_prefix.lower()
        check_cname_prefix(prefix)
        if await world.store.environments(EnvironmentQuery(cname_prefix=prefix)):
            hostname = world.installation.hostname(prefix)
            raise invalid(f"DNS name ({hostname}) is not available.")


async def _draft(world: World, wanted: Creation) -> Environment:
    prefix, slot = ("", 0) if wanted.tier.worker else await _place(world, wanted)
    now = world.clock.now()
    return Environment(
        id=world.ids.environment(),
        name=wanted.name,
        application=wanted.application,
        stack=wanted.platform.solution_stack,
        platform_arn=wanted.platform.arn,
        cname_prefix=prefix,
        slot=slot,
        tier=wanted.tier,
        description=wanted.description,
        created=now,
        updated=now,
        tags=wanted.tags,
        group=wanted.group,
    )


async def _place(world: World, wanted: Creation) -> tuple[str, int]:
    """Return under which CNAME prefix, and in which slot, an environment is reached."""
    taken = await world.store.slots()
    slot = next(n for n in range(1, SLOTS_MAX) if n not in taken)
    made_up = f"{wanted.name}.{world.ids.suffix(10)}"
    return (wanted.cname_prefix or made_up).lower(), slot


def _launching(draft: Environment, made: Cut, request_id: str) -> Environment:
    """Return the environment as it begins: on its first release, since there is none to keep."""
    release = made.release
    plan = launch_plan(release, draft.created)
    return replace(
        draft,
        desired=CapacityOptions.of(release.settings).minimum,
        release=release.number,
        releases=release.number,
        version_label=release.version_label,
        template=release.fingerprint,
        links=release.links,
        operation=Operation(
            number=1,
            kind=Kind.CREATE,
            request_id=request_id,
            began=draft.created,
            phases=plan.phases,
            release=release.number,
        ),
        operations=1,
    )


async def _update(world: World, name_or_id: str, wanted: Update) -> Environment:
    before = await find(world, name_or_id)
    must_be_ready(before)
    if wanted.tier and (wanted.tier.name, wanted.tier.type) != (before.tier.name, before.tier.type):
        raise invalid("The tier of an environment cannot be changed.")
    old = await current_release(world, before)
    base = described(before, wanted, world.clock.now())
    made = await cut(world, base, await wanted_release(world, base, old, wanted))
    new = made.release.after(old)
    plan = update_plan(before, old, new, base.updated)
    environment = begun(before, base, new, plan, wanted.request_id)
    changes: list[Change] = [
        PutEnvironment(environment),
        PutRelease(new),
        AddEvent(opening(environment)),
        *_warnings(environment, (*made.warnings, *plan.warnings)),
        *wanted.along,
    ]
    await world.store.commit(changes)
    world.bell.poke(environment.id)
    return environment


def described(before: Environment, wanted: Update, now: float) -> Environment:
    """Return the environment as a request describes it."""
    description = before.description if wanted.description is None else wanted.description
    check_description(description)
    before = before if wanted.group is None else replace(before, group=wanted.group)
    platform = wanted.platform
    if platform is None:
        return replace(before, description=description, updated=now)
    return replace(
        before,
        description=description,
        stack=platform.solution_stack,
        platform_arn=platform.arn,
        updated=now,
    )


async def wanted_release(world: World, base: Environment, old: Release, wanted: Update) -> Wanted:
    """Return what the release after `old` is made of. Raises a Fault for what is not there."""
    label, digest = old.version_label, old.digest
    if wanted.label is not None:
        version = await deployable(world, base.application, wanted.label)
        label, digest = version.label, version.digest
    return Wanted(
        label,
        digest,
        options(world.platforms.of(base).branch.platform_name),
        changes=wanted.settings,
        removals=wanted.remove,
        current=old,
        configuration_only=wanted.label is None,
    )


async def _terminate(world: World, name_or_id: str, request_id: str) -> Environment:
    before = await find(world, name_or_id)
    if before.status is Status.TERMINATING:
        return before  # it has begun already
    now = world.clock.now()
    environment = replace(
        before,
        status=Status.TERMINATING,
        updated=now,
        operations=before.operations + 1,
        operation=Operation(
            number=before.operations + 1,
            kind=Kind.TERMINATE,
            request_id=request_id,
            began=now,
            phases=(Empty(), Deprovision()),
        ),
    )
    await world.store.commit(
        [
            PutEnvironment(environment),
            *await certifying.superseded(world, before),
            *map(AddEvent, superseded(before)),
            AddEvent(opening(environment)),
            AddEvent(ending(environment)),
        ]
    )
    world.bell.poke(environment.id)
    return environment


async def current_release(world: World, environment: Environment) -> Release:
    """Return the release that `environment` is on."""
    number = environment.release
    release = None if number is None else await world.store.release(environment.id, number)
    if release is None:
        raise AssertionError(f"environment {environment.name} has no release {number}")
    return release


def _warnings(environment: Environment, texts: tuple[str, ...]) -> list[AddEvent]:
    told = opening(environment)
    return [AddEvent(replace(told, message=t, severity=Severity.WARN)) for t in texts]
