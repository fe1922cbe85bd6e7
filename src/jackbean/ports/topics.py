"""Topics, who subscribes to them, and what is still to be delivered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Topic:
    arn: str
    created: float
    attributes: Pairs = ()
    tags: Pairs = ()

    @property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]

    @property
    def fifo(self) -> bool:
        return self.arn.endswith(".fifo")


@dataclass(frozen=True)
class Subscription:
    """`token` confirms it; nothing is delivered before."""

    arn: str
    topic: str
    protocol: str
    endpoint: str
    created: float
    confirmed: bool
    token: str = ""
    base_url: str = ""  # by which its subscriber reaches us
    attributes: Pairs = ()


@dataclass(frozen=True)
class Delivery:
    """One thing to bring to one subscriber, due at an instant, after so many attempts.

    `number` is 0 before it is kept. `kind` is what the subscriber is told that it is.
    """

    subscription: str
    message: str  # the id of what was published
    kind: str
    body: str
    attributes: str
    due: float
    attempts: int = 0
    number: int = 0


class Topics(Protocol):
    """A change is on disk when it returns, and seen by every read after that."""

    async def topics(self) -> list[Topic]:
        """Return all, by ARN."""
        ...

    async def topic(self, arn: str) -> Topic | None: ...

    async def save_topic(self, topic: Topic) -> None: ...

    async def drop_topic(self, arn: str) -> None:
        """Remove a topic, its subscriptions, and what they wait for."""
        ...

    async def subscriptions(self, topic: str = "") -> list[Subscription]:
        """Return those of a topic, or all, by ARN."""
        ...

    async def subscription(self, arn: str) -> Subscription | None: ...

    async def save_subscription(self, subscription: Subscription) -> None: ...

    async def drop_subscription(self, arn: str) -> None:
        """Remove a subscription and what it waits for."""
        ...

    async def post(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries until they are settled."""
        ...

    async def due(self, now: float, limit: int, each: int) -> tuple[list[Delivery], float | None]:
        """Return deliveries that are due, and when the first that is not will be.

        There are at most `each` to one subscriber, those that have waited longest.
        """
        ...

    async def put_off(self, number: int, due: float) -> None:
        """Count an attempt, and try again later."""
        ...

    async def settle(self, number: int) -> None:
        """Forget a delivery: it is done, or given up."""
        ...
