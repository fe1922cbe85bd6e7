"""What instances say: the newest report of each, in memory only."""

from __future__ import annotations

from typing import Protocol

from jackbean.core.protocol import Report


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
