"""Drawing up the certificate of a deployment that has ended, from its tally and its story."""

from __future__ import annotations

from jackbean.control import counters
from jackbean.control.counters import served_unit
from jackbean.control.story import narration
from jackbean.control.world import World
from jackbean.core.certificates import REASON_MAX, REASONS_MAX, Certificate, End, Label
from jackbean.core.environments import Environment
from jackbean.core.events import Event, Severity
from jackbean.core.operations import Operation
from jackbean.core.records import replace
from jackbean.core.tallies import Glance
from jackbean.core.traffic import NOBODY
from jackbean.ports.store import EventQuery, PutCertificate

# What only says that it did not succeed is no reason.
NO_REASONS = frozenset(
    {
        narration.LAUNCH_FAILED,
        narration.DEPLOY_FAILED,
        narration.CONFIGURE_FAILED,
        narration.REVERTED,
    }
)


async def certified(
    world: World, environment: Environment, ended: Operation | None, told: list[Event]
) -> list[PutCertificate]:
    """Return the certificate of an operation that ends now; `told` are the events of its end."""
    if ended is None or ended.rollout is None:
        return []
    ending = _end(ended), told
    return [PutCertificate(await _certificate(world, environment, ended, ending))]


async def superseded(world: World, environment: Environment) -> list[PutCertificate]:
    """Return the certificate of what is under way, where something else takes its place."""
    operation = environment.operation
    if operation is None or operation.rollout is None:
        return []
    last = Glance(await counters.read(world.router, world.reports, environment), None, None)
    ended = replace(operation, tally=operation.tally.end(last, world.clock.now()))
    return [PutCertificate(await _certificate(world, environment, ended, (End.SUPERSEDED, [])))]


def _end(ended: Operation) -> End:
    if ended.reverted:
        return End.REVERTED
    return End.FAILED if ended.failed else End.SUCCEEDED


async def _certificate(
    world: World,
    environment: Environment,
    operation: Operation,
    ending: tuple[End, list[Event]],
) -> Certificate:
    rollout, (end, told) = operation.rollout, ending
    if rollout is None:
        raise AssertionError("only what rolls out is certified")
    release = operation.release or rollout.goal
    releases = {release, *(s.release for s in operation.tally.served)} - {NOBODY}
    return Certificate(
        environment_id=environment.id,
        environment=environment.name,
        application=environment.application,
        number=operation.number,
        kind=operation.kind,
        request_id=operation.request_id,
        policy=rollout.policy,
        unit=served_unit(environment),
        release=release,
        began=operation.began,
        ended=world.clock.now(),
        end=end,
        size=rollout.size,
        tally=operation.tally,
        previous=operation.previous,
        aborted=operation.aborted,
        reasons=() if end is End.SUCCEEDED else await _reasons(world, operation.request_id, told),
        labels=tuple([await _label(world, environment, number) for number in sorted(releases)]),
    )


async def _label(world: World, environment: Environment, number: int) -> Label:
    release = await world.store.release(environment.id, number)
    return Label(number, release.version_label if release else "")


async def _reasons(world: World, request_id: str, told: list[Event]) -> tuple[str, ...]:
    """Return what was told of why it did not succeed, oldest first."""
    query = EventQuery(request_id=request_id, severity=Severity.ERROR, limit=REASONS_MAX)
    events = [*reversed(await world.store.events(query)), *told]
    errors = (e.message for e in events if e.severity.level >= Severity.ERROR.level)
    chosen = [message[:REASON_MAX] for message in errors if message not in NO_REASONS]
    return tuple(dict.fromkeys(chosen))[:REASONS_MAX]
