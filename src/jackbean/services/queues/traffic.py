"""Messages on their way: sent, received, deleted, held."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jackbean.core.errors import Fault, PortError
from jackbean.ports.clock import Clock, Ids
from jackbean.ports.queues import (
    DeadLetters,
    Draft,
    Haul,
    Kept,
    Message,
    Outcome,
    Queue,
    QueueRefused,
    Queues,
    Receipt,
    Wanted,
)
from jackbean.services.queues import faults
from jackbean.services.queues.attributes import terms
from jackbean.services.queues.handles import Handles
from jackbean.services.queues.limits import (
    BATCH_BYTES_MAX,
    BATCH_ENTRIES_MAX,
    VISIBILITY_S_MAX,
    WAIT_S_MAX,
)
from jackbean.services.queues.lines import Lines
from jackbean.services.queues.messages import Entry, draft
from jackbean.services.queues.service import QueueService, oldest_ms

log = logging.getLogger("jackbean.queues")

ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


@dataclass(frozen=True)
class Receive:
    """What a receiver asks for; None: as the queue has it."""

    limit: int = 1
    visibility_s: int | None = None
    wait_s: int | None = None
    attempt: str = ""


@dataclass(frozen=True)
class Received:
    message: Message
    handle: str


class Traffic:
    def __init__(
        self,
        queues: QueueService,
        store: Queues,
        world: tuple[Clock, Ids],
        ways: tuple[Lines, Handles],
    ) -> None:
        self._queues = queues
        self._store = store
        self._clock, self._ids = world
        self._lines, self._handles = ways
        self._unattended: set[asyncio.Task[None]] = set()

    async def send(self, name: str, entry: Entry, sender: str) -> Kept:
        """Keep a message: it is on disk when this returns. Raises the Fault."""
        (sent,) = await self.send_all(name, (entry,), sender)
        if isinstance(sent, Fault):
            raise sent
        return sent

    async def send_all(
        self, name: str, entries: Sequence[Entry], sender: str
    ) -> list[Kept | Fault]:
        """Keep messages; each that cannot be kept is answered with its own Fault."""
        queue, now = await self._queues.find(name), self._clock.now()
        size = sum(entry.size for entry in entries)
        if len(entries) > 1 and size > BATCH_BYTES_MAX:
            raise faults.batch_too_long(size)
        results: list[Kept | Fault] = []
        drafts: list[Draft] = []
        places: list[int] = []
        for place, entry in enumerate(entries):
            try:
                drafts.append(draft(entry, queue, now, (self._ids.request(), sender)))
                places.append(place)
                results.append(Kept("", 0, fresh=False))
            except Fault as fault:
                results.append(fault)
        for place, kept in zip(places, await self._keep(queue, drafts, now), strict=True):
            results[place] = kept
        return results

    async def _keep(self, queue: Queue, drafts: list[Draft], now: float) -> list[Kept]:
        if not drafts:
            return []
        now_ms = int(now * 1000)
        try:
            kept = await self._store.send(queue.key, drafts, now_ms)
        except QueueRefused:
            raise faults.no_queue() from None
        line = self._lines.of(queue.key)
        line.ring(sum(draft.visible_ms <= now_ms for draft in drafts))
        later = [draft.visible_ms for draft in drafts if draft.visible_ms > now_ms]
        line.note(min(later, default=None))
        return kept

    # Receiving

    async def receive(self, name: str, wish: Receive) -> list[Received]:
        """Return messages, waiting for one as long as was asked for. Raises the Fault.

        Whoever cancels this gets no message, and none is held for them.
        """
        queue = await self._queues.find(name)
        _check(wish, queue)
        wait_s = terms(queue).wait_s if wish.wait_s is None else wish.wait_s
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        while True:
            line = self._lines.of(queue.key)
            since = line.rung
            haul = await self._haul(queue, wish)
            left = deadline - loop.time()
            if haul.messages or left <= 0 or not await line.wait(since, left):
                return [self._received(queue, message) for message in haul.messages]
            queue = await self._queues.find(name)

    async def _haul(self, queue: Queue, wish: Receive) -> Haul:
        dead = await self._dead_letters(queue)
        work = asyncio.ensure_future(self._store.receive(self._wanted(queue, wish, dead)))
        try:
            haul = await asyncio.shield(work)
        except asyncio.CancelledError:
            self._attend(self._give_back(queue, work))
            raise
        self._lines.of(queue.key).note(haul.due_ms)
        if haul.died and dead:
            self._lines.of(dead.queue).ring(haul.died)
        return haul

    def _wanted(self, queue: Queue, wish: Receive, dead: DeadLetters | None) -> Wanted:
        now = self._clock.now()
        visibility_s = terms(queue).visibility_s if wish.visibility_s is None else wish.visibility_s
        return Wanted(
            queue=queue.key,
            now_ms=int(now * 1000),
            hold_ms=1000 * visibility_s,
            oldest_ms=oldest_ms(queue, now),
            limit=wish.limit,
            fifo=queue.fifo,
            dead=dead,
            attempt=wish.attempt if queue.fifo else "",
        )

    async def _dead_letters(self, queue: Queue) -> DeadLetters | None:
        """Return where dead letters go; where that is gone, messages are handed out for ever."""
        redrive = terms(queue).redrive
        target = await self._queues.by_arn(redrive.target) if redrive else None
        if redrive is None or target is None:
            return None
        return DeadLetters(target.key, redrive.receives_max, self._queues.arn(queue))

    def _received(self, queue: Queue, message: Message) -> Received:
        receipt = Receipt(message.number, message.receives)
        return Received(message, self._handles.handle(queue.key, receipt))

    def _attend(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._unattended.add(task)
        task.add_done_callback(self._unattended.discard)

    async def _give_back(self, queue: Queue, work: asyncio.Future[Haul]) -> None:
        """Let others have what a receiver that has gone would have got."""
        try:
            haul = await work
            receipts = [Receipt(m.number, m.receives) for m in haul.messages]
            now_ms = int(self._clock.now() * 1000)
            await self._store.put_back(queue.key, receipts, now_ms)
        except PortError as error:
            log.warning("%s: messages come back when their time is over: %s", queue.name, error)
        self._lines.of(queue.key).ring()

    # What is done to messages that were received

    async def delete(self, name: str, handles: Sequence[str]) -> list[Fault | None]:
        """Forget messages; each handle is answered with a Fault, or None where it is done."""
        queue = await self._queues.find(name)
        receipts = [self._receipt(queue, handle) for handle in handles]
        good = [receipt for receipt in receipts if isinstance(receipt, Receipt)]
        held_at_ms = int(self._clock.now() * 1000) if queue.fifo else None
        outcomes = iter(await self._store.delete(queue.key, good, held_at_ms) if good else ())
        if queue.fifo:
            self._lines.of(queue.key).ring()
        return [
            receipt if isinstance(receipt, Fault) else _deleted(queue, handle, next(outcomes))
            for receipt, handle in zip(receipts, handles, strict=True)
        ]

    async def hold(self, name: str, wishes: Sequence[tuple[str, int]]) -> list[Fault | None]:
        """Hide messages for so many seconds from now; answers are like those of `delete`."""
        queue, now_ms = await self._queues.find(name), int(self._clock.now() * 1000)
        checked = [self._hold(queue, handle, seconds) for handle, seconds in wishes]
        good = [one for one in checked if not isinstance(one, Fault)]
        outcomes = iter(await self._store.hold(queue.key, good, now_ms) if good else ())
        self._lines.of(queue.key).note(min((now_ms + ms for _, ms in good), default=None))
        return [
            one if isinstance(one, Fault) else _held(wish, next(outcomes))
            for one, wish in zip(checked, wishes, strict=True)
        ]

    def _receipt(self, queue: Queue, handle: str) -> Receipt | Fault:
        try:
            return self._handles.receipt(queue.key, handle)
        except Fault as fault:
            return fault

    def _hold(self, queue: Queue, handle: str, seconds: int) -> tuple[Receipt, int] | Fault:
        if not 0 <= seconds <= VISIBILITY_S_MAX:
            reason = f"VisibilityTimeout must be an integer between 0 and {VISIBILITY_S_MAX}."
            return faults.unfit("VisibilityTimeout", seconds, reason)
        receipt = self._receipt(queue, handle)
        return receipt if isinstance(receipt, Fault) else (receipt, 1000 * seconds)


def check_batch(ids: Sequence[str], entry: str) -> None:
    """Raise the Fault for a batch that is refused as a whole."""
    if not ids:
        raise faults.empty_batch(entry)
    if len(ids) > BATCH_ENTRIES_MAX:
        raise faults.too_many_entries(len(ids))
    for id_ in ids:
        if not ENTRY_ID.fullmatch(id_):
            raise faults.bad_entry_id()
    repeated = next((id_ for at, id_ in enumerate(ids) if id_ in ids[:at]), None)
    if repeated is not None:
        raise faults.id_repeated(repeated)


def _check(wish: Receive, queue: Queue) -> None:
    if not 1 <= wish.limit <= BATCH_ENTRIES_MAX:
        reason = f"Must be between 1 and {BATCH_ENTRIES_MAX}, if provided."
        raise faults.unfit("MaxNumberOfMessages", wish.limit, reason)
    if wish.visibility_s is not None and not 0 <= wish.visibility_s <= VISIBILITY_S_MAX:
        reason = f"Must be between 0 and {VISIBILITY_S_MAX}, if provided."
        raise faults.unfit("VisibilityTimeout", wish.visibility_s, reason)
    if wish.wait_s is not None and not 0 <= wish.wait_s <= WAIT_S_MAX:
        reason = f"Must be >= 0 and <= {WAIT_S_MAX}, if provided."
        raise faults.unfit("WaitTimeSeconds", wish.wait_s, reason)
    if len(wish.attempt) > 128:
        raise faults.unfit("ReceiveRequestAttemptId", wish.attempt, "1 to 128 in length.")
    if wish.attempt and not queue.fifo:
        raise faults.not_of_this_type("ReceiveRequestAttemptId", wish.attempt)


def _deleted(queue: Queue, handle: str, outcome: Outcome) -> Fault | None:
    """Return what a deletion is answered with: that of a message that is gone has succeeded."""
    late = outcome in (Outcome.STALE, Outcome.VISIBLE)
    return faults.handle_expired(handle) if queue.fifo and late else None


def _held(wish: tuple[str, int], outcome: Outcome) -> Fault | None:
    handle, seconds = wish
    told = {
        Outcome.TOO_LONG: faults.held_too_long(seconds),
        Outcome.VISIBLE: faults.not_in_flight(),
    }
    return None if outcome is Outcome.DONE else told.get(outcome, faults.not_held(handle))
