"""Queues that are as full as a test or a history says."""

from __future__ import annotations

from urllib.parse import urlsplit

from jackbean.ports.depths import Depth


class MemoryDepths:
    """ports.Depths. `found` are the depths of the queues there are, by name."""

    def __init__(self) -> None:
        self.found: dict[str, Depth] = {}

    async def look(self, queue: str) -> Depth | None:
        return self.found.get(urlsplit(queue).path.rpartition("/")[2])
