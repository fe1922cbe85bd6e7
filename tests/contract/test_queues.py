"""What every store of messages must do, in memory and on SQLite alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from jackbean.ports.queues import (
    HELD_MS_MAX,
    Counts,
    DeadLetters,
    Draft,
    Haul,
    Move,
    Outcome,
    Phase,
    Queue,
    QueueRefusal,
    QueueRefused,
    Queues,
    Receipt,
    Transfer,
    Wanted,
)
from jackbean.simulator.queues import MemoryQueues
from jackbean.storage.queues import SqliteQueues

T = 1_700_000_000_000
HOLD = 30_000
Scenario = Callable[["Played"], Awaitable[None]]


@asynccontextmanager
async def opened(kind: str, path: Path) -> AsyncIterator[Queues]:
    if kind == "memory":
        yield MemoryQueues()
        return
    store = SqliteQueues.open(path / "queues.db")
    try:
        yield store
    finally:
        await store.close()


class Played:
    """A store with two queues and a first-in-first-out one, spoken to in few words."""

    def __init__(self, store: Queues) -> None:
        self.store = store
        self.sent = 0

    async def begin(self) -> None:
        names = ("q", "dead", "f.fifo", "dead.fifo")
        made = [await self.store.add_queue(Queue(name, 1.0, 1.0)) for name in names]
        self.q, self.dead, self.f, self.dead_f = (queue.key for queue in made)

    async def send(
        self, *bodies: str, at: int = T, queue: int = 0, lane: str | None = None
    ) -> None:
        drafts = [Draft(f"id-{body}", body, at, lane=lane) for body in bodies]
        await self.store.send(queue or (self.q if lane is None else self.f), drafts, at)

    async def receive(self, limit: int = 10, at: int = T, queue: int = 0, **more: object) -> Haul:
        wanted = Wanted(queue or self.q, at, HOLD, T - 60_000, limit)
        return await self.store.receive(
            replace(wanted, fifo=wanted.queue in (self.f, self.dead_f), **more)  # type: ignore[arg-type]  # fields of Wanted
        )

    async def bodies(self, limit: int = 10, at: int = T, queue: int = 0, **more: object) -> str:
        haul = await self.receive(limit, at, queue, **more)
        return " ".join(message.body for message in haul.messages)


@pytest.fixture(params=("memory", "sqlite"))
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scenario], None]:
    async def whole(scenario: Scenario) -> None:
        async with opened(request.param, tmp_path) as store:
            played = Played(store)
            await played.begin()
            await scenario(played)

    return lambda scenario: asyncio.run(whole(scenario))


def receipts(haul: Haul) -> list[Receipt]:
    return [Receipt(message.number, message.receives) for message in haul.messages]


# Queues


def test_a_name_is_taken_once_and_a_key_is_never_given_again(play):
    async def scenario(p: Played) -> None:
        with pytest.raises(QueueRefused) as refused:
            await p.store.add_queue(Queue("q", 2.0, 2.0))
        assert refused.value.why is QueueRefusal.TAKEN
        await p.send("old")
        await p.store.drop_queue(p.q)
        assert await p.store.queue("q") is None
        again = await p.store.add_queue(Queue("q", 2.0, 2.0))
        assert again.key not in (p.q, p.dead, p.f, p.dead_f)
        assert await p.bodies(queue=again.key) == ""
        assert await p.store.counts(p.q, T) == Counts()

    play(scenario)


def test_queues_are_listed_by_name_and_keep_what_is_saved(play):
    async def scenario(p: Played) -> None:
        queue = await p.store.queue("dead")
        saved = replace(queue, attributes=(("A", "1"),), tags=(("t", "v"),), modified=5.0)
        await p.store.save_queue(saved)
        assert await p.store.queue("dead") == saved
        assert [q.name for q in await p.store.queues()] == ["dead", "dead.fifo", "f.fifo", "q"]

    play(scenario)


def test_what_is_gone_takes_nothing(play):
    async def scenario(p: Played) -> None:
        queue = await p.store.queue("q")
        await p.store.drop_queue(p.q)
        for wish in (
            p.store.send(p.q, [Draft("a", "b", T)], T),
            p.store.save_queue(queue),
            p.store.drop_queue(p.q),
        ):
            with pytest.raises(QueueRefused) as refused:
                await wish
            assert refused.value.why is QueueRefusal.ABSENT

    play(scenario)


# Handing out


def test_messages_are_handed_out_once_until_their_time_has_passed(play):
    async def scenario(p: Played) -> None:
        await p.send("a", "b", "c")
        haul = await p.receive(limit=2)
        assert [(m.body, m.receives, m.first_ms) for m in haul.messages] == [
            ("a", 1, T),
            ("b", 1, T),
        ]
        assert haul.due_ms == T
        haul = await p.receive()
        assert [m.body for m in haul.messages] == ["c"]
        assert haul.due_ms == T + HOLD
        assert await p.bodies(at=T + HOLD - 1) == ""
        haul = await p.receive(at=T + HOLD)
        assert [(m.body, m.receives, m.first_ms) for m in haul.messages] == [
            ("a", 2, T),
            ("b", 2, T),
            ("c", 2, T),
        ]

    play(scenario)


def test_delayed_messages_wait(play):
    async def scenario(p: Played) -> None:
        await p.store.send(p.q, [Draft("1", "late", T + 5000), Draft("2", "now", T)], T)
        assert await p.store.counts(p.q, T) == Counts(1, 0, 1, T)
        haul = await p.receive()
        assert [m.body for m in haul.messages] == ["now"]
        assert haul.due_ms == T + 5000
        assert await p.store.counts(p.q, T) == Counts(0, 1, 1, T)
        assert await p.bodies(at=T + 5000) == "late"

    play(scenario)


def test_a_queue_without_messages_is_never_due(play):
    async def scenario(p: Played) -> None:
        assert await p.receive() == Haul(())
        assert await p.receive(queue=p.f) == Haul(())

    play(scenario)


def test_old_messages_are_forgotten(play):
    async def scenario(p: Played) -> None:
        await p.send("old", at=T - 60_001)
        await p.send("kept", at=T - 60_000)
        assert await p.bodies() == "kept"
        assert (await p.store.counts(p.q, T)).oldest_ms == T - 60_000
        assert await p.store.expire(p.q, T) == 1
        assert await p.store.counts(p.q, T) == Counts()

    play(scenario)


def test_what_nobody_got_is_put_back_as_it_was(play):
    async def scenario(p: Played) -> None:
        await p.send("a")
        haul = await p.receive()
        await p.store.put_back(p.q, receipts(haul), T + 1)
        (message,) = (await p.receive(at=T + 2)).messages
        assert (message.receives, message.first_ms) == (1, T + 2)

    play(scenario)


# Deleting and holding


def test_only_the_last_receipt_counts(play):
    async def scenario(p: Played) -> None:
        await p.send("a")
        first = receipts(await p.receive())
        second = receipts(await p.receive(at=T + HOLD))
        later = T + HOLD
        assert await p.store.delete(p.q, first) == [Outcome.STALE]
        assert await p.store.hold(p.q, [(first[0], 0)], later) == [Outcome.STALE]
        assert await p.store.delete(p.dead, second) == [Outcome.GONE]
        assert await p.store.delete(p.q, second) == [Outcome.DONE]
        assert await p.store.delete(p.q, second) == [Outcome.GONE]
        assert await p.store.hold(p.q, [(second[0], 0)], later) == [Outcome.GONE]

    play(scenario)


def test_a_message_that_is_visible_again_can_be_deleted_unless_it_must_be_held(play):
    async def scenario(p: Played) -> None:
        await p.send("a")
        held = receipts(await p.receive())
        assert await p.store.delete(p.q, held, T + HOLD) == [Outcome.VISIBLE]
        assert await p.store.hold(p.q, [(held[0], 1)], T + HOLD) == [Outcome.VISIBLE]
        assert await p.store.delete(p.q, held) == [Outcome.DONE]

    play(scenario)


def test_holding_longer_ends_twelve_hours_after_it_was_received(play):
    async def scenario(p: Played) -> None:
        await p.send("a")
        (held,) = receipts(await p.receive())
        outcomes = await p.store.hold(p.q, [(held, HELD_MS_MAX)], T + 1000)
        assert outcomes == [Outcome.TOO_LONG]
        assert await p.store.hold(p.q, [(held, HELD_MS_MAX - 1000)], T + 1000) == [Outcome.DONE]
        assert (await p.receive(at=T + HOLD)).due_ms == T + HELD_MS_MAX
        assert await p.store.hold(p.q, [(held, 0)], T + HOLD) == [Outcome.DONE]
        assert await p.bodies(at=T + HOLD) == "a"

    play(scenario)


def test_purging_forgets_what_is_held_and_what_waits(play):
    async def scenario(p: Played) -> None:
        await p.send("a", "b")
        await p.send("other", queue=p.dead)
        held = receipts(await p.receive(limit=1))
        await p.store.purge(p.q)
        assert await p.store.counts(p.q, T) == Counts()
        assert await p.store.delete(p.q, held) == [Outcome.GONE]
        assert await p.bodies(queue=p.dead) == "other"

    play(scenario)


# First in, first out


def test_a_lane_is_in_order_and_hands_out_nothing_while_something_is_out(play):
    async def scenario(p: Played) -> None:
        await p.send("a1", "a2", "a3", lane="a")
        await p.send("b1", at=T + 1, lane="b")
        assert await p.bodies(limit=2, at=T + 1, queue=p.f) == "a1 a2"
        haul = await p.receive(at=T + 1, queue=p.f)
        assert [m.body for m in haul.messages] == ["b1"]
        assert haul.due_ms == T + 1 + HOLD
        assert await p.bodies(at=T + 1 + HOLD, queue=p.f) == "a1 a2 a3 b1"

    play(scenario)


def test_deleting_frees_a_lane_only_when_the_last_one_is_deleted(play):
    async def scenario(p: Played) -> None:
        await p.send("a1", "a2", "a3", lane="a")
        one, two = receipts(await p.receive(limit=2, queue=p.f))
        assert await p.store.delete(p.f, [two]) == [Outcome.DONE]
        assert await p.bodies(queue=p.f) == ""
        assert await p.store.delete(p.f, [one]) == [Outcome.DONE]
        assert await p.bodies(queue=p.f) == "a3"

    play(scenario)


def test_a_message_given_back_goes_before_those_behind_it(play):
    async def scenario(p: Played) -> None:
        await p.send("a1", "a2", lane="a")
        (one,) = receipts(await p.receive(limit=1, queue=p.f))
        assert await p.store.hold(p.f, [(one, 0)], T + 5) == [Outcome.DONE]
        assert await p.bodies(limit=1, at=T + 5, queue=p.f) == "a1"
        assert await p.bodies(at=T + 6, queue=p.f) == ""

    play(scenario)


def test_a_token_is_kept_once_within_five_minutes(play):
    async def scenario(p: Played) -> None:
        def draft(id_: str, scope: str = "") -> Draft:
            return Draft(id_, id_, T, lane="a", token="t", scope=scope)

        (kept,) = await p.store.send(p.f, [draft("1")], T)
        (again,) = await p.store.send(p.f, [draft("2")], T + 299_999)
        assert (kept.fresh, again.fresh) == (True, False)
        assert (again.id, again.number) == (kept.id, kept.number) == ("1", kept.number)
        (other,) = await p.store.send(p.f, [draft("3", scope="a")], T)
        (late,) = await p.store.send(p.f, [draft("4")], T + 300_000)
        assert other.fresh
        assert late.fresh
        assert kept.number < other.number < late.number
        assert await p.bodies(queue=p.f) == "1 3 4"

    play(scenario)


def test_an_attempt_that_is_repeated_gets_the_same(play):
    async def scenario(p: Played) -> None:
        await p.send("a1", lane="a")
        await p.send("b1", lane="b")
        first = await p.receive(limit=1, queue=p.f, attempt="x")
        again = await p.receive(limit=1, at=T + 10, queue=p.f, attempt="x")
        assert [(m.body, m.receives) for m in again.messages] == [("a1", 1)]
        assert receipts(again) == receipts(first)
        assert await p.bodies(limit=1, at=T + 10, queue=p.f, attempt="y") == "b1"
        assert await p.bodies(at=T + HOLD + 9, queue=p.f) == ""
        assert await p.bodies(at=T + HOLD + 10, queue=p.f, attempt="x") == "a1 b1"

    play(scenario)


def test_delays_of_what_waits_can_change(play):
    async def scenario(p: Played) -> None:
        await p.send("a1", "a2", lane="a")
        await p.store.delay(p.f, 7000)
        assert (await p.receive(queue=p.f)).due_ms == T + 7000
        assert await p.bodies(at=T + 7000, queue=p.f) == "a1 a2"

    play(scenario)


# Dead letters


def test_what_was_handed_out_too_often_dies_instead(play):
    async def scenario(p: Played) -> None:
        dead = DeadLetters(p.dead, 2, "arn:q")
        await p.send("a")
        at = T
        for _ in range(2):
            assert await p.bodies(at=at, dead=dead) == "a"
            at += HOLD
        await p.send("b", at=at)
        haul = await p.receive(at=at, dead=dead)
        assert ([m.body for m in haul.messages], haul.died) == (["b"], 1)
        (message,) = (await p.receive(at=at, queue=p.dead)).messages
        assert (message.body, message.id, message.receives) == ("a", "id-a", 3)
        assert (message.source, message.sent_ms) == ("arn:q", T)

    play(scenario)


def test_dead_letters_have_their_own_count(play):
    async def scenario(p: Played) -> None:
        await p.send("a")
        await p.receive()
        await p.receive(at=T + HOLD, dead=DeadLetters(p.dead, 1, "arn:q"))
        third = DeadLetters(p.f, 2, "arn:dead")
        at = T + HOLD
        for _ in range(2):
            assert await p.bodies(at=at, queue=p.dead, dead=third) == "a"
            at += HOLD
        assert (await p.receive(at=at, queue=p.dead, dead=third)).died == 1

    play(scenario)


def test_a_lane_goes_on_when_its_first_message_dies(play):
    async def scenario(p: Played) -> None:
        dead = DeadLetters(p.dead_f, 1, "arn:f")
        await p.send("a1", "a2", lane="a")
        assert await p.bodies(limit=1, queue=p.f, dead=dead) == "a1"
        assert await p.bodies(limit=1, at=T + HOLD, queue=p.f, dead=dead) == "a2"
        (message,) = (await p.receive(at=T + HOLD, queue=p.dead_f)).messages
        assert (message.body, message.lane, message.sent_ms) == ("a1", "a", T + HOLD)

    play(scenario)


# Moves


def test_sending_on_makes_new_messages_where_they_came_from(play):
    async def scenario(p: Played) -> None:
        await p.send("a")
        await p.receive()
        await p.receive(at=T + HOLD, dead=DeadLetters(p.dead, 1, "arn:q"))
        await p.send("direct", at=T + HOLD + 1, queue=p.dead)
        wanted = Transfer(p.dead, T + HOLD + 1, ("n1", "n2"), origins={"arn:q": p.q})
        moved = await p.store.transfer(wanted)
        assert (moved.count, moved.lost, moved.queues) == (1, True, frozenset({p.q}))
        (message,) = (await p.receive(at=T + HOLD + 1)).messages
        assert (message.id, message.receives, message.sent_ms) == ("n1", 1, T + HOLD + 1)
        assert message.source == ""
        rest = replace(wanted, ids=("n3",), target=p.f)
        assert (await p.store.transfer(rest)).count == 1
        assert (await p.store.transfer(rest)).count == 0

    play(scenario)


def test_moves_are_kept_the_newest_first(play):
    async def scenario(p: Played) -> None:
        move = Move("h0", "arn:dead", "", 0, 1.0, 5)
        for at in range(12):
            await p.store.save_move(replace(move, handle=f"h{at}", started=float(at)))
        await p.store.save_move(replace(move, handle="h11", started=11.0, phase=Phase.COMPLETED))
        found = await p.store.moves("arn:dead")
        assert [one.handle for one in found] == [f"h{at}" for at in range(11, 1, -1)]
        assert found[0].phase is Phase.COMPLETED
        assert await p.store.moves("arn:other") == []
        assert len(await p.store.moves()) == 10

    play(scenario)
