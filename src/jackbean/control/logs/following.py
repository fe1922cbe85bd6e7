"""Live views of logs: who follows which environment, and the lines on their way to them.

In memory only, and bounded: whoever does not come for lines is forgotten with them, and whoever is
slow is told how many were left out. After a start nobody follows, until they ask again.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.core.errors import Fault

PATIENCE_S = 20.0  # without a word from who follows
WAIT_S_MAX = 10.0
LINES_WAITING_MAX = 50_000
LINES_AT_ONCE_MAX = 5_000
LINE_CHARS_MAX = 16 << 10
NAME = re.compile(r"[0-9a-z-]{8,64}")
VIEWS_MAX = 8  # of one environment
AGAIN_S = 2.0  # how often the environment is looked at while nothing comes

Line = tuple[str, str, str]  # instance, path, text


@dataclass(frozen=True)
class Wish:
    """`instances` and `files` empty: all, and the usual ones. `files` are patterns of paths."""

    instances: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    lines: int = 10
    since: float = 0.0

    def told(self) -> dict[str, Any]:
        return {"files": list(self.files), "lines": self.lines, "since": self.since}


@dataclass
class View:
    id: str
    environment: str
    wish: Wish
    seen: float
    waiting: deque[Line] = field(default_factory=deque)
    missed: int = 0
    some: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Haul:
    lines: Sequence[Line]
    missed: int
    ended: bool


class Following:
    def __init__(self, world: World) -> None:
        self._world = world
        self._views: dict[str, View] = {}

    def begin(self, environment: Environment, wish: Wish, id_: str = "") -> str:
        """Have lines sent from now on; return the name to fetch them by. Raises Fault.

        Who followed an earlier control plane gives the name that it knows: instances go on with it.
        """
        self._forget()
        known = self._views.get(id_)
        if known and known.environment == environment.id:
            return id_
        if sum(view.environment == environment.id for view in self._views.values()) >= VIEWS_MAX:
            text = f"{VIEWS_MAX} follow the logs of this environment already."
            raise Fault("TooManyFollowers", text)
        if known or (id_ and not NAME.fullmatch(id_)):
            raise Fault("InvalidParameterValue", "FollowId is none that this service gave out.")
        name = id_ or self._world.ids.request()
        view = View(name, environment.id, wish, self._world.clock.now())
        self._views[name] = view
        for member in environment.members:
            self._world.reports.nudge(member.id)
        return name

    def wanted(self, environment_id: str, instance: str) -> dict[str, Any]:
        """Return what an instance is to send: wishes by name."""
        self._forget()
        return {
            view.id: view.wish.told()
            for view in self._views.values()
            if view.environment == environment_id
            and (not view.wish.instances or instance in view.wish.instances)
        }

    def take(self, environment_id: str, id_: str, lines: Iterable[Line]) -> bool:
        """Pass lines of an instance on; tell if anybody follows."""
        view = self._views.get(id_)
        if view is None or view.environment != environment_id:
            return False
        for line in lines:
            if len(view.waiting) >= LINES_WAITING_MAX:
                view.waiting.popleft()
                view.missed += 1
            view.waiting.append(line)
        view.some.set()
        return True

    async def fetch(self, id_: str, wait_s: float) -> Haul:
        """Return lines, waiting for the first of them. Raises Fault where nobody follows so."""
        view = self._views.get(id_)
        if view is None:
            raise Fault("NoSuchFollower", "These logs are not followed any more; ask anew.")
        deadline = self._world.clock.now() + min(max(wait_s, 0.0), WAIT_S_MAX)
        ended = False
        while not view.waiting and not ended:
            view.seen = self._world.clock.now()
            ended = await self._ended(view)
            left = deadline - self._world.clock.now()
            if left <= 0 or ended:
                break
            await self._some(view, min(left, AGAIN_S))
        view.seen = self._world.clock.now()
        return _haul(view, ended=ended)

    def end(self, id_: str) -> None:
        self._views.pop(id_, None)

    async def _some(self, view: View, seconds: float) -> None:
        view.some.clear()
        try:
            async with asyncio.timeout(seconds):
                await view.some.wait()
        except TimeoutError:
            return

    async def _ended(self, view: View) -> bool:
        environment = await self._world.store.environment(view.environment)
        return environment is None or environment.terminated

    def _forget(self) -> None:
        now = self._world.clock.now()
        for view in [v for v in self._views.values() if now - v.seen > PATIENCE_S]:
            del self._views[view.id]


def _haul(view: View, *, ended: bool) -> Haul:
    count = min(len(view.waiting), LINES_AT_ONCE_MAX)
    lines = [view.waiting.popleft() for _ in range(count)]
    missed, view.missed = view.missed, 0
    return Haul(lines, missed, ended)


def lines_of(instance: str, path: str, data: bytes) -> list[Line]:
    """Return what an instance sent as lines, each of a bounded length."""
    texts = data.decode("utf-8", "replace").splitlines()
    return [(instance, path, text[:LINE_CHARS_MAX]) for text in texts]
