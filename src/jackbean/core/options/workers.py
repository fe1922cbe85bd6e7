"""Effective settings of a worker read as what they mean: its daemon, and how it is scaled."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from jackbean.core.options.resolve import SQSD
from jackbean.core.options.settings import Settings
from jackbean.core.options.views import worker

SCALING = "jackbean:scaling"


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker's daemon does with its queue. `queue_url` empty: with one that is made for it.

    After `max_retries` attempts a message is a dead letter.
    """

    queue_url: str
    http_path: str
    mime_type: str
    http_connections: int
    connect_timeout_s: int
    inactivity_timeout_s: int
    visibility_timeout_s: int
    error_visibility_timeout_s: int
    retention_period_s: int
    max_retries: int

    @classmethod
    def of(cls, settings: Settings) -> WorkerOptions:
        text, number = partial(settings.text, SQSD), partial(settings.number, SQSD)
        return cls(
            queue_url=text("WorkerQueueURL", ""),
            http_path=text("HttpPath", "/"),
            mime_type=text("MimeType", "application/json"),
            http_connections=number("HttpConnections", 50),
            connect_timeout_s=number("ConnectTimeout", 5),
            inactivity_timeout_s=number("InactivityTimeout", 299),
            visibility_timeout_s=number("VisibilityTimeout", 300),
            error_visibility_timeout_s=number("ErrorVisibilityTimeout", 2),
            retention_period_s=number("RetentionPeriod", 345_600),
            max_retries=number("MaxRetries", 10),
        )


@dataclass(frozen=True)
class ScalingOptions:
    """How the capacity of a worker follows its queue. `backlog` None: it does not."""

    backlog: int | None
    out_s: int
    in_s: int

    @classmethod
    def of(cls, settings: Settings) -> ScalingOptions:
        backlog = settings.number(SCALING, "BacklogPerInstance", 0)
        return cls(
            backlog=backlog if backlog > 0 and worker(settings) else None,
            out_s=settings.number(SCALING, "ScaleOutCooldown", 15),
            in_s=settings.number(SCALING, "ScaleInCooldown", 60),
        )
