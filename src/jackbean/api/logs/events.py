"""Operations on log events."""

from __future__ import annotations

from typing import Any

from jackbean.api.logs.asked import allowed, group_asked, instant, number
from jackbean.api.plant import Call, Plant
from jackbean.ports.logs import LogEvent
from jackbean.services.logs import Reading, Searching
from jackbean.services.logs.limits import PAGE_EVENTS_MAX

Shape = dict[str, Any]


async def put_log_events(plant: Plant, call: Call) -> Shape:
    group = await allowed(plant, call, call.text("logGroupName"))
    events = [LogEvent(int(one["timestamp"]), one["message"]) for one in call.items("logEvents")]
    count, rejected = await plant.log_groups.put(group, call.text("logStreamName"), events)
    told = {
        "tooNewLogEventStartIndex": rejected.too_new,
        "tooOldLogEventEndIndex": rejected.too_old,
        "expiredLogEventEndIndex": rejected.expired,
    }
    info = {name: index for name, index in told.items() if index is not None}
    more = {"rejectedLogEventsInfo": info} if info else {}
    return {"nextSequenceToken": f"{count:056d}", **more}


async def get_log_events(plant: Plant, call: Call) -> Shape:
    page = await plant.log_groups.reading.read(
        Reading(
            group=await group_asked(plant, call),
            stream=call.text("logStreamName"),
            since_ms=instant(call, "startTime"),
            until_ms=instant(call, "endTime"),
            limit=number(call, "limit", PAGE_EVENTS_MAX, PAGE_EVENTS_MAX),
            token=call.text("nextToken"),
            from_head=call.flag("startFromHead", default=False),
        )
    )
    return {
        "events": [_event(one) for one in page.events],
        "nextForwardToken": page.forward,
        "nextBackwardToken": page.backward,
    }


async def filter_log_events(plant: Plant, call: Call) -> Shape:
    streams = call.members.get("logStreamNames")
    found, token = await plant.log_groups.searching.search(
        Searching(
            group=await group_asked(plant, call),
            streams=None if streams is None else tuple(streams),
            prefix=call.text("logStreamNamePrefix"),
            since_ms=instant(call, "startTime"),
            until_ms=instant(call, "endTime"),
            pattern=call.text("filterPattern"),
            limit=number(call, "limit", PAGE_EVENTS_MAX, PAGE_EVENTS_MAX),
            token=call.text("nextToken"),
            newest_first=not call.flag("startFromHead", default=True),
        )
    )
    listed = [
        {
            "logStreamName": one.stream,
            **_event(one),
            "eventId": f"{one.at_ms:020d}{one.number:036d}",
        }
        for one in found
    ]
    more = {"nextToken": token} if token else {}
    return {"events": listed, "searchedLogStreams": [], **more}


def _event(one: LogEvent) -> Shape:
    return {"timestamp": one.at_ms, "message": one.text, "ingestionTime": one.taken_ms}
