"""Looking for drift: what is there, read from the services, against what stacks say.

A look is over when it is answered. What it found is kept, the last look of each stack whole, since
people are told of it wherever the stack is described.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from jackbean.control.stacks.provisioning import wanted
from jackbean.control.stacks.views import StackView, views
from jackbean.control.world import World
from jackbean.core.errors import Fault, PortError
from jackbean.core.resources import Resource, State
from jackbean.ports.store import Change, PutDocument
from jackbean.stacks.drift import Compared, Different, Drift, checkable, compare

FOUND, LOOKS = "drift", "drift detection"  # documents: by stack, and by the id of a look
LOOKS_MAX = 1_000
DRIFTED = frozenset({Drift.MODIFIED, Drift.DELETED})
BUSY = "_IN_PROGRESS"


@dataclass(frozen=True)
class Found:
    """What a resource was compared to, and when (s)."""

    logical: str
    physical: str
    type: str
    at: float
    compared: Compared


@dataclass(frozen=True)
class Look:
    """One look at a stack. `status` is Drift's, of the stack; `reason` says why it came to nothing.

    `drifted` is how many of its resources differ.
    """

    id: str
    stack: str
    at: float
    status: str
    drifted: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Known:
    """What the looks at a stack have found, by logical id; `at` is None before the first."""

    at: float | None = None
    found: Mapping[str, Found] = field(default_factory=dict)

    @property
    def status(self) -> str:
        if self.at is None:
            return Drift.NOT_CHECKED
        return status_of(one.compared.drift for one in self.found.values())


def status_of(drifts: Any) -> str:
    return "DRIFTED" if any(one in DRIFTED for one in drifts) else "IN_SYNC"


async def look(world: World, stack: StackView, only: Collection[str] = ()) -> Look:
    """Compare a stack's resources, or those named, with what there is, and keep what was found.

    Raises the Fault for a stack that is changing.
    """
    _check(stack)
    now, id_ = world.clock.now(), world.ids.request()
    chosen = [one for one in _living(stack) if not only or one.id in only]
    try:
        found = [await _found(world, stack, one) for one in chosen]
    except PortError as error:
        made = Look(id_, stack.id, now, "", reason=f"Try again: {error}")
        await _keep(world, made, None)
        return made
    before = (await known(world, stack)).found if only else {}
    every = {**before, **{one.logical: one for one in found}}
    drifted = sum(one.compared.drift in DRIFTED for one in found)
    status = status_of(one.compared.drift for one in found)
    made = Look(id_, stack.id, now, status, drifted)
    await _keep(world, made, Known(now, every))
    return made


async def look_at(world: World, stack: StackView, resource: Resource) -> Found:
    """Compare one resource, and keep what was found. Raises the Fault where it cannot be."""
    _check(stack)
    if not checkable(resource.type, resource.id):
        text = f"Resource type {resource.type} does not support drift detection."
        raise Fault("ValidationError", text)
    found, before = await _found(world, stack, resource), await known(world, stack)
    after = Known(found.at, {**before.found, found.logical: found})
    await world.store.commit([_put(stack.id, after)])
    return found


async def known(world: World, stack: StackView) -> Known:
    """Return what is known of a stack's drift: of the resources that it still has."""
    kept = await world.store.document(FOUND, stack.id)
    if kept is None:
        return Known()
    told = json.loads(kept)
    there = {one.id: one.referred for one in _living(stack)}
    found = (_from_json(one) for one in told["found"])
    return Known(
        told["at"], {one.logical: one for one in found if there.get(one.logical) == one.physical}
    )


async def looked(world: World, id_: str) -> Look:
    """Return a look by its id. Raises the Fault where there was none, or long ago."""
    kept = await world.store.document(LOOKS, id_)
    if kept is None:
        text = f"Drift detection with id {id_[:80]} does not exist; detect drift again."
        raise Fault("ValidationError", text)
    return Look(**json.loads(kept))


def _check(stack: StackView) -> None:
    if stack.status.endswith(BUSY) or stack.ended is not None:
        text = f"Stack {stack.id} is in {stack.status} state, and its drift cannot be detected now."
        raise Fault("ValidationError", text)


def _living(stack: StackView) -> list[Resource]:
    return [one for one in stack.resources if not one.leaving and one.state is State.READY]


async def _found(world: World, stack: StackView, resource: Resource) -> Found:
    compared = Compared(Drift.NOT_CHECKED)
    if checkable(resource.type, resource.id):
        owner = stack.name if stack.environment else stack.id
        there = await world.resources.read(wanted(owner, resource))
        compared = compare(resource.properties, there)
    now = world.clock.now()
    return Found(resource.id, resource.referred, resource.type, now, compared)


async def _keep(world: World, made: Look, found: Known | None) -> None:
    """Keep a look, and what it found; forget the oldest, and what is known of stacks that ended."""
    looks = {id_: json.loads(body) for id_, body in (await world.store.documents(LOOKS)).items()}
    oldest = sorted(looks, key=lambda id_: (looks[id_]["at"], id_))[: len(looks) + 1 - LOOKS_MAX]
    living = {one.id for one in await views(world)}
    gone = (await world.store.documents(FOUND)).keys() - living
    changes: list[Change] = [
        *(PutDocument(LOOKS, id_, None) for id_ in oldest),
        *(PutDocument(FOUND, id_, None) for id_ in gone),
        PutDocument(LOOKS, made.id, json.dumps(asdict(made))),
    ]
    if found is not None:
        changes.append(_put(made.stack, found))
    await world.store.commit(changes)


def _put(stack_id: str, known: Known) -> PutDocument:
    body = {"at": known.at, "found": [asdict(one) for one in known.found.values()]}
    return PutDocument(FOUND, stack_id, json.dumps(body))


def _from_json(told: dict[str, Any]) -> Found:
    said = told["compared"]
    differences = tuple(Different(**one) for one in said["differences"])
    compared = Compared(Drift(said["drift"]), said["expected"], said["actual"], differences)
    return Found(**{**told, "compared": compared})
