"""The log groups of environments: their names, and what the settings say of them.

An environment's groups are made when the first lines come. They go with it if its settings say so;
else what was last written stays until its retention is over, and can be read that long.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from jackbean.core.options.settings import Settings

ROOT = "/aws/elasticbeanstalk/"
HEALTH_LOG = "environment-health.log"
LOGS = "aws:elasticbeanstalk:cloudwatch:logs"
HEALTH = "aws:elasticbeanstalk:cloudwatch:logs:health"
HOST_MANAGER = "aws:elasticbeanstalk:hostmanager"
RETENTION_DAYS = 7
PATH = re.compile(r"/[.\-_/#A-Za-z0-9]{1,400}")


@dataclass(frozen=True)
class LogOptions:
    """Whether logs are streamed, for how long they are kept, and whether they end with all else."""

    stream: bool
    retention_days: int
    delete_on_terminate: bool
    publish: bool = False  # rotated logs, to the storage bucket

    @classmethod
    def of(cls, settings: Settings, *, health: bool = False) -> LogOptions:
        namespace = HEALTH if health else LOGS
        switch = "HealthStreamingEnabled" if health else "StreamLogs"
        return cls(
            stream=settings.flag(namespace, switch),
            retention_days=settings.number(namespace, "RetentionInDays", RETENTION_DAYS),
            delete_on_terminate=settings.flag(namespace, "DeleteOnTerminate"),
            publish=settings.flag(HOST_MANAGER, "LogPublicationControl"),
        )


def prefix_of(environment: str) -> str:
    return f"{ROOT}{environment}/"


def group_of(environment: str, path: str) -> str:
    """Return the group of a file. Raises ValueError for a path that no group is named after."""
    if not PATH.fullmatch(path) or posixpath.normpath(path) != path:
        raise ValueError(f"{path[:100]!r} cannot name a log group")
    return f"{ROOT}{environment}{path}"
