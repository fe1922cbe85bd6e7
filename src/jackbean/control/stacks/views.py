"""Stacks as CloudFormation tells of them: those of environments, and those of their own.

Of environments nothing of this is kept: a status follows from the operation under way, outputs are
evaluated when somebody asks, and events are the environment's own that speak of a resource.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jackbean.control.stacks.free_steps import FreeSurroundings
from jackbean.control.stacks.surroundings import Surroundings
from jackbean.control.world import World
from jackbean.core.applications import Tags
from jackbean.core.environments import Environment
from jackbean.core.events import Event
from jackbean.core.freestanding import Freestanding, Happened, from_json
from jackbean.core.operations import Kind, Provision, Tidy, Undo
from jackbean.core.releases import Release
from jackbean.core.resources import Resource, State
from jackbean.ports.store import EnvironmentQuery, EventQuery
from jackbean.stacks.engine import unmade
from jackbean.stacks.names import NAMINGS, stack_of
from jackbean.stacks.outputs import IMPORT, Output, exports, imported_names, outputs
from jackbean.stacks.portable import portable

DOCUMENT = "stack"  # documents: stacks of their own, by id
NESTED = "nested stack"  # documents: what is wanted of those that are resources, by name
WHOLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
EVENTS_MAX = 1000
ENDED_S = 3600.0  # for so long a stack that has ended is listed
SPOKEN = re.compile(
    r"(Created|Updated|Restored|Deleted|Kept|Creating|Updating|Deleting) (.{1,60}?) named: (\S+)"
    r"(?: failed\. Reason: (.*))?",
    re.DOTALL,
)
STATUSES = {
    "Created": "CREATE_COMPLETE",
    "Updated": "UPDATE_COMPLETE",
    "Restored": "UPDATE_COMPLETE",
    "Deleted": "DELETE_COMPLETE",
    "Kept": "DELETE_SKIPPED",
    "Creating": "CREATE_FAILED",
    "Updating": "UPDATE_FAILED",
    "Deleting": "DELETE_FAILED",
}
RESOURCE_STATUSES = {
    State.MAKING: "CREATE_IN_PROGRESS",
    State.CHANGING: "UPDATE_IN_PROGRESS",
    State.READY: "CREATE_COMPLETE",
    State.REMOVING: "DELETE_IN_PROGRESS",
}
FAILED_STATUSES = {
    State.MAKING: "CREATE_FAILED",
    State.CHANGING: "UPDATE_FAILED",
    State.REMOVING: "DELETE_FAILED",
}
TYPES = {naming.story: kind for kind, naming in reversed(NAMINGS.items())}


@dataclass(frozen=True)
class Happening:
    """One line of a stack's story. `logical` and `type` are empty where they are not known."""

    id: str
    at: float
    logical: str
    physical: str
    type: str
    status: str
    reason: str = ""


@dataclass(frozen=True)
class StackView:
    """A stack. `updated` is None where it never was, `ended` where it has not."""

    name: str
    id: str
    status: str
    created: float
    updated: float | None
    ended: float | None
    template: Mapping[str, Any]
    resources: Sequence[Resource]
    outputs: Sequence[Output]
    tags: Tags = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    environment: str = ""  # its id, of the stack of an environment
    story: Sequence[Happened] = ()  # of one of its own, of which there are the last of `told`
    told: int = 0
    stays: bool = False
    protected: bool = False
    policy: str = ""
    parent: str = ""
    root: str = ""


async def views(world: World, wanted: str = "") -> list[StackView]:
    """Return all stacks, or the one of that name or id; empty if there is none.

    One that has ended is known by its id only, as CloudFormation has it.
    """
    own = [s for s in await freestanding(world) if not wanted or _meant(wanted, s)]
    if wanted and own:
        return [own_view(world, stack) for stack in own[-1:]]
    since = world.clock.now() - ENDED_S
    found = await world.store.environments(EnvironmentQuery(terminated_since=since))
    name = wanted.rpartition("stack/")[2].partition("/")[0] if ":stack/" in wanted else wanted
    chosen = [
        e
        for e in found
        if not name or (stack_of(e.id) == name and (not e.terminated or name != wanted))
    ]
    views = [await _view(world, environment) for environment in chosen]
    return [*views, *(own_view(world, stack) for stack in own)]


def _meant(wanted: str, stack: Freestanding) -> bool:
    return wanted == stack.id or (wanted == stack.name and stack.ended is None)


async def freestanding(world: World) -> list[Freestanding]:
    """Return the stacks of their own in order of their making, those that ended lately too."""
    kept = await world.store.documents(DOCUMENT)
    return sorted(map(from_json, kept.values()), key=lambda one: (one.created, one.id))


async def exported(world: World, but: str = "") -> dict[str, str]:
    """Return what stacks export, but for that of environment `but`."""
    found: dict[str, str] = {}
    for environment in await world.store.environments(EnvironmentQuery()):
        if environment.id != but:
            found.update(exports((await _view(world, environment)).outputs))
    for stack in await freestanding(world):
        found.update(exports(own_view(world, stack).outputs))
    return found


async def imported(world: World) -> dict[str, list[str]]:
    """Return which stacks import what, by the name of the export."""
    found: dict[str, list[str]] = {}
    for environment in await world.store.environments(EnvironmentQuery()):
        release = await _release(world, environment)
        if release is not None and IMPORT in json.dumps(release.template):
            around = Surroundings(
                world.installation, environment, release.settings, release.extensions
            )
            _import(found, stack_of(environment.id), imported_names(release.template, around))
    for stack in await freestanding(world):
        if stack.ended is None:
            free = FreeSurroundings(world.installation, stack, stack.plan)
            _import(found, stack.name, imported_names(stack.plan.template, free))
    return found


def _import(found: dict[str, list[str]], stack: str, names: set[str]) -> None:
    for name in names:
        found.setdefault(name, []).append(stack)


async def happenings(world: World, stack: StackView) -> list[Happening]:
    """Return a stack's story, the newest first."""
    if not stack.environment:
        first = stack.told - len(stack.story)
        return [
            Happening(
                f"{first + n:06}",
                one.at,
                one.logical,
                one.physical,
                one.type,
                one.status,
                one.reason,
            )
            for n, one in reversed([*enumerate(stack.story)])
        ]
    query = EventQuery(environment_id=stack.environment, limit=EVENTS_MAX)
    events = await world.store.events(query)
    by_name = {r.name: r for r in stack.resources}
    told = (_happening(event, by_name) for event in events)
    return [one for one in told if one is not None]


def own_view(world: World, stack: Freestanding) -> StackView:
    """Return a stack of its own; it tells outputs when it is what it was to be."""
    around = FreeSurroundings(world.installation, stack, stack.plan)
    whole = stack.resting and stack.ended is None and stack.status in WHOLE
    return StackView(
        name=stack.name,
        id=stack.id,
        status=stack.status,
        created=stack.created,
        updated=stack.updated,
        ended=stack.ended,
        template=stack.plan.template,
        resources=stack.resources,
        outputs=outputs(stack.plan.template, around) if whole else (),
        tags=stack.tags,
        parameters=stack.plan.parameters,
        reason=stack.reason,
        story=stack.story,
        told=stack.told,
        stays=stack.stays,
        protected=stack.protected,
        policy=stack.policy,
        parent=stack.parent,
        root=stack.root,
    )


async def _view(world: World, environment: Environment) -> StackView:
    release = await _release(world, environment)
    template: Mapping[str, Any] = {}
    if release is not None:
        template = portable(release.template, release.settings.text, environment.name)
    return StackView(
        name=stack_of(environment.id),
        id=world.installation.arn(f"stack/{stack_of(environment.id)}", "cloudformation"),
        status=status(environment),
        created=environment.created,
        updated=environment.updated if environment.operations > 1 else None,
        ended=environment.updated if environment.terminated else None,
        template=template,
        resources=environment.resources,
        outputs=_outputs(world, environment, release),
        tags=environment.tags,
        environment=environment.id,
    )


def _outputs(world: World, environment: Environment, release: Release | None) -> tuple[Output, ...]:
    if release is None or not release.template.get("Outputs") or not environment.resources:
        return ()
    around = Surroundings(world.installation, environment, release.settings, release.extensions)
    return outputs(release.template, around)


async def _release(world: World, environment: Environment) -> Release | None:
    """Return the release that holds, or the first one on its way."""
    number = environment.release or (environment.operation and environment.operation.release)
    return await world.store.release(environment.id, number) if number else None


def status(environment: Environment) -> str:
    """Return the status of an environment's stack, as CloudFormation spells it."""
    operation = environment.operation
    if environment.terminated:
        return "DELETE_COMPLETE"
    if operation is None:
        if not environment.resources:
            return "ROLLBACK_COMPLETE"
        return "CREATE_COMPLETE" if environment.operations <= 1 else "UPDATE_COMPLETE"
    if operation.kind is Kind.TERMINATE:
        return "DELETE_IN_PROGRESS"
    creating = operation.kind is Kind.CREATE
    match operation.phase:
        case Provision():
            return "CREATE_IN_PROGRESS" if creating else "UPDATE_IN_PROGRESS"
        case Undo():
            return "ROLLBACK_IN_PROGRESS" if creating else "UPDATE_ROLLBACK_IN_PROGRESS"
        case Tidy():
            return "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        case _:
            return "CREATE_IN_PROGRESS" if creating else "UPDATE_COMPLETE"


def resource_status(stack: StackView, resource: Resource) -> str:
    """Return a resource's status: what a stack at rest has not done to it has failed."""
    if unmade(resource):
        return "CREATE_FAILED"
    if not stack.environment and not stack.status.endswith("_IN_PROGRESS"):
        return FAILED_STATUSES.get(resource.state, RESOURCE_STATUSES[resource.state])
    return RESOURCE_STATUSES[resource.state]


def _happening(event: Event, by_name: Mapping[str, Resource]) -> Happening | None:
    found = SPOKEN.match(event.message)
    if found is None:
        return None
    verb, called, name, reason = found.groups()
    known = by_name.get(name)
    return Happening(
        id=f"{name}-{STATUSES[verb]}-{event.date_ms}",
        at=event.date_ms / 1000,
        logical=known.id if known else _logical(name),
        physical=name,
        type=known.type if known else TYPES.get(called, ""),
        status=STATUSES[verb],
        reason=reason or "",
    )


def _logical(name: str) -> str:
    """Return the logical id in a physical name that was chosen for it."""
    parts = name.rpartition("/")[2].split("-stack-", 1)
    return parts[1].rpartition("-")[0] if len(parts) == 2 else ""
