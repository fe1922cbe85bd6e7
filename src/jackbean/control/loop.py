"""The loop: one turn after another for every environment, each at its own pace.

Turns of one environment never overlap; different environments do not wait for one another. After a
start every environment is looked at once before any route is let out, so that a load balancer never
hears of a half-known fleet.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from jackbean.control import composing
from jackbean.control.applications import finish_deletions
from jackbean.control.environments import retried
from jackbean.control.tick import WARM_S, Ticker, Turn
from jackbean.control.world import World
from jackbean.core.errors import Conflict, JackbeanError
from jackbean.core.records import replace
from jackbean.ports.store import EnvironmentQuery, PutEnvironment

RETRY_S = 0.5  # after a port refused
SWEEP_S = 5.0  # between two looks for machines that nobody wants

log = logging.getLogger("jackbean.loop")


class Loop:
    """Runs until cancelled."""

    def __init__(self, world: World, ticker: Ticker) -> None:
        self._world = world
        self._ticker = ticker
        self._due: dict[str, float] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._swept = 0.0

    async def run(self) -> None:
        await self._adopt()
        self._swept = self._world.clock.now()
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._news(self._patience())
                now = self._world.clock.now()
                self._start(tasks, now)
                if now - self._swept >= SWEEP_S:
                    self._swept = now
                    await sweep(self._world)
                    await self._compose()

    async def _compose(self) -> None:
        """Go on with compositions whose turn came when the store did not answer."""
        try:
            await composing.proceed(self._world)
        except JackbeanError as error:
            log.warning("environments that belong together: %s; trying again", error)
        except Exception:  # a bug: the loop goes on
            log.exception("composing environments failed")

    async def _adopt(self) -> None:
        """Look at everything once, then let routes out: silence after a start is not death."""
        await restart_clocks(self._world)
        await finish_deletions(self._world)
        await self._compose()
        unknown = {e.id for e in await self._world.store.environments(EnvironmentQuery())}
        self._due = dict.fromkeys(unknown, self._world.clock.now())
        while unknown:
            unknown = {e for e in unknown if not await self._known(e)}
            if unknown:
                await self._news(WARM_S)
        await self._world.router.open()

    async def _news(self, timeout_s: float) -> None:
        """Wait for a poke, or for a while, and note who is to be looked at now."""
        await self._world.bell.wait(timeout_s)
        now = self._world.clock.now()
        self._due.update(dict.fromkeys(self._world.bell.take(), now))

    async def _known(self, environment_id: str) -> bool:
        try:
            return await self._ticker.seen(environment_id)
        except JackbeanError as error:
            log.warning("environment %s cannot be looked at yet: %s", environment_id, error)
            return False
        except Exception:  # a bug: the others are not to wait for this one
            log.exception("environment %s cannot be looked at", environment_id)
            return True

    def _patience(self) -> float:
        now = self._world.clock.now()
        waiting = [at for e, at in self._due.items() if e not in self._running]
        return min([SWEEP_S, *(at - now for at in waiting)])

    def _start(self, tasks: asyncio.TaskGroup, now: float) -> None:
        for environment_id, at in list(self._due.items()):
            if at <= now and environment_id not in self._running:
                del self._due[environment_id]
                task = tasks.create_task(self._turn(environment_id))
                self._running[environment_id] = task

    async def _turn(self, environment_id: str) -> None:
        turn = await self._tick(environment_id)
        del self._running[environment_id]
        if turn.again_s is None:
            self._due.pop(environment_id, None)
            return
        at = self._world.clock.now() + turn.again_s
        self._due[environment_id] = min(at, self._due.get(environment_id, at))
        self._world.bell.stir()

    async def _tick(self, environment_id: str) -> Turn:
        try:
            return await self._ticker.tick(environment_id)
        except Conflict:
            return Turn(0.0, "somebody else changed it")
        except JackbeanError as error:
            log.warning("environment %s: %s; trying again", environment_id, error)
            return Turn(RETRY_S, str(error))
        except Exception:  # a bug: this turn dies, the loop goes on
            log.exception("environment %s: a turn failed", environment_id)
            return Turn(RETRY_S, "an internal error")


async def sweep(world: World) -> None:
    """End machines that no environment has. Machines are read first: members precede them."""
    try:
        machines = await world.engine.machines()
        environments = await world.store.environments(EnvironmentQuery())
        members = {m.id for e in environments for m in e.members}
        for orphan in machines.keys() - members:
            log.warning("instance %s belongs to no environment; ending it", orphan)
            await world.engine.terminate(orphan)
    except JackbeanError as error:
        log.warning("cannot look for orphans: %s", error)
    except Exception:  # a bug: the loop goes on
        log.exception("looking for orphans failed")


async def restart_clocks(world: World) -> None:
    """Let what is under way count its time from now: timeouts count time observed."""
    for environment in await world.store.environments(EnvironmentQuery()):
        await retried(partial(_restart_clock, world, environment.id))


async def _restart_clock(world: World, environment_id: str) -> None:
    environment = await world.store.environment(environment_id)
    if environment is None or environment.operation is None:
        return
    now, operation = world.clock.now(), environment.operation
    operation = replace(operation.resume(now), tally=operation.tally.interrupted())
    await world.store.commit([PutEnvironment(replace(environment, operation=operation))])
