"""Topics in memory, under the same rules as on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jackbean.ports.topics import Delivery, Subscription, Topic


class MemoryTopics:
    """`ports.topics.Topics` for simulated histories. Nothing waits, so every change is atomic."""

    def __init__(self) -> None:
        self._topics: dict[str, Topic] = {}
        self._subscriptions: dict[str, Subscription] = {}
        self._deliveries: dict[int, Delivery] = {}
        self._numbers = 0

    async def topics(self) -> list[Topic]:
        return [self._topics[arn] for arn in sorted(self._topics)]

    async def topic(self, arn: str) -> Topic | None:
        return self._topics.get(arn)

    async def save_topic(self, topic: Topic) -> None:
        self._topics[topic.arn] = topic

    async def drop_topic(self, arn: str) -> None:
        for one in await self.subscriptions(arn):
            await self.drop_subscription(one.arn)
        self._topics.pop(arn, None)

    async def subscriptions(self, topic: str = "") -> list[Subscription]:
        found = [s for s in self._subscriptions.values() if topic in ("", s.topic)]
        return sorted(found, key=lambda one: one.arn)

    async def subscription(self, arn: str) -> Subscription | None:
        return self._subscriptions.get(arn)

    async def save_subscription(self, subscription: Subscription) -> None:
        self._subscriptions[subscription.arn] = subscription

    async def drop_subscription(self, arn: str) -> None:
        self._subscriptions.pop(arn, None)
        waiting = self._deliveries.items()
        self._deliveries = {n: one for n, one in waiting if one.subscription != arn}

    async def post(self, deliveries: Sequence[Delivery]) -> None:
        for one in deliveries:
            self._numbers += 1
            self._deliveries[self._numbers] = replace(one, number=self._numbers)

    async def due(self, now: float, limit: int, each: int) -> tuple[list[Delivery], float | None]:
        found = sorted(self._deliveries.values(), key=lambda one: (one.due, one.number))
        ready: list[Delivery] = []
        for one in found:
            to_it = sum(other.subscription == one.subscription for other in ready)
            if one.due <= now and to_it < each:
                ready.append(one)
        later = [one.due for one in found if one.due > now]
        return ready[:limit], min(later, default=None)

    async def put_off(self, number: int, due: float) -> None:
        if number in self._deliveries:
            one = self._deliveries[number]
            self._deliveries[number] = replace(one, due=due, attempts=one.attempts + 1)

    async def settle(self, number: int) -> None:
        self._deliveries.pop(number, None)
