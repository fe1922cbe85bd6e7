"""DynamoDB: tables as programs speak to them, in the JSON protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jackbean.api.plant import Call, Plant
from jackbean.services.tables import definitions, faults, writing
from jackbean.services.tables.reading import Page
from jackbean.services.tables.service import capacity, units_of_write
from jackbean.services.tables.values import size_of_item

Shape = dict[str, Any]
NAMES_MAX = 100
READ_UNIT = 4096
LIMITS = {
    "AccountMaxReadCapacityUnits": 80_000,
    "AccountMaxWriteCapacityUnits": 80_000,
    "TableMaxReadCapacityUnits": 40_000,
    "TableMaxWriteCapacityUnits": 40_000,
}


# Tables


async def create_table(plant: Plant, call: Call) -> Shape:
    definition = definitions.defined(call.members)
    table = await plant.tables.create(call.text("TableName"), definition)
    return {"TableDescription": await plant.tables.describe(table)}


async def describe_table(plant: Plant, call: Call) -> Shape:
    table = await plant.tables.find(call.text("TableName"))
    return {"Table": await plant.tables.describe(table)}


async def delete_table(plant: Plant, call: Call) -> Shape:
    table = await plant.tables.delete(call.text("TableName"))
    return {"TableDescription": await plant.tables.describe(table, "DELETING")}


async def list_tables(plant: Plant, call: Call) -> Shape:
    after = call.text("ExclusiveStartTableName")
    limit = int(call.members.get("Limit") or NAMES_MAX)
    if not 1 <= limit <= NAMES_MAX:
        raise faults.invalid(f"Limit must be from 1 to {NAMES_MAX}, and is {limit}")
    names = [name for name in await plant.tables.names() if name > after]
    more = {"LastEvaluatedTableName": names[limit - 1]} if len(names) > limit else {}
    return {"TableNames": names[:limit], **more}


async def update_table(plant: Plant, call: Call) -> Shape:
    table = await plant.tables.find(call.text("TableName"))
    changed = await plant.tables.change(table, definitions.updated(table.definition, call.members))
    return {"TableDescription": await plant.tables.describe(changed)}


async def describe_time_to_live(plant: Plant, call: Call) -> Shape:
    table = await plant.tables.find(call.text("TableName"))
    name = table.definition.ttl
    told = (
        {"TimeToLiveStatus": "ENABLED", "AttributeName": name}
        if name
        else {"TimeToLiveStatus": "DISABLED"}
    )
    return {"TimeToLiveDescription": told}


async def update_time_to_live(plant: Plant, call: Call) -> Shape:
    table = await plant.tables.find(call.text("TableName"))
    wanted = call.members["TimeToLiveSpecification"]
    name, on = wanted["AttributeName"], wanted["Enabled"]
    if on is bool(table.definition.ttl):
        raise faults.invalid(f"TimeToLive is already {'enabled' if on else 'disabled'}")
    await plant.tables.change(table, replace(table.definition, ttl=name if on else ""))
    return {"TimeToLiveSpecification": {"Enabled": on, "AttributeName": name}}


async def list_tags_of_resource(plant: Plant, call: Call) -> Shape:
    table = await plant.tables.find(call.text("ResourceArn"))
    return {"Tags": [{"Key": key, "Value": value} for key, value in table.definition.tags]}


async def tag_resource(plant: Plant, call: Call) -> Shape:
    table = await plant.tables.find(call.text("ResourceArn"))
    given = {one["Key"]: one["Value"] for one in call.items("Tags")}
    tags = definitions.merged_tags(table.definition.tags, given)
    await plant.tables.change(table, replace(table.definition, tags=tags))
    return {}


async def untag_resource(plant: Plant, call: Call) -> Shape:
    table = await plant.tables.find(call.text("ResourceArn"))
    left = tuple(tag for tag in table.definition.tags if tag[0] not in call.items("TagKeys"))
    await plant.tables.change(table, replace(table.definition, tags=left))
    return {}


# Items


async def get_item(plant: Plant, call: Call) -> Shape:
    item = await plant.tables.get(call.members)
    size = size_of_item(item or {})
    factor = 1.0 if call.flag("ConsistentRead", default=False) else 0.5
    used = _used(call, capacity(call.text("TableName"), size, READ_UNIT, factor))
    return {**({} if item is None else {"Item": item}), **used}


async def put_item(plant: Plant, call: Call) -> Shape:
    return await _written(plant, call)


async def delete_item(plant: Plant, call: Call) -> Shape:
    return await _written(plant, call)


async def _written(plant: Plant, call: Call) -> Shape:
    said = call.text("ReturnValues", "NONE")
    writing.check_returned(call.operation, said)
    items = await plant.tables.write(call.operation, call.members)
    told = {"Attributes": items[0]} if said == "ALL_OLD" and items[0] is not None else {}
    return {**told, **_used(call, units_of_write(items, call.text("TableName")))}


async def update_item(plant: Plant, call: Call) -> Shape:
    said = call.text("ReturnValues", "NONE")
    writing.check_returned(call.operation, said)
    told = await plant.tables.update(call.members, said)
    used = _used(call, units_of_write((told, None), call.text("TableName")))
    return {**({} if told is None else {"Attributes": told}), **used}


async def query(plant: Plant, call: Call) -> Shape:
    return _page(call, await plant.tables.query(call.members))


async def scan(plant: Plant, call: Call) -> Shape:
    return _page(call, await plant.tables.scan(call.members))


def _page(call: Call, page: Page) -> Shape:
    factor = 1.0 if call.flag("ConsistentRead", default=False) else 0.5
    return {
        **({} if call.text("Select") == "COUNT" else {"Items": page.items}),
        "Count": page.count,
        "ScannedCount": page.scanned,
        **({} if page.last is None else {"LastEvaluatedKey": page.last}),
        **_used(call, capacity(call.text("TableName"), page.size, READ_UNIT, factor)),
    }


# Several at once


async def batch_get_item(plant: Plant, call: Call) -> Shape:
    found, left = await plant.tables.get_all(call.members["RequestItems"])
    return {"Responses": found, "UnprocessedKeys": left}


async def batch_write_item(plant: Plant, call: Call) -> Shape:
    await plant.tables.write_all(call.members["RequestItems"])
    return {"UnprocessedItems": {}}


async def transact_write_items(plant: Plant, call: Call) -> Shape:
    token = call.text("ClientRequestToken")
    await plant.tables.transact(call.items("TransactItems"), token)
    return {}


async def transact_get_items(plant: Plant, call: Call) -> Shape:
    found = await plant.tables.get_together(call.items("TransactItems"))
    return {"Responses": [{} if item is None else {"Item": item} for item in found]}


async def describe_limits(plant: Plant, call: Call) -> Shape:
    return dict(LIMITS)


async def describe_endpoints(plant: Plant, call: Call) -> Shape:
    host = call.base_url.partition("://")[2]
    return {"Endpoints": [{"Address": host, "CachePeriodInMinutes": 1440}]}


async def describe_continuous_backups(plant: Plant, call: Call) -> Shape:
    """Say that nobody makes backups: tools of infrastructure look."""
    await plant.tables.find(call.text("TableName"))
    off = {"PointInTimeRecoveryStatus": "DISABLED"}
    told = {"ContinuousBackupsStatus": "DISABLED", "PointInTimeRecoveryDescription": off}
    return {"ContinuousBackupsDescription": told}


def _used(call: Call, used: Shape) -> Shape:
    wanted = call.text("ReturnConsumedCapacity", "NONE")
    return {} if wanted == "NONE" else {"ConsumedCapacity": used}


DYNAMODB: Mapping[str, Any] = {
    "BatchGetItem": batch_get_item,
    "BatchWriteItem": batch_write_item,
    "CreateTable": create_table,
    "DeleteItem": delete_item,
    "DeleteTable": delete_table,
    "DescribeContinuousBackups": describe_continuous_backups,
    "DescribeEndpoints": describe_endpoints,
    "DescribeLimits": describe_limits,
    "DescribeTable": describe_table,
    "DescribeTimeToLive": describe_time_to_live,
    "GetItem": get_item,
    "ListTables": list_tables,
    "ListTagsOfResource": list_tags_of_resource,
    "PutItem": put_item,
    "Query": query,
    "Scan": scan,
    "TagResource": tag_resource,
    "TransactGetItems": transact_get_items,
    "TransactWriteItems": transact_write_items,
    "UntagResource": untag_resource,
    "UpdateItem": update_item,
    "UpdateTable": update_table,
    "UpdateTimeToLive": update_time_to_live,
}
