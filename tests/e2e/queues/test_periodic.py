"""Periodic tasks whose control plane is killed at random: a ledger without a gap or a double."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jackbean.ports.firings import Firing, History, State
from jackbean.schedules.expected import expected
from tests.control.scenes import ID
from tests.e2e.installation import until
from tests.e2e.queues.periodic import MINUTE_S, TASKS, Place

BASE = 28_400_000 * 60.0
ROOT = Path(__file__).parents[3]

Line = tuple[str, int]  # a task, and a due minute


@contextmanager
def running(place: Path, began: float) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.e2e.queues.periodic", str(place), str(BASE), str(began)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def received(place: Path) -> list[tuple[Line, str]]:
    """Return what was received: task and minute, and the message's id."""
    file = place / "received"
    found = []
    for line in file.read_text().splitlines() if file.exists() else ():
        task, due, id_ = line.split("|")
        moment = datetime.strptime(due, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
        found.append(((task, int(moment.timestamp()) // 60), id_))
    return found


async def settled(place: Place) -> list[Firing]:
    """Receive what is left, and return the whole ledger."""
    await place.desk.scheduler.round()
    work = await place.queues.queues.find("work")
    while (await place.kept.counts(work.key, place.queues.posting.now_ms)).oldest_ms is not None:
        await place.receive()
        await asyncio.sleep(0.02)  # until what the dead one held is visible again
    lines = await place.desk.history(History(ID, "", None, 10_000))
    await place.close()
    return [line.firing for line in lines]


def judge(lines: Sequence[Firing], got: Sequence[tuple[Line, str]], end: int) -> None:
    first = min(line.at_ms for line in lines) // 60_000 - 1
    for task in TASKS:
        ours = [line for line in lines if line.task == task]
        covered = Counter(minute for line in ours for minute in _minutes(line))
        due = expected(task.schedule, first, end, 100_000)
        assert covered == Counter(due), f"{task.name}: gaps or doubles"
    sent = {(line.task.name, line.at_ms // 60_000): line.message for line in lines if line.message}
    assert {line.state for line in lines} <= {State.DONE, State.SKIPPED}
    assert set(got) == set(sent.items()), (
        "messages without a line, lines without a message, or doubles"
    )


def _minutes(line: Firing) -> list[int]:
    if line.message:
        return [line.at_ms // 60_000]
    return expected(line.task.schedule, line.at_ms // 60_000 - 1, line.last_ms // 60_000, 10_000)


@pytest.mark.e2e
def test_thirty_kills(tmp_path: Path) -> None:
    chance = random.Random(5)
    asyncio.run(_make(tmp_path))
    began = time.time()
    for _ in range(30):
        before = len(received(tmp_path))
        with running(tmp_path, began):
            until(lambda n=before: len(received(tmp_path)) > n, 30, "a message is received")
            deadline = time.monotonic() + chance.uniform(0, 6 * MINUTE_S)
            until(lambda at=deadline: time.monotonic() > at, 30, "some minutes have passed")
    lines, end = asyncio.run(_end(tmp_path, began))
    judge(lines, received(tmp_path), end)
    assert sum(bool(line.message) for line in lines) > 60
    assert any(line.state is State.SKIPPED for line in lines)


async def _make(directory: Path) -> None:
    place = Place(directory, BASE, time.time())
    await place.make()
    await place.close()


async def _end(directory: Path, began: float) -> tuple[list[Firing], int]:
    """Return the ledger, and the minute up to which it is settled."""
    place = Place(directory, BASE, began)
    now = place.wall()
    place.desk.scheduler._wall = lambda: now
    return await settled(place), int(now // 60)
