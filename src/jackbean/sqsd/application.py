"""Whether the application behind the proxy is there at all.

The proxy takes every connection, also when nobody is behind it. A message that is received then has
lost one of its attempts for nothing; AWS's daemon goes on until all are dead letters. Here the
application's port is looked at instead: before the first message, and after every answer that may
mean that nobody was there.
"""

from __future__ import annotations

from collections.abc import Callable

from jackbean.sqsd.exchange import Address, Asked, Ending, Exchange, Kind
from jackbean.sqsd.line import Backoff
from jackbean.sqsd.loop import Loop

CONNECT_S = 1.0
LONGEST_S = 1.0


class Application:
    """`there` is False from `doubt` until a connection has been taken; `back` is called then."""

    def __init__(self, loop: Loop, address: Address | None, back: Callable[[], None]) -> None:
        self._loop = loop
        self._address = address
        self._back = back
        self._backoff = Backoff(LONGEST_S)
        self.there = True

    def doubt(self) -> None:
        """Look whether it is there; until it is known, it is not."""
        if self._address and self.there:
            self.there = False
            self._look()

    def _look(self) -> None:
        assert self._address  # noqa: S101 - `doubt` has seen to it
        # With nothing to send and no time to answer, the exchange ends as soon as it is connected.
        asked = Asked(self._address, b"", CONNECT_S, 0.0)
        Exchange(self._loop, asked, self._seen).begin()

    def _seen(self, ending: Ending) -> None:
        if ending.kind is Kind.UNREACHABLE:
            self._loop.later(self._backoff.next_s(), self._look)
            return
        self._backoff.over()
        self.there = True
        self._back()
