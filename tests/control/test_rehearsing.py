"""Rehearsing beside the loop."""

from __future__ import annotations

import asyncio

from tests.control.rig import Rig

from jackbean.control.environments import Update
from jackbean.control.rehearsing import Asked, rehearse_update


def test_there_is_one_rehearsal_at_a_time() -> None:
    async def rehearsed(rig: Rig) -> int:
        asked = Asked(Update("r", label="v2"))
        tasks = {asyncio.ensure_future(rehearse_update(rig.world, "web1", asked)) for _ in range(3)}
        most, before = 0, len(tasks)
        while tasks:
            _, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            assert rig.world.rehearsing.locked() is bool(tasks)
            most, before = max(most, before - len(tasks)), len(tasks)
        return most

    with Rig() as rig:
        rig.running()
        assert rig.run(rehearsed(rig)) == 1
