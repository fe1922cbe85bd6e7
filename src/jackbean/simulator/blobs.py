"""Bytes in memory, named by their SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable
from pathlib import Path

from jackbean.core.errors import PortError
from jackbean.ports.objects import Blob


class MemoryBlobs:
    """`ports.objects.Blobs`. What is asked for by `path` is written to `directory` then."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._bytes: dict[str, bytes] = {}

    async def put(self, chunks: AsyncIterable[bytes]) -> Blob:
        whole = b"".join([chunk async for chunk in chunks])
        digest = hashlib.sha256(whole).hexdigest()
        self._bytes[digest] = whole
        return Blob(digest, len(whole), hashlib.md5(whole, usedforsecurity=False).hexdigest())

    def path(self, digest: str) -> Path:
        if digest not in self._bytes:
            raise PortError(f"there are no bytes {digest[:80]!r}")
        path = self._directory / digest
        path.write_bytes(self._bytes[digest])
        return path

    async def delete(self, digest: str) -> None:
        self._bytes.pop(digest, None)
