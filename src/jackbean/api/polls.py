"""Requests that wait for messages, so that who asked can have its answer now.

To hang up instead would do in most cases, but a message that is handed out in that very moment
would be with nobody until its time is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from jackbean.control.principals import Administrator, Principal


class Polls:
    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def waiting(self, principal: Principal) -> Iterator[asyncio.Event]:
        """Yield what is set when the request is to be answered as it stands."""
        name, enough = _name(principal), asyncio.Event()
        self._waiting.setdefault(name, set()).add(enough)
        try:
            yield enough
        finally:
            self._waiting[name].discard(enough)
            if not self._waiting[name]:
                del self._waiting[name]

    def end(self, name: str) -> None:
        """Have all that wait for this instance, or this key, answered."""
        for enough in self._waiting.get(name, ()):
            enough.set()


def _name(principal: Principal) -> str:
    if isinstance(principal, Administrator):
        return principal.access_key
    return principal.instance
