"""Messages on their way in: what may be sent, and what is kept of it.

Pure: the queue's terms and the instant are arguments.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from jackbean.ports.queues import Draft, Queue
from jackbean.services.queues import faults
from jackbean.services.queues.attributes import Terms, terms
from jackbean.services.queues.digests import Attribute, Attributes
from jackbean.services.queues.limits import (
    ATTRIBUTE_NAME_CHARS_MAX,
    ATTRIBUTES_MAX,
    DELAY_S_MAX,
)

# What XML 1.0 cannot hold, in which answers were written once.
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TOKEN = re.compile(r"[!-~]{1,128}")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_NUMBER = re.compile(r"[+-]?(\d{1,38}(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
KINDS = ("String", "Number", "Binary")
SYSTEM_ATTRIBUTES = ("AWSTraceHeader",)


@dataclass(frozen=True)
class Entry:
    """One message that somebody wants to send, as it came."""

    body: str
    delay_s: int | None = None
    attributes: Attributes = field(default_factory=dict)
    system: Attributes = field(default_factory=dict)
    token: str | None = None
    lane: str | None = None
    size: int = field(init=False)  # the bytes that count

    def __post_init__(self) -> None:
        size = len(self.body.encode(errors="surrogatepass")) + sum(
            len(name.encode()) + len(one.kind.encode()) + len(one.data)
            for name, one in self.attributes.items()
        )
        object.__setattr__(self, "size", size)


def draft(entry: Entry, queue: Queue, now: float, names: tuple[str, str]) -> Draft:
    """Return what is kept of an entry; `names` are its id and its sender. Raises the Fault."""
    bound = terms(queue)
    _check(entry, bound)
    id_, sender = names
    system = {name: str(attribute.value) for name, attribute in entry.system.items()}
    sent = int(now * 1000)
    if queue.fifo:
        return _in_lane(entry, bound, sent, (id_, packed_system(sender, system)))
    if entry.token is not None:
        raise faults.not_of_this_type("MessageDeduplicationId", entry.token)
    if entry.lane is not None:
        _check_token("MessageGroupId", entry.lane)
        system["MessageGroupId"] = entry.lane
    delay_s = bound.delay_s if entry.delay_s is None else entry.delay_s
    attributes, kept = packed(entry.attributes), packed_system(sender, system)
    return Draft(id_, entry.body, sent + 1000 * delay_s, attributes, kept)


def _in_lane(entry: Entry, bound: Terms, sent: int, kept: tuple[str, str]) -> Draft:
    if entry.delay_s:
        raise faults.not_of_this_type("DelaySeconds", entry.delay_s)
    if not entry.lane:
        raise faults.missing("MessageGroupId")
    _check_token("MessageGroupId", entry.lane)
    token = entry.token
    if token is not None:
        _check_token("MessageDeduplicationId", token)
    elif bound.by_content:
        token = hashlib.sha256(entry.body.encode()).hexdigest()
    else:
        text = "The queue should either have ContentBasedDeduplication enabled or "
        raise faults.invalid(text + "MessageDeduplicationId provided explicitly")
    id_, system = kept
    return Draft(
        id=id_,
        body=entry.body,
        visible_ms=sent + 1000 * bound.delay_s,
        attributes=packed(entry.attributes),
        system=system,
        lane=entry.lane,
        token=token,
        scope=entry.lane if bound.lane_scope else "",
    )


# Checks


def _check(entry: Entry, bound: Terms) -> None:
    if not entry.body:
        raise faults.missing("MessageBody")
    if _UNFIT.search(entry.body):
        text = "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to "
        raise faults.bad_contents(text + "#xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
    if entry.size > bound.message_bytes_max:
        raise faults.message_too_long(bound.message_bytes_max)
    if entry.delay_s is not None and not 0 <= entry.delay_s <= DELAY_S_MAX:
        reason = f"DelaySeconds must be >= 0 and <= {DELAY_S_MAX}."
        raise faults.unfit("DelaySeconds", entry.delay_s, reason)
    _check_attributes(entry.attributes)
    for name in entry.system:
        if name not in SYSTEM_ATTRIBUTES:
            raise faults.invalid(f"Message system attribute name '{name[:64]}' is invalid.")


def _check_attributes(attributes: Attributes) -> None:
    if len(attributes) > ATTRIBUTES_MAX:
        text = f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum "
        raise faults.invalid(text + f"[{ATTRIBUTES_MAX}].")
    for name, attribute in attributes.items():
        _check_attribute(name, attribute)


def _check_attribute(name: str, attribute: Attribute) -> None:
    if not _NAME.fullmatch(name):
        text = "can contain only A-Z, a-z, 0-9, underscore, hyphen and period."
        raise faults.invalid(f"Message (user) attribute name '{name[:64]}' is invalid: it {text}")
    if len(name) > ATTRIBUTE_NAME_CHARS_MAX or name.lower().startswith(("aws.", "amazon.")):
        text = f"is reserved, or longer than {ATTRIBUTE_NAME_CHARS_MAX} characters"
        raise faults.invalid(f"Message (user) attribute name '{name[:64]}' {text}.")
    if name.startswith(".") or name.endswith(".") or ".." in name:
        text = "must not start or end with a period, or have two in a row"
        raise faults.invalid(f"Message (user) attribute name '{name[:64]}' {text}.")
    _check_value(name, attribute)


def _check_value(name: str, attribute: Attribute) -> None:
    base = attribute.kind.partition(".")[0]
    if base not in KINDS or len(attribute.kind) > ATTRIBUTE_NAME_CHARS_MAX:
        text = "has an invalid message attribute type, the set of supported type prefixes is"
        raise faults.invalid(f"The message attribute '{name}' {text} Binary, Number, and String.")
    if not attribute.value:
        raise faults.invalid(
            f"Message (user) attribute '{name}' must contain a non-empty value of type '{base}'."
        )
    if isinstance(attribute.value, bytes) != (base == "Binary"):
        text = f"with type '{attribute.kind}' must use field '{_FIELDS[base]}'."
        raise faults.invalid(f"The message attribute '{name}' {text}")
    if isinstance(attribute.value, str) and _UNFIT.search(attribute.value):
        raise faults.bad_contents(f"Invalid characters in message attribute '{name}'.")
    if base == "Number" and not _NUMBER.fullmatch(str(attribute.value)):
        raise faults.invalid(f"Can't cast the value of message attribute '{name}' to a number.")


_FIELDS: Mapping[str, str] = {"String": "String", "Number": "String", "Binary": "Binary"}


def _check_token(parameter: str, value: str) -> None:
    if not _TOKEN.fullmatch(value):
        shown = f"{parameter} can only include alphanumeric and punctuation characters. 1 to 128 "
        raise faults.unfit(parameter, value, shown + "in length.")


# As the store keeps them


def packed(attributes: Attributes) -> str:
    """Return attributes as text; "" if there are none."""
    if not attributes:
        return ""
    told: dict[str, list[str]] = {}
    for name, one in attributes.items():
        is_text = isinstance(one.value, str)
        value = str(one.value) if is_text else base64.b64encode(one.data).decode()
        told[name] = [one.kind, "" if is_text else "64", value]
    return json.dumps(told, separators=(",", ":"))


def unpacked(text: str) -> dict[str, Attribute]:
    if not text:
        return {}
    told: dict[str, list[str]] = json.loads(text)
    return {
        name: Attribute(kind, base64.b64decode(value) if coded else value)
        for name, (kind, coded, value) in told.items()
    }


def packed_system(sender: str, system: Mapping[str, str]) -> str:
    if not system:
        return _of_sender(sender)
    return json.dumps({"SenderId": sender, **system}, separators=(",", ":"))


@lru_cache(1024)
def _of_sender(sender: str) -> str:
    return json.dumps({"SenderId": sender}, separators=(",", ":"))


def unpacked_system(text: str) -> dict[str, str]:
    found: dict[str, Any] = json.loads(text) if text else {}
    return {name: str(value) for name, value in found.items()}
