"""Visitors let loose on a site, on an event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.load.tally import Tally
from tests.load.visitors import PATIENCE_S, Caller, Patient, Place, Talker, Visitor

PAUSE_S = 0.005  # between two requests: the tested must get some of the machine, too


@dataclass(frozen=True)
class Load:
    """Who comes. With a `rate` callers ask so often a second together, else after a pause.

    With `jars` they keep the cookies that they are given, each their own.
    """

    callers: int = 6
    rate: float = 0.0
    patients: int = 0
    slow_s: float = 20.0
    talkers: int = 0
    pause_s: float = 0.25  # between two messages on a WebSocket
    jars: bool = False


class Crowd:
    """Visitors that have been let loose. Its tally is complete when they have all gone home."""

    def __init__(self, place: Place, load: Load) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._load = load
        self._visitors = list(_visitors(place, load, self._stop))
        self._thread = threading.Thread(target=self._run, name="crowd", daemon=True)
        self._trouble: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    @property
    def tally(self) -> Tally:
        whole = Tally()
        for tally in self.tallies:
            whole.seen += tally.seen
            whole.losses += tally.losses
            whole.messages += tally.messages
            whole.moved += tally.moved
            whole.repeated += tally.repeated
            whole.reopened += tally.reopened
        return whole

    @property
    def tallies(self) -> list[Tally]:
        """Return what each of them saw."""
        return [visitor.tally for visitor in self._visitors]

    @property
    def requests(self) -> int:
        """Return how many requests have been made so far."""
        return sum(visitor.tally.requests for visitor in self._visitors)

    def disperse(self) -> None:
        """Let everybody finish what they have begun, and go."""
        self._loop.call_soon_threadsafe(self._stop.set)
        slow_s = self._load.slow_s if self._load.patients else 0.0
        self._thread.join(2 * PATIENCE_S + slow_s)
        assert not self._thread.is_alive(), "a visitor was never answered"
        if self._trouble:
            raise self._trouble

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._visit())
        except Exception as trouble:  # told to whoever waits for the crowd
            self._trouble = trouble
        finally:
            self._loop.close()

    async def _visit(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for visitor in self._visitors:
                tasks.create_task(visitor.run())
        for _ in range(3):  # connections that were closed a moment ago take a turn or two to be so
            await asyncio.sleep(0)


def _visitors(place: Place, load: Load, stop: asyncio.Event) -> Iterator[Visitor]:
    paced = load.rate > 0
    pause_s = load.callers / load.rate if paced else PAUSE_S
    for _ in range(load.callers):
        caller = Caller(place, stop, pause_s, paced=paced)
        caller.jar = {} if load.jars else None
        yield caller
    for turn in range(load.patients):
        yield Patient(place, stop, load.slow_s, turn)
    for number in range(load.talkers):
        yield Talker(place, stop, load.pause_s, restless=number % 2 == 1)


@contextmanager
def letting_loose(place: Place, load: Load) -> Iterator[Crowd]:
    """Keep visiting until the context is left; look at the tally afterwards."""
    crowd = Crowd(place, load)
    crowd.start()
    try:
        yield crowd
    finally:
        crowd.disperse()


@contextmanager
def visitors(endpoint: str, count: int = 6, path: str = "/") -> Iterator[Crowd]:
    """Keep asking `path` at `host:port`, without slow requests and WebSockets."""
    with letting_loose(Place(endpoint, path=path), Load(callers=count)) as crowd:
        yield crowd
