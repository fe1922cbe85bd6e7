"""What must hold of the resources of stacks in every history."""

from __future__ import annotations

import json
from collections.abc import Sequence

from jackbean.core.environments import Environment
from jackbean.core.resources import Resource, State
from jackbean.ports.store import Change, PutEnvironment
from jackbean.simulator.bundles import KEPT
from jackbean.simulator.invariants import require
from jackbean.simulator.resources import STAYS, MemoryResources
from jackbean.stacks.types import provided

Place = tuple[str, str]


class Custody:
    """Watches the records of environments for what is to be retained, once it was there."""

    def __init__(self) -> None:
        self.kept: set[Place] = set()
        self._seen: dict[str, tuple[Resource, ...]] = {}

    def __call__(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if isinstance(change, PutEnvironment):
                self._take_in(change.environment)

    def _take_in(self, environment: Environment) -> None:
        if environment.resources is self._seen.get(environment.id):
            return
        self._seen[environment.id] = environment.resources
        self.kept.update((r.type, r.name) for r in filter(_held, environment.resources))


def _held(resource: Resource) -> bool:
    real = provided(resource.type, resource.id) and resource.state is State.READY
    return real and resource.id.startswith(KEPT)


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
    owned = {
        (r.type, r.name): r for e in environments for r in e.resources if provided(r.type, r.id)
    }
    there = resources.there
    require(owned.keys() <= there.keys(), f"resources are lost: {owned.keys() - there.keys()}")
    for place, resource in owned.items():
        require(resource.state is State.READY, f"{resource.id} is {resource.state} at rest")
        found = json.loads(there[place][1])
        same = found == json.loads(resource.properties)
        require(same, f"{resource.id} is {found}, not {resource.properties}")
    for place in there.keys() - owned.keys():
        owner, properties = there[place]
        stays = owner.rpartition("/")[2].startswith(KEPT) or STAYS in properties
        require(stays, f"{owner} was left behind")
    require(custody.kept <= there.keys(), f"retained, and lost: {custody.kept - there.keys()}")
