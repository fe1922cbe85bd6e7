"""What can be set of topics and subscriptions, and how it is checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from jackbean.core.policies import sound
from jackbean.services.topics import faults, filters
from jackbean.services.topics.retries import retries

Check = Callable[[str, str], None]
TEXT_MAX = 65_536
EMAIL, HTTP = ("email", "email-json"), ("http", "https")
PROTOCOLS = ("sqs", *HTTP, *EMAIL)
UNREACHED = ("application", "firehose", "lambda", "sms")  # AWS's, which nothing leads to from here


def _flag(name: str, value: str) -> None:
    if value not in ("true", "false"):
        raise faults.invalid(f"{name}: Invalid value [{value[:64]}]. Must be true or false.")


def _any(name: str, value: str) -> None:
    if len(value) > TEXT_MAX:
        raise faults.invalid(f"{name} Reason: too long")


def _json(name: str, value: str) -> None:
    try:
        document = json.loads(value or "{}") if len(value) <= TEXT_MAX else None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise faults.invalid(f"{name} Reason: failed to parse JSON")


def _policy(name: str, value: str) -> None:
    if value and sound(value) is None:
        raise faults.invalid(f"{name} Reason: it is no policy with statements that allow or deny")


def _delivery(name: str, value: str) -> None:
    try:
        retries(value)
    except (ValueError, RecursionError, AttributeError) as error:
        raise faults.invalid(f"{name} Reason: {error}") from None


def _filter(name: str, value: str) -> None:
    try:
        filters.loaded(value or "{}")
    except filters.BadPolicy as error:
        raise faults.invalid(f"{name}: {error}") from None


def _scope(name: str, value: str) -> None:
    if value not in ("MessageAttributes", "MessageBody"):
        raise faults.invalid(f"{name}: Invalid value [{value[:64]}].")


def _redrive(name: str, value: str) -> None:
    _json(name, value)
    target = json.loads(value or "{}").get("deadLetterTargetArn")
    if value and not (isinstance(target, str) and target.startswith("arn:aws:sqs:")):
        raise faults.invalid(f"{name}: deadLetterTargetArn must be the ARN of a queue")


TOPIC: Mapping[str, Check] = {
    "ArchivePolicy": _json,
    "ContentBasedDeduplication": _flag,
    "DeliveryPolicy": _delivery,
    "DisplayName": _any,
    "FifoThroughputScope": _any,
    "FifoTopic": _flag,
    "KmsMasterKeyId": _any,
    "Policy": _policy,
    "SignatureVersion": _any,
    "TracingConfig": _any,
}
SUBSCRIPTION: Mapping[str, Check] = {
    "DeliveryPolicy": _delivery,
    "FilterPolicy": _filter,
    "FilterPolicyScope": _scope,
    "RawMessageDelivery": _flag,
    "RedrivePolicy": _redrive,
}
FIFO_ONLY = ("ContentBasedDeduplication", "FifoTopic", "FifoThroughputScope", "ArchivePolicy")


def check(table: Mapping[str, Check], given: Mapping[str, str]) -> None:
    for name, value in given.items():
        if name not in table:
            raise faults.invalid(f"AttributeName: {name[:64]}")
        table[name](name, value)


def check_scope(attributes: Mapping[str, str]) -> None:
    """Raise the Fault for a filter that looks into what it is not about."""
    policy = filters.loaded(attributes.get("FilterPolicy") or "{}")
    if attributes.get("FilterPolicyScope") != "MessageBody" and filters.nested(policy):
        text = "Filter policy scope MessageAttributes does not support nested filter policy"
        raise faults.invalid(f"FilterPolicy: {text}")


def check_endpoint(protocol: str, endpoint: str) -> None:
    """Raise the Fault for an endpoint that its protocol cannot reach."""
    if protocol not in PROTOCOLS:
        raise faults.invalid(f"Amazon SNS does not support this protocol string: {protocol[:64]}")
    if not endpoint or len(endpoint) > 2048 or any(ord(one) < 33 for one in endpoint):
        raise faults.invalid("Endpoint")
    fit, reason = _REACHES[protocol]
    if not fit(protocol, endpoint):
        raise faults.invalid(reason)


def _is_url(protocol: str, endpoint: str) -> bool:
    try:
        found = urlsplit(endpoint)
        return found.scheme == protocol and bool(found.hostname) and found.port != 0
    except ValueError:
        return False


def _is_mail(_: str, endpoint: str) -> bool:
    name, _, host = endpoint.partition("@")
    return bool(name and host) and "@" not in host


def _is_queue(_: str, endpoint: str) -> bool:
    return endpoint.startswith("arn:aws:sqs:")


_REACHES: Mapping[str, tuple[Callable[[str, str], bool], str]] = {
    **dict.fromkeys(HTTP, (_is_url, "Endpoint must match the specified protocol")),
    **dict.fromkeys(EMAIL, (_is_mail, "Email address")),
    "sqs": (_is_queue, "SQS endpoint ARN"),
}
