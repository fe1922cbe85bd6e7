"""A loop around a selector: who waits for a socket, and who for a moment.

There are never more than a few hundred of either, so moments are looked through rather than sorted:
one that is not waited for any more is gone at once.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from itertools import count
from typing import Any

IDLE_S = 3600.0

Act = Callable[[], None]


class Loop:
    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._watched: dict[Any, tuple[int, Act]] = {}
        self._alarms: dict[int, tuple[float, Act]] = {}
        self._names = count(1)

    def watch(self, watched: socket.socket, events: int, act: Act) -> None:
        """Call `act` whenever a socket is ready for any of these events."""
        before = self._watched.get(watched)
        self._watched[watched] = (events, act)
        if before is None:
            self._selector.register(watched, events)
        elif before[0] != events:
            self._selector.modify(watched, events)

    def forget(self, watched: socket.socket) -> None:
        if self._watched.pop(watched, None):
            self._selector.unregister(watched)

    def later(self, seconds: float, act: Act) -> int:
        """Call `act` once, after some seconds; return what `cancel` takes."""
        name = next(self._names)
        self._alarms[name] = (time.monotonic() + seconds, act)
        return name

    def cancel(self, name: int) -> None:
        self._alarms.pop(name, None)

    def turn(self) -> None:
        """Wait until something is to be done, and do all that is."""
        soonest = min((at for at, _ in self._alarms.values()), default=time.monotonic() + IDLE_S)
        for key, _ in self._selector.select(max(0.0, soonest - time.monotonic())):
            if key.fileobj in self._watched:  # else it was let go in this very turn
                self._watched[key.fileobj][1]()
        now = time.monotonic()
        for name in [name for name, (at, _) in self._alarms.items() if at <= now]:
            if name in self._alarms:  # else another one has cancelled it
                self._alarms.pop(name)[1]()
