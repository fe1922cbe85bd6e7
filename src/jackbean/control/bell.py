"""Pokes: "look at this environment now". A poke carries nothing, and a lost one is harmless."""

from __future__ import annotations

import asyncio


class Bell:
    """Collects which environments to look at; whoever waits is woken by the next poke."""

    def __init__(self) -> None:
        self._rung: set[str] = set()
        self._event = asyncio.Event()

    def poke(self, environment_id: str) -> None:
        self._rung.add(environment_id)
        self._event.set()

    def stir(self) -> None:
        """Wake whoever waits, to look at the time again."""
        self._event.set()

    async def wait(self, timeout_s: float) -> None:
        """Return at the next poke, or after `timeout_s`."""
        try:
            async with asyncio.timeout(max(timeout_s, 0.0)):
                await self._event.wait()
        except TimeoutError:
            return

    def take(self) -> frozenset[str]:
        """Return who was poked since the last call."""
        rung, self._rung = frozenset(self._rung), set()
        self._event.clear()
        return rung
