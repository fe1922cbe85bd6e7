"""Redrive policies: what they must say, and whose dead letters a queue takes."""

from __future__ import annotations

import json
from typing import Any

from jackbean.ports.queues import Queue
from jackbean.services.queues import faults
from jackbean.services.queues.attributes import effective

RECEIVES_MAX = 1000
SOURCES_MAX = 10
PERMISSIONS = ("allowAll", "denyAll", "byQueue")


def plain_policy(text: str) -> str:
    """Return a RedrivePolicy as it is kept. Raises the Fault for one that says too little."""
    policy = _loaded("RedrivePolicy", text)
    for name in ("deadLetterTargetArn", "maxReceiveCount"):
        if name not in policy:
            reason = f"Redrive policy does not contain mandatory attribute: {name}."
            raise faults.unfit("RedrivePolicy", text, reason)
    count = _whole(policy["maxReceiveCount"])
    if count is None or not 1 <= count <= RECEIVES_MAX:
        told = f"{policy['maxReceiveCount']}"[:64]
        reason = f"Invalid value for maxReceiveCount: {told}, valid values are from 1 to 1000 both "
        raise faults.unfit("RedrivePolicy", text, reason + "inclusive.")
    target = policy["deadLetterTargetArn"]
    if not isinstance(target, str):
        raise faults.unfit("RedrivePolicy", text, "Dead letter target does not exist.")
    return _plain({"deadLetterTargetArn": target, "maxReceiveCount": count})


def check_target(policy: str, arn: str, source: Queue, target: Queue | None) -> None:
    """Raise the Fault for a dead-letter queue that cannot be that of `source`, named `arn`."""
    if target is None:
        raise faults.unfit("RedrivePolicy", policy, "Dead letter target does not exist.")
    if target.fifo != source.fifo:
        reason = "Dead-letter queue must be same type of queue as the source."
        raise faults.unfit("RedrivePolicy", policy, reason)
    if not allows(target, arn):
        reason = "The dead-letter queue's RedriveAllowPolicy does not allow this source queue."
        raise faults.unfit("RedrivePolicy", policy, reason)


def plain_permission(text: str) -> str:
    """Return a RedriveAllowPolicy as it is kept. Raises the Fault for one that makes no sense."""
    policy = _loaded("RedriveAllowPolicy", text)
    permission, sources = policy.get("redrivePermission"), policy.get("sourceQueueArns")
    if permission not in PERMISSIONS:
        reason = f"redrivePermission must be one of {', '.join(PERMISSIONS)}."
        raise faults.unfit("RedriveAllowPolicy", text, reason)
    if (permission == "byQueue") != isinstance(sources, list):
        reason = "sourceQueueArns must be given for byQueue, and for nothing else."
        raise faults.unfit("RedriveAllowPolicy", text, reason)
    if sources is None:
        return _plain({"redrivePermission": permission})
    if not 1 <= len(sources) <= SOURCES_MAX or not all(isinstance(one, str) for one in sources):
        reason = f"sourceQueueArns must be a list of 1 to {SOURCES_MAX} ARNs."
        raise faults.unfit("RedriveAllowPolicy", text, reason)
    return _plain({"redrivePermission": permission, "sourceQueueArns": sources})


def allows(target: Queue, source_arn: str) -> bool:
    """Return whether a queue takes the dead letters of another."""
    text = effective(target).get("RedriveAllowPolicy")
    policy: dict[str, Any] = json.loads(text) if text else {}
    permission = policy.get("redrivePermission", "allowAll")
    return permission == "allowAll" or source_arn in policy.get("sourceQueueArns", ())


def _loaded(name: str, text: str) -> dict[str, Any]:
    try:
        policy = json.loads(text)
    except (ValueError, RecursionError):
        policy = None
    if not isinstance(policy, dict):
        words = "Redrive policy" if name == "RedrivePolicy" else "Redrive allow policy"
        raise faults.unfit(name, text, f"{words} is not a valid JSON map.")
    return policy


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 9:
        return int(value)
    return value if isinstance(value, int) else None


def _plain(policy: dict[str, Any]) -> str:
    return json.dumps(policy, separators=(",", ":"))
