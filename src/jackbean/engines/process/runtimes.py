"""Runtimes for the instances of one engine: ports.Runtimes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

from jackbean.core.platforms.runtimes import Need
from jackbean.engines.process import shelf
from jackbean.engines.process.engine import ProcessEngine
from jackbean.engines.process.launch import RUNTIMES
from jackbean.engines.process.machine_runtimes import Found
from jackbean.engines.process.prepare import Site
from jackbean.engines.process.shelf import Missing, Shelf
from jackbean.ports.engine import Runtime, Tell, Unresolvable


class ProcessRuntimes:
    """Provides for the instances of one engine. `environ` tells of proxies and package indexes."""

    def __init__(self, engine: ProcessEngine, environ: Mapping[str, str] | None = None) -> None:
        self._engine = engine
        found = dict(os.environ if environ is None else environ)
        self._shelf = Shelf(engine.layout.runtimes, found)
        self._running: dict[Need, asyncio.Task[Found]] = {}

    async def provide(self, need: Need, tell: Tell) -> Runtime:
        """Return a runtime that fits, fetched now if need be. Raises Unresolvable.

        `tell` hears what is fetched, since that can take a while.
        """
        site = await self._engine.ready()
        found = await asyncio.to_thread(self._shelf.here, need)
        if found is None:
            found = await self._fetched(need, tell)
        return self._seen(need, found, site)

    async def _fetched(self, need: Need, tell: Tell) -> Found:
        recipe = shelf.recipe_of(need)
        if recipe is None:
            raise Unresolvable(shelf.missing(need), "")
        task = self._running.get(need)
        if task is None:
            await tell(shelf.announcement(need, recipe))
            task = asyncio.create_task(asyncio.to_thread(self._shelf.fetch, need, recipe))
            self._running[need] = task
            task.add_done_callback(lambda _: self._running.pop(need, None))
        try:
            return await asyncio.shield(task)  # who gives up must not end it for the others
        except Missing as error:
            raise Unresolvable(str(error), "") from error

    def _seen(self, need: Need, found: Found, site: Site) -> Runtime:
        """Return a runtime as instances see it."""
        home = str(found.home)
        if not found.shared and site.ground.mode != "plain":
            home = f"{RUNTIMES}/{found.home.relative_to(self._shelf.folder)}"
        note = "" if need.fits(found.version) else _stand_in(need, found)
        return Runtime(home, found.version, note=note, lacks=found.lacks)


def _stand_in(need: Need, found: Found) -> str:
    return (
        f"{need.title} is not on this machine: its version {found.version} stands in. What is new "
        f"since then is missing; for the very version, {shelf.remedy(need)}."
    )
