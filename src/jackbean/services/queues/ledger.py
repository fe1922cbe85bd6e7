"""The ledger of messages: what instances tell is taken in, and what is asked is answered.

An instance can tell only of what it was handed out: a receipt handle says which message that was,
and nobody but this installation can make one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jackbean.core.protocol import Attempt
from jackbean.ports.ledger import Entry, Ledger, Search, Stand, Try
from jackbean.ports.queues import Queue
from jackbean.services.queues import faults
from jackbean.services.queues.attributes import terms
from jackbean.services.queues.desk import QueueDesk

MESSAGE_CHARS_MAX = 100
ERROR_CHARS_MAX = 200
TASK_CHARS_MAX = 100
STATUS_MAX = 999


@dataclass(frozen=True)
class Found:
    """Messages of a queue, and of its dead-letter queue if it has one of this installation."""

    queue: Queue
    dead: Queue | None
    receives_max: int | None
    entries: tuple[Entry, ...]

    def why(self, entry: Entry) -> str:
        """Return why a message is dead; "" if it is not."""
        if entry.stand is not Stand.DEAD:
            return ""
        times = "once" if entry.carried == 1 else f"{entry.carried} times"
        bound = f", and {self.receives_max} are allowed" if self.receives_max else ""
        last = next((one for one in entry.tries if one.receives <= entry.carried), None)
        return f"received {times} without being deleted{bound}; {told(last)}"


def told(last: Try | None) -> str:
    """Return what came of posting a message, in words."""
    if last is None:
        return "no instance told what came of it"
    answer = f"HTTP {last.status}" if last.status else last.error or "no answer"
    return f"last {answer} after {last.ms / 1000:.1f} s on {last.instance}"


class MessageLedger:
    def __init__(self, ledger: Ledger, desk: QueueDesk) -> None:
        self._ledger = ledger
        self._queues, self._posting = desk.queues, desk.posting

    async def tell(self, instance: str, attempts: Sequence[Attempt]) -> int:
        """Keep what an instance says came of messages; return of how many that is known."""
        tries = [one for said in attempts if (one := self._try(instance, said))]
        if tries:
            await self._ledger.add(tries)
        return len(tries)

    async def find(self, name: str, *, dead_only: bool = False, limit: int = 100) -> Found:
        """Return the last messages of a queue, or its dead letters. Raises the Fault."""
        queue = await self._queues.find(name)
        redrive = terms(queue).redrive
        dead = await self._queues.by_arn(redrive.target) if redrive else None
        at_ms = self._posting.now_ms
        search = Search(queue.key, dead.key if dead else None, at_ms, dead_only, limit)
        entries = await self._ledger.entries(search)
        return Found(queue, dead, redrive.receives_max if redrive else None, tuple(entries))

    async def dead_letters(self, name: str) -> str:
        """Return the ARN of the queue that has a queue's dead letters. Raises the Fault."""
        queue = await self._queues.find(name)
        redrive = terms(queue).redrive
        if redrive is None:
            raise faults.invalid(f"{name} has no dead-letter queue: it has no RedrivePolicy.")
        return redrive.target

    def _try(self, instance: str, said: Attempt) -> Try | None:
        read = self._posting.read(said.receipt)
        if read is None:
            return None
        queue, receipt = read
        return Try(
            queue=queue,
            number=receipt.number,
            receives=receipt.receives,
            message=_text(said.message, MESSAGE_CHARS_MAX),
            instance=instance,
            at_ms=min(max(0, int(said.at * 1000)), self._posting.now_ms),
            ms=max(0, int(said.seconds * 1000)),
            status=min(max(0, said.status), STATUS_MAX),
            error=_text(said.error, ERROR_CHARS_MAX),
            task=_text(said.task, TASK_CHARS_MAX),
        )


def _text(said: str, chars_max: int) -> str:
    """Return a text as it can be kept and shown: an application may have chosen it."""
    return "".join(c if c.isprintable() else "?" for c in said[:chars_max])
