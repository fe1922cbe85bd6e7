"""What every ledger of messages must do, in memory and on SQLite alike."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from jackbean.ports.ledger import SHOWN_MAX, Entry, Ledger, Search, Stand, Try
from jackbean.ports.queues import DeadLetters, Draft, Message, Queue, Queues, Receipt, Wanted
from jackbean.simulator.ledger import MemoryLedger
from jackbean.simulator.queues import MemoryQueues
from jackbean.storage.queues import SqliteQueues

NOW = 1_700_000_000_000
KEPT = 5


@dataclass
class Place:
    queues: Queues
    ledger: Ledger
    work: Queue
    dead: Queue

    async def send(self, *ids: str, delay: int = 0, now: int = NOW) -> None:
        drafts = [Draft(id_, "body", now + delay) for id_ in ids]
        await self.queues.send(self.work.key, drafts, now)

    async def take(self, now: int = NOW, limit: int = 10) -> tuple[Message, ...]:
        dead = DeadLetters(self.dead.key, 2, "arn:work")
        wanted = Wanted(self.work.key, now, 1000, 0, limit, dead=dead)
        return (await self.queues.receive(wanted)).messages

    def tried(self, message: Message, status: int = 500, at: int = 0, **more: Any) -> Try:
        at_ms = NOW + at
        key = self.work.key
        return Try(
            key, message.number, message.receives, message.id, "i-1", at_ms, 7, status, **more
        )

    async def bury(self, *ids: str) -> list[Try]:
        """Send messages, take each twice, and tell of it, until they are dead letters."""
        await self.send(*ids)
        tries = []
        for at in (0, 1000):
            tries += [self.tried(message, at=at) for message in await self.take(NOW + at)]
        await self.take(NOW + 2000)
        await self.ledger.add(tries)
        return tries

    async def entries(self, at: int = 0, **wanted: Any) -> list[Entry]:
        search = Search(self.work.key, self.dead.key, NOW + at, **wanted)
        return await self.ledger.entries(search)


@pytest.fixture(params=("memory", "sqlite"))
def play(request: Any, tmp_path: Path) -> Any:
    async def filled(queues: Queues, ledger: Ledger, scenario: Any) -> None:
        work = await queues.add_queue(Queue("work", 1.0, 1.0))
        dead = await queues.add_queue(Queue("dead", 1.0, 1.0))
        await scenario(Place(queues, ledger, work, dead))

    async def whole(scenario: Any) -> None:
        if request.param == "memory":
            memory = MemoryQueues()
            await filled(memory, MemoryLedger(memory, KEPT), scenario)
            return
        store = SqliteQueues.open(tmp_path / "queues.db")
        try:
            await filled(store, store.ledger(KEPT), scenario)
        finally:
            await store.close()

    return lambda scenario: asyncio.run(whole(scenario))


def test_where_messages_are(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.send("held")
        await at.take()
        await at.send("waits", now=NOW + 1)
        await at.send("delayed", delay=5000, now=NOW + 2)
        found = await at.entries(at=3)
        assert [(one.message, one.stand, one.receives) for one in found] == [
            ("delayed", Stand.DELAYED, 0),
            ("waits", Stand.WAITING, 0),
            ("held", Stand.HELD, 1),
        ]
        again = [one.stand for one in await at.entries(at=1000) if one.message == "held"]
        assert again == [Stand.WAITING]
        assert found[0].sent_ms == NOW + 2
        assert found[0].visible_ms == NOW + 5002

    play(scenario)


def test_tries_are_told_with_their_message_the_last_one_first(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.send("m")
        first = at.tried((await at.take())[0], 0, error="timed out", task="t")
        second = at.tried((await at.take(NOW + 1000))[0], 200, at=1000)
        await at.ledger.add([first, second])
        (entry,) = await at.entries()
        assert entry.tries == (second, first)
        assert await at.ledger.last([entry.number, 99]) == {entry.number: second}
        assert entry.touched_ms == NOW + 1007

    play(scenario)


def test_what_is_told_again_changes_nothing(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.send("m")
        first = at.tried((await at.take())[0])
        await at.ledger.add([first])
        await at.ledger.add([replace(first, status=200), first])
        (entry,) = await at.entries()
        assert entry.tries == (first,)

    play(scenario)


def test_what_is_gone_is_remembered_for_a_while(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.send("m")
        (message,) = await at.take()
        await at.ledger.add([at.tried(message, 200)])
        await at.queues.delete(at.work.key, [Receipt(message.number, 1)])
        (entry,) = await at.entries()
        assert (entry.message, entry.stand, entry.receives) == ("m", Stand.GONE, 1)
        assert (entry.sent_ms, entry.visible_ms) == (0, 0)

    play(scenario)


def test_only_the_last_tries_of_a_queue_are_kept(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.send(*(f"m{n}" for n in range(KEPT + 3)))
        for n, message in enumerate(await at.take()):
            await at.queues.delete(at.work.key, [Receipt(message.number, 1)])
            await at.ledger.add([at.tried(message, 200, at=n)])
        assert [one.message for one in await at.entries()] == ["m7", "m6", "m5", "m4", "m3"]

    play(scenario)


async def forget_all_else(at: Place) -> None:
    await at.send(*(f"later-{n}" for n in range(KEPT + 1)), now=NOW + 3000)
    for message in await at.take(NOW + 3000):
        await at.ledger.add([at.tried(message, 200, at=4000 + message.number)])


def test_the_tries_of_dead_letters_are_kept_until_these_are_gone(play: Any) -> None:
    async def scenario(at: Place) -> None:
        tries = await at.bury("a", "b")
        await forget_all_else(at)
        await at.ledger.tidy()
        found = await at.entries(dead_only=True)
        assert {one.message: len(one.tries) for one in found} == {"a": 2, "b": 2}
        assert {one.stand for one in found} == {Stand.DEAD}
        assert [(one.receives, one.carried) for one in found] == [(2, 2), (2, 2)]
        await at.queues.purge(at.dead.key)
        await at.ledger.tidy()
        assert await at.ledger.last([one.number for one in tries]) == {}
        assert await at.entries(dead_only=True) == []

    play(scenario)


def test_dead_letters_are_among_all_the_others(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.bury("a")
        await at.send("b", now=NOW + 5000)
        found = await at.entries(at=5000)
        assert [(one.message, one.stand) for one in found] == [
            ("b", Stand.WAITING),
            ("a", Stand.DEAD),
        ]
        assert [one.message for one in await at.entries(at=5000, limit=1)] == ["b"]

    play(scenario)


def test_a_queue_without_dead_letters(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.bury("a")
        search = Search(at.work.key, None, NOW + 2000)
        assert [one.stand for one in await at.ledger.entries(search)] == [Stand.DEAD]
        assert await at.ledger.entries(replace(search, dead_only=True)) == []

    play(scenario)


def test_at_most_so_many_tries_of_one_message_are_told(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.bury("a")
        (entry,) = await at.entries(dead_only=True)
        message = (await at.queues.receive(Wanted(at.dead.key, NOW + 3000, 1000, 0))).messages[0]
        for n in range(SHOWN_MAX + 5):
            await at.ledger.add([replace(at.tried(message), receives=10 + n, at_ms=NOW - n)])
        (entry,) = await at.entries(dead_only=True)
        assert [one.receives for one in entry.tries] == list(range(34, 14, -1))

    play(scenario)
