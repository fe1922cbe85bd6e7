"""The Router port on Envoy: keeps what is wanted, hands it out, and asks what is so.

Nothing that matters is kept here. A control plane that is started anew is told the wanted routes
again, holds them back until `open`, and meanwhile Envoy serves what it has.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from jackbean.core.errors import PortError
from jackbean.ports.router import Counted, HealthCheck, Names, Probe, Routes, TargetSight
from jackbean.routing import counting, generations
from jackbean.routing.ads import AdsServer, Refusal
from jackbean.routing.bootstrap import Home
from jackbean.routing.hostnames import Hostnames
from jackbean.routing.looks import Observer
from jackbean.routing.probes import Prober
from jackbean.routing.process import EnvoyProcess, Held, Supervisor, node_name, put_aside
from jackbean.routing.projection import (
    Facts,
    Hosts,
    Lane,
    assemble,
    fresh,
    hosts,
    resources_of,
    shared,
)
from jackbean.routing.resources import Resource
from jackbean.routing.sights import sights, under_way

log = logging.getLogger(__name__)

WORKERS = 1  # some 20,000 requests a second, and the least memory
TEND_MIN_S, TEND_MAX_S = 0.05, 2.0
LOG_LOOK_S = 60.0
LOG_BYTES_MAX = 100 << 20  # of the access log, twice: the one written and the one before


@dataclass(frozen=True)
class RouterStatus:
    """How routing fares, for `jackbean status`."""

    held: Held
    connected: bool  # Envoy is on the line
    opened: bool
    outdated: bool  # Envoy was started with other settings than this control plane would
    refusals: tuple[Refusal, ...]


class EnvoyRouter:
    """One Envoy for all environments of an installation."""

    def __init__(
        self, facts: Facts, directory: Path, supervisor: Supervisor, workers: int = WORKERS
    ) -> None:
        home = Home(directory)
        node = node_name(facts.identity)
        self._facts = facts
        self._home = home
        self._process = EnvoyProcess(home, node, workers, supervisor)
        self._observer = Observer(self._process.admin)
        self._prober = Prober()
        self._ads = AdsServer(home.ads, node, self._greet)
        self._lanes: dict[str, Lane] = {}
        self._parts: dict[str, tuple[Resource, ...]] = {}
        self._revisions: dict[str, int] = {}
        self._names = Hostnames()
        self._by_host: Hosts = ()
        self._shared: tuple[Resource, ...] = ()
        self._named_by: tuple[Resource, ...] = ()  # those of `_shared` that all workers route by
        self._known: frozenset[str] = frozenset()  # clusters of the Envoy that connected last
        self._opened = False
        self._stir = asyncio.Event()
        self._tending: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start listening for Envoy, and Envoy unless it runs. Raises PortError."""
        self._home.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._home.directory.chmod(0o700)
        Path(self._facts.access_log).parent.mkdir(parents=True, exist_ok=True)
        await self._ads.start()
        await self._process.start()
        self._tending = asyncio.ensure_future(self._tend())

    async def close(self) -> None:
        """Let go of Envoy, which goes on serving what it has."""
        if self._tending is not None:
            self._tending.cancel()
            with suppress(asyncio.CancelledError):
                await self._tending
        await self._prober.close()
        await self._ads.stop()

    async def end(self, grace_s: float) -> None:
        """Stop Envoy too."""
        await self.close()
        await self._process.stop(grace_s)

    async def publish(self, routes: Routes) -> None:
        await self.publish_all([routes])

    async def publish_all(self, routes: Sequence[Routes]) -> None:
        """Ensure all of these: one snapshot, and the names of all are in one resource of it."""
        heard = [one for one in routes if one.revision >= self._revision(one.environment_id)]
        changed = [one for one in heard if self._routes(one.environment_id) != one]
        lanes = [self._wanted(one) for one in changed]
        parts = [resources_of(lane, self._facts) for lane in lanes]  # all of them, or it raises
        for lane, part in zip(lanes, parts, strict=True):
            self._lanes[lane.routes.environment_id] = lane
            self._parts[lane.routes.environment_id] = part
        now = time.monotonic()
        for one in changed:
            names = frozenset(one.hostnames)
            self._names = self._names.publish(one.environment_id, names, now)
        self._revisions |= {one.environment_id: one.revision for one in heard}
        if changed:
            self._push()

    async def rename(self, names: Sequence[Names]) -> None:
        known = [(one, self._routes(one.environment_id)) for one in names]
        await self.publish_all(
            [
                replace(routes, hostnames=one.hostnames, revision=one.revision)
                for one, routes in known
                if routes
            ]
        )

    async def hostnames(self, environment_id: str) -> tuple[str, ...]:
        routes = self._routes(environment_id) if self._opened else None
        return routes.hostnames if routes and await self._named() else ()

    async def withdraw(self, environment_id: str) -> None:
        if self._lanes.pop(environment_id, None) is None:
            return
        del self._parts[environment_id]
        self._revisions.pop(environment_id, None)
        self._names = self._names.withdraw(environment_id)
        self._push()

    async def open(self) -> None:
        if self._opened:
            return
        self._opened = True
        self._reunite()
        self._push()

    async def observe(self, environment_id: str) -> Mapping[str, TargetSight]:
        look = await self._observer.look(environment_id)
        if not self._ads.connected:
            raise PortError("Envoy is not connected to this control plane yet")
        reached = self._ads.reaches(environment_id)
        return sights(self._lanes.get(environment_id), look, reached=reached)

    async def check(self, health: HealthCheck, probes: Collection[Probe]) -> frozenset[str]:
        return await self._prober.passed(health, probes)

    async def counters(self, environment_id: str) -> Mapping[str, Counted]:
        look = await self._observer.look(environment_id)
        page = counting.page(environment_id)
        about, stats = await self._process.admin.pages(counting.ABOUT, page)
        lane = self._lanes.get(environment_id)
        return counting.counted(
            counting.epoch(about),
            counting.numbers(stats),
            under_way(lane, look),
            {target.group for target in lane.routes.targets} if lane else (),
        )

    def endpoint(self, slot: int) -> str:
        return self._facts.endpoint(slot)

    async def status(self) -> RouterStatus:
        try:
            outdated = await self._process.outdated()
        except PortError:
            outdated = False  # it does not answer, which `held` or `connected` tell
        held = await self._process.status()
        return RouterStatus(held, self._ads.connected, self._opened, outdated, self._ads.refusals)

    async def troubles(self) -> tuple[str, ...]:
        status = await self.status()
        told = [str(refusal) for refusal in status.refusals]
        if status.held.trouble:
            told.append(f"Envoy does not run: {status.held.trouble}.")
        elif not status.connected:
            told.append("Envoy runs and does not ask for its configuration.")
        if status.outdated:
            told.append(
                "Envoy runs with the settings of an earlier `serve`; `jackbean down` and `serve` "
                "change that, at the cost of the requests in flight."
            )
        return tuple(told)

    async def _named(self) -> bool:
        """Whether every worker of Envoy leads each hostname where it is to lead.

        What Envoy refuses counts as answered, as everywhere: nobody waits for it.
        """
        shared = self._shared
        if self._named_by is not shared:
            if not all(self._ads.took(resource) for resource in shared):
                return False
            await self._process.admin.rendezvous()
            self._named_by = shared
        return True

    def _revision(self, environment_id: str) -> int:
        """Return the revision of what was published last."""
        return self._revisions.get(environment_id, 0)

    def _routes(self, environment_id: str) -> Routes | None:
        lane = self._lanes.get(environment_id)
        return lane.routes if lane else None

    def _wanted(self, routes: Routes) -> Lane:
        lane = self._lanes.get(routes.environment_id)
        return generations.want(lane, routes, time.monotonic()) if lane else fresh(routes)

    def _admit(self, lane: Lane) -> None:
        name = lane.routes.environment_id
        if lane != self._lanes.get(name):
            self._parts[name] = resources_of(lane, self._facts)
            self._lanes[name] = lane

    def _push(self) -> None:
        """Offer Envoy what is wanted now."""
        if not self._opened:
            return
        by_host = hosts(self._lanes, self._names.owners)
        if by_host != self._by_host or not self._shared:
            self._by_host, self._shared = by_host, shared(by_host, self._facts)
        self._ads.offer(assemble([self._shared, *self._parts.values()], self._lanes))
        if self._unfinished():
            self._stir.set()

    def _greet(self, clusters: frozenset[str]) -> None:
        """Take note of an Envoy that has connected, before anything is sent to it."""
        self._known = clusters
        self._named_by = ()
        if self._opened:
            self._reunite()
            self._push()

    def _reunite(self) -> None:
        now = time.monotonic()
        for lane in list(self._lanes.values()):
            self._admit(generations.reunite(lane, self._known, now))

    def _unfinished(self) -> list[Lane]:
        return [lane for lane in self._lanes.values() if not generations.settled(lane)]

    async def _tend(self) -> None:
        """Finish what takes time: passing from cluster to cluster, names given up, old logs."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stir.wait(), LOG_LOOK_S)
            self._stir.clear()
            pause_s = TEND_MIN_S
            while self._unfinished() or self._names.dropped:
                await asyncio.sleep(pause_s)
                pause_s = TEND_MIN_S if await self._advance() else min(2 * pause_s, TEND_MAX_S)
            await self._shorten_log()

    async def _advance(self) -> bool:
        """Take the next step of whatever is unfinished; return whether there was any to take."""
        before = (self._names, self._lanes.copy())
        self._names = self._names.expire(time.monotonic())
        try:
            if self._ads.settled():
                await self._process.admin.rendezvous()
                for name in [lane.routes.environment_id for lane in self._unfinished()]:
                    await self._pass_on(name)
        except PortError as error:
            log.warning("routes cannot be passed on yet: %s", error)
        except Exception:  # a bug: this step dies, the loop goes on
            log.exception("passing on routes failed")
        changed = before != (self._names, self._lanes)
        if changed:
            self._push()
        return changed

    async def _pass_on(self, environment_id: str) -> None:
        look = await self._observer.look(environment_id)
        lane = self._lanes.get(environment_id)  # only now: it may have changed meanwhile
        if lane is not None:
            self._admit(generations.step(lane, look, time.monotonic()))

    async def _shorten_log(self) -> None:
        with suppress(OSError, PortError):
            if put_aside(Path(self._facts.access_log), LOG_BYTES_MAX):
                await self._process.admin.post("/reopen_logs")
