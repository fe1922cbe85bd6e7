"""What instances say: the newest report of each, in memory only."""

from __future__ import annotations

from typing import Protocol

from jackbean.core.protocol import Report
from jackbean.core.traffic import Count


class Reports(Protocol):
    def latest(self, instance: str) -> tuple[Report, float] | None:
        """Return its newest report and when it came in seconds.

        None if it has been silent since the control plane started.
        """
        ...

    def nudge(self, instance: str) -> None:
        """Let a waiting agent ask again now: there may be news for it."""
        ...

    def forget(self, instance: str) -> None: ...

    def processed(self, environment_id: str, deployed: int) -> tuple[Count, ...] | None:
        """Return what came of a worker's messages by release, of the `deployed` one in any case.

        None where nobody counts.
        """
        ...
