"""Messages that somebody else keeps, together with what they write about them."""

from __future__ import annotations

from jackbean.core.errors import Fault
from jackbean.ports.clock import Clock, Ids
from jackbean.ports.firings import Letter
from jackbean.ports.queues import Queue, Receipt
from jackbean.services.queues.handles import Handles
from jackbean.services.queues.lines import Lines
from jackbean.services.queues.messages import Entry, draft
from jackbean.services.queues.service import QueueService


class Posting:
    """Makes messages ready; who has them kept says so afterwards, so that receivers look."""

    def __init__(
        self, queues: QueueService, world: tuple[Clock, Ids], ways: tuple[Lines, Handles]
    ) -> None:
        self._queues = queues
        self._clock, self._ids = world
        self._lines, self._handles = ways

    @property
    def now_ms(self) -> int:
        return int(self._clock.now() * 1000)

    async def queue(self, name: str) -> Queue | None:
        """Return the queue of that name, if there is one."""
        try:
            return await self._queues.find(name)
        except Fault:
            return None

    async def letter(self, name: str, entry: Entry, sender: str) -> Letter:
        """Return a message as it is to be kept. Raises the Fault."""
        queue = await self._queues.find(name)
        kept = draft(entry, queue, self._clock.now(), (self._ids.request(), sender))
        return Letter(queue.key, kept)

    def kept(self, letter: Letter) -> None:
        """Let those look who wait for the message."""
        line = self._lines.of(letter.queue)
        if letter.draft.visible_ms <= self.now_ms:
            line.ring()
        line.note(letter.draft.visible_ms)

    def read(self, handle: str) -> tuple[int, Receipt] | None:
        """Return the key of the queue and the receipt of a handle; None for none of ours."""
        return self._handles.read(handle)
