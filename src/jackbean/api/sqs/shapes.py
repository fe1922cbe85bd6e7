"""Messages and their attributes, as the wire has them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from jackbean.api.plant import Call
from jackbean.core.errors import Fault
from jackbean.ports.queues import Kept, Message
from jackbean.services.queues import Entry, Received, digests, faults
from jackbean.services.queues.digests import Attribute, Attributes
from jackbean.services.queues.messages import unpacked, unpacked_system

Shape = dict[str, Any]
NUMBER_BASE = 10**19  # sequence numbers have twenty digits
SYSTEM_NAMES = (
    "All",
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
)
# Older programs ask for attributes of queues here, too, and get none.
IGNORED_NAMES = frozenset({"Policy", "VisibilityTimeout", "QueueArn", "RedrivePolicy"})


def attributes_in(given: Mapping[str, Any] | None) -> dict[str, Attribute]:
    """Return attributes as they came. Raises the Fault for values of a kind that is not taken."""
    return {name: _attribute(name, told) for name, told in given.items()} if given else {}


def _attribute(name: str, told: Mapping[str, Any]) -> Attribute:
    if told.get("StringListValues") or told.get("BinaryListValues"):
        raise faults.invalid("Message attribute list values in SendMessage operation are not "
                             "supported.")  # fmt: skip
    kind = told.get("DataType")
    if not kind:
        raise faults.invalid(f"The message attribute '{name[:64]}' must contain a data type.")
    text, data = told.get("StringValue"), told.get("BinaryValue")
    if text is not None and data is not None:
        raise faults.invalid(f"The message attribute '{name[:64]}' has more than one value.")
    if data is not None:
        return Attribute(kind, data)
    return Attribute(kind, b"" if text is None and kind.startswith("Binary") else text or "")


def attributes_out(attributes: Attributes) -> Shape:
    return {
        name: {
            "DataType": one.kind,
            "StringValue" if isinstance(one.value, str) else "BinaryValue": one.value,
        }
        for name, one in attributes.items()
    }


def sent_out(entry: Entry, kept: Kept, *, fifo: bool) -> Shape:
    """Return the answer to a message that was sent."""
    told = {"MessageId": kept.id, "MD5OfMessageBody": digests.of_body(entry.body)}
    if entry.attributes:
        told["MD5OfMessageAttributes"] = digests.of_attributes(entry.attributes)
    if entry.system:
        told["MD5OfMessageSystemAttributes"] = digests.of_attributes(entry.system)
    if fifo:
        told["SequenceNumber"] = sequence(kept.number)
    return told


def failed(id_: str, fault: Fault) -> Shape:
    return {"Id": id_, "SenderFault": True, "Code": fault.code, "Message": fault.message}


def sequence(number: int) -> str:
    return str(NUMBER_BASE + number)


# Received


def wanted_names(call: Call) -> frozenset[str]:
    """Return which system attributes a receiver asks for, by either of the two lists."""
    names = [*call.items("AttributeNames"), *call.items("MessageSystemAttributeNames")]
    for name in names:
        if name not in SYSTEM_NAMES and name not in IGNORED_NAMES:
            raise faults.unknown_attribute(name)
    return frozenset(names)


def message_out(received: Received, names: Collection[str], attributes: Sequence[str]) -> Shape:
    message = received.message
    told: Shape = {
        "MessageId": message.id,
        "ReceiptHandle": received.handle,
        "MD5OfBody": digests.of_body(message.body),
        "Body": message.body,
    }
    if names:
        system = _system(message)
        found = {k: v for k, v in system.items() if "All" in names or k in names}
        if found:
            told["Attributes"] = found
    if attributes and message.attributes:
        chosen = {n: a for n, a in unpacked(message.attributes).items() if _chosen(n, attributes)}
        if chosen:
            told["MessageAttributes"] = attributes_out(chosen)
            told["MD5OfMessageAttributes"] = digests.of_attributes(chosen)
    return told


def _system(message: Message) -> dict[str, str]:
    found = {
        **unpacked_system(message.system),
        "SentTimestamp": str(message.sent_ms),
        "ApproximateReceiveCount": str(message.receives),
        "ApproximateFirstReceiveTimestamp": str(message.first_ms),
    }
    if message.lane is not None:
        found["MessageGroupId"] = message.lane
        found["MessageDeduplicationId"] = message.token
        found["SequenceNumber"] = sequence(message.number)
    if message.source:
        found["DeadLetterQueueSourceArn"] = message.source
    return found


def _chosen(name: str, wanted: Sequence[str]) -> bool:
    return any(
        one in ("All", ".*", name) or (one.endswith(".*") and name.startswith(one[:-1]))
        for one in wanted
    )
