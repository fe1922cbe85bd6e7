"""Immutable bytes, named by their SHA-256."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Blob:
    digest: str  # 64 hexadecimal digits
    size: int
    md5: str  # of the same bytes, hexadecimal: what an ETag is made of


class Blobs(Protocol):
    async def put(self, chunks: AsyncIterable[bytes]) -> Blob:
        """Keep the bytes, on disk when it returns; nothing is kept where `chunks` raises."""
        ...

    def path(self, digest: str) -> Path:
        """Return the file that holds the bytes. Raises PortError where there is none."""
        ...

    async def delete(self, digest: str) -> None:
        """Forget the bytes; unknown ones are forgotten already."""
        ...
