"""Operations on messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jackbean.api.plant import Call, Plant
from jackbean.api.sqs.asked import needed, queue_of, sender
from jackbean.api.sqs.shapes import attributes_in, failed, message_out, sent_out, wanted_names
from jackbean.core.errors import Fault
from jackbean.ports.queues import Kept
from jackbean.services.queues import Entry, Receive, faults
from jackbean.services.queues.traffic import check_batch

Shape = dict[str, Any]


async def send_message(plant: Plant, call: Call) -> Shape:
    name, entry = queue_of(plant, call), _entry(call.members)
    kept = await plant.queues.traffic.send(name, entry, sender(plant, call))
    return sent_out(entry, kept, fifo=name.endswith(".fifo"))


async def send_message_batch(plant: Plant, call: Call) -> Shape:
    name, entries = queue_of(plant, call), _entries(call, "SendMessageBatchRequestEntry")
    read = [_tried(one) for one in entries]
    good = [one for one in read if isinstance(one, Entry)]
    results = iter(await plant.queues.traffic.send_all(name, good, sender(plant, call)))
    fifo = name.endswith(".fifo")
    told: list[Shape | Fault] = []
    for one in read:
        result: Kept | Fault = next(results) if isinstance(one, Entry) else one
        if isinstance(one, Entry) and isinstance(result, Kept):
            told.append(sent_out(one, result, fifo=fifo))
        elif isinstance(result, Fault):
            told.append(result)
    return _batch(entries, told)


async def receive_message(plant: Plant, call: Call) -> Shape:
    name, members = queue_of(plant, call), call.members
    names, attributes = wanted_names(call), call.items("MessageAttributeNames")
    limit = members.get("MaxNumberOfMessages")
    wish = Receive(
        limit=1 if limit is None else limit,
        visibility_s=members.get("VisibilityTimeout"),
        wait_s=members.get("WaitTimeSeconds"),
        attempt=call.text("ReceiveRequestAttemptId"),
    )
    found = await plant.queues.traffic.receive(name, wish)
    told = [message_out(one, names, attributes) for one in found]
    return {"Messages": told} if told else {}


async def delete_message(plant: Plant, call: Call) -> Shape:
    name, handle = queue_of(plant, call), needed(call, "ReceiptHandle")
    _raised(await plant.queues.traffic.delete(name, [handle]))
    return {}


async def delete_message_batch(plant: Plant, call: Call) -> Shape:
    name, entries = queue_of(plant, call), _entries(call, "DeleteMessageBatchRequestEntry")
    handles = [one.get("ReceiptHandle") or "" for one in entries]
    return _batch(entries, await plant.queues.traffic.delete(name, handles))


async def change_message_visibility(plant: Plant, call: Call) -> Shape:
    name, handle = queue_of(plant, call), needed(call, "ReceiptHandle")
    seconds = call.members.get("VisibilityTimeout")
    if seconds is None:
        raise faults.missing("VisibilityTimeout")
    _raised(await plant.queues.traffic.hold(name, [(handle, seconds)]))
    return {}


async def change_message_visibility_batch(plant: Plant, call: Call) -> Shape:
    name = queue_of(plant, call)
    entries = _entries(call, "ChangeMessageVisibilityBatchRequestEntry")
    wishes = [
        (one.get("ReceiptHandle") or "", one.get("VisibilityTimeout") or 0) for one in entries
    ]
    return _batch(entries, await plant.queues.traffic.hold(name, wishes))


# Within


def _entry(members: Mapping[str, Any]) -> Entry:
    return Entry(
        body=members.get("MessageBody") or "",
        delay_s=members.get("DelaySeconds"),
        attributes=attributes_in(members.get("MessageAttributes")),
        system=attributes_in(members.get("MessageSystemAttributes")),
        token=members.get("MessageDeduplicationId"),
        lane=members.get("MessageGroupId"),
    )


def _tried(members: Mapping[str, Any]) -> Entry | Fault:
    try:
        return _entry(members)
    except Fault as fault:
        return fault


def _entries(call: Call, kind: str) -> list[Any]:
    """Return the entries of a batch. Raises the Fault for one that is refused as a whole."""
    entries = call.items("Entries")
    for at, one in enumerate(entries, 1):
        if "Id" not in one:
            raise faults.missing(f"{kind}.{at}.Id")
    check_batch([one["Id"] for one in entries], kind)
    return entries


def _batch(entries: Sequence[Any], results: Sequence[Shape | Fault | None]) -> Shape:
    """Return the answer to a batch: both lists, also without entries."""
    successful, wrong = [], []
    for entry, result in zip(entries, results, strict=True):
        if isinstance(result, Fault):
            wrong.append(failed(entry["Id"], result))
        else:
            successful.append({"Id": entry["Id"], **(result or {})})
    return {"Successful": successful, "Failed": wrong}


def _raised(results: Sequence[Fault | None]) -> None:
    for result in results:
        if result is not None:
            raise result
