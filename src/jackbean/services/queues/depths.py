"""ports.Depths: how full the queues of this installation are."""

from __future__ import annotations

from jackbean.core.errors import Fault
from jackbean.ports.depths import Depth
from jackbean.services.queues.attributes import terms
from jackbean.services.queues.names import name_in_url
from jackbean.services.queues.service import QueueService


class QueueDepths:
    def __init__(self, queues: QueueService) -> None:
        self._queues = queues

    async def look(self, queue: str) -> Depth | None:
        """Return how full a queue is. One that has gone since it was found is none."""
        try:
            name = name_in_url(queue, self._queues.installation)
            counts = await self._queues.counts(name)
            dead = await self._dead(name)
        except Fault:
            return None
        return Depth(counts.visible, counts.held, counts.delayed, dead)

    async def _dead(self, name: str) -> int:
        redrive = terms(await self._queues.find(name)).redrive
        target = await self._queues.by_arn(redrive.target) if redrive else None
        if target is None:
            return 0
        counts = await self._queues.counts(target.name)
        return counts.visible + counts.held + counts.delayed
