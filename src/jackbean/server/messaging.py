"""Queues and topics of a running control plane: opened, gone on with, and closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from jackbean.core.installation import Installation
from jackbean.ports.clock import Clock, Ids
from jackbean.services.queues import QueueDesk
from jackbean.storage.queues import SqliteQueues


@dataclass(frozen=True)
class Messaging:
    queues: QueueDesk


@asynccontextmanager
async def messaging(
    data: Path, installation: Installation, world: tuple[Clock, Ids], secret: bytes
) -> AsyncIterator[Messaging]:
    """Open the stores of a data directory, and close them again."""
    store = SqliteQueues.open(data / "queues.db")
    try:
        queues = QueueDesk.made(store, installation, world, secret)
        await queues.moves.recover()
        try:
            yield Messaging(queues)
        finally:
            await queues.moves.close()
    finally:
        await store.close()
