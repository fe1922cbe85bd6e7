"""The services over names in memory and real files, on a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jackbean.core.errors import Fault
from jackbean.core.installation import Installation
from jackbean.ports.buckets import ObjectRecord
from jackbean.services.objects import Incoming, ObjectService, UploadService, Write, collect
from jackbean.services.objects.reading import joined
from jackbean.simulator.buckets import MemoryBuckets
from jackbean.simulator.clock import SeededIds, VirtualClock
from jackbean.storage.blobs import FileBlobs


@dataclass(frozen=True)
class World:
    buckets: MemoryBuckets
    blobs: FileBlobs
    clock: VirtualClock
    objects: ObjectService
    uploads: UploadService
    root: Path

    async def put(self, key: str, data: bytes, bucket: str = "bucket") -> ObjectRecord:
        return await self.objects.put(Write(bucket, key), self.incoming(data))

    def incoming(self, *chunks: bytes, **said: Any) -> Incoming:
        async def stream() -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

        return Incoming(stream(), **said)

    async def fault(self, asked: Awaitable[object]) -> Fault:
        """Await something that must be refused, and return why."""
        with pytest.raises(Fault) as raised:
            await asked
        return raised.value

    async def code(self, asked: Awaitable[object]) -> str:
        return (await self.fault(asked)).code

    async def data(self, record: ObjectRecord) -> bytes:
        files = [(self.objects.path(record), record.size)]
        return b"".join([piece async for piece in joined(files)])

    async def collect(self, *used: str) -> int:
        return await collect(self.buckets, self.blobs, used, self.clock.now())

    def files(self) -> int:
        """Count the files with bytes, finished or not."""
        return sum(path.is_file() for path in self.root.rglob("*"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    buckets, clock, root = MemoryBuckets(), VirtualClock(), tmp_path / "blobs"
    blobs = FileBlobs(root)
    objects = ObjectService(buckets, blobs, clock, Installation("local", "000000000000"))
    uploads = UploadService(buckets, blobs, clock, SeededIds(1))
    return World(buckets, blobs, clock, objects, uploads, root)


@pytest.fixture
def play(world: World) -> Callable[[Callable[[World], Awaitable[None]]], None]:
    """Run a scenario in a world that has the bucket "bucket"."""

    async def whole(scenario: Callable[[World], Awaitable[None]]) -> None:
        await world.objects.create_bucket("bucket")
        await scenario(world)

    return lambda scenario: asyncio.run(whole(scenario))
