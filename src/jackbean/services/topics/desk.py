"""Everything about topics in one hand: what a server makes once, and the API speaks to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from jackbean.ports.clock import Clock, Ids
from jackbean.ports.topics import Topics
from jackbean.services.queues import QueueDesk
from jackbean.services.topics.courier import Carrier, Courier
from jackbean.services.topics.service import TopicService


@dataclass(frozen=True)
class TopicDesk:
    topics: TopicService
    courier: Courier

    @classmethod
    def made(
        cls, store: Topics, queues: QueueDesk, world: tuple[Clock, Ids], carrier: Carrier
    ) -> Self:
        courier = Courier(store, queues, world[0], carrier)
        return cls(TopicService(store, world, queues.queues.installation, courier), courier)
