"""ComposeEnvironments: several versions at once, for the environments that `env.yaml` names.

Environments that others link to come first, and those others when they are up. What is still to be
begun is a record: each beginning is taken out of it in the transaction that begins it, so a control
plane that dies goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from jackbean.control import environments
from jackbean.control.environments import Creation, Update
from jackbean.control.linking import declared
from jackbean.control.versions import deployable, refuse_unless_standing
from jackbean.control.world import World
from jackbean.core.environments import Environment, Tier, check_environment_name
from jackbean.core.errors import Fault, invalid, missing, unfitting
from jackbean.core.events import Event, Severity
from jackbean.core.links import Declaration, check_group, grouped
from jackbean.ports.store import AddEvent, EnvironmentQuery, PutDocument

COMPOSITION = "composition"  # documents: what is still to be begun, by an id
LABELS_MAX = 50


@dataclass(frozen=True)
class Composition:
    """What ComposeEnvironments asks for; `labels` are in the order that they are begun in."""

    application: str
    labels: tuple[str, ...]
    group: str = ""

    def without(self, label: str) -> Composition:
        rest = tuple(other for other in self.labels if other != label)
        return Composition(self.application, rest, self.group)

    def body(self) -> str | None:
        """Return it as a document; None once nothing is left."""
        return json.dumps(vars(self)) if self.labels else None


@dataclass(frozen=True)
class _Part:
    """A version, and the names of its environment and of those that it links to."""

    label: str
    name: str
    needs: frozenset[str]
    said: Declaration


async def declaration(world: World, application: str, label: str | None) -> Declaration:
    """Return the `env.yaml` of a version; nothing where there is none, or no such version."""
    found = await world.store.versions(application, [label]) if label else []
    return await declared(world, found[0].digest) if found else Declaration()


async def compose(world: World, wanted: Composition) -> list[Environment]:
    """Begin with the environments that wait for none; the others follow by `proceed`.

    Raises a Fault if a version cannot be composed, before anything is begun.
    """
    check_group(wanted.group)
    if not wanted.labels:
        raise missing("VersionLabels must name at least one version.")
    if len(wanted.labels) > LABELS_MAX:
        raise invalid(f"There are {len(wanted.labels)} VersionLabels; at most {LABELS_MAX} fit.")
    await refuse_unless_standing(world, wanted.application)
    parts = [await _part(world, wanted, label) for label in dict.fromkeys(wanted.labels)]
    for part in parts:
        await _check(world, wanted, part)
    ordered = tuple(part.label for part in _ordered(parts))
    composition = Composition(wanted.application, ordered, wanted.group)
    key = world.ids.request()
    await world.store.commit([PutDocument(COMPOSITION, key, composition.body())])
    return await _proceed(world, key, raising=True)


async def proceed(world: World) -> None:
    """Begin what may begin now, of everything that was asked for."""
    for key in await world.store.documents(COMPOSITION):
        await _proceed(world, key)


async def _proceed(world: World, key: str, *, raising: bool = False) -> list[Environment]:
    """Return the environments of one composition that were begun now."""
    begun: list[Environment] = []
    async with world.names:
        left = await _read(world, key) or Composition("", ())
        for label in left.labels:
            try:
                begun += await _try(world, left, label, key)
            except Fault as fault:
                if raising and not begun:  # whoever asked is still there to hear it
                    await world.store.commit([PutDocument(COMPOSITION, key, None)])
                    raise
                await _give_up(world, left, (label, key), fault)
            left = await _read(world, key) or left
    return begun


async def _try(world: World, left: Composition, label: str, key: str) -> list[Environment]:
    """Begin with the environment of one version, unless it waits for others."""
    part = await _part(world, left, label)
    if await _waits(world, left, part):
        return []
    return [await _begin(world, left, part, key)]


async def _read(world: World, key: str) -> Composition | None:
    body = await world.store.document(COMPOSITION, key)
    if body is None:
        return None
    facts = json.loads(body)
    return Composition(facts["application"], tuple(facts["labels"]), facts["group"])


async def _part(world: World, wanted: Composition, label: str) -> _Part:
    version = await deployable(world, wanted.application, label)
    said = await declared(world, version.digest)
    if not said.name:
        raise invalid(
            f"Application Version {label} cannot be composed: its bundle has no env.yaml with an "
            "EnvironmentName."
        )
    if wanted.group and not said.name.endswith("+"):
        raise unfitting(
            f"Application Version {label}: EnvironmentName '{said.name}' in env.yaml takes no "
            "group; let it end with +, or leave GroupName out."
        )
    needs = frozenset(grouped(target, wanted.group) for _, target in said.links)
    return _Part(label, grouped(said.name, wanted.group), needs, said)


async def _check(world: World, wanted: Composition, part: _Part) -> None:
    """Raise a Fault for what could only fail once others have been begun."""
    check_environment_name(part.name)
    found = await world.store.environments(EnvironmentQuery(names=(part.name,)))
    if found and found[0].application != wanted.application:
        raise invalid(f"Environment {part.name} already exists, in another application.")
    if found:
        return
    if not part.said.platform:
        raise missing(f"env.yaml of Application Version {part.label} names no SolutionStack.")
    catalogue = world.platforms.catalogue
    catalogue.require_runnable(catalogue.find(part.said.platform))


def _ordered(parts: Iterable[_Part]) -> Iterator[_Part]:
    """Yield the parts, each after those that it links to."""
    named: dict[str, _Part] = {}
    for part in parts:
        if part.name in named:
            both = f"{named[part.name].label} and {part.label}"
            raise invalid(f"Application Versions {both} are both for environment {part.name}.")
        named[part.name] = part
    sorter = TopologicalSorter({p.name: sorted(p.needs & named.keys()) for p in named.values()})
    try:
        yield from [named[name] for name in sorter.static_order()]
    except CycleError as error:
        circle = ", ".join(error.args[1])
        raise invalid(f"EnvironmentLinks lead back to where they began: {circle}.") from None


async def _waits(world: World, left: Composition, part: _Part) -> bool:
    """Whether environments are not up yet that it links to, or not at rest: itself included."""
    query = EnvironmentQuery(application=left.application, names=(part.name, *sorted(part.needs)))
    found = await world.store.environments(query)
    if any(not e.ready for e in found):
        return True
    others = [await _part(world, left, label) for label in left.labels if label != part.label]
    return any(other.name in part.needs for other in others)


async def _begin(world: World, left: Composition, part: _Part, key: str) -> Environment:
    """Create or update the environment of a part, and strike the part off, in one."""
    along = (PutDocument(COMPOSITION, key, left.without(part.label).body()),)
    request_id = world.ids.request()
    if await world.store.environments(EnvironmentQuery(names=(part.name,))):
        update = Update(request_id, label=part.label, group=left.group or None, along=along)
        return await environments.update(world, part.name, update)
    said = part.said
    tier = said.tier or Tier()
    prefix = grouped(said.cname, left.group) if said.cname and not tier.worker else None
    creation = Creation(
        application=left.application,
        name=part.name,
        platform=world.platforms.catalogue.find(said.platform),
        request_id=request_id,
        label=part.label,
        cname_prefix=prefix,
        tier=tier,
        settings=tuple(said.settings),
        tags=said.tags,
        group=left.group,
        along=along,
    )
    return await environments.create(world, creation)


async def _give_up(world: World, left: Composition, what: tuple[str, str], fault: Fault) -> None:
    """Strike off what cannot be begun, and say why: those that link to it will fail in turn."""
    label, key = what
    told = Event(
        f"Environment of Application Version {label} could not be composed: {fault.message}",
        Severity.ERROR,
        application=left.application,
        version_label=label,
    )
    rest = PutDocument(COMPOSITION, key, left.without(label).body())
    await world.store.commit([rest, AddEvent(told)])
