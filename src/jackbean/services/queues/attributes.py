"""What can be set of a queue: a table, how values are checked, and what they mean.

Values are kept as text, as callers see them; `Terms` is what the service reads off them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from jackbean.core.policies import sound
from jackbean.ports.queues import Pairs, Queue
from jackbean.services.queues import faults
from jackbean.services.queues.limits import (
    DELAY_S_MAX,
    MESSAGE_BYTES_MAX,
    VISIBILITY_S_MAX,
    WAIT_S_MAX,
)

Check = Callable[[str, str], str]


@dataclass(frozen=True)
class Row:
    """One attribute: its default ("": absent unless it is set), and what makes a value plain."""

    name: str
    default: str
    check: Check
    fifo_only: bool = False


def _whole(least: int, most: int) -> Check:
    def check(name: str, value: str) -> str:
        if not (value.isascii() and value.isdecimal() and len(value) <= 9):
            raise faults.bad_attribute(name)
        if not least <= int(value) <= most:
            raise faults.bad_attribute(name)
        return str(int(value))

    return check


def _one_of(*values: str) -> Check:
    def check(name: str, value: str) -> str:
        found = next((one for one in values if one.lower() == value.lower()), None)
        if found is None:
            raise faults.bad_attribute(name)
        return found

    return check


def _text(name: str, value: str) -> str:
    if len(value) > 2048:
        raise faults.bad_attribute(name)
    return value


def _policy(name: str, value: str) -> str:
    if value and sound(value) is None:
        raise faults.bad_attribute(name)
    return value


_FLAG = _one_of("true", "false")
_LIMITED_BY = _one_of("perQueue", "perMessageGroupId")
TABLE = (
    Row("DelaySeconds", "0", _whole(0, DELAY_S_MAX)),
    Row("MaximumMessageSize", "1048576", _whole(1024, MESSAGE_BYTES_MAX)),
    Row("MessageRetentionPeriod", "345600", _whole(60, 1_209_600)),
    Row("ReceiveMessageWaitTimeSeconds", "0", _whole(0, WAIT_S_MAX)),
    Row("VisibilityTimeout", "30", _whole(0, VISIBILITY_S_MAX)),
    Row("Policy", "", _policy),
    Row("RedrivePolicy", "", _text),  # more in `redrive`
    Row("RedriveAllowPolicy", "", _text),
    Row("KmsMasterKeyId", "", _text),
    Row("KmsDataKeyReusePeriodSeconds", "", _whole(60, 86_400)),
    Row("SqsManagedSseEnabled", "false", _FLAG),
    Row("FifoQueue", "true", _one_of("true"), fifo_only=True),
    Row("ContentBasedDeduplication", "false", _FLAG, fifo_only=True),
    Row("DeduplicationScope", "queue", _one_of("queue", "messageGroup"), fifo_only=True),
    Row("FifoThroughputLimit", "perQueue", _LIMITED_BY, fifo_only=True),
)
BY_NAME: Mapping[str, Row] = {row.name: row for row in TABLE}
COUNTED = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
DERIVED = (*COUNTED, "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn")
ALL = "All"


def checked(given: Mapping[str, str], *, fifo: bool) -> dict[str, str]:
    """Return attributes as they are kept. Raises the Fault for the first that cannot be set."""
    plain = {}
    for name, value in given.items():
        row = BY_NAME.get(name)
        if row is None or (row.fifo_only and not fifo):
            raise faults.unknown_attribute(name)
        plain[name] = row.check(name, value)
    return plain


def check_together(attributes: Mapping[str, str]) -> None:
    """Raise the Fault for attributes that exclude one another."""
    if attributes.get("FifoThroughputLimit") != "perMessageGroupId":
        return
    if attributes.get("DeduplicationScope") != "messageGroup":
        text = "perMessageGroupId can only be set where DeduplicationScope is messageGroup"
        raise faults.unfit("FifoThroughputLimit", "perMessageGroupId", f"{text}.")


def effective(queue: Queue) -> dict[str, str]:
    """Return what is set of a queue, defaults included; what is absent is left out."""
    values = {row.name: row.default for row in TABLE if queue.fifo or not row.fifo_only}
    values.update(queue.attributes)
    return {name: value for name, value in values.items() if value}


def check_names(names: list[str]) -> None:
    for name in names:
        if name not in BY_NAME and name not in DERIVED and name != ALL:
            raise faults.unknown_attribute(name)


def pairs(values: Mapping[str, str]) -> Pairs:
    return tuple(sorted((name, value) for name, value in values.items() if value))


@dataclass(frozen=True)
class Redrive:
    """Where messages of a queue go that were received `receives_max` times."""

    target: str
    receives_max: int


@dataclass(frozen=True)
class Terms:
    """What a queue's attributes mean."""

    delay_s: int
    message_bytes_max: int
    retention_s: int
    wait_s: int
    visibility_s: int
    by_content: bool
    lane_scope: bool
    redrive: Redrive | None


@lru_cache(4096)
def terms(queue: Queue) -> Terms:
    values = effective(queue)
    policy = values.get("RedrivePolicy")
    told = json.loads(policy) if policy else None
    return Terms(
        delay_s=int(values["DelaySeconds"]),
        message_bytes_max=int(values["MaximumMessageSize"]),
        retention_s=int(values["MessageRetentionPeriod"]),
        wait_s=int(values["ReceiveMessageWaitTimeSeconds"]),
        visibility_s=int(values["VisibilityTimeout"]),
        by_content=values.get("ContentBasedDeduplication") == "true",
        lane_scope=values.get("DeduplicationScope") == "messageGroup",
        redrive=Redrive(told["deadLetterTargetArn"], told["maxReceiveCount"]) if told else None,
    )
