"""What instances find worth telling: each thing once, however many of them say it.

Which of them have been told is in memory only: after a start one may be told a second time.
"""

from __future__ import annotations

from collections import deque

from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.core.events import Event, Severity
from jackbean.core.protocol import Notice
from jackbean.ports.store import AddEvent

REMEMBERED_MAX = 2_000
PER_RELEASE_MAX = 50  # an instance may be hostile, and events are kept for long
TEXT_MAX = 1_000
SEVERITIES = {"INFO": Severity.INFO, "WARN": Severity.WARN}


class Notices:
    def __init__(self, world: World) -> None:
        self._world = world
        self._told: deque[tuple[str, int, str]] = deque(maxlen=REMEMBERED_MAX)

    async def tell(self, environment: Environment, notice: Notice) -> None:
        """Write an event, unless it has been written for this release."""
        text = "".join(c if c.isprintable() or c == "\n" else "?" for c in notice.text[:TEXT_MAX])
        key = (environment.id, notice.release, text)
        same = [told for told in self._told if told[:2] == key[:2]]
        if not text.strip() or key in same or len(same) >= PER_RELEASE_MAX:
            return
        self._told.append(key)
        await self._world.store.commit([AddEvent(self._event(environment, notice, text))])

    def _event(self, environment: Environment, notice: Notice, text: str) -> Event:
        operation = environment.operation
        return Event(
            message=text,
            severity=SEVERITIES.get(notice.severity, Severity.INFO),
            application=environment.application,
            environment=environment.name,
            environment_id=environment.id,
            request_id=operation.request_id if operation else "",
        )
