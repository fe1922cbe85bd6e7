"""Publishing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.api.plant import Call, Plant
from jackbean.core.errors import Fault
from jackbean.services.queues.digests import Attribute
from jackbean.services.queues.limits import BATCH_ENTRIES_MAX
from jackbean.services.queues.traffic import ENTRY_ID
from jackbean.services.topics import Published, faults
from jackbean.services.topics.service import MESSAGE_BYTES_MAX

Shape = dict[str, Any]
KINDS = ("String", "Number", "Binary")


async def publish(plant: Plant, call: Call) -> Shape:
    arn = call.text("TopicArn") or call.text("TargetArn")
    if not arn:
        raise faults.invalid("TopicArn or TargetArn Reason: no value for required parameter")
    id_, sequence = await plant.topics.topics.publish(arn, _published(call.members))
    return {"MessageId": id_, **({"SequenceNumber": sequence} if sequence else {})}


async def publish_batch(plant: Plant, call: Call) -> Shape:
    entries = call.items("PublishBatchRequestEntries")
    _check_batch([one["Id"] for one in entries])
    await plant.topics.topics.find(call.text("TopicArn"))
    read = [_tried(one) for one in entries]
    if sum(one.size for one in read if isinstance(one, Published)) > MESSAGE_BYTES_MAX:
        text = "The length of all the batch messages put together is more than the limit."
        raise faults.bad_batch("BatchRequestTooLong", text)
    successful, failed = [], []
    for one, published in zip(entries, read, strict=True):
        try:
            told = await plant.topics.topics.publish(call.text("TopicArn"), _raised(published))
        except Fault as fault:
            failed.append(
                {"Id": one["Id"], "Code": fault.code, "Message": fault.message, "SenderFault": True}
            )
        else:
            number = {"SequenceNumber": told[1]} if told[1] else {}
            successful.append({"Id": one["Id"], "MessageId": told[0], **number})
    return {"Successful": successful, "Failed": failed}


def _check_batch(ids: list[str]) -> None:
    if not ids:
        text = "The batch request doesn't contain any entries."
        raise faults.bad_batch("EmptyBatchRequest", text)
    if len(ids) > BATCH_ENTRIES_MAX:
        text = "The batch request contains more entries than permissible."
        raise faults.bad_batch("TooManyEntriesInBatchRequest", text)
    if any(not ENTRY_ID.fullmatch(one) for one in ids):
        text = "The Id of a batch entry in a batch request doesn't abide by the specification."
        raise faults.bad_batch("InvalidBatchEntryId", text)
    if len(set(ids)) < len(ids):
        text = "Two or more batch entries in the request have the same Id."
        raise faults.bad_batch("BatchEntryIdsNotDistinct", text)


def _tried(members: Mapping[str, Any]) -> Published | Fault:
    try:
        return _published(members)
    except Fault as fault:
        return fault


def _raised(published: Published | Fault) -> Published:
    if isinstance(published, Fault):
        raise published
    return published


def _published(members: Mapping[str, Any]) -> Published:
    structure = members.get("MessageStructure")
    if structure not in (None, "", "json"):
        raise faults.invalid("MessageStructure")
    given = members.get("MessageAttributes") or {}
    return Published(
        body=members.get("Message") or "",
        subject=members.get("Subject") or "",
        attributes={name: _attribute(name, told) for name, told in given.items()},
        structured=structure == "json",
        lane=members.get("MessageGroupId"),
        token=members.get("MessageDeduplicationId"),
    )


def _attribute(name: str, told: Mapping[str, Any]) -> Attribute:
    kind = told["DataType"]
    base = kind.partition(".")[0]
    value = told.get("BinaryValue") if base == "Binary" else told.get("StringValue")
    if base not in KINDS:
        text = f"The message attribute '{name[:64]}' has an invalid message attribute type"
        raise Fault("ParameterValueInvalid", text)
    if not value:
        text = f"The message attribute '{name[:64]}' must contain non-empty message attribute value"
        raise Fault("ParameterValueInvalid", text)
    return Attribute(kind, value)
