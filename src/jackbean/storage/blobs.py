"""Immutable bytes in files named by their SHA-256.

The bytes are written elsewhere on the same file system and renamed when they and their name are
known, so a file with the right name has the right bytes, whatever moment the machine stopped at. A
name is 64 hexadecimal digits and nothing else, so no name leads out of the root.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import tempfile
import threading
from collections.abc import AsyncIterable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

from jackbean.core.errors import Fault, PortError
from jackbean.ports.objects import Blob
from jackbean.storage.durable import sync_directory

DIGEST = re.compile(r"[0-9a-f]{64}")
SIZE_MAX = 5 << 30  # what one upload to S3 may have
INCOMING = "incoming"  # no two hexadecimal digits, so it is in nobody's way
WRITE_BYTES = 1 << 20  # handed to a thread at once

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class FileBlobs:
    """`ports.objects.Blobs` under one directory, which nobody else may write to."""

    def __init__(self, root: Path, *, size_max: int = SIZE_MAX) -> None:
        """Make the directory if need be, and remove what was not finished. Raises PortError."""
        self._root = root.absolute()
        self._size_max = size_max
        self._shards: set[str] = set()  # whose names are known to be on disk
        try:
            self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._root.chmod(0o700)
            for leftover in self._incoming.iterdir():
                leftover.unlink()
            sync_directory(self._root)
        except OSError as error:
            raise PortError(f"blobs cannot be kept in {self._root}: {error}") from error

    async def put(self, chunks: AsyncIterable[bytes]) -> Blob:
        """Keep the bytes. Raises what `chunks` raises, Fault (too large), PortError."""
        with self._failing():
            writing = _Incoming(self._incoming, self._size_max)
        try:
            waiting = bytearray()
            async for chunk in chunks:
                waiting += chunk
                if len(waiting) >= WRITE_BYTES:
                    await self._thread(writing.add, bytes(waiting))
                    waiting.clear()
            await self._thread(writing.add, bytes(waiting))
            return await self._thread(self._finish, writing)
        finally:
            await self._thread(writing.abandon)

    def path(self, digest: str) -> Path:
        path = self._place(digest)
        if not path.is_file():
            raise PortError(f"there are no bytes {digest} in {self._root}")
        return path

    async def delete(self, digest: str) -> None:
        path = self._place(digest)
        await self._thread(path.unlink, missing_ok=True)

    @property
    def _incoming(self) -> Path:
        return self._root / INCOMING

    def _place(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise PortError(f"{digest[:80]!r} is not the SHA-256 of anything")
        return self._root / digest[:2] / digest[2:]

    def _finish(self, writing: _Incoming) -> Blob:
        """Give the bytes their name, on disk when it returns."""
        blob = writing.finish()
        place = self._place(blob.digest)
        shard = place.parent
        shard.mkdir(mode=0o700, exist_ok=True)
        if shard.name not in self._shards:
            sync_directory(self._root)
            self._shards.add(shard.name)
        writing.move(place)
        sync_directory(shard)
        return blob

    async def _thread(
        self,
        work: Callable[Parameters, Result],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        with self._failing():
            return await asyncio.to_thread(work, *args, **kwargs)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise PortError(f"blobs cannot be kept in {self._root}: {error}") from error


class _Incoming:
    """Bytes on their way, in a file that has no name yet that anybody would look for.

    The lock is for a caller that gives up: its last act may still be going on in a thread, and a
    file must not be closed under it.
    """

    def __init__(self, directory: Path, size_max: int) -> None:
        file, name = tempfile.mkstemp(dir=directory)
        self._path = Path(name)
        self._file = os.fdopen(file, "wb", buffering=0)
        self._lock = threading.Lock()
        self._size_max = size_max
        self._size = 0
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)

    def add(self, chunk: bytes) -> None:
        with self._lock:
            self._size += len(chunk)
            if self._size > self._size_max:
                raise Fault(
                    "EntityTooLarge",
                    "Your proposed upload exceeds the maximum allowed size of "
                    f"{self._size_max} bytes.",
                )
            self._sha256.update(chunk)
            self._md5.update(chunk)
            _write(self._file.fileno(), chunk)

    def finish(self) -> Blob:
        """Return what came, once it is on disk."""
        with self._lock:
            os.fchmod(self._file.fileno(), 0o400)
            os.fsync(self._file.fileno())
            return Blob(self._sha256.hexdigest(), self._size, self._md5.hexdigest())

    def move(self, place: Path) -> None:
        with self._lock:
            self._path.replace(place)

    def abandon(self) -> None:
        """Close the file, and remove it unless it has got its place."""
        with self._lock:
            self._file.close()
            self._path.unlink(missing_ok=True)


def _write(file: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(file, rest) :]
