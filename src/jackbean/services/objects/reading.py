"""Reading bytes that are kept, a piece at a time: no object is ever in memory whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from jackbean.core.errors import PortError
from jackbean.services.objects.ranges import Slice

PIECE_BYTES = 512 << 10


async def pieces(path: Path, part: Slice) -> AsyncIterator[bytes]:
    """Yield the bytes of one part of a file. Raises PortError where the file is too short."""
    file = await asyncio.to_thread(path.open, "rb")
    try:
        await asyncio.to_thread(file.seek, part.first)
        left = part.length
        while left:
            piece = await asyncio.to_thread(file.read, min(left, PIECE_BYTES))
            if not piece:
                raise PortError(f"{path} ended {left} bytes before its size: its disk is at fault")
            left -= len(piece)
            yield piece
    finally:
        file.close()


async def joined(files: Iterable[tuple[Path, int]]) -> AsyncIterator[bytes]:
    """Yield the bytes of whole files, one after the other."""
    for path, size in files:
        async for piece in pieces(path, Slice(0, size, size)):
            yield piece
