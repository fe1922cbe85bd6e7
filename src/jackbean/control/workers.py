"""What is particular to a worker environment: its queue, and what its instances do with it."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from jackbean.control.extensions import evaluated
from jackbean.control.stacks.surroundings import Surroundings
from jackbean.core.environments import Environment
from jackbean.core.installation import Installation
from jackbean.core.options.resolve import SQSD
from jackbean.core.options.settings import Setting, Settings
from jackbean.core.options.workers import WorkerOptions
from jackbean.core.protocol import Worker
from jackbean.core.releases import Release

QUEUE, DEAD_LETTERS = "AWSEBWorkerQueue", "AWSEBWorkerDeadLetterQueue"
CHOICE = (SQSD, "WorkerQueueURL")


def queue_of(installation: Installation, environment: Environment, release: Release) -> str:
    """Return the URL of the queue that somebody chose, else the name of the one that was made.

    Empty before it has been made.
    """
    chosen = release.settings.text(*CHOICE, "")
    if "`" in chosen:
        around = Surroundings(installation, environment, release.settings, release.extensions)
        chosen = _options(around).queue_url
    return chosen or _made(environment)


def instructions(around: Surroundings) -> Worker | None:
    """Return what an instance does with the queue; None on the web server tier."""
    if not around.environment.worker:
        return None
    options = _options(around)
    chosen = options.queue_url
    name = name_of(chosen or _made(around.environment))
    return Worker(
        queue_url=chosen or f"http://localhost/{around.installation.account}/{name}",
        queue_name=name,
        http_path=options.http_path,
        mime_type=options.mime_type,
        http_connections=options.http_connections,
        connect_timeout_s=options.connect_timeout_s,
        inactivity_timeout_s=options.inactivity_timeout_s,
        visibility_timeout_s=options.visibility_timeout_s,
        error_visibility_timeout_s=options.error_visibility_timeout_s,
        retention_period_s=options.retention_period_s,
    )


def name_of(queue: str) -> str:
    """Return the name of a queue that is known by its URL or its name."""
    return unquote(urlsplit(queue).path.rpartition("/")[2])


def _made(environment: Environment) -> str:
    made = environment.resource(QUEUE)
    return made.name if made else ""


def _options(around: Surroundings) -> WorkerOptions:
    """Return the daemon's options, with the functions in their backticks evaluated."""
    told = evaluated(around.settings.namespace(SQSD), around)
    return WorkerOptions.of(Settings(Setting(SQSD, name, value) for name, value in told.items()))
