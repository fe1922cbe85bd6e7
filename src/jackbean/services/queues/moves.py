"""Tasks that send dead letters back where they came from, or somewhere else.

A task is a record: a control plane that is started again goes on with those that were running.
Each step is one transaction, so a message is in one queue or in the other, never in both.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, replace

from jackbean.core.errors import Fault, PortError
from jackbean.ports.clock import Clock, Ids
from jackbean.ports.queues import Move, Phase, Queue, Queues, Transfer
from jackbean.services.queues import faults
from jackbean.services.queues.limits import MOVE_BATCH, MOVES_RATE_MAX
from jackbean.services.queues.lines import Lines
from jackbean.services.queues.service import QueueService

RETRY_S = 1.0
LOST = "CouldNotDetermineMessageSource"
NO_TARGET = "AWS.SimpleQueueService.NonExistentQueue"

log = logging.getLogger("jackbean.queues")


@dataclass(frozen=True)
class Order:
    """What somebody wants moved; "" as target: to where the messages came from. 0: no bound."""

    source: str
    target: str = ""
    rate: int = 0


class Moves:
    def __init__(
        self, queues: QueueService, store: Queues, world: tuple[Clock, Ids], lines: Lines
    ) -> None:
        self._queues = queues
        self._store = store
        self._clock, self._ids = world
        self._lines = lines
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stops: dict[str, asyncio.Event] = {}
        self._closing = False

    async def recover(self) -> None:
        """Go on with what was under way when the control plane ended."""
        for move in await self._store.moves():
            if move.phase is Phase.RUNNING:
                self._begin(move)

    async def close(self) -> None:
        """Stop after the steps under way; the next control plane goes on."""
        self._closing = True
        for stop in self._stops.values():
            stop.set()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def start(self, order: Order) -> Move:
        source = await self._source(order.source)
        if order.target and await self._queues.by_arn(order.target) is None:
            raise faults.no_resource("DestinationArn")
        if order.target == order.source:
            text = "The source queue ARN and the destination queue ARN must not be the same."
            raise faults.invalid(text)
        if order.rate and not 1 <= order.rate <= MOVES_RATE_MAX:
            reason = f"Must be between 1 and {MOVES_RATE_MAX}, if provided."
            raise faults.unfit("MaxNumberOfMessagesPerSecond", order.rate, reason)
        for one in await self._store.moves(order.source):
            if one.phase is Phase.RUNNING:
                text = "There is already a task running. Only one active task is allowed for a "
                raise faults.unsupported(text + "source queue arn at a given time.")
        now = self._clock.now()
        counts = await self._store.counts(source.key, int(now * 1000))
        handle = self._ids.request()
        move = Move(handle, order.source, order.target, order.rate, now, counts.visible)
        await self._store.save_move(move)
        self._begin(move)
        return move

    async def cancel(self, handle: str) -> Move:
        """Stop a task, and return it as it stands."""
        move = next((one for one in await self._store.moves() if one.handle == handle), None)
        if move is None:
            raise faults.no_resource("TaskHandle")
        if move.phase is not Phase.RUNNING:
            text = "Only active tasks can be cancelled: this one is "
            raise faults.unsupported(f"{text}{move.phase.value}.")
        if handle in self._tasks:
            self._stops[handle].set()
            await asyncio.gather(self._tasks[handle], return_exceptions=True)
        return next(one for one in await self._store.moves() if one.handle == handle)

    async def of(self, source: str, limit: int) -> list[Move]:
        """Return the last tasks of a queue."""
        await self._source(source)
        return (await self._store.moves(source))[:limit]

    async def _source(self, arn: str) -> Queue:
        source = await self._queues.by_arn(arn)
        if source is None:
            raise faults.no_resource("SourceArn")
        if not await self._queues.sources(source.name):
            text = "Source queue must be configured as a Dead Letter Queue."
            raise faults.invalid(text)
        return source

    # The work

    def _begin(self, move: Move) -> None:
        stop = self._stops[move.handle] = asyncio.Event()
        task = asyncio.get_running_loop().create_task(self._run(move, stop))
        self._tasks[move.handle] = task
        task.add_done_callback(lambda _: self._forget(move.handle))

    def _forget(self, handle: str) -> None:
        del self._tasks[handle], self._stops[handle]

    async def _run(self, move: Move, stop: asyncio.Event) -> None:
        while move.phase is Phase.RUNNING and not stop.is_set():
            pause_s = 0.0
            try:
                before, move = move.moved, await self._step(move)
                pause_s = (move.moved - before) / move.rate if move.rate else 0.0
            except PortError as error:
                log.warning("moving messages of %s: %s; trying again", move.source, error)
                pause_s = RETRY_S
            if pause_s and move.phase is Phase.RUNNING:
                await _pause(stop, pause_s)
        if move.phase is Phase.RUNNING and not self._closing:
            await self._store.save_move(replace(move, phase=Phase.CANCELLED))

    async def _step(self, move: Move) -> Move:
        """Move some messages, and keep how many."""
        try:
            wanted = await self._transfer(move)
        except Fault:
            done = replace(move, phase=Phase.FAILED, failure=NO_TARGET)
            await self._store.save_move(done)
            return done
        gone = await self._store.transfer(wanted)
        for key in gone.queues:
            self._lines.of(key).ring(gone.count)
        move = replace(move, moved=move.moved + gone.count)
        if gone.lost:
            move = replace(move, phase=Phase.FAILED, failure=LOST)
        elif gone.count < len(wanted.ids):
            move = replace(move, phase=Phase.COMPLETED)
        await self._store.save_move(move)
        return move

    async def _transfer(self, move: Move) -> Transfer:
        source = await self._queues.by_arn(move.source)
        target = await self._queues.by_arn(move.target) if move.target else None
        if source is None or (move.target and target is None):
            raise faults.no_queue()
        count = min(MOVE_BATCH, max(1, move.rate // 10)) if move.rate else MOVE_BATCH
        origins = {self._queues.arn(q): q.key for q in await self._queues.begun()}
        return Transfer(
            queue=source.key,
            now_ms=int(self._clock.now() * 1000),
            ids=tuple(self._ids.request() for _ in range(count)),
            target=target.key if target else None,
            origins=origins,
        )


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
