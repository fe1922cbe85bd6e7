"""Blue/green: two environments exchange their CNAMEs, in one transaction and one snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.control.environments import find, must_be_ready, retried
from jackbean.control.story.narration import aside, opening
from jackbean.control.world import World
from jackbean.core.environments import Environment, Status
from jackbean.core.errors import invalid
from jackbean.core.operations import Exchange, Kind, Operation
from jackbean.core.records import replace
from jackbean.ports.router import Names
from jackbean.ports.store import AddEvent, EnvironmentQuery, PutEnvironment, Store

SWAPPING = "Swapping CNAMEs for environments '{}' and '{}'."


@dataclass(frozen=True)
class Asked:
    """By which request, and when."""

    request_id: str
    at: float


async def swap(world: World, source: str, destination: str, request_id: str) -> None:
    """Give each of two environments, by name or id, the CNAME of the other. Raises a Fault."""
    first, second = await retried(lambda: _swap(world, source, destination, request_id))
    hostname = world.installation.hostname
    names = [Names(e.id, (hostname(e.cname_prefix),), e.revision + 1) for e in (first, second)]
    await world.router.rename(names)  # a turn that has read the records before is late from now on
    for environment in (first, second):
        world.bell.poke(environment.id)


async def _swap(
    world: World, source: str, destination: str, request_id: str
) -> tuple[Environment, Environment]:
    first, second = await find(world, source), await find(world, destination)
    if first.id == second.id:
        raise invalid(f"Environment {first.name} cannot swap its CNAME with itself; name two.")
    for environment in (first, second):
        if environment.worker:
            raise invalid(
                f"Environment {environment.name} is a worker and has no CNAME that could be "
                "swapped; name two web server environments."
            )
        must_be_ready(environment)
    asked = Asked(request_id, world.clock.now())
    one = _exchanging(first, second, _exchange(world, first, second, leads=True), asked)
    other = _exchanging(second, first, _exchange(world, second, first, leads=False), asked)
    told = SWAPPING.format(first.name, second.name)
    await world.store.commit(
        [
            PutEnvironment(one),
            PutEnvironment(other),
            AddEvent(opening(one)),
            AddEvent(aside(one, told, request_id)),
        ]
    )
    return one, other


async def partner_waits(store: Store, environment: Environment) -> bool:
    """Return whether the other of two that swap is still under way, where this one leads.

    That one ends last, so who is told that it is completed may go on with both.
    """
    operation = environment.operation
    phase = operation.phase if operation else None
    if operation is None or not isinstance(phase, Exchange) or not phase.leads:
        return False
    found = await store.environments(EnvironmentQuery(names=(phase.other,)))
    return any(e.operation and e.operation.request_id == operation.request_id for e in found)


def _exchange(world: World, mine: Environment, other: Environment, *, leads: bool) -> Exchange:
    cname = world.installation.cname(other.cname_prefix)
    return Exchange(other.name, cname, world.router.endpoint(mine.slot), leads)


def _exchanging(
    mine: Environment, other: Environment, exchange: Exchange, asked: Asked
) -> Environment:
    operation = Operation(
        number=mine.operations + 1,
        kind=Kind.SWAP,
        request_id=asked.request_id,
        began=asked.at,
        phases=(exchange,),
    )
    return replace(
        mine,
        cname_prefix=other.cname_prefix,
        status=Status.UPDATING,
        updated=asked.at,
        operation=operation,
        operations=operation.number,
    )
