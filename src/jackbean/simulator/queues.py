"""Queues in memory, under the same rules as on disk: plain lists, looked through every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from jackbean.ports.queues import (
    ATTEMPTS_MS,
    DUPLICATES_MS,
    HELD_MS_MAX,
    Counts,
    DeadLetters,
    Draft,
    Haul,
    Kept,
    Message,
    Move,
    Outcome,
    Queue,
    QueueRefusal,
    QueueRefused,
    Receipt,
    Transfer,
    Transferred,
    Wanted,
)

DIED_MAX = 100
MOVES_KEPT = 10


@dataclass
class _Held:
    """A message, and what changes of it."""

    queue: int
    message: Message
    visible: int
    carried: int = 0
    received: int = 0

    @property
    def number(self) -> int:
        return self.message.number

    def receipts(self) -> Receipt:
        return Receipt(self.number, self.message.receives)


@dataclass(frozen=True)
class _Token:
    at: int
    kept: Kept


@dataclass(frozen=True)
class Place:
    """Where a message is, or was when it ended: `ended` is how, "" if it was deleted."""

    queue: int
    receives: int
    visible: int = 0
    gone: bool = False
    ended: str = ""


class MemoryQueues:
    """`ports.queues.Queues` for simulated histories. Nothing waits, so every change is atomic."""

    def __init__(self) -> None:
        self._queues: dict[int, Queue] = {}
        self._messages: dict[int, _Held] = {}
        self._tokens: dict[tuple[int, str, str], _Token] = {}
        self._attempts: dict[tuple[int, str], tuple[int, tuple[Receipt, ...]]] = {}
        self._moves: dict[str, Move] = {}
        self._ended: dict[int, Place] = {}
        self._sent_on: dict[int, tuple[Kept, int]] = {}
        self._keys = 0
        self._numbers = 0

    # Queues

    async def queue(self, name: str) -> Queue | None:
        return next((queue for queue in self._queues.values() if queue.name == name), None)

    async def queues(self) -> list[Queue]:
        return sorted(self._queues.values(), key=lambda queue: queue.name)

    async def add_queue(self, queue: Queue) -> Queue:
        if await self.queue(queue.name):
            raise QueueRefused(QueueRefusal.TAKEN)
        self._keys += 1
        made = self._queues[self._keys] = replace(queue, key=self._keys)
        return made

    async def save_queue(self, queue: Queue) -> None:
        self.require(queue.key)
        self._queues[queue.key] = queue

    async def drop_queue(self, key: int) -> None:
        self.require(key)
        del self._queues[key]
        self._forget(lambda held: held.queue == key, "dropped")

    # Messages

    async def send(self, queue: int, drafts: Sequence[Draft], now_ms: int) -> list[Kept]:
        self.require(queue)
        return [self._keep(queue, draft, now_ms) for draft in drafts]

    async def receive(self, wanted: Wanted) -> Haul:
        await self.expire(wanted.queue, wanted.oldest_ms)
        again = self._again(wanted)
        if again is not None:
            return Haul(again, self._due(wanted))
        found, died = self._candidates(wanted), 0
        if wanted.dead:
            while any(_worn(held, wanted.dead) for held in found) and died < DIED_MAX:
                died += self._bury(found, wanted, wanted.dead)
                found = self._candidates(wanted)
            found = [held for held in found if not _worn(held, wanted.dead)]
        messages = tuple(_handed_out(held, wanted) for held in found)
        if wanted.attempt and messages:
            receipts = tuple(held.receipts() for held in found)
            self._attempts[wanted.queue, wanted.attempt] = (wanted.now_ms, receipts)
        return Haul(messages, self._due(wanted), died)

    async def put_back(self, queue: int, receipts: Sequence[Receipt], now_ms: int) -> None:
        for receipt in receipts:
            held = self._messages.get(receipt.number)
            if held and held.queue == queue and held.message.receives == receipt.receives:
                receives = receipt.receives - 1
                first = held.message.first_ms if receives else 0
                held.message = replace(held.message, receives=receives, first_ms=first)
                held.visible = now_ms

    async def delete(
        self, queue: int, receipts: Sequence[Receipt], held_at_ms: int | None = None
    ) -> list[Outcome]:
        outcomes = []
        for receipt in receipts:
            outcomes.append(self._look(queue, receipt, held_at_ms))
            if outcomes[-1] is Outcome.DONE:
                del self._messages[receipt.number]
        return outcomes

    async def hold(
        self, queue: int, holds: Sequence[tuple[Receipt, int]], now_ms: int
    ) -> list[Outcome]:
        return [self._hold(queue, receipt, hold_ms, now_ms) for receipt, hold_ms in holds]

    async def purge(self, queue: int) -> None:
        self._forget(lambda held: held.queue == queue, "purged")

    async def expire(self, queue: int, oldest_ms: int) -> int:
        return self._forget(
            lambda held: held.queue == queue and held.message.sent_ms < oldest_ms, "expired"
        )

    async def delay(self, queue: int, by_ms: int) -> None:
        for held in self._of(queue):
            if not held.message.receives:
                held.visible = held.message.sent_ms + by_ms

    async def counts(self, queue: int, now_ms: int) -> Counts:
        every = self._of(queue)
        hidden = [held for held in every if held.visible > now_ms]
        held = sum(bool(one.message.receives) for one in hidden)
        oldest = min((one.message.sent_ms for one in every), default=None)
        return Counts(len(every) - len(hidden), held, len(hidden) - held, oldest)

    # Moves

    async def transfer(self, transfer: Transfer) -> Transferred:
        visible = [held for held in self._of(transfer.queue) if held.visible <= transfer.now_ms]
        visible.sort(key=lambda held: (held.visible, held.number))
        queues: list[int] = []
        for id_, held in zip(transfer.ids, visible, strict=False):
            target = transfer.target or (transfer.origins or {}).get(held.message.source)
            if target is None:
                return Transferred(len(queues), lost=True, queues=frozenset(queues))
            old = held.message
            del self._messages[held.number]
            draft = Draft(
                id_, old.body, transfer.now_ms, old.attributes, old.system, old.lane, old.token
            )
            self._sent_on[old.number] = self._add(target, draft, transfer.now_ms), target
            queues.append(target)
        return Transferred(len(queues), queues=frozenset(queues))

    async def moves(self, source: str = "") -> list[Move]:
        found = [move for move in self._moves.values() if source in ("", move.source)]
        return sorted(found, key=lambda move: (-move.started, move.handle))

    async def save_move(self, move: Move) -> None:
        self._moves[move.handle] = move
        for old in (await self.moves(move.source))[MOVES_KEPT:]:
            del self._moves[old.handle]

    # For the ledgers, which are kept where the messages are

    def place(self, kept: Kept, home: int) -> tuple[Kept, int, Place]:
        """Return a message and its queue as of now, if it was sent on, and where it is."""
        while kept.number in self._sent_on:
            kept, home = self._sent_on[kept.number]
        held = self._messages.get(kept.number)
        if held is None:
            return kept, home, self._ended.get(kept.number, Place(0, 0, gone=True))
        return kept, home, _place(held)

    def require(self, key: int) -> None:
        """Raise QueueRefused if there is no such queue."""
        if key not in self._queues:
            raise QueueRefused(QueueRefusal.ABSENT)

    def messages(self, queue: int) -> list[tuple[Message, Place, int]]:
        """Return the messages of a queue, where each is, and how often it was received before."""
        found = sorted(self._of(queue), key=lambda held: -held.number)
        return [(held.message, _place(held), held.carried) for held in found]

    def message(self, number: int) -> tuple[Message, Place, int] | None:
        held = self._messages.get(number)
        return None if held is None else (held.message, _place(held), held.carried)

    # Within

    def _of(self, queue: int) -> list[_Held]:
        return [held for held in self._messages.values() if held.queue == queue]

    def _forget(self, which: Callable[[_Held], bool], how: str) -> int:
        found = [held for held in self._messages.values() if which(held)]
        for held in found:
            receives = held.message.receives
            self._ended[held.number] = Place(held.queue, receives, gone=True, ended=how)
            del self._messages[held.number]
        return len(found)

    def _keep(self, queue: int, draft: Draft, now_ms: int) -> Kept:
        where = (queue, draft.scope, draft.token)
        known = self._tokens.get(where)
        if draft.token and known and known.at > now_ms - DUPLICATES_MS:
            return replace(known.kept, fresh=False)
        kept = self._add(queue, draft, now_ms)
        if draft.token:
            self._tokens[where] = _Token(now_ms, kept)
        return kept

    def _add(self, queue: int, draft: Draft, now_ms: int) -> Kept:
        self._numbers += 1
        message = Message(
            number=self._numbers,
            id=draft.id,
            body=draft.body,
            attributes=draft.attributes,
            system=draft.system,
            sent_ms=now_ms,
            first_ms=0,
            receives=0,
            lane=draft.lane,
            token=draft.token,
        )
        self._messages[self._numbers] = _Held(queue, message, draft.visible_ms)
        return Kept(draft.id, self._numbers, fresh=True)

    def _candidates(self, wanted: Wanted) -> list[_Held]:
        every = self._of(wanted.queue)
        if not wanted.fifo:
            found = [held for held in every if held.visible <= wanted.now_ms]
            found.sort(key=lambda held: (held.visible, held.number))
            return found[: wanted.limit]
        free = self._free(wanted.queue)
        lanes = sorted((at, lane) for lane, at in free.items() if at <= wanted.now_ms)
        found = []
        for _, lane in lanes:
            ours = [h for h in every if h.message.lane == lane and h.visible <= wanted.now_ms]
            found.extend(sorted(ours, key=lambda held: held.number))
        return found[: wanted.limit]

    def _free(self, queue: int) -> dict[str, int]:
        """Return when each lane is free: when its head and all that were received are visible."""
        free: dict[str, int] = {}
        for held in sorted(self._of(queue), key=lambda held: held.number):
            lane = held.message.lane
            if lane is not None and (lane not in free or held.message.receives):
                free[lane] = max(free.get(lane, 0), held.visible)
        return free

    def _due(self, wanted: Wanted) -> int | None:
        if wanted.fifo:
            return min(self._free(wanted.queue).values(), default=None)
        return min((held.visible for held in self._of(wanted.queue)), default=None)

    def _bury(self, found: Sequence[_Held], wanted: Wanted, dead: DeadLetters) -> int:
        worn = [held for held in found if _worn(held, dead)]
        for held in worn:
            sent = wanted.now_ms if wanted.fifo else held.message.sent_ms
            held.message = replace(held.message, source=dead.source, sent_ms=sent)
            held.queue, held.visible = dead.queue, wanted.now_ms
            held.carried = held.message.receives
        return len(worn)

    def _again(self, wanted: Wanted) -> tuple[Message, ...] | None:
        noted = self._attempts.get((wanted.queue, wanted.attempt)) if wanted.attempt else None
        if noted is None or noted[0] <= wanted.now_ms - ATTEMPTS_MS:
            return None
        looks = [self._look(wanted.queue, receipt, wanted.now_ms) for receipt in noted[1]]
        if any(look is not Outcome.DONE for look in looks):
            return None
        found = [self._messages[receipt.number] for receipt in noted[1]]
        for held in found:
            held.message = replace(held.message, receives=held.message.receives - 1)
        return tuple(_handed_out(held, wanted) for held in found)

    def _look(self, queue: int, receipt: Receipt, held_at_ms: int | None) -> Outcome:
        held = self._messages.get(receipt.number)
        if held is None or held.queue != queue:
            return Outcome.GONE
        if held.message.receives != receipt.receives:
            return Outcome.STALE
        if held_at_ms is not None and held.visible <= held_at_ms:
            return Outcome.VISIBLE
        return Outcome.DONE

    def _hold(self, queue: int, receipt: Receipt, hold_ms: int, now_ms: int) -> Outcome:
        outcome = self._look(queue, receipt, now_ms)
        if outcome is not Outcome.DONE:
            return outcome
        held = self._messages[receipt.number]
        if now_ms + hold_ms > held.received + HELD_MS_MAX:
            return Outcome.TOO_LONG
        held.visible = now_ms + hold_ms
        return outcome


def _place(held: _Held) -> Place:
    return Place(held.queue, held.message.receives, held.visible)


def _worn(held: _Held, dead: DeadLetters) -> bool:
    return held.message.receives - held.carried >= dead.receives_max


def _handed_out(held: _Held, wanted: Wanted) -> Message:
    first = held.message.first_ms or wanted.now_ms
    held.message = replace(held.message, receives=held.message.receives + 1, first_ms=first)
    held.visible, held.received = wanted.now_ms + wanted.hold_ms, wanted.now_ms
    return held.message
