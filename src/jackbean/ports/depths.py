"""How full queues are: what an environment of the worker tier is judged and scaled by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Depth:
    """Messages of a queue: `waiting` to be received, `held` by a receiver, `delayed` until later.

    `dead` are those in its dead letter queue, 0 where it has none.
    """

    waiting: int = 0
    held: int = 0
    delayed: int = 0
    dead: int = 0

    @property
    def backlog(self) -> int:
        """How many are there to be worked on, or worked on already."""
        return self.waiting + self.held


class Depths(Protocol):
    async def look(self, queue: str) -> Depth | None:
        """Return how full a queue is, by its name or its URL. None: there is none.

        Raises PortError while nobody can say.
        """
        ...
