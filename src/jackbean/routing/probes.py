"""Health checks of our own, at once: what Envoy knows of a host is as old as its last check.

Where a host stays in service while its application is exchanged, Envoy finds that out when it
checks next. Until then whoever wants to know asks here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from jackbean.ports.engine import Address
from jackbean.ports.router import HealthCheck, Probe
from jackbean.routing.shapes import checked_path
from jackbean.routing.templates import HEALTH_CHECKER

PATIENCE_S = 0.25  # for all answers to one question; who takes longer has passed by the next
_TROUBLE = (OSError, EOFError, ValueError, IndexError, asyncio.LimitOverrunError)


class Prober:
    """Checks instances, one check of each at a time."""

    def __init__(self) -> None:
        self._begun: dict[str, tuple[str, asyncio.Task[bool]]] = {}
        self._tasks: set[asyncio.Task[bool]] = set()  # also those whose mark is of before

    async def passed(self, health: HealthCheck, probes: Collection[Probe]) -> frozenset[str]:
        """Return who has passed a check that began under its mark; wait a moment for it."""
        if not probes:
            return frozenset()
        tasks = {probe.instance: self._task(health, probe) for probe in probes}
        await asyncio.wait(tasks.values(), timeout=PATIENCE_S)
        self._begun = {name: one for name, one in self._begun.items() if not one[1].done()}
        return frozenset(name for name, task in tasks.items() if task.done() and task.result())

    async def close(self) -> None:
        """Give up what has not been answered."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _task(self, health: HealthCheck, probe: Probe) -> asyncio.Task[bool]:
        mark, task = self._begun.get(probe.instance, ("", None))
        if task is None or mark != probe.mark:
            task = asyncio.ensure_future(answers(health, probe.address))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            self._begun[probe.instance] = (probe.mark, task)
        return task


async def answers(health: HealthCheck, address: Address) -> bool:
    """Whether an instance passes the health check: a connection, or the status that is wanted."""
    try:
        async with asyncio.timeout(health.timeout_s):
            reader, writer = await asyncio.open_connection(address.host, address.port)
            try:
                return health.path is None or _good(health, await _status(health, reader, writer))
            finally:
                writer.close()
    except _TROUBLE:
        return False


async def _status(
    health: HealthCheck, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> int:
    host, port = writer.get_extra_info("peername")[:2]
    writer.write(
        f"GET {checked_path(health)} HTTP/1.1\r\nHost: {host}:{port}\r\n"
        f"User-Agent: {HEALTH_CHECKER}\r\nConnection: close\r\n\r\n".encode()
    )
    return int((await reader.readuntil(b"\n")).split()[1])


def _good(health: HealthCheck, status: int) -> bool:
    return any(low <= status <= high for low, high in health.codes)
