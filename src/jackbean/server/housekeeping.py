"""What an installation does for itself now and then: forget what is old, delete what is unused.

None of it is urgent and none of it may cost anybody anything, so each part is tried again at the
next round, whatever went wrong.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from jackbean.control.logs.requests import KEPT_S
from jackbean.control.logs.taking import end_groups
from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.core.errors import JackbeanError
from jackbean.ports.buckets import Buckets, ObjectRecord
from jackbean.ports.store import EnvironmentQuery
from jackbean.server.messaging import Messaging
from jackbean.services.logs import LogService
from jackbean.services.objects import ListQuery, ObjectService, collect
from jackbean.services.tables import TableService

ROUND_S = 3600.0
PRUNE_S = 24 * 3600.0
LOGS = "resources/environments/logs/"
# Only what an instance sent is ours to delete, whatever else somebody may keep beside it.
LOG = re.compile(
    LOGS + r"(tail|bundle)/e-[a-z0-9]{10}/i-[0-9a-f]+/(Tail|Bundle)Logs-\d+\.(out|zip)"
)

log = logging.getLogger("jackbean.housekeeping")


class History(Protocol):
    async def prune(self, now: float) -> int:
        """Forget events that nobody may ask for any more, and return how many."""
        ...


@dataclass(frozen=True)
class Storage:
    """Where things are that grow."""

    history: History
    buckets: Buckets
    objects: ObjectService
    messaging: Messaging
    logs: LogService
    tables: TableService


class Housekeeping:
    def __init__(self, world: World, storage: Storage) -> None:
        self._world = world
        self._storage = storage
        self._pruned: float | None = None
        self._used: frozenset[str] | None = None

    async def run(self) -> None:
        """Keep house until cancelled."""
        while True:
            await self.round()
            await asyncio.sleep(ROUND_S)

    async def round(self) -> None:
        """Do what is due."""
        works = (
            self._forget_events,
            self._delete_logs,
            self._delete_bytes,
            self._forget_messages,
            self._forget_items,
            self._forget_lines,
            self._forget_ledgers,
        )
        for work in works:
            try:
                await work(self._world.clock.now())
            except JackbeanError as error:
                log.warning("%s; trying again later", error)
            except Exception:  # a bug: the others and the next round go on
                log.exception("housekeeping failed")

    async def _forget_events(self, now: float) -> None:
        if self._pruned is None or now - self._pruned >= PRUNE_S:
            forgotten = await self._storage.history.prune(now)
            self._pruned = now
            log.debug("forgot %d events", forgotten)

    async def _delete_logs(self, now: float) -> None:
        """Delete logs that no link leads to any more."""
        objects, bucket = self._storage.objects, self._world.installation.bucket
        if not any(b.name == bucket for b in await objects.buckets()):
            return
        async for records in _pages(objects, bucket):
            old = [r.key for r in records if r.modified < now - KEPT_S and LOG.fullmatch(r.key)]
            if old:
                await objects.delete_all(bucket, old)

    async def _delete_bytes(self, now: float) -> None:
        """Delete bytes that nothing has referred to for a whole round.

        What was used a round ago is kept for another one: it may be on its way from a version that
        has just been deleted to a release that has not been saved yet.
        """
        before, self._used = self._used, await used(self._world)
        if before is not None:
            keep = self._used | before
            count = await collect(self._storage.buckets, self._world.blobs, keep, now)
            log.debug("deleted %d files that nothing refers to", count)

    async def _forget_items(self, _: float) -> None:
        """Forget items of tables whose time to live is over."""
        await self._storage.tables.expire()

    async def _forget_messages(self, _: float) -> None:
        """Forget messages whose time is over, of queues that nobody looks into."""
        await self._storage.messaging.queues.queues.expire()

    async def _forget_ledgers(self, _: float) -> None:
        """Forget old lines of the ledgers."""
        messaging = self._storage.messaging
        await messaging.ledger.tidy()
        for environment in await messaging.firings.accounts():
            await messaging.firings.prune(environment)

    async def _forget_lines(self, _: float) -> None:
        """Forget what log groups have kept for long enough, and groups that ended with theirs."""
        for owner in {group.owner for group in await self._world.logs.groups()} - {""}:
            environment = await self._world.store.environment(owner)
            if environment and environment.terminated:
                await end_groups(self._world, environment)
        log.debug("forgot %d lines of logs", await self._storage.logs.tidy())


async def used(world: World) -> frozenset[str]:
    """Return the digests of all bytes that versions, releases and samples refer to."""
    digests = {version.digest for version in await world.store.versions()}
    for environment in await world.store.environments(EnvironmentQuery()):
        for number in _numbers(environment):
            if release := await world.store.release(environment.id, number):
                digests.add(release.digest)
    return frozenset(d for d in digests if d is not None) | world.platforms.samples


def _numbers(environment: Environment) -> frozenset[int]:
    """Return the releases that an environment's instances may be given yet."""
    operation = environment.operation
    given = [m.assignment.release for m in environment.members if m.assignment]
    on_the_way = [operation.release, operation.previous] if operation else []
    at_hand = (environment.release, environment.deployment, environment.former)
    known = (*at_hand, *on_the_way, *given)
    return frozenset(n for n in known if n is not None)


async def _pages(objects: ObjectService, bucket: str) -> AsyncIterator[tuple[ObjectRecord, ...]]:
    after = ""
    while True:
        page = await objects.list(bucket, ListQuery(prefix=LOGS, after=after))
        yield page.items
        if not page.truncated:
            return
        after = page.last
