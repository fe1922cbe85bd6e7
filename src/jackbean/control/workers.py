"""What is particular to a worker environment: its queue, and what its instances do with it."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from jackbean.core.environments import Environment
from jackbean.core.installation import Installation
from jackbean.core.options.resolve import SQSD
from jackbean.core.options.settings import Settings
from jackbean.core.options.workers import WorkerOptions
from jackbean.core.protocol import Worker

QUEUE, DEAD_LETTERS = "AWSEBWorkerQueue", "AWSEBWorkerDeadLetterQueue"


def queue_of(environment: Environment, settings: Settings) -> str:
    """Return the URL of the queue that somebody chose, else the name of the one that was made.

    Empty before it has been made.
    """
    chosen = settings.text(SQSD, "WorkerQueueURL", "")
    made = environment.resource(QUEUE)
    return chosen or (made.name if made else "")


def instructions(
    environment: Environment, settings: Settings, installation: Installation
) -> Worker | None:
    """Return what an instance does with the queue; None on the web server tier."""
    if not environment.worker:
        return None
    queue, options = queue_of(environment, settings), WorkerOptions.of(settings)
    name = name_of(queue)
    own = bool(options.queue_url)
    return Worker(
        queue_url=queue if own else f"http://localhost/{installation.account}/{name}",
        queue_name=name,
        http_path=options.http_path,
        mime_type=options.mime_type,
        http_connections=options.http_connections,
        connect_timeout_s=options.connect_timeout_s,
        inactivity_timeout_s=options.inactivity_timeout_s,
        visibility_timeout_s=options.visibility_timeout_s,
        error_visibility_timeout_s=options.error_visibility_timeout_s,
        retention_period_s=options.retention_period_s,
        queue_retention_s=0 if own else options.retention_period_s,
    )


def name_of(queue: str) -> str:
    """Return the name of a queue that is known by its URL or its name."""
    return unquote(urlsplit(queue).path.rpartition("/")[2])
