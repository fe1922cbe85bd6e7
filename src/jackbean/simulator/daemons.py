"""The daemons of workers on virtual time: what each was told, and whether it has ended.

A daemon that may take messages works on some all the time. Told to stop, it takes no more, and ends
when the last of them is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from jackbean.control.intake import polls
from jackbean.core.environments import Environment

Polling = Callable[[str], bool | None]  # None: it is no instance of a worker


@dataclass
class Daemon:
    """What one instance does with its queue. `ends_at` is when its last message is done."""

    told: bool = True
    runs: bool = False
    well: bool = False
    ends_at: float | None = None

    @property
    def takes(self) -> bool:
        """Whether it takes messages."""
        return self.told and self.runs and self.well

    def holds(self, now: float) -> bool:
        """Whether it works on a message, or may do so at any moment."""
        ending = self.ends_at is not None and now < self.ends_at
        return self.runs and self.well and (self.told or ending)

    def hear(self, polling: bool, now: float, message_s: float) -> None:  # noqa: FBT001 - an order
        if self.told and not polling:
            self.ends_at = now + message_s if self.runs and self.well else now
        self.told = polling

    def look(self, now: float, *, runs: bool, well: bool) -> dict[str, Any]:
        """Return the members of a report, of an instance whose application runs or is well."""
        self.runs, self.well = runs, well
        ended = not self.told and (self.ends_at is None or now >= self.ends_at)
        idle = not runs or ended
        return {
            "polling": self.told,
            "in_flight": None if idle else int(well),
            "drained": not self.told and idle,
            "polled_s": 0.0 if self.takes else None,
        }


def polling(environments: Iterable[Environment]) -> Polling:
    """Return what instances of workers are told of their queues."""
    told = {m.id: polls(m) for e in environments if e.worker for m in e.members}
    return told.get
