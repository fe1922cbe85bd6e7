"""What every ledger of periodic tasks must do, in memory and on SQLite alike."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from jackbean.core.errors import Conflict
from jackbean.core.tasks import Task
from jackbean.ports.firings import Firing, Firings, History, Letter, Run, State
from jackbean.ports.queues import (
    DeadLetters,
    Draft,
    Queue,
    QueueRefused,
    Queues,
    Receipt,
    Transfer,
    Wanted,
)
from jackbean.schedules.accounts import Account, Decision, Fate, Mark, Sent, Skipped
from jackbean.simulator.firings import MemoryFirings
from jackbean.simulator.queues import MemoryQueues
from jackbean.storage.queues import SqliteQueues

E1 = "e-1"
TASK, OTHER = Task("each", "/each", "* * * * *"), Task("other", "/other", "0 * * * *")
MINUTE = 28_000_000
MS = 60_000
NOW = MINUTE * MS + 500
RUN = Skipped(TASK, MINUTE, MINUTE + 4, 5, 1, "because")


@dataclass
class Place:
    queues: Queues
    firings: Firings
    work: Queue
    dead: Queue

    def letter(self, id_: str = "m-1", queue: int | None = None) -> Letter:
        return Letter(self.work.key if queue is None else queue, Draft(id_, "body", NOW))

    async def fire(self, *fates: Fate, void: tuple[Skipped, ...] = ()) -> None:
        account = await self.firings.account(E1)
        decision = Decision(account, tuple(fates), void)
        letters = [self.letter(f"m-{n + 1}") for n in range(len(decision.sent))]
        await self.firings.save(decision, letters, NOW)

    async def history(self, now: int = NOW, **wanted: Any) -> list[Firing]:
        return await self.firings.history(History(E1, **wanted), now)

    async def state(self, now: int = NOW) -> State:
        (line,) = await self.history(now)
        return line.state

    async def take(self, now: int = NOW, hold: int = 1000, oldest: int = 0) -> Any:
        dead = DeadLetters(self.dead.key, 2, "arn:work")
        return await self.queues.receive(Wanted(self.work.key, now, hold, oldest, dead=dead))


@pytest.fixture(params=("memory", "sqlite"))
def play(request: Any, tmp_path: Path) -> Any:
    async def filled(queues: Queues, firings: Firings, scenario: Any) -> None:
        work = await queues.add_queue(Queue("work", 1.0, 1.0))
        dead = await queues.add_queue(Queue("dead", 1.0, 1.0))
        await scenario(Place(queues, firings, work, dead))

    async def whole(scenario: Any) -> None:
        if request.param == "memory":
            memory = MemoryQueues()
            await filled(memory, MemoryFirings(memory), scenario)
            return
        store = SqliteQueues.open(tmp_path / "queues.db")
        try:
            await filled(store, store.firings(), scenario)
        finally:
            await store.close()

    return lambda scenario: asyncio.run(whole(scenario))


def test_an_account_is_kept_and_its_revision_rises(play: Any) -> None:
    async def scenario(at: Place) -> None:
        assert await at.firings.account(E1) == Account(E1)
        assert await at.firings.accounts() == []
        said = Account(E1, (Mark(TASK, 1, MINUTE, RUN), Mark(OTHER, 1, MINUTE)), ("other",), MINUTE)
        await at.firings.save(Decision(said), (), NOW)
        assert await at.firings.account(E1) == replace(said, revision=1)
        assert await at.firings.accounts() == [E1]

    play(scenario)


def test_who_decided_on_what_is_no_longer_so_is_refused_whole(play: Any) -> None:
    async def scenario(at: Place) -> None:
        account = await at.firings.account(E1)
        decision = Decision(account, (RUN, Sent(OTHER, MINUTE, 1)))
        await at.firings.save(decision, [at.letter()], NOW)
        late = Decision(account, (replace(RUN, minute=MINUTE + 9), Sent(TASK, MINUTE + 9, 1)))
        with pytest.raises(Conflict):
            await at.firings.save(late, [at.letter("m-2")], NOW)
        assert len(await at.history()) == 2
        assert (await at.queues.counts(at.work.key, NOW)).visible == 1

    play(scenario)


def test_a_minute_is_never_sent_for_twice(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.fire(Sent(TASK, MINUTE, 1))
        with pytest.raises(Conflict):
            await at.fire(Sent(OTHER, MINUTE, 1), Sent(TASK, MINUTE, 1))
        with pytest.raises(Conflict):
            await at.fire(RUN)
        assert [line.task for line in await at.history()] == [TASK]
        assert (await at.queues.counts(at.work.key, NOW)).visible == 1

    play(scenario)


def test_nothing_is_saved_where_the_queue_is_gone(play: Any) -> None:
    async def scenario(at: Place) -> None:
        decision = Decision(await at.firings.account(E1), (RUN, Sent(OTHER, MINUTE, 1)))
        with pytest.raises(QueueRefused):
            await at.firings.save(decision, [at.letter(queue=99)], NOW)
        assert await at.history() == []
        assert await at.firings.account(E1) == Account(E1)

    play(scenario)


def test_the_message_is_the_one_that_was_written(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.fire(Sent(TASK, MINUTE, 3))
        (line,) = await at.history()
        haul = await at.take()
        assert (line.message, line.number) == (haul.messages[0].id, haul.messages[0].number)
        assert haul.messages[0].body == "body"
        assert (line.task, line.at_ms, line.last_ms) == (TASK, MINUTE * MS, MINUTE * MS)
        assert (line.count, line.release, line.reason) == (1, 3, "")

    play(scenario)


def test_what_was_skipped_is_written_changed_and_taken_back(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.fire(RUN)
        longer = replace(RUN, last=MINUTE + 9, count=10)
        await at.fire(longer)
        (line,) = await at.history()
        assert (line.state, line.reason, line.count) == (State.SKIPPED, "because", 10)
        assert line.last_ms == (MINUTE + 9) * MS
        assert await at.firings.ahead(E1, MINUTE + 8) == [longer]
        assert await at.firings.ahead(E1, MINUTE + 9) == []
        await at.fire(void=(longer,))
        assert await at.history() == []

    play(scenario)


def test_ahead_are_fates_of_due_minutes_in_order(play: Any) -> None:
    async def scenario(at: Place) -> None:
        later = Sent(TASK, MINUTE + 7, 1)
        await at.fire(later, RUN)
        await at.firings.run(Run(E1, OTHER, 1, NOW + MS * 8), at.letter(), NOW)
        await at.firings.run(Run("e-2", OTHER, 1, NOW), at.letter(), NOW)
        assert await at.firings.ahead(E1, MINUTE) == [RUN, later]
        assert await at.firings.ahead(E1, MINUTE + 6) == [later]

    play(scenario)


def test_a_run_out_of_turn_is_a_line_too_and_is_not_repeated(play: Any) -> None:
    async def scenario(at: Place) -> None:
        run = Run(E1, TASK, 1, NOW)
        await at.firings.run(run, at.letter(), NOW)
        with pytest.raises(Conflict):
            await at.firings.run(run, at.letter("m-2"), NOW)
        (line,) = await at.history()
        assert (line.at_ms, line.state) == (NOW, State.WAITING)
        assert (await at.queues.counts(at.work.key, NOW)).visible == 1

    play(scenario)


def test_a_line_says_what_becomes_of_its_message(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.fire(Sent(TASK, MINUTE, 1))
        assert await at.state() is State.WAITING
        first = (await at.take()).messages[0]
        assert await at.state() is State.RUNNING
        assert await at.state(NOW + 1000) is State.FAILED
        await at.queues.delete(at.work.key, [Receipt(first.number, 1)])
        assert await at.state(NOW + 1000) is State.DONE

    play(scenario)


async def bury(at: Place) -> None:
    await at.fire(Sent(TASK, MINUTE, 1))
    for now in (NOW, NOW + 1000, NOW + 2000):
        await at.take(now)


def test_a_dead_letter_that_comes_back_is_no_longer_dead(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await bury(at)
        (line,) = await at.history()
        assert (line.state, line.receives) == (State.DEAD, 2)
        move = Transfer(at.dead.key, NOW + 2000, ("m-9",), origins={"arn:work": at.work.key})
        await at.queues.transfer(move)
        (line,) = await at.history(NOW + 2000)
        assert (line.state, line.message, line.receives) == (State.WAITING, "m-9", 0)
        haul = await at.take(NOW + 2000)
        await at.queues.delete(at.work.key, [Receipt(haul.messages[0].number, 1)])
        assert await at.state() is State.DONE

    play(scenario)


def test_a_dead_letter_stays_dead_when_it_is_forgotten(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await bury(at)
        await at.queues.purge(at.dead.key)
        (line,) = await at.history()
        assert (line.state, line.receives) == (State.DEAD, 2)

    play(scenario)


def test_what_ends_a_message_that_nobody_deleted(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.fire(Sent(TASK, MINUTE, 1))
        await at.take(hold=10)
        await at.queues.expire(at.work.key, NOW + 1)
        assert await at.state() is State.EXPIRED
        await at.fire(Sent(OTHER, MINUTE, 1))
        await at.queues.purge(at.work.key)
        assert [line.state for line in await at.history(task="other")] == [State.PURGED]
        await at.fire(Sent(OTHER, MINUTE + 1, 1))
        await at.queues.drop_queue(at.work.key)
        assert (await at.history())[0].state is State.DROPPED
        assert [line.receives for line in await at.history(task="each")] == [1]

    play(scenario)


def test_history_is_read_in_pages_the_newest_first(play: Any) -> None:
    async def scenario(at: Place) -> None:
        for n in range(4):
            await at.fire(Sent(TASK, MINUTE + n, 1), Sent(OTHER, MINUTE + n, 1))
        page = await at.history(limit=3)
        assert [(line.task.name, line.at_ms // MS - MINUTE) for line in page] == [
            ("each", 3),
            ("other", 3),
            ("each", 2),
        ]
        older = await at.history(task="each", before_ms=(MINUTE + 2) * MS)
        assert [line.at_ms // MS - MINUTE for line in older] == [1, 0]

    play(scenario)


def test_old_lines_are_forgotten(play: Any) -> None:
    async def scenario(at: Place) -> None:
        for n in range(4):
            await at.fire(Sent(TASK, MINUTE + n, 1))
        await at.firings.prune(E1, 4)
        assert len(await at.history()) == 4
        await at.firings.prune(E1, 3)
        assert [line.at_ms // MS - MINUTE for line in await at.history()] == [3, 2, 1]

    play(scenario)


def test_an_environment_is_forgotten_and_its_messages_are_not(play: Any) -> None:
    async def scenario(at: Place) -> None:
        await at.fire(Sent(OTHER, MINUTE, 1), RUN)
        await at.firings.forget(E1)
        assert (await at.history(), await at.firings.accounts()) == ([], [])
        assert await at.firings.account(E1) == Account(E1)
        assert (await at.queues.counts(at.work.key, NOW)).visible == 1

    play(scenario)
