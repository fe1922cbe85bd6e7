"""Operations on queues themselves."""

from __future__ import annotations

from typing import Any

from jackbean.api.plant import Call, Plant
from jackbean.api.sqs.asked import needed, page, queue_of
from jackbean.ports.queues import Queue
from jackbean.services.queues import Grant, faults, names

Shape = dict[str, Any]


async def create_queue(plant: Plant, call: Call) -> Shape:
    name = needed(call, "QueueName")
    attributes = call.members.get("Attributes") or {}
    tags = call.members.get("tags") or {}
    queue = await plant.queues.queues.create(name, attributes, tags)
    return {"QueueUrl": _url(plant, call, queue)}


async def get_queue_url(plant: Plant, call: Call) -> Shape:
    name = needed(call, "QueueName")
    owner = call.text("QueueOwnerAWSAccountId")
    if owner and owner != plant.world.installation.account:
        raise faults.no_queue()
    return {"QueueUrl": _url(plant, call, await plant.queues.queues.find(name))}


async def list_queues(plant: Plant, call: Call) -> Shape:
    found = await plant.queues.queues.begun(call.text("QueueNamePrefix"))
    urls, more = page(call, [(queue.name, _url(plant, call, queue)) for queue in found])
    return {"QueueUrls": urls, **more} if urls else {}


async def delete_queue(plant: Plant, call: Call) -> Shape:
    await plant.queues.queues.delete(queue_of(plant, call))
    return {}


async def purge_queue(plant: Plant, call: Call) -> Shape:
    await plant.queues.queues.purge(queue_of(plant, call))
    return {}


async def get_queue_attributes(plant: Plant, call: Call) -> Shape:
    name, wanted = queue_of(plant, call), call.items("AttributeNames")
    found = await plant.queues.queues.attributes(name, wanted)
    return {"Attributes": found} if found else {}


async def set_queue_attributes(plant: Plant, call: Call) -> Shape:
    name, given = queue_of(plant, call), call.members.get("Attributes")
    if not given:
        raise faults.missing("Attributes")
    await plant.queues.queues.set_attributes(name, given)
    return {}


async def list_dead_letter_source_queues(plant: Plant, call: Call) -> Shape:
    found = await plant.queues.queues.sources(queue_of(plant, call))
    urls, more = page(call, [(queue.name, _url(plant, call, queue)) for queue in found])
    return {"queueUrls": urls, **more}


async def list_queue_tags(plant: Plant, call: Call) -> Shape:
    queue = await plant.queues.queues.find(queue_of(plant, call))
    return {"Tags": dict(queue.tags)} if queue.tags else {}


async def tag_queue(plant: Plant, call: Call) -> Shape:
    name, tags = queue_of(plant, call), call.members.get("Tags")
    if not tags:
        raise faults.missing("Tags")
    await plant.queues.queues.tag(name, tags)
    return {}


async def untag_queue(plant: Plant, call: Call) -> Shape:
    name, keys = queue_of(plant, call), call.items("TagKeys")
    if not keys:
        raise faults.missing("TagKeys")
    await plant.queues.queues.untag(name, keys)
    return {}


async def add_permission(plant: Plant, call: Call) -> Shape:
    label = needed(call, "Label")
    grant = Grant(label, call.items("AWSAccountIds"), call.items("Actions"))
    await plant.queues.queues.add_permission(queue_of(plant, call), grant)
    return {}


async def remove_permission(plant: Plant, call: Call) -> Shape:
    label = needed(call, "Label")
    await plant.queues.queues.remove_permission(queue_of(plant, call), label)
    return {}


def _url(plant: Plant, call: Call, queue: Queue) -> str:
    """Return a queue's URL on the side of the network that the caller is on."""
    return names.url_of(queue.name, call.base_url, plant.world.installation)
