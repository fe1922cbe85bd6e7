"""Instances as processes of this machine: ports.Engine.

All that it knows is on disk and in the kernel: a directory and a shim per instance. A control plane
that starts finds what an earlier one left, running or not.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from functools import cached_property
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from weakref import WeakValueDictionary

from jackbean.core.errors import PortError
from jackbean.core.fleet import Machine
from jackbean.engines.process import (
    departed,
    disks,
    launch,
    limits,
    machine_runtimes,
    prepare,
    probe,
    records,
)
from jackbean.engines.process import interpreters as pythons
from jackbean.engines.process.image import Unfit
from jackbean.engines.process.network import Network
from jackbean.engines.process.paths import InstancePaths, Layout
from jackbean.engines.process.platforms import branches
from jackbean.engines.process.prepare import Api, Site, Wishes
from jackbean.engines.process.probe import Possible
from jackbean.engines.process.records import Record
from jackbean.engines.process.shelf import Shelf
from jackbean.engines.process.shelf import branches as runnable
from jackbean.engines.process.supervise import Exited, Running, Shim, ShimSpec, State, Stopped
from jackbean.ports.engine import Departed, EngineDescription, LaunchSpec, MachineSight, Openings

Given = ParamSpec("Given")
Result = TypeVar("Result")

log = logging.getLogger("jackbean.engine")


class ProcessEngine:
    """ports.Engine on one machine.

    `agent` is a program to run in place of ours. `environ` is where proxies and certificates are
    read from, the process's own variables if None. `api` is where instances find AWS's services.
    """

    def __init__(
        self,
        data_dir: Path,
        mode: str = "auto",
        *,
        agent: Path | None = None,
        environ: Mapping[str, str] | None = None,
        api: Api | None = None,
    ) -> None:
        self.layout = Layout(data_dir.resolve())
        self._wishes = Wishes(mode, agent, dict(os.environ if environ is None else environ), api)
        self._site: Site | None = None
        self._preparing = asyncio.Lock()
        self._allocating = asyncio.Lock()
        self._admitting = asyncio.Lock()
        self._admitted: Openings = {}  # what the wall has: nothing, until somebody asks
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @cached_property
    def possible(self) -> Possible:
        """What can be done here; the first look takes some 50 ms. Raises PortError."""
        return probe.probe(self.layout.tag, self._wishes.mode)

    def describe(self) -> EngineDescription:
        found = self._site.ground.interpreters if self._site else pythons.find()
        possible = self.possible
        shelf = Shelf(self.layout.runtimes, self._wishes.environ or {})
        others, stand_ins = runnable(machine_runtimes.find(), shelf)
        return EngineDescription(
            "process",
            possible.mode,
            possible.lacks,
            possible.others,
            branches(found) | others,
            stand_ins,
        )

    @property
    def gateway(self) -> tuple[IPv4Address, str] | None:
        """The address and interface by which instances with a network of their own reach us."""
        network = self._site.network if self._site else None
        return (network.subnet.gateway, network.bridge) if network else None

    async def ready(self) -> Site:
        """Make the machine ready for instances, or find it so. Raises PortError."""
        return await _to_its_end(self._ready())

    async def _ready(self) -> Site:
        async with self._preparing:
            if self._site is None:
                self._site = await _apart(self._prepare)
            return self._site

    def _prepare(self) -> Site:
        try:
            return prepare.prepare(self.layout, self.possible, self._wishes)
        except Unfit as error:
            if self._wishes.mode != "auto":
                raise
            plain = probe.probe(self.layout.tag, "plain")
            self.possible = replace(plain, others={self.possible.mode: f"{error}."})
            return prepare.prepare(self.layout, self.possible, self._wishes)

    async def adopt(self) -> frozenset[str]:
        """Find what an earlier control plane left: return who runs, clear away what is nobody's."""
        await self.ready()
        return await _apart(self._sweep)

    def _sweep(self) -> frozenset[str]:
        for leftover in records.leftovers(self.layout):
            disks.discard(leftover)
        departed.forget_old(self.layout, time.time())
        alive = {
            name: record
            for name, record in self._records().items()
            if isinstance(self._shim(name).look(), Running)
        }
        if self._site and self._site.network:
            self._site.network.sweep([record.slot for record in alive.values()])
        if self.possible.groups:
            self.possible.groups.sweep(alive)
        return frozenset(alive)

    async def machines(self) -> Mapping[str, MachineSight]:
        return await _apart(self._sights)

    def _sights(self) -> dict[str, MachineSight]:
        return {
            name: self._sight(record, self._shim(name).look())
            for name, record in self._records().items()
        }

    def _sight(self, record: Record, state: State) -> MachineSight:
        match state:
            case Running():
                return MachineSight(Machine.RUNNING, record.address)
            case Exited(how):
                return MachineSight(Machine.EXITED, record.address, how)
            case Stopped() if record.mode != self.possible.mode:
                how = f"it was made in mode {record.mode}, and this is mode {self.possible.mode}"
                return MachineSight(Machine.EXITED, record.address, how)
            case Stopped(reason):
                return MachineSight(Machine.STOPPED, record.address, reason)

    async def ensure(self, spec: LaunchSpec) -> None:
        """Start it unless it runs; start it again, with its disk, if it is stopped."""
        await _to_its_end(self._ensure(spec))

    async def _ensure(self, spec: LaunchSpec) -> None:
        paths = records.paths_of(self.layout, spec.instance)
        async with self._lock(spec.instance):
            if not isinstance(await Shim(paths.shim).status(), Stopped):
                return
            site = await self._ready()
            async with self._allocating:
                record = await _apart(self._recorded, paths, spec, site)
            if record.mode != site.ground.mode:
                return  # `machines` says why
            told, netns = await _apart(self._furnish, paths, record, site)
            try:
                await Shim(paths.shim).start(told, netns)
            finally:
                if netns >= 0:
                    os.close(netns)

    def _recorded(self, paths: InstancePaths, spec: LaunchSpec, site: Site) -> Record:
        """Return the instance's record; a new one gets its address and its disk."""
        record = records.load(paths)
        if record is None:
            mode = site.ground.mode
            record = records.allocate(self.layout, site.subnet, spec, self._records(), mode)
            disks.create(paths, record, site)
        return record

    def _furnish(self, paths: InstancePaths, record: Record, site: Site) -> tuple[ShimSpec, int]:
        """Make what a start needs; return what the shim is told and the network's descriptor."""
        disks.refresh(paths, record, site)
        groups: tuple[tuple[str, str], ...] = ()
        if site.groups:
            site.groups.make(record.spec.instance, limits.of(record.spec.instance_type))
            groups = site.groups.visible(record.spec.instance)
        told = launch.shim_spec(record, paths, site.ground, groups)
        return told, site.network.attach(record.slot) if site.network else -1

    async def terminate(self, instance: str) -> None:
        """End it and remove all it had; one that is absent is ended already."""
        await _to_its_end(self._terminate(instance))

    async def _terminate(self, instance: str) -> None:
        paths = records.paths_of(self.layout, instance)
        async with self._lock(instance):
            await Shim(paths.shim).stop()
            await self._admit({instance: ()})
            await _apart(self._remove, paths)

    async def admit(self, openings: Openings) -> None:
        """Have instances admit these; with a network of the machine's they admit everything."""
        await _to_its_end(self._admit(openings))

    async def _admit(self, openings: Openings) -> None:
        if all(self._admitted.get(name, ()) == wanted for name, wanted in openings.items()):
            return
        network = (await self._ready()).network
        if network is None or not network.walled:
            return
        async with self._admitting:
            found = await _apart(self._records)
            wanted = {n: each for n, each in {**self._admitted, **openings}.items() if each}
            known = {name: each for name, each in wanted.items() if name in found}
            if known == self._admitted:
                return
            admitted = [
                (IPv4Address(found[name].host), one) for name, each in known.items() for one in each
            ]
            await _apart(network.admit, admitted)
            self._admitted = known

    def _remove(self, paths: InstancePaths) -> None:
        record = records.load(paths)
        if record is None:
            return
        if record.mode == "root":
            subnet = records.block(self.layout, private=True)
            Network(self.layout.tag, subnet).detach(record.slot)
        if self.possible.groups:
            self.possible.groups.remove(record.spec.instance)
        self._keep_logs(paths, record)
        disks.destroy(paths, record)

    def _keep_logs(self, paths: InstancePaths, record: Record) -> None:
        """Keep what an instance wrote last; a disk that is full, or its own, holds up no end."""
        try:
            departed.keep(self.layout, paths, record.spec.environment_id)
        except OSError as error:
            log.warning("the last logs of %s cannot be kept: %s", record.spec.instance, error)

    async def departed(self, environment_id: str) -> list[Departed]:
        return await _apart(departed.departed, self.layout, environment_id)

    async def stop_all(self) -> None:
        """Stop every instance, keeping its disk, and take network and limits away.

        Nothing needs to be adopted for that.
        """
        names = await _apart(self._records)
        await asyncio.gather(*(self._stop(name) for name in names))
        async with self._preparing:
            self._site, self._admitted = None, {}
            await _apart(prepare.put_back, self.layout, self.possible)

    async def _stop(self, instance: str) -> None:
        async with self._lock(instance):
            await self._shim(instance).stop()

    def _records(self) -> dict[str, Record]:
        found = ((name, records.load(paths)) for name, paths in records.everyone(self.layout))
        return {name: record for name, record in found if record}

    def _shim(self, instance: str) -> Shim:
        return Shim(records.paths_of(self.layout, instance).shim)

    def _lock(self, instance: str) -> asyncio.Lock:
        """Return the lock of an instance; it is forgotten when nobody holds or awaits it."""
        return self._locks.setdefault(instance, asyncio.Lock())


async def _to_its_end(work: Coroutine[Any, Any, Result]) -> Result:
    """Wait for work that goes on where its caller gives up: a thread cannot be called back."""
    return await asyncio.shield(asyncio.ensure_future(work))


def _apart(
    work: Callable[Given, Result], *given: Given.args, **named: Given.kwargs
) -> Awaitable[Result]:
    """Run what blocks in a thread; what the system refuses becomes a PortError."""

    def run() -> Result:
        try:
            return work(*given, **named)
        except OSError as error:
            raise PortError(f"process engine: {error}") from error

    return asyncio.to_thread(run)
