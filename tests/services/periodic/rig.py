"""A worker environment with its queue and ledgers, on virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from tests.control.scenes import ID, INSTALLATION, environment, release

from jackbean.control.workers import QUEUE, queue_of
from jackbean.core.applications import Application
from jackbean.core.environments import Environment, Resource, Tier
from jackbean.core.tasks import Task
from jackbean.ports.firings import Firing, Firings, History, State
from jackbean.ports.queues import Queues
from jackbean.ports.store import PutApplication, PutEnvironment, PutRelease
from jackbean.services.periodic import PeriodicDesk, Workers
from jackbean.services.queues import QueueDesk, Receive, Received
from jackbean.simulator.clock import SeededIds, VirtualClock
from jackbean.simulator.firings import MemoryFirings
from jackbean.simulator.ledger import MemoryLedger
from jackbean.simulator.queues import MemoryQueues
from jackbean.simulator.store import MemoryStore

START = 1_699_999_200.0  # a whole hour
WORKER = Tier("Worker", "SQS/HTTP", "2.3")
EACH = Task("each", "/each", "* * * * *")
HOURLY = Task("hourly", "/hourly", "0 * * * *")


class Wall:
    """The machine's clock: it may be set back."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.seconds = clock.now()

    def __call__(self) -> float:
        return self.seconds

    def set(self, seconds: float) -> None:
        self.seconds = seconds
        self._clock.set(max(seconds, self._clock.now()))


class PeriodicRig:
    """Environment `work1` on release 1 with tasks; `start` is a program that begins to run."""

    def __init__(self, *tasks: Task, stores: tuple[Queues, Firings] | None = None) -> None:
        self._runner = asyncio.Runner()
        self.run = self._runner.run
        self.clock = VirtualClock(START)
        self.wall = Wall(self.clock)
        self.store = MemoryStore(self.clock)
        memory = MemoryQueues()
        self.kept, self.firings = stores or (memory, MemoryFirings(memory))
        self.ledger = MemoryLedger(memory)
        self.start()
        policy = {"deadLetterTargetArn": self.arn("dead"), "maxReceiveCount": 2}
        dead = {"RedrivePolicy": json.dumps(policy)}
        self.run(self.queues.queues.create("dead", {}, {}))
        self.run(self.queues.queues.create("work", {**dead, "VisibilityTimeout": "30"}, {}))
        made = environment(
            name="work1",
            tier=WORKER,
            resources=(Resource(QUEUE, "AWS::SQS::Queue", "http://queues.test/123456789012/work"),),
            release=1,
            deployment=1,
            revision=0,
        )
        app = PutApplication(Application("app"))
        self.run(self.store.commit([app, PutEnvironment(made), self._release(1, tasks)]))
        self.look()

    def start(self) -> None:
        """Begin anew with what is kept."""
        world = (self.clock, SeededIds(int(self.clock.now())))
        self.queues = QueueDesk.made(self.kept, INSTALLATION, world, b"secret")
        ledgers = (self.firings, self.ledger, self.queues.posting)
        workers = Workers(self.store, INSTALLATION, partial(queue_of, INSTALLATION))
        self.desk = PeriodicDesk(self.store, workers, ledgers, self.wall)

    def arn(self, queue: str) -> str:
        return INSTALLATION.arn(queue, "sqs")

    def _release(self, number: int, tasks: Sequence[Task]) -> PutRelease:
        return PutRelease(release(number, tasks=tuple(tasks)))

    # what happens

    def look(self, minutes: float = 0) -> bool:
        """Let time pass, and the scheduler look once."""
        self.wall.set(self.wall.seconds + 60 * minutes)
        return bool(self.run(self.desk.scheduler.round()))

    def change(self, **facts: Any) -> None:
        changed = replace(self.environment, **facts)
        self.run(self.store.commit([PutEnvironment(changed)]))

    def deploy(self, number: int, *tasks: Task) -> None:
        self.run(self.store.commit([self._release(number, tasks)]))
        self.change(release=number, deployment=number)

    def take(self) -> list[Received]:
        return list(self.run(self.queues.traffic.receive("work", Receive(10))))

    def finish(self) -> int:
        """Take all messages, and delete them."""
        taken = self.take()
        self.run(self.queues.traffic.delete("work", [one.handle for one in taken]))
        return len(taken)

    # what there is

    @property
    def environment(self) -> Environment:
        found = self.run(self.store.environment(ID))
        assert found is not None
        return found

    def lines(self, task: str = "") -> list[tuple[str, int, State, str]]:
        """Return task, minute since the start, state and reason of each line, the oldest first."""
        return [_told(one) for one in reversed(self.history(task))]

    def history(self, task: str = "") -> list[Firing]:
        wanted = History(ID, task, None, 1000)
        return [line.firing for line in self.run(self.desk.history(wanted))]

    def close(self) -> None:
        self._runner.close()


def _told(one: Firing) -> tuple[str, int, State, str]:
    return one.task.name, int((one.at_ms / 1000 - START) // 60), one.state, one.reason
