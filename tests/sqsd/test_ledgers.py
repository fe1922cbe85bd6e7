"""What the daemon makes of a periodic task, and what the ledgers make of what it tells."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sqsd.rig import Bench, bench, status, wait_until

from jackbean.core.protocol import Attempt, from_json
from jackbean.core.tasks import Task
from jackbean.ports.firings import Firing, History, Run, State
from jackbean.ports.ledger import Entry, Stand
from jackbean.services.periodic.message import message
from jackbean.services.queues import MessageLedger
from jackbean.simulator.firings import MemoryFirings
from jackbean.simulator.ledger import MemoryLedger

TASK = Task("nightly", "/tasks/nightly", "30 2 * * *")
DUE_S = 1_700_000_000


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


async def fired(one: Bench) -> MemoryFirings:
    """Send the message of a task that is due, as the scheduler does."""
    firings, posting = MemoryFirings(one.plane.kept), one.plane.desk.posting
    letter = await posting.letter(one.url.rpartition("/")[2], message(TASK, DUE_S), "somebody")
    await firings.run(Run("e-1", TASK, 1, DUE_S * 1000), letter, posting.now_ms)
    return firings


async def told(one: Bench) -> Entry:
    """Return the message as the ledger has it, after what the daemon told."""
    ledger = MessageLedger(MemoryLedger(one.plane.kept), one.plane.desk)
    attempts = [from_json(Attempt, said) for said in one.plane.attempts]
    assert await ledger.tell("i-1", attempts) == len(attempts)
    (entry,) = (await ledger.find(one.url.rpartition("/")[2])).entries
    return entry


def line(firings: MemoryFirings) -> Firing:
    (found,) = asyncio.run(firings.history(History("e-1"), int(time.time() * 1000)))
    return found


def test_a_task_is_posted_to_its_path_and_accounted_for(one: Bench) -> None:
    one.daemon.stop()
    firings = asyncio.run(fired(one))
    assert line(firings).state is State.WAITING
    one.daemon.start()
    (posted,) = one.app.await_bodies("elasticbeanstalk scheduled job")
    assert posted.path == "/tasks/nightly"
    wait_until(lambda: line(firings).state is State.DONE, "it is done")
    wait_until(lambda: one.plane.attempts, "it is told")
    entry = asyncio.run(told(one))
    assert (entry.stand, entry.message) == (Stand.GONE, line(firings).message)
    (only,) = entry.tries
    assert (only.status, only.task, only.receives) == (200, "nightly", 1)
    assert abs(only.at_ms / 1000 - time.time()) < 60


def test_a_task_that_fails_is_told_of_each_time(one: Bench) -> None:
    one.daemon.stop()
    firings = asyncio.run(fired(one))
    one.app.answer = status(500)
    one.daemon.start()
    wait_until(lambda: len(one.plane.attempts) >= 2, "it is told twice")
    one.daemon.stop()
    entry = asyncio.run(told(one))
    assert entry.stand in (Stand.WAITING, Stand.HELD)
    assert {(each.status, each.task) for each in entry.tries} == {(500, "nightly")}
    assert line(firings).state in (State.FAILED, State.RUNNING)
