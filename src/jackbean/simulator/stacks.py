"""What must hold of the resources of stacks in every history."""

from __future__ import annotations

import json
from collections.abc import Sequence

from jackbean.control.stacks.views import DOCUMENT
from jackbean.core.environments import Environment
from jackbean.core.freestanding import from_json
from jackbean.core.resources import Resource, State
from jackbean.ports.store import Change, PutDocument, PutEnvironment
from jackbean.simulator.bundles import KEPT
from jackbean.simulator.invariants import ViolationError, require
from jackbean.simulator.resources import STAYS, MemoryResources
from jackbean.stacks.engine import KEEPING, unmade
from jackbean.stacks.types import provided

Place = tuple[str, str]


class Custody:
    """Watches the records of stacks for what is to be retained, once it was there.

    `lasting` is what a policy lets stay behind, whether or not it must.
    """

    def __init__(self) -> None:
        self.kept: set[Place] = set()
        self.lasting: set[Place] = set()
        self._seen: dict[str, tuple[Resource, ...]] = {}

    def __call__(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if isinstance(change, PutEnvironment):
                self._take_in(change.environment.id, change.environment.resources)
            elif isinstance(change, PutDocument) and change.kind == DOCUMENT and change.body:
                self._take_in(change.key, from_json(change.body).resources)

    def _take_in(self, name: str, resources: tuple[Resource, ...]) -> None:
        if resources is self._seen.get(name):
            return
        self._seen[name] = resources
        self.kept.update((r.type, r.name) for r in filter(_held, resources))
        self.lasting.update((r.type, r.name) for r in filter(_lasting, resources))


def _held(resource: Resource) -> bool:
    real = provided(resource.type, resource.id) and resource.state is State.READY
    return real and resource.id.startswith(KEPT) and not unmade(resource)


def _lasting(resource: Resource) -> bool:
    return not KEEPING.isdisjoint({resource.deletion, resource.replacement})


def check_tidy(environment: Environment) -> None:
    """Raise a ViolationError if an operation that has succeeded has left something to be ended."""
    leaving = [resource.id for resource in environment.resources if resource.leaving]
    require(not leaving, f"{environment.name} still has what is leaving: {leaving}")


def check_stacks(
    resources: MemoryResources, environments: Sequence[Environment], custody: Custody
) -> None:
    """Raise a ViolationError unless what there is is what records say, and nothing was lost.

    What no record has any more may be there only if it was to be retained, or refused to end.
    """
    owned = [r for e in environments for r in e.resources if provided(r.type, r.id)]
    check_real(resources, owned)
    check_left(resources, owned, custody)


def check_real(resources: MemoryResources, owned: Sequence[Resource]) -> None:
    """Raise a ViolationError unless what records say is there, and as they say."""
    for resource in owned:
        require(resource.state is State.READY, f"{resource.id} is {resource.state} at rest")
        found = resources.there.get((resource.type, resource.name))
        if found is None:
            raise ViolationError(f"resources are lost: {resource.id}")
        same = json.loads(found[1]) == json.loads(resource.properties)
        require(same, f"{resource.id} is {found[1]}, not {resource.properties}")


def check_left(resources: MemoryResources, owned: Sequence[Resource], custody: Custody) -> None:
    """Raise a ViolationError unless what no record has may be there, and nothing was lost."""
    there = resources.there
    for place in there.keys() - {(r.type, r.name) for r in owned}:
        owner, properties = there[place]
        stays = owner.rpartition("/")[2].startswith(KEPT) or STAYS in properties
        require(stays or place in custody.lasting, f"{owner} was left behind")
    require(custody.kept <= there.keys(), f"retained, and lost: {custody.kept - there.keys()}")
