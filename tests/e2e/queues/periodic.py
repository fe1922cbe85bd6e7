"""A scheduler and a receiver in a process that is made to be killed, in which time flies.

`python -m tests.e2e.queues.periodic DIRECTORY BASE BEGAN` goes on until it is killed. A minute
takes a twentieth of a second, counted from BEGAN on, whoever runs meanwhile. Each message that is
received is written to `received`, a line each, and then deleted.
"""

from __future__ import annotations

import asyncio
import sys
import time
from functools import partial
from pathlib import Path

from jackbean.control.workers import QUEUE, queue_of
from jackbean.core.applications import Application
from jackbean.core.environments import Environment, Tier
from jackbean.core.resources import Resource
from jackbean.core.tasks import Task
from jackbean.ports.store import PutApplication, PutEnvironment, PutRelease
from jackbean.server.clock import RandomIds, SystemClock
from jackbean.services.periodic import PeriodicDesk, Workers
from jackbean.services.periodic.message import NAME, TIME
from jackbean.services.queues import QueueDesk, Receive
from jackbean.services.queues.messages import unpacked
from jackbean.storage.queues import SqliteQueues
from jackbean.storage.sqlite import SqliteStore
from tests.control.scenes import ID, INSTALLATION, environment, release

MINUTE_S = 0.05
TASKS = (Task("each", "/each", "* * * * *"), Task("third", "/third", "*/3 * * * *"))


class Place:
    """The stores of a directory, opened; `wall` is made-up time."""

    def __init__(self, directory: Path, base: float, began: float) -> None:
        self.directory = directory
        self._base, self._began = base, began
        clock, ids = SystemClock(), RandomIds()
        self.store = SqliteStore.open(directory / "records.db", clock)
        self.kept = SqliteQueues.open(directory / "queues.db")
        self.queues = QueueDesk.made(self.kept, INSTALLATION, (clock, ids), b"secret")
        ledgers = (self.kept.firings(), self.kept.ledger(), self.queues.posting)
        workers = Workers(self.store, INSTALLATION, partial(queue_of, INSTALLATION))
        self.desk = PeriodicDesk(self.store, workers, ledgers, self.wall)

    def wall(self) -> float:
        return self._base + (time.time() - self._began) / MINUTE_S * 60

    async def make(self) -> None:
        """Make a worker environment with its queue."""
        await self.queues.queues.create("work", {"VisibilityTimeout": "1"}, {})
        made = environment(
            tier=Tier("Worker", "SQS/HTTP", "2.3"),
            resources=(Resource(QUEUE, "AWS::SQS::Queue", "work"),),
            release=1,
            deployment=1,
            revision=0,
        )
        cut = PutRelease(release(1, tasks=TASKS))
        await self.store.commit([PutApplication(Application("app")), PutEnvironment(made), cut])

    async def environment(self) -> Environment:
        found = await self.store.environment(ID)
        assert found is not None
        return found

    async def receive(self) -> int:
        """Receive messages, write them down, delete them, and return how many there were."""
        found = await self.queues.traffic.receive("work", Receive(10, wait_s=0))
        with (self.directory / "received").open("a") as file:
            for one in found:
                said = unpacked(one.message.attributes)
                file.write(f"{said[NAME].value}|{said[TIME].value}|{one.message.id}\n")
        await self.queues.traffic.delete("work", [one.handle for one in found])
        return len(found)

    async def close(self) -> None:
        await self.kept.close()
        await self.store.close()


async def live(directory: Path, base: float, began: float) -> None:
    place = Place(directory, base, began)
    while True:
        await place.desk.scheduler.round()
        await place.receive()
        await asyncio.sleep(MINUTE_S / 10)


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
