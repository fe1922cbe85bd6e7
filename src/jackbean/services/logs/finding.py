"""What a request names, or the Fault that it is not there."""

from __future__ import annotations

from jackbean.ports.logs import LogGroup, Logs, LogStream
from jackbean.services.logs import faults


async def group_of(store: Logs, name: str) -> LogGroup:
    group = await store.group(name)
    if group is None:
        raise faults.no_group()
    return group


async def stream_of(store: Logs, group: str, name: str) -> LogStream:
    await group_of(store, group)
    stream = await store.stream(group, name)
    if stream is None:
        raise faults.no_stream()
    return stream


async def streams_of(store: Logs, group: str) -> list[LogStream]:
    await group_of(store, group)
    return await store.streams(group)
