"""What is sent, and what is written down, as time passes and things go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.control.scenes import ID
from tests.services.periodic.rig import EACH, HOURLY, START, WORKER, PeriodicRig

from jackbean.core.environments import Status, Tier
from jackbean.core.errors import Conflict, PortError
from jackbean.core.tasks import Task
from jackbean.ports.firings import History, State
from jackbean.schedules.decide import AWAY, CHANGED, JUMPED
from jackbean.services.periodic.scheduler import FIFO, NO_SUCH_QUEUE, Scheduler
from jackbean.services.periodic.worker import NO_QUEUE, TERMINATING
from jackbean.services.queues.messages import unpacked

WAITING, SKIPPED = State.WAITING, State.SKIPPED


@pytest.fixture
def rig() -> Iterator[PeriodicRig]:
    made = PeriodicRig(EACH)
    yield made
    made.close()


def test_the_message_is_the_one_that_awss_daemon_sends(rig: PeriodicRig) -> None:
    rig.look(1)
    (taken,) = rig.take()
    said = unpacked(taken.message.attributes)
    assert taken.message.body == "elasticbeanstalk scheduled job"
    assert {name: (one.kind, one.value) for name, one in said.items()} == {
        "beanstalk.sqsd.task_name": ("String", "each"),
        "beanstalk.sqsd.path": ("String", "/each"),
        "beanstalk.sqsd.scheduled_time": ("String", "2023-11-14 22:01:00 UTC"),
    }


def test_it_is_sent_once_a_minute_however_often_somebody_looks(rig: PeriodicRig) -> None:
    for _ in range(30):
        rig.look(0.1)
    assert rig.lines() == [("each", n, WAITING, "") for n in (1, 2, 3)]
    assert len(rig.take()) == 3


def test_lines_follow_their_messages(rig: PeriodicRig) -> None:
    rig.look(1)
    rig.take()
    assert rig.lines() == [("each", 1, State.RUNNING, "")]
    rig.look(1)
    assert [line[2] for line in rig.lines()] == [State.FAILED, WAITING]
    assert rig.finish() == 2
    assert [line[2] for line in rig.lines()] == [State.DONE, State.DONE]


def test_what_is_taken_too_often_is_dead(rig: PeriodicRig) -> None:
    rig.look(1)
    for _ in range(3):
        rig.take()
        rig.clock.advance(31)
    assert rig.lines() == [("each", 1, State.DEAD, "")]


def test_a_restart_makes_up_for_the_newest_only(rig: PeriodicRig) -> None:
    rig.look(1)
    rig.start()
    rig.look(10)
    assert rig.lines() == [
        ("each", 1, WAITING, ""),
        ("each", 2, SKIPPED, AWAY),
        ("each", 11, WAITING, ""),
    ]
    assert rig.history()[1].count == 9


def test_a_machine_that_slept(rig: PeriodicRig) -> None:
    rig.look(5)
    assert rig.lines() == [("each", 1, SKIPPED, JUMPED), ("each", 5, WAITING, "")]


def test_a_clock_that_is_set_back(rig: PeriodicRig) -> None:
    for _ in range(3):
        rig.look(1)
    rig.wall.set(START + 60)
    rig.start()
    for _ in range(3):
        rig.look(1)
    assert rig.lines() == [("each", n, WAITING, "") for n in (1, 2, 3, 4)]


def test_two_control_planes_at_once_send_once(rig: PeriodicRig) -> None:
    first = rig.desk.scheduler
    rig.start()
    rig.wall.set(rig.wall.seconds + 60)
    rig.run(first.round())
    rig.run(rig.desk.scheduler.round())
    rig.look(1)
    rig.run(first.round())
    assert rig.lines() == [("each", 1, WAITING, ""), ("each", 2, WAITING, "")]


class Late:
    """A ledger in which somebody else decides between what is read and what is saved."""

    def __init__(self, firings: Any, meanwhile: Any) -> None:
        self._firings, self._meanwhile = firings, meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._firings, name)

    async def save(self, *args: Any) -> None:
        meanwhile, self._meanwhile = self._meanwhile, None
        if meanwhile:
            await meanwhile()
        await self._firings.save(*args)


def test_who_decided_too_late_looks_again(rig: PeriodicRig) -> None:
    other = rig.desk.scheduler
    rig.firings = Late(rig.firings, other.round)
    rig.start()
    assert not rig.look(1)
    assert rig.lines() == [("each", 1, WAITING, "")]
    assert rig.look()
    assert rig.lines() == [("each", 1, WAITING, "")]


class Broken:
    def __init__(self, firings: Any, *, saves: bool) -> None:
        self._firings, self._saves = firings, saves

    def __getattr__(self, name: str) -> Any:
        return getattr(self._firings, name)

    async def save(self, *args: Any) -> None:
        if self._saves:
            await self._firings.save(*args)
        raise PortError("the disk is full")


@pytest.mark.parametrize("saves", [False, True])
def test_a_disk_that_fails_before_or_after_the_commit(rig: PeriodicRig, saves: bool) -> None:
    whole, rig.firings = rig.firings, Broken(rig.firings, saves=saves)
    rig.start()
    assert not rig.look(1)
    rig.firings = whole
    rig.start()
    assert rig.look()
    assert rig.lines() == [("each", 1, WAITING, "")]
    assert len(rig.take()) == 1


def test_it_wakes_up_for_the_next_minute(rig: PeriodicRig) -> None:
    async def lives() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        rig.wall.set(START + 59.9)
        scheduler = Scheduler(
            rig.store,
            rig.desk.workers,
            (rig.firings, rig.queues.posting),
            lambda: START + 59.9 + loop.time() - began,
        )
        running = asyncio.create_task(scheduler.run())
        async with asyncio.timeout(5):
            while not await rig.desk.history(History(ID)):
                await asyncio.sleep(0.01)  # between two looks; the condition decides
        running.cancel()

    rig.run(lives())
    assert rig.lines() == [("each", 1, WAITING, "")]


# What is run


def test_a_deployment_changes_the_tasks_and_a_rollback_brings_them_back(rig: PeriodicRig) -> None:
    rig.look(1)
    rig.deploy(2, HOURLY)
    rig.look(1)
    rig.look(1)
    rig.deploy(3, EACH)
    rig.look(0.5)
    rig.look(0.5)
    assert rig.lines() == [
        ("each", 1, WAITING, ""),
        ("each", 2, SKIPPED, CHANGED),
        ("each", 4, WAITING, ""),
    ]
    assert [one.release for one in rig.history()] == [3, 1, 1]


def test_tasks_are_those_of_what_instances_run(rig: PeriodicRig) -> None:
    rig.deploy(2, HOURLY)
    rig.change(release=2, deployment=1)
    rig.look(1)
    assert rig.lines() == [("each", 1, WAITING, "")]


@pytest.mark.parametrize("status", [Status.UPDATING, Status.ABORTING])
def test_it_goes_on_during_a_deployment(rig: PeriodicRig, status: Status) -> None:
    rig.change(status=status)
    rig.look(1)
    assert rig.lines() == [("each", 1, WAITING, "")]


def test_an_environment_that_is_terminated(rig: PeriodicRig) -> None:
    rig.change(status=Status.TERMINATING)
    rig.look(1)
    assert rig.lines() == [("each", 1, SKIPPED, TERMINATING)]
    rig.change(status=Status.TERMINATED)
    rig.look(1)
    assert rig.lines() == []
    assert rig.run(rig.firings.accounts()) == []


def test_an_environment_without_a_queue(rig: PeriodicRig) -> None:
    rig.change(resources=())
    rig.look(1)
    assert rig.lines() == [("each", 1, SKIPPED, NO_QUEUE)]


def test_a_queue_that_is_gone(rig: PeriodicRig) -> None:
    rig.run(rig.queues.queues.delete("work"))
    rig.look(1)
    assert rig.lines() == [("each", 1, SKIPPED, NO_SUCH_QUEUE)]


def test_a_queue_that_is_first_in_first_out(rig: PeriodicRig) -> None:
    rig.run(rig.queues.queues.create("work.fifo", {"FifoQueue": "true"}, {}))
    resource = replace(rig.environment.resources[0], name="work.fifo")
    rig.change(resources=(resource,))
    rig.look(1)
    assert rig.lines() == [("each", 1, SKIPPED, FIFO)]


def test_a_queue_that_takes_no_such_message(rig: PeriodicRig) -> None:
    rig.deploy(2, Task("long", "/" + "x" * 1000, "* * * * *"))
    rig.run(rig.queues.queues.set_attributes("work", {"MaximumMessageSize": "1024"}))
    rig.look()
    rig.look(1)
    ((_, _, state, reason),) = rig.lines()
    assert state is SKIPPED
    assert "must be shorter than 1024 bytes" in reason


def test_a_web_server_environment_has_no_tasks(rig: PeriodicRig) -> None:
    rig.change(tier=Tier())
    rig.look(1)
    assert rig.lines() == []
    rig.change(tier=WORKER)


def test_a_long_outage_is_accounted_for_whole(rig: PeriodicRig) -> None:
    rig.start()
    minutes = 30_000
    rig.wall.set(START + 60 * minutes)
    rounds = 0
    while not rig.look():
        rounds += 1
    assert rounds >= 1
    counts = [one.count for one in rig.history()]
    assert sum(counts) == minutes
    assert [one.state for one in rig.history()].count(WAITING) == 1


# What people do


def test_suspending_and_resuming(rig: PeriodicRig) -> None:
    assert rig.run(rig.desk.suspend(rig.environment, ["each"])) == ["each"]
    rig.look(1)
    (told,) = rig.run(rig.desk.tasks(rig.environment))
    assert (told.suspended, told.due_s) == (True, None)
    rig.wall.set(rig.wall.seconds + 60)
    rig.start()
    assert rig.run(rig.desk.resume(rig.environment, [])) == ["each"]
    rig.look(1)
    assert [line[:3] for line in rig.lines()] == [("each", 1, SKIPPED), ("each", 3, WAITING)]
    assert rig.history()[1].count == 2


def test_what_is_due_is_sent_before_it_is_suspended(rig: PeriodicRig) -> None:
    rig.wall.set(rig.wall.seconds + 60)
    rig.run(rig.desk.suspend(rig.environment, []))
    assert rig.lines() == [("each", 1, WAITING, "")]


def test_running_a_task_out_of_turn(rig: PeriodicRig) -> None:
    rig.look(1)
    first = rig.run(rig.desk.run(rig.environment, "each"))
    assert first.firing.state is WAITING
    with pytest.raises(Conflict):
        rig.run(rig.desk.run(rig.environment, "each"))
    rig.look(1)
    assert [one.at_ms - int(START * 1000) for one in reversed(rig.history())] == [
        60_000,
        60_001,
        120_000,
    ]
    assert len(rig.take()) == 3


def test_what_cannot_be_done_is_refused(rig: PeriodicRig) -> None:
    desk, of = rig.desk, rig.environment
    for wrong, told in [
        (desk.run(of, "other"), "has no periodic task 'other'; it has: each."),
        (desk.suspend(of, ["other"]), "has no periodic task 'other'; it has: each."),
        (desk.resume(of, ["each"]), r"'each' is not suspended \(none is\)"),
    ]:
        with pytest.raises(Exception, match=told):
            rig.run(wrong)
    rig.change(resources=())
    with pytest.raises(Exception, match="cannot be run: the environment had no queue"):
        rig.run(rig.desk.run(rig.environment, "each"))


def test_when_a_task_is_due_next_and_how_it_ended_last(rig: PeriodicRig) -> None:
    rig.deploy(2, EACH, HOURLY)
    rig.look(1)
    each, hourly = rig.run(rig.desk.tasks(rig.environment))
    assert (each.due_s, hourly.due_s) == (START + 120, START + 3600)
    assert each.last
    assert each.last.firing.at_ms == (START + 60) * 1000
    assert hourly.last is None
