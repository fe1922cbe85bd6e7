"""Why a status is what it is: every sentence that may be said, word for word.

People's scripts match these, so they are Elastic Beanstalk's wherever its guide or its events show
one. Requests answered 4xx are "erroring", those answered 5xx are "failing". The sentences marked
ours say what has no counterpart there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

CAUSE_MAX = 255  # characters; clients cut or refuse longer ones
CAUSES_MAX = 10


class InstanceCause(StrEnum):
    """What is said of one instance."""

    INITIALIZING = "Performing initialization (running for {length})"
    DEPLOYING = "Performing application deployment (running for {length})"
    RESTARTING = "Performing application restart (running for {length})"
    INITIALIZED = "Initialization completed {age} ago and took {length}."
    DEPLOYED = "Application deployment completed {age} ago and took {length}"
    FAILED = "Application deployment failed: {cause}"  # ours
    VERSION = (
        'Incorrect application version "{found}" (deployment {number}). '
        'Expected version "{label}" (deployment {expected}).'
    )
    VERSION_UNNAMED = (  # ours: the instance has not said what its release is called
        "Incorrect application version (deployment {number}). "
        'Expected version "{label}" (deployment {expected}).'
    )
    ERRING = "{percent}% of requests are erroring with HTTP 4xx"
    FAILING = "{percent}% of the requests are failing with HTTP 5xx"
    CPU = "{percent}% of CPU is in use"
    ELB = "Instance ELB health has not been available for {length}."
    UNPOLLED = "The queue has not been polled for {length}."  # ours
    SILENT = "No data. Last seen {age} ago."
    UNHEARD = "No data. Not seen for {age}."  # ours: since the control plane started
    EXITED = "The instance has exited by itself."  # ours
    EXITED_HOW = "The instance has exited by itself: {how}."  # ours
    DOWN = "Following services are not running: application."


class EnvironmentCause(StrEnum):
    """What is said of an environment."""

    INITIALIZING = "Initialization in progress (running for {length})."
    UPDATING = "{what} in progress (running for {length})."
    BATCH = (
        "{what} in progress on {batch}. {done} out of {total} instances completed "
        "(running for {length})."
    )
    COMPLETED = "{what} completed {age} ago and took {length}."
    COMMAND = "Command is executing on {count} out of {total} instances."
    COMMAND_ALL = "Command is executing on all instances."
    FAILED = "Command failed on {count} out of {total} instances."
    FAILED_ALL = "Command failed on all instances."
    IMPAIRED = "Impaired services on {count} out of {total} instances."
    IMPAIRED_ALL = "Impaired services on all instances."
    VERSION = (
        "Incorrect application version found on {count} out of {total} instances. "
        'Expected version "{label}" (deployment {expected}).'
    )
    VERSION_ALL = (
        "Incorrect application version on environment instances. "
        'Expected version "{label}" (deployment {expected}).'
    )
    ELB = "ELB processes are not healthy on {count} out of {total} instances."
    ELB_ALL = "ELB health is failing or not available for all instances."
    UNPOLLED = "The queue is not polled by {count} out of {total} instances."  # ours
    UNPOLLED_ALL = "The queue is not polled by any instance."  # ours
    SILENT = "No data from {count} out of {total} instances."  # ours
    SILENT_ALL = "None of the instances are sending data."
    MINIMUM = "{active} active instances is below Auto Scaling group minimum size {minimum}."
    NONE = "There are no instances."
    DESIRED = "Auto Scaling group desired capacity is set to {desired}."
    ERRING = "{percent}% of requests are erroring with HTTP 4xx."
    FAILING = "{percent}% of the requests are failing with HTTP 5xx."
    WAITING = "{count} messages waiting in the queue ({age} ago)"
    DEAD = "{count} messages in Dead Letter Queue ({age} ago)"


def spell(seconds: float) -> str:
    """Return a duration as people read it: seconds below two minutes, then one larger unit."""
    whole = max(0, int(seconds))
    for unit, length, below in _UNITS:
        if whole < below:
            return f"{whole // length} {unit}{'' if whole // length == 1 else 's'}"
    return f"{whole // 86400} days"


_UNITS = (("second", 1, 120), ("minute", 60, 7200), ("hour", 3600, 172_800))


def percent(part: int, whole: int) -> int:
    """Return the share in percent, rounded down: 100 means all."""
    return 100 * part // whole


def bounded(causes: Iterable[str]) -> tuple[str, ...]:
    """Return causes without repetition, as many and as long as clients bear."""
    return tuple([cause[:CAUSE_MAX] for cause in dict.fromkeys(causes)][:CAUSES_MAX])


_NUMBER = re.compile(r"\d+(?: (?:second|minute|hour|day)s?)?")


def essence(causes: Iterable[str]) -> tuple[str, ...]:
    """Return causes without their numbers: what must differ before a change is worth saving."""
    return tuple(_NUMBER.sub("#", cause) for cause in causes)
