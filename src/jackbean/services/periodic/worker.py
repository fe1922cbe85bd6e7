"""What periodic tasks need of an environment: the tasks it runs, and the queue they go to."""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.core.environments import Environment, Status
from jackbean.core.errors import Fault
from jackbean.core.installation import Installation
from jackbean.core.releases import Release
from jackbean.core.tasks import Task
from jackbean.ports.store import Store
from jackbean.services.queues.names import name_in_url

SQSD = "aws:elasticbeanstalk:sqsd"
QUEUE = "AWSEBWorkerQueue"

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


async def worker(store: Store, environment: Environment, installation: Installation) -> Worker:
    """Return an environment with the tasks of the release that its instances run."""
    number = environment.deployment
    release = None if number is None else await store.release(environment.id, number)
    if release is None:
        return Worker(environment)
    queue = await queue_of(store, environment, installation)
    return Worker(environment, release.number, release.tasks, queue)


async def queue_of(store: Store, environment: Environment, installation: Installation) -> str:
    """Return the name of an environment's queue: its own choice, or the one made for it."""
    number = environment.release
    release = None if number is None else await store.release(environment.id, number)
    made = environment.resource(QUEUE)
    url = _chosen(release) or (made.name if made else "")
    try:
        return name_in_url(url, installation) if url else ""
    except Fault:  # of another account: no queue of ours
        return ""


def _chosen(release: Release | None) -> str:
    return release.settings.text(SQSD, "WorkerQueueURL", "") if release else ""
