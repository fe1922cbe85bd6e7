"""What every store of topics must do, in memory and on SQLite alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from jackbean.ports.topics import Delivery, Subscription, Topic, Topics
from jackbean.simulator.topics import MemoryTopics
from jackbean.storage.topics import SqliteTopics

T1, T2 = Topic("arn:t1", 1.0), Topic("arn:t2", 2.0, (("DisplayName", "x"),), (("k", "v"),))
S1 = Subscription("arn:t1:s1", "arn:t1", "http", "http://x/", 1.0, confirmed=False, token="t")
S2 = replace(S1, arn="arn:t2:s2", topic="arn:t2")
D1 = Delivery(S1.arn, "m-1", "Notification", "body", "", 10.0)


@pytest.fixture(params=("memory", "sqlite"))
def play(request, tmp_path: Path):
    async def whole(scenario) -> None:
        if request.param == "memory":
            await scenario(MemoryTopics())
            return
        store = SqliteTopics.open(tmp_path / "topics.db")
        try:
            await scenario(store)
        finally:
            await store.close()

    return lambda scenario: asyncio.run(whole(scenario))


async def filled(store: Topics) -> None:
    for topic in (T2, T1):
        await store.save_topic(topic)
    for one in (S2, S1):
        await store.save_subscription(one)


def test_topics_and_subscriptions_are_kept_and_changed(play):
    async def scenario(store: Topics) -> None:
        await filled(store)
        assert await store.topics() == [T1, T2]
        assert await store.subscriptions() == [S1, S2]
        assert await store.subscriptions("arn:t1") == [S1]
        confirmed = replace(S1, confirmed=True)
        await store.save_subscription(confirmed)
        assert await store.subscription(S1.arn) == confirmed
        assert await store.topic("arn:none") is None

    play(scenario)


def test_what_a_topic_had_goes_with_it(play):
    async def scenario(store: Topics) -> None:
        await filled(store)
        await store.post([D1, replace(D1, subscription=S2.arn)])
        await store.drop_topic("arn:t1")
        assert await store.topics() == [T2]
        assert await store.subscriptions() == [S2]
        found, _ = await store.due(10.0, 9, 9)
        assert [one.subscription for one in found] == [S2.arn]
        await store.drop_subscription(S2.arn)
        assert await store.due(10.0, 9, 9) == ([], None)
        await store.drop_topic("arn:t1")

    play(scenario)


def test_deliveries_are_due_put_off_and_settled(play):
    async def scenario(store: Topics) -> None:
        await filled(store)
        await store.post([D1, replace(D1, message="m-2", due=20.0)])
        found, later = await store.due(10.0, 9, 9)
        assert [replace(one, number=0) for one in found] == [D1]
        assert later == 20.0
        await store.put_off(found[0].number, 30.0)
        found, later = await store.due(30.0, 9, 9)
        assert [(one.message, one.attempts, one.due) for one in found] == [
            ("m-2", 0, 20.0),
            ("m-1", 1, 30.0),
        ]
        assert later is None
        await store.settle(found[0].number)
        assert [one.message for one in (await store.due(30.0, 9, 9))[0]] == ["m-1"]
        assert await store.due(9.0, 9, 9) == ([], 30.0)

    play(scenario)


def test_much_that_waits_for_one_subscriber_hides_nobody_elses(play):
    async def scenario(store: Topics) -> None:
        await filled(store)
        many = [replace(D1, message=f"m-{n}") for n in range(300)]
        await store.post([*many, replace(D1, subscription=S2.arn, due=11.0)])
        found, later = await store.due(20.0, 256, 4)
        assert [one.message for one in found] == ["m-0", "m-1", "m-2", "m-3", "m-1"]
        assert found[-1].subscription == S2.arn
        assert later is None
        found, later = await store.due(10.0, 3, 4)
        assert [one.message for one in found] == ["m-0", "m-1", "m-2"]
        assert later == 11.0

    play(scenario)
