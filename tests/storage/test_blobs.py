"""Blobs in files: what is on disk, and when."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jackbean.core.errors import Fault, PortError
from jackbean.ports.objects import Blob
from jackbean.storage.blobs import FileBlobs

DEADLINE_S = 30


async def chunks(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def put(blobs: FileBlobs, *parts: bytes) -> Blob:
    return asyncio.run(blobs.put(chunks(parts)))


def files(root: Path) -> set[str]:
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_only_the_owner_may_look(tmp_path: Path) -> None:
    blob = put(FileBlobs(tmp_path / "deep" / "blobs"), b"x")
    root = tmp_path / "deep" / "blobs"
    place = root / blob.digest[:2] / blob.digest[2:]
    assert place.read_bytes() == b"x"
    assert [mode(p) for p in (root, root / "incoming", place.parent, place)] == [
        0o700,
        0o700,
        0o700,
        0o400,
    ]


def test_the_name_is_given_last_and_all_is_on_disk_before_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = FileBlobs(tmp_path / "blobs")
    story: list[str] = []
    sync, move = os.fsync, os.replace

    def noted_sync(file: int) -> None:
        sync(file)
        path = Path(f"/proc/self/fd/{file}").readlink()
        story.append("sync " + ("bytes" if path.parent.name == "incoming" else path.name))

    def noted_move(source: Path, target: Path) -> None:
        move(source, target)
        story.append(f"move to {Path(target).parent.name}")

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_move)
    shard = put(blobs, b"abc").digest[:2]
    assert story == ["sync bytes", "sync blobs", f"move to {shard}", f"sync {shard}"]


def test_leftovers_are_removed_at_open_and_blobs_are_not(tmp_path: Path) -> None:
    blob = put(FileBlobs(tmp_path), b"x")
    (tmp_path / "incoming" / "tmpleftover").write_bytes(b"half")
    reopened = FileBlobs(tmp_path)
    assert files(tmp_path) == {f"{blob.digest[:2]}/{blob.digest[2:]}"}
    assert reopened.path(blob.digest).read_bytes() == b"x"


def test_a_limit_of_size(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path, size_max=10)
    assert put(blobs, b"12345", b"67890").size == 10
    with pytest.raises(Fault, match="maximum allowed size of 10 bytes") as caught:
        put(blobs, b"12345", b"678901")
    assert caught.value.code == "EntityTooLarge"
    assert len(files(tmp_path)) == 1


def test_a_sender_that_goes_on_for_ever_is_stopped_at_the_limit(tmp_path: Path) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1 << 16
            yield bytes(1 << 16)

    with pytest.raises(Fault):
        asyncio.run(FileBlobs(tmp_path, size_max=1 << 20).put(endless()))
    assert sent <= 3 << 20


def test_nothing_is_left_of_what_was_given_up(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)

    async def give_up() -> None:
        begun = asyncio.Event()

        async def stuck() -> AsyncIterator[bytes]:
            yield bytes(2 << 20)
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(blobs.put(stuck()))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    assert files(tmp_path) == set()


def test_a_file_is_not_closed_under_the_thread_that_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number would be another file's by then, and the bytes would go there."""
    blobs = FileBlobs(tmp_path)
    inside, go_on = threading.Event(), threading.Event()
    numbers: list[int] = []

    def held_up(file: int, _: memoryview) -> int:
        numbers.append(file)
        inside.set()
        assert go_on.wait(DEADLINE_S)
        os.fstat(file)  # fails if it is closed
        numbers.append(file)
        return 1

    async def give_up() -> None:
        task = asyncio.create_task(blobs.put(chunks([b"x"])))
        await asyncio.to_thread(inside.wait, DEADLINE_S)
        task.cancel()
        for _ in range(50):  # time to do it wrong
            if not task.done() and _open(numbers[0]):
                await asyncio.sleep(0.001)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    monkeypatch.setattr(os, "write", held_up)
    asyncio.run(give_up())
    assert len(numbers) == 2
    assert files(tmp_path) == set()


def _open(file: int) -> bool:
    return Path(f"/proc/self/fd/{file}").exists()


def test_a_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = FileBlobs(tmp_path)

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(PortError, match="No space left"):
        asyncio.run(blobs.put(chunks([b"x"])))
    assert files(tmp_path) == set()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PortError, match="file/blobs"):
        FileBlobs(tmp_path / "file" / "blobs")


CHILD = """
import asyncio, sys
from pathlib import Path
from jackbean.storage.blobs import FileBlobs

async def main():
    blobs = FileBlobs(Path(sys.argv[1]))
    async def chunks(n):
        for part in range(8):
            yield (b"%d-%d " % (n, part)) * 5000
    async def writer(first):
        for n in range(first, 10**6, 4):
            blob = await blobs.put(chunks(n))
            print(blob.digest, blob.size, flush=True)
    await asyncio.gather(*map(writer, range(4)))

asyncio.run(main())
"""


@pytest.fixture
def child(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", CHILD, str(tmp_path / "blobs")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.mark.timeout(DEADLINE_S)
def test_a_kill_leaves_whole_blobs_only(tmp_path: Path, child: subprocess.Popen[str]) -> None:
    assert child.stdout
    acknowledged = [child.stdout.readline() for _ in range(40)]
    os.kill(child.pid, signal.SIGKILL)
    acknowledged += [line for line in child.stdout if line.endswith("\n")]
    blobs = FileBlobs(tmp_path / "blobs")
    for line in acknowledged:
        digest, size = line.split()
        assert blobs.path(digest).stat().st_size == int(size)
    for name in files(tmp_path / "blobs"):
        whole = (tmp_path / "blobs" / name).read_bytes()
        assert hashlib.sha256(whole).hexdigest() == name.replace("/", "")
