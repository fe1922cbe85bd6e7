"""Who waits for a message, and what ends the waiting.

A receiver that finds nothing stands in its queue's line. A message that arrives, or a moment at
which one becomes visible, lets the first in line look again; who finds that there is more lets the
next one look. So ten thousand receivers cost a future each, and nobody looks without a reason.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

Now = Callable[[], float]
LEAST_S = 0.001  # never look at the same instant again
MOST_S = 3600.0  # a moment further away is looked for again


class Line:
    """Those who wait for messages of one queue. `rung` counts reasons to look again."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._due_ms = 0
        self.rung = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def ring(self, count: int = 1) -> None:
        """Let so many look again."""
        self.rung += 1
        while count and self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                count -= 1

    def note(self, due_ms: int | None) -> None:
        """Let one look again when a message is due: at once, if it is by now."""
        if due_ms is None:
            return
        seconds = due_ms / 1000 - self._now()
        if seconds <= 0:
            self.ring()
        elif self._timer is None or due_ms < self._due_ms:
            self._arm(due_ms, seconds)

    async def wait(self, since: int, seconds: float) -> bool:
        """Wait for a reason to look since `rung` was `since`; return whether there is one."""
        if self.rung != since:
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        timer = asyncio.get_running_loop().call_later(seconds, _end, waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.ring()  # it was our turn: now it is the next one's
            raise
        finally:
            timer.cancel()
            self._leave(waiter)
        return self.rung != since

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _leave(self, waiter: asyncio.Future[None]) -> None:
        try:
            self._waiting.remove(waiter)
        except ValueError:
            return  # let out already

    def _arm(self, due_ms: int, seconds: float) -> None:
        self.close()
        self._due_ms = due_ms
        wait = min(max(seconds, LEAST_S), MOST_S)
        self._timer = asyncio.get_running_loop().call_later(wait, self._strike)

    def _strike(self) -> None:
        self._timer = None
        if self._due_ms / 1000 - self._now() > LEAST_S:
            self.note(self._due_ms)
        else:
            self.ring()


def _end(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Lines:
    """The lines of all queues, by their keys."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._lines: dict[int, Line] = {}

    def of(self, queue: int) -> Line:
        line = self._lines.get(queue)
        if line is None:
            line = self._lines[queue] = Line(self._now)
        return line

    def drop(self, queue: int) -> None:
        """Let everybody look, who waits for a queue that is gone."""
        line = self._lines.pop(queue, None)
        if line is not None:
            line.close()
            line.ring(len(line))
