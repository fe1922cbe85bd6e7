"""What every keeper of bytes promises, on all of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import pytest

from jackbean.core.errors import PortError
from jackbean.ports.objects import Blob, Blobs
from jackbean.simulator.blobs import MemoryBlobs
from jackbean.storage.blobs import FileBlobs

NOT_DIGESTS = [
    "",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "a" * 63,
    "A" * 64,
    "a" * 64 + "\n",
    "../" + "a" * 61,
    "\u0660" * 64,
]


@pytest.fixture(params=["memory", "files"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    return MemoryBlobs(tmp_path) if request.param == "memory" else FileBlobs(tmp_path / "blobs")


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


async def chunks(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        await asyncio.sleep(0)
        yield part


@pytest.mark.parametrize(
    "parts",
    [[], [b""], [b"abc"], [b"a", b"", b"bc"], [bytes([n % 251]) * 70_000 for n in range(40)]],
    ids=["nothing", "empty", "one", "three", "many"],
)
def test_bytes_come_back_under_their_digest(
    runner: asyncio.Runner, blobs: Blobs, parts: list[bytes]
) -> None:
    whole = b"".join(parts)
    blob = runner.run(blobs.put(chunks(parts)))
    md5 = hashlib.md5(whole).hexdigest()
    assert blob == Blob(hashlib.sha256(whole).hexdigest(), len(whole), md5)
    assert blobs.path(blob.digest).read_bytes() == whole


def test_the_same_bytes_at_once_are_one_blob(runner: asyncio.Runner, blobs: Blobs) -> None:
    async def at_once() -> list[Blob]:
        return await asyncio.gather(*(blobs.put(chunks([b"same"] * 9)) for _ in range(8)))

    found = runner.run(at_once())
    assert len(set(found)) == 1
    assert blobs.path(found[0].digest).read_bytes() == b"same" * 9


def test_nothing_is_kept_where_the_sender_fails(runner: asyncio.Runner, blobs: Blobs) -> None:
    async def torn() -> AsyncIterator[bytes]:
        yield b"whole"
        raise ConnectionResetError("the client is gone")

    with pytest.raises(ConnectionResetError, match="the client is gone"):
        runner.run(blobs.put(torn()))
    with pytest.raises(PortError):
        blobs.path(hashlib.sha256(b"whole").hexdigest())


def test_deleted_bytes_are_gone_and_may_be_deleted_again(
    runner: asyncio.Runner, blobs: Blobs
) -> None:
    digest = runner.run(blobs.put(chunks([b"x"]))).digest
    other = runner.run(blobs.put(chunks([b"y"]))).digest
    runner.run(blobs.delete(digest))
    runner.run(blobs.delete(digest))
    with pytest.raises(PortError, match=digest):
        blobs.path(digest)
    assert blobs.path(other).read_bytes() == b"y"
    assert runner.run(blobs.put(chunks([b"x"]))).digest == digest
    assert blobs.path(digest).read_bytes() == b"x"


@pytest.mark.parametrize("digest", NOT_DIGESTS)
def test_what_is_no_digest_is_no_path(blobs: Blobs, digest: str) -> None:
    with pytest.raises(PortError):
        blobs.path(digest)
