"""Topics on SQLite, in a database of their own; what is asked for often is in memory, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Self

from jackbean.ports.topics import Delivery, Subscription, Topic
from jackbean.storage.codec import dump, load
from jackbean.storage.database import Database
from jackbean.storage.schema import scripts


class SqliteTopics:
    """`ports.topics.Topics` in a SQLite file. Several tasks may use it at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._topics: dict[str, Topic] | None = None
        self._subscriptions: dict[str, Subscription] = {}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the database, making it or bringing it up to date. Blocks. Raises PortError."""
        return cls(Database.open(path, scripts("topics")))

    async def close(self) -> None:
        await self._database.close()

    async def topics(self) -> list[Topic]:
        known = await self._all()
        return [known[arn] for arn in sorted(known)]

    async def topic(self, arn: str) -> Topic | None:
        return (await self._all()).get(arn)

    async def save_topic(self, topic: Topic) -> None:
        known = await self._all()
        await self._run("INSERT OR REPLACE INTO topics VALUES (?, ?)", topic.arn, dump(topic))
        known[topic.arn] = topic

    async def drop_topic(self, arn: str) -> None:
        known = await self._all()
        await self._database.write(partial(_drop_topic, arn))
        known.pop(arn, None)
        for one in [s for s in self._subscriptions.values() if s.topic == arn]:
            del self._subscriptions[one.arn]

    async def subscriptions(self, topic: str = "") -> list[Subscription]:
        await self._all()
        found = [s for s in self._subscriptions.values() if topic in ("", s.topic)]
        return sorted(found, key=lambda one: one.arn)

    async def subscription(self, arn: str) -> Subscription | None:
        await self._all()
        return self._subscriptions.get(arn)

    async def save_subscription(self, subscription: Subscription) -> None:
        await self._all()
        sql = "INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?)"
        await self._run(sql, subscription.arn, subscription.topic, dump(subscription))
        self._subscriptions[subscription.arn] = subscription

    async def drop_subscription(self, arn: str) -> None:
        await self._all()
        await self._database.write(partial(_drop_subscriptions, [arn]))
        self._subscriptions.pop(arn, None)

    async def post(self, deliveries: Sequence[Delivery]) -> None:
        rows = [(one.subscription, one.due, one.attempts, dump(one)) for one in deliveries]
        sql = "INSERT INTO deliveries (subscription, due, attempts, body) VALUES (?, ?, ?, ?)"
        await self._database.write(lambda connection: connection.executemany(sql, rows))

    async def due(self, now: float, limit: int, each: int) -> tuple[list[Delivery], float | None]:
        values = {"now": now, "limit": limit, "each": each}
        return await self._database.read(partial(_due, values))

    async def put_off(self, number: int, due: float) -> None:
        sql = "UPDATE deliveries SET due = ?, attempts = attempts + 1 WHERE number = ?"
        await self._run(sql, due, number)

    async def settle(self, number: int) -> None:
        await self._run("DELETE FROM deliveries WHERE number = ?", number)

    # Within

    async def _all(self) -> dict[str, Topic]:
        if self._topics is None:
            topics, subscriptions = await self._database.read(_loaded)
            if self._topics is None:
                self._topics = {topic.arn: topic for topic in topics}
                self._subscriptions = {one.arn: one for one in subscriptions}
        return self._topics

    async def _run(self, sql: str, *values: object) -> None:
        await self._database.write(lambda connection: connection.execute(sql, values))


# Each subscriber is found by one step through an index, whatever waits for those before it.
READY = """
    WITH RECURSIVE subscribers (arn) AS (
        SELECT min(subscription) FROM deliveries
        UNION ALL
        SELECT (SELECT min(subscription) FROM deliveries WHERE subscription > arn)
        FROM subscribers WHERE arn IS NOT NULL
    )
    SELECT number, due, attempts, body FROM subscribers JOIN deliveries ON number IN (
        SELECT number FROM deliveries
        WHERE subscription = arn AND due <= :now ORDER BY due, number LIMIT :each)
    ORDER BY due, number LIMIT :limit
"""


def _loaded(connection: Connection) -> tuple[list[Topic], list[Subscription]]:
    topics = connection.execute("SELECT body FROM topics").fetchall()
    subscriptions = connection.execute("SELECT body FROM subscriptions").fetchall()
    return (
        [load(Topic, body, "a topic") for (body,) in topics],
        [load(Subscription, body, "a subscription") for (body,) in subscriptions],
    )


def _drop_topic(arn: str, connection: Connection) -> None:
    rows = connection.execute("SELECT arn FROM subscriptions WHERE topic = ?", (arn,)).fetchall()
    _drop_subscriptions([one for (one,) in rows], connection)
    connection.execute("DELETE FROM topics WHERE arn = ?", (arn,))


def _drop_subscriptions(arns: list[str], connection: Connection) -> None:
    values = [(arn,) for arn in arns]
    connection.executemany("DELETE FROM deliveries WHERE subscription = ?", values)
    connection.executemany("DELETE FROM subscriptions WHERE arn = ?", values)


def _due(
    values: Mapping[str, float], connection: Connection
) -> tuple[list[Delivery], float | None]:
    rows = connection.execute(READY, values).fetchall()
    found = [
        replace(load(Delivery, body, "a delivery"), number=number, due=due, attempts=attempts)
        for number, due, attempts, body in rows
    ]
    sql = "SELECT min(due) FROM deliveries WHERE due > :now"
    (later,) = connection.execute(sql, values).fetchone()
    return found, None if later is None else float(later)
