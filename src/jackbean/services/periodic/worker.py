"""What periodic tasks need of an environment: the tasks it runs, and the queue they go to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jackbean.core.environments import Environment, Status
from jackbean.core.errors import Fault
from jackbean.core.installation import Installation
from jackbean.core.releases import Release
from jackbean.core.tasks import Task
from jackbean.ports.store import Store
from jackbean.services.queues.names import name_in_url

QueueOf = Callable[[Environment, Release], str]  # its URL or name, "" before it has been made

TERMINATING = "the environment was being terminated"
NO_QUEUE = "the environment had no queue"


@dataclass(frozen=True)
class Worker:
    """A worker environment as its tasks see it. `queue` is a name; "" if it has none here.

    `release` is the one that its instances run, 0 if there is none yet.
    """

    environment: Environment
    release: int = 0
    tasks: tuple[Task, ...] = ()
    queue: str = ""

    @property
    def hindrance(self) -> str:
        """Why nothing can be sent, whatever the queue is like; "" if nothing speaks against it."""
        if self.environment.status in {Status.TERMINATING, Status.TERMINATED}:
            return TERMINATING
        return "" if self.queue else NO_QUEUE


class Workers:
    """Finds out what environments are to their tasks."""

    def __init__(self, store: Store, installation: Installation, queue_of: QueueOf) -> None:
        self._store = store
        self._installation = installation
        self._queue_of = queue_of

    async def look(self, environment: Environment) -> Worker:
        """Return an environment with the tasks of the release that its instances run."""
        release = await self._release(environment, environment.deployment)
        if release is None:
            return Worker(environment)
        queue = await self.queue(environment)
        return Worker(environment, release.number, release.tasks, queue)

    async def queue(self, environment: Environment) -> str:
        """Return the name of an environment's queue; "" if it has none on this installation."""
        release = await self._release(environment, environment.release)
        url = self._queue_of(environment, release) if release else ""
        try:
            return name_in_url(url, self._installation) if url else ""
        except Fault:  # of another account: no queue of ours
            return ""

    async def _release(self, environment: Environment, number: int | None) -> Release | None:
        return None if number is None else await self._store.release(environment.id, number)
