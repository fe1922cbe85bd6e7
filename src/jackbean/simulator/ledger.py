"""The ledger of messages in memory, beside queues in memory."""

from __future__ import annotations

from collections.abc import Sequence

from jackbean.ports.ledger import KEPT, SHOWN_MAX, Entry, Search, Stand, Try
from jackbean.ports.queues import Message
from jackbean.simulator.queues import MemoryQueues, Place


class MemoryLedger:
    """`ports.ledger.Ledger` for simulated histories."""

    def __init__(self, queues: MemoryQueues, kept: int = KEPT) -> None:
        self._queues = queues
        self._kept = kept
        self._tries: dict[tuple[int, int], Try] = {}
        self._of_dead: set[tuple[int, int]] = set()

    async def add(self, tries: Sequence[Try]) -> None:
        for one in tries:
            self._tries.setdefault((one.number, one.receives), one)
        for queue in {one.queue for one in tries}:
            for old in self._lately(queue)[self._kept :]:
                key = (old.number, old.receives)
                if self._dead(old):
                    self._of_dead.add(key)
                else:
                    del self._tries[key]

    async def entries(self, search: Search) -> list[Entry]:
        queues = [] if search.dead_only else [search.queue]
        queues += [] if search.dead is None else [search.dead]
        found: dict[int, Entry] = {}
        for queue in queues:
            newest = sorted(self._queues.messages(queue), key=lambda m: -m[0].sent_ms)
            for message in newest[: search.limit]:
                found[message[0].number] = _entry(message, search)
        if not search.dead_only:
            for one in self._lately(search.queue)[: search.limit]:
                there = self._queues.message(one.number)
                gone = Entry(one.number, one.message, Stand.GONE)
                found.setdefault(one.number, _entry(there, search) if there else gone)
        entries = [self._tried(entry) for entry in found.values()]
        entries.sort(key=lambda entry: (-entry.touched_ms, -entry.number))
        return entries[: search.limit]

    async def last(self, numbers: Sequence[int]) -> dict[int, Try]:
        return {number: tries[0] for number in numbers if (tries := self._of(number))}

    async def tidy(self) -> None:
        for key in list(self._of_dead):
            if not self._dead(self._tries[key]):
                self._of_dead.discard(key)
                del self._tries[key]

    def _lately(self, queue: int) -> list[Try]:
        found = [t for key, t in self._tries.items() if key not in self._of_dead]
        return sorted((t for t in found if t.queue == queue), key=lambda one: -one.at_ms)

    def _of(self, number: int) -> tuple[Try, ...]:
        found = [one for one in self._tries.values() if one.number == number]
        return tuple(sorted(found, key=lambda one: -one.receives)[:SHOWN_MAX])

    def _dead(self, one: Try) -> bool:
        there = self._queues.message(one.number)
        return there is not None and there[1].queue != one.queue

    def _tried(self, entry: Entry) -> Entry:
        tries = self._of(entry.number)
        receives = entry.receives or max((one.receives for one in tries), default=0)
        return Entry(**{**vars(entry), "receives": receives, "tries": tries})


def _entry(there: tuple[Message, Place, int], search: Search) -> Entry:
    message, place, carried = there
    stand = _stand(place, search)
    sent, receives = message.sent_ms, place.receives
    return Entry(message.number, message.id, stand, receives, carried, sent, place.visible)


def _stand(place: Place, search: Search) -> Stand:
    if place.queue != search.queue:
        return Stand.DEAD
    if place.visible <= search.at_ms:
        return Stand.WAITING
    return Stand.HELD if place.receives else Stand.DELAYED
