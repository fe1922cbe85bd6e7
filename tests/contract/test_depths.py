"""How full queues are, told alike in memory and by the service of queues."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from jackbean.core.installation import Installation
from jackbean.ports.depths import Depth, Depths
from jackbean.services.queues import Entry, QueueDepths, QueueDesk, Receive
from jackbean.simulator.clock import SeededIds, VirtualClock
from jackbean.simulator.depths import MemoryDepths
from jackbean.storage.queues import SqliteQueues

HERE = Installation("us-east-1", "123456789012")
FULL = Depth(waiting=3, held=1, delayed=2, dead=1)
Scenario = Callable[[Depths], Awaitable[None]]


async def filled(desk: QueueDesk) -> None:
    """Make queue `jobs` as full as FULL, and `empty` beside it."""
    await desk.queues.create("dead", {}, {})
    policy = json.dumps({"deadLetterTargetArn": HERE.arn("dead", "sqs"), "maxReceiveCount": 1})
    await desk.queues.create("jobs", {"RedrivePolicy": policy}, {})
    await desk.queues.create("empty", {}, {})
    for number in range(4):
        await desk.traffic.send("jobs", Entry(body=f"message {number}"), "me")
    for _ in range(2):
        await desk.traffic.send("jobs", Entry(body="later", delay_s=60), "me")
    await desk.traffic.send("dead", Entry(body="lost"), "me")
    assert len(await desk.traffic.receive("jobs", Receive(limit=1, wait_s=0))) == 1


@pytest.fixture(params=("memory", "sqlite"))
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scenario], None]:
    async def memory(scenario: Scenario) -> None:
        depths = MemoryDepths()
        depths.found = {"jobs": FULL, "empty": Depth()}
        await scenario(depths)

    async def sqlite(scenario: Scenario) -> None:
        store = SqliteQueues.open(tmp_path / "queues.db")
        clock = VirtualClock()
        desk = QueueDesk.made(store, HERE, (clock, SeededIds(1)), b"secret")
        try:
            await filled(desk)
            await scenario(QueueDepths(desk.queues))
        finally:
            await store.close()

    kinds = {"memory": memory, "sqlite": sqlite}
    return lambda scenario: asyncio.run(kinds[request.param](scenario))


def test_messages_are_told_apart(play: Callable[[Scenario], None]) -> None:
    async def scenario(depths: Depths) -> None:
        assert await depths.look("jobs") == FULL
        assert await depths.look("empty") == Depth()
        assert FULL.backlog == 4

    play(scenario)


def test_a_url_is_as_good_as_a_name(play: Callable[[Scenario], None]) -> None:
    async def scenario(depths: Depths) -> None:
        for host in ("http://localhost:7070", "https://sqs.us-east-1.amazonaws.com"):
            assert await depths.look(f"{host}/{HERE.account}/jobs") == FULL

    play(scenario)


def test_no_queue_has_no_depth(play: Callable[[Scenario], None]) -> None:
    async def scenario(depths: Depths) -> None:
        assert await depths.look("nobody") is None
        assert await depths.look("") is None

    play(scenario)
