"""Rotated logs that instances publish, in the storage bucket until somebody deletes them.

An environment keeps a bounded amount: a disk is smaller than AWS, and an application that prints
without end is to hurt nobody else. Beyond it the oldest go.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from jackbean.api.plant import Plant
from jackbean.ports.buckets import ObjectRecord
from jackbean.services.objects import Incoming, ListQuery, Write

PREFIX = "resources/environments/logs/publish/"
NAME = re.compile(r"[A-Za-z0-9._@+=,~-]{1,400}\.gz")
ENVIRONMENT_BYTES_MAX = 5 << 30


async def publish(
    plant: Plant, place: tuple[str, str], name: str, body: AsyncIterator[bytes]
) -> None:
    """Keep a log of an instance; `place` is the ids of its environment and its own."""
    bucket = plant.world.installation.bucket
    await plant.objects.ensure_bucket(bucket)
    await plant.objects.put(Write(bucket, f"{PREFIX}{place[0]}/{place[1]}/{name}"), Incoming(body))
    await _bound(plant, bucket, f"{PREFIX}{place[0]}/")


async def _bound(plant: Plant, bucket: str, prefix: str) -> None:
    found = await _listed(plant, bucket, prefix)
    excess = sum(one.size for one in found) - ENVIRONMENT_BYTES_MAX
    old = []
    for one in sorted(found, key=lambda one: one.modified):
        if excess <= 0:
            break
        excess -= one.size
        old.append(one.key)
    if old:
        await plant.objects.delete_all(bucket, old)


async def _listed(plant: Plant, bucket: str, prefix: str) -> list[ObjectRecord]:
    found: list[ObjectRecord] = []
    after = ""
    while True:
        page = await plant.objects.list(bucket, ListQuery(prefix=prefix, after=after))
        found.extend(page.items)
        if not page.truncated:
            return found
        after = page.last
