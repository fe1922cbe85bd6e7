"""The load balancer's counters during an operation, by release; for workers those of messages.

They belong to the proxy and only rise, also when their instances are gone. So nobody has to be
quick: whoever looks now and then, and once at the end, has counted everything.
"""

from __future__ import annotations

from collections.abc import Mapping

from jackbean.core.environments import Environment
from jackbean.core.errors import PortError
from jackbean.core.fleet import PARKED
from jackbean.core.records import replace
from jackbean.core.traffic import NOBODY, Count, release_of
from jackbean.ports.agents import Reports
from jackbean.ports.router import NOBODY as NOBODY_MET
from jackbean.ports.router import Counted, Router

COUNT_S = 0.25  # between two looks: a ruinous release is known before the next batch begins


def served_unit(environment: Environment) -> str:
    """Return what is counted of an environment."""
    return "messages" if environment.worker else "requests"


class Counters:
    """Looks at counters. Its memory is the last look, which stands for a moment."""

    def __init__(self, router: Router, reports: Reports) -> None:
        self._router = router
        self._reports = reports
        self._looked: dict[str, tuple[float, tuple[Count, ...] | None]] = {}

    async def look(self, environment: Environment, now: float) -> tuple[Count, ...] | None:
        """Return the counters during a rollout, None where they are not known."""
        operation = environment.operation
        if operation is None or operation.rollout is None:
            return None
        at, seen = self._looked.get(environment.id, (0.0, None))
        if now - at < COUNT_S and operation.tally.counted:  # what is to begin with cannot wait
            return seen
        seen = await read(self._router, self._reports, environment)
        self._looked[environment.id] = (now, seen)
        return seen

    def forget(self, environment_id: str) -> None:
        self._looked.pop(environment_id, None)


async def read(
    router: Router, reports: Reports, environment: Environment
) -> tuple[Count, ...] | None:
    """Return the counters as they stand, of a worker those of messages; None: nobody says."""
    operation = environment.operation
    previous = operation.previous if operation else None
    if environment.worker:
        return reports.processed(environment.id, environment.deployment or NOBODY)
    try:
        found = counts(await router.counters(environment.id), previous)
    except PortError:  # a deployment goes on without being counted, and its certificate says so
        return None
    oldest = _oldest(environment, previous)
    return tuple(c for c in found if c.release == NOBODY or c.release >= oldest)


def _oldest(environment: Environment, previous: int | None) -> int:
    """Return the oldest release that requests may go to: the proxy knows all that there ever were.

    What is looked at is saved, again and again.
    """
    told = (m.assignment.release for m in environment.members if m.assignment)
    numbers = (previous, environment.release, environment.deployment, *told)
    return min((number for number in numbers if number is not None), default=NOBODY)


def counts(groups: Mapping[str, Counted], previous: int | None) -> tuple[Count, ...]:
    """Return the counters by release, of those groups that stand for one.

    What is parked is of the release before: it may have a last request in flight.
    """
    named = {NOBODY_MET: NOBODY, PARKED: previous}
    found: dict[int, Count] = {}
    for group in sorted(groups):
        release = named[group] if group in named else release_of(group)
        if release is not None:
            found[release] = _with(found.get(release), release, groups[group])
    return tuple(found[release] for release in sorted(found))


def _with(known: Count | None, release: int, more: Counted) -> Count:
    have = known or Count(release, more.epoch)
    return replace(
        have,
        requests=have.requests + more.requests,
        errors=have.errors + more.errors_5xx,
        failed=have.failed + more.failed,
        retried=have.retried + more.retried,
    )
