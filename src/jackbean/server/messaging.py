"""Queues and topics of a running control plane: opened, gone on with, and closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from jackbean.control.workers import queue_of
from jackbean.control.world import World
from jackbean.core.installation import Installation
from jackbean.ports.clock import Clock, Ids
from jackbean.ports.firings import Firings
from jackbean.ports.ledger import Ledger
from jackbean.server.carrier import NetworkCarrier
from jackbean.services.periodic import PeriodicDesk, Workers
from jackbean.services.queues import QueueDesk
from jackbean.services.topics import TopicDesk
from jackbean.storage.queues import SqliteQueues
from jackbean.storage.topics import SqliteTopics


@dataclass(frozen=True)
class Messaging:
    """The desks that answer, and what is kept beside the messages."""

    queues: QueueDesk
    topics: TopicDesk
    firings: Firings
    ledger: Ledger

    def periodic(self, world: World) -> PeriodicDesk:
        """Return the desk of periodic tasks, which go by the machine's own clock."""
        find = partial(queue_of, world.installation)
        workers = Workers(world.store, world.installation, find)
        ledgers = (self.firings, self.ledger, self.queues.posting)
        return PeriodicDesk(world.store, workers, ledgers, time.time)


@asynccontextmanager
async def messaging(
    data: Path, installation: Installation, world: tuple[Clock, Ids], secret: bytes
) -> AsyncIterator[Messaging]:
    """Open the stores of a data directory, go on with what was under way, and close them again."""
    async with AsyncExitStack() as stack:
        kept = SqliteQueues.open(data / "queues.db")
        stack.push_async_callback(kept.close)
        queues = QueueDesk.made(kept, installation, world, secret)
        store = SqliteTopics.open(data / "topics.db")
        stack.push_async_callback(store.close)
        carrier = NetworkCarrier(data)
        stack.callback(carrier.close)
        topics = TopicDesk.made(store, queues, world, carrier)
        stack.push_async_callback(topics.courier.close)
        stack.push_async_callback(queues.moves.close)
        await queues.moves.recover()
        delivering = asyncio.create_task(topics.courier.run())
        stack.callback(delivering.cancel)
        yield Messaging(queues, topics, kept.firings(), kept.ledger())
