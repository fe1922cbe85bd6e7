"""Operations on log groups and log streams."""

from __future__ import annotations

from typing import Any

from jackbean.api.logs.asked import (
    allowed,
    group_asked,
    number,
    own_prefix,
    page,
    resource_asked,
)
from jackbean.api.plant import Call, Plant
from jackbean.ports.logs import LogGroup, LogStream
from jackbean.services.logs import faults
from jackbean.services.logs.limits import PAGE_MAX

Shape = dict[str, Any]
KINDS = ("STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS")
GROUPS_OF_INSTANCES_MAX = 200  # of one environment, made by programs on its instances


async def create_log_group(plant: Plant, call: Call) -> Shape:
    name = await allowed(plant, call, call.text("logGroupName"))
    kind = call.text("logGroupClass", "STANDARD")
    if kind not in KINDS:
        raise faults.invalid(f"logGroupClass is one of {', '.join(KINDS)}.")
    await _check_count(plant, call)
    tags = call.members.get("tags") or {}
    protected = call.flag("deletionProtectionEnabled", default=False)
    pairs = tuple(sorted(tags.items()))
    await plant.log_groups.create_group(LogGroup(name, 0, None, pairs, kind, protected))
    return {}


async def _check_count(plant: Plant, call: Call) -> None:
    mine = await own_prefix(plant, call)
    known = await plant.log_groups.store.groups() if mine else []
    if sum(one.name.startswith(mine) for one in known) >= GROUPS_OF_INSTANCES_MAX:
        text = f"An environment's instances can make {GROUPS_OF_INSTANCES_MAX} log groups."
        raise faults.too_many(text)


async def delete_log_group(plant: Plant, call: Call) -> Shape:
    await plant.log_groups.delete_group(call.text("logGroupName"))
    return {}


async def describe_log_groups(plant: Plant, call: Call) -> Shape:
    prefix, pattern = call.text("logGroupNamePrefix"), call.text("logGroupNamePattern")
    if prefix and pattern:
        text = "logGroupNamePrefix and logGroupNamePattern are mutually exclusive."
        raise faults.invalid(text)
    mine = await own_prefix(plant, call)
    known = [
        one
        for one in await plant.log_groups.store.groups()
        if one.name.startswith(mine)
        and one.name.startswith(prefix)
        and pattern.lower() in one.name.lower()
    ]
    found, more = page(call, known, lambda one: one.name)
    return {"logGroups": [await _group(plant, one) for one in found], **more}


async def put_retention_policy(plant: Plant, call: Call) -> Shape:
    name = await allowed(plant, call, call.text("logGroupName"))
    await plant.log_groups.retain(name, int(call.members["retentionInDays"]))
    return {}


async def delete_retention_policy(plant: Plant, call: Call) -> Shape:
    await plant.log_groups.retain(call.text("logGroupName"), None)
    return {}


async def create_log_stream(plant: Plant, call: Call) -> Shape:
    group = await allowed(plant, call, call.text("logGroupName"))
    await plant.log_groups.create_stream(group, call.text("logStreamName"))
    return {}


async def delete_log_stream(plant: Plant, call: Call) -> Shape:
    await plant.log_groups.delete_stream(call.text("logGroupName"), call.text("logStreamName"))
    return {}


async def describe_log_streams(plant: Plant, call: Call) -> Shape:
    group, prefix = await group_asked(plant, call), call.text("logStreamNamePrefix")
    by_time = call.text("orderBy", "LogStreamName") == "LastEventTime"
    if by_time and prefix:
        raise faults.invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
    number(call, "limit", PAGE_MAX, PAGE_MAX)
    known = [one for one in await plant.log_groups.streams(group) if one.name.startswith(prefix)]
    if by_time:
        known.sort(key=lambda one: (one.last_ms or 0, one.name))
    if call.flag("descending", default=False):
        known.reverse()
    found, more = page(call, known, lambda one: one.name)
    return {"logStreams": [_stream(plant, group, one) for one in found], **more}


async def list_tags_for_resource(plant: Plant, call: Call) -> Shape:
    group = await plant.log_groups.group(await resource_asked(plant, call))
    return {"tags": dict(group.tags)}


async def tag_resource(plant: Plant, call: Call) -> Shape:
    name = await resource_asked(plant, call)
    tags = dict((await plant.log_groups.group(name)).tags)
    await plant.log_groups.set_tags(name, {**tags, **(call.members.get("tags") or {})})
    return {}


async def untag_resource(plant: Plant, call: Call) -> Shape:
    name = await resource_asked(plant, call)
    gone = call.items("tagKeys") or call.items("tags")
    tags = dict((await plant.log_groups.group(name)).tags)
    await plant.log_groups.set_tags(name, {k: v for k, v in tags.items() if k not in gone})
    return {}


async def _group(plant: Plant, group: LogGroup) -> Shape:
    arn = plant.world.installation.arn(f"log-group:{group.name}", "logs")
    days = {} if group.retention_days is None else {"retentionInDays": group.retention_days}
    return {
        "logGroupName": group.name,
        "creationTime": group.created_ms,
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "storedBytes": await plant.log_groups.size(group.name),
        "logGroupClass": group.kind,
        "deletionProtectionEnabled": group.protected,
        **days,
    }


def _stream(plant: Plant, group: str, stream: LogStream) -> Shape:
    told = {
        "firstEventTimestamp": stream.first_ms,
        "lastEventTimestamp": stream.last_ms,
        "lastIngestionTime": stream.taken_ms,
    }
    resource = f"log-group:{group}:log-stream:{stream.name}"
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created_ms,
        "arn": plant.world.installation.arn(resource, "logs"),
        "storedBytes": 0,
        "uploadSequenceToken": f"{stream.taken_ms or 0:056d}",
        **{name: value for name, value in told.items() if value is not None},
    }
