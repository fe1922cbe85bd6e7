"""Pokes wake, are collected, and may be lost."""

from __future__ import annotations

import asyncio

from jackbean.control.bell import Bell

LONG_S = 30.0


def test_pokes_are_collected_until_they_are_taken() -> None:
    bell = Bell()
    bell.poke("e-1")
    bell.poke("e-2")
    bell.poke("e-1")
    assert bell.take() == {"e-1", "e-2"}
    assert bell.take() == frozenset()


def test_a_poke_wakes_whoever_waits_also_when_it_came_first() -> None:
    async def talk() -> None:
        bell = Bell()
        async with asyncio.timeout(LONG_S):
            bell.poke("e-1")
            await bell.wait(2 * LONG_S)
            bell.take()
            waiting = asyncio.create_task(bell.wait(2 * LONG_S))
            await asyncio.sleep(0)
            bell.stir()
            await waiting
        assert bell.take() == frozenset()

    asyncio.run(talk())


def test_nobody_waits_for_ever() -> None:
    asyncio.run(Bell().wait(0.001))
    asyncio.run(Bell().wait(-5.0))
