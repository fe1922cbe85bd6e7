"""Queues of workers, and the capacity that follows them, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from tests.control.rig import ASG, Rig, sized
from tests.control.scenes import INSTALLATION, NOW, environment, release

from jackbean.control.gauge import LOOK_S, Gauge
from jackbean.core.environments import Environment, Resource, Tier
from jackbean.core.errors import PortError
from jackbean.core.fleet import Service
from jackbean.core.options.settings import Setting
from jackbean.ports.depths import Depth

WORKER = Tier("Worker", "SQS/HTTP", "2.3")
QUEUE = "http://localhost:7070/123456789012/jobs"
FOLLOWING = (
    Setting("aws:elasticbeanstalk:sqsd", "WorkerQueueURL", QUEUE),
    Setting("jackbean:scaling", "BacklogPerInstance", "10"),
    Setting("jackbean:scaling", "ScaleInCooldown", "30"),
    Setting(ASG, "MinSize", "1"),
    Setting(ASG, "MaxSize", "4"),
)


class Queues:
    """ports.Depths that counts who asks; a depth that is an error cannot be told."""

    def __init__(self, depth: Depth | PortError | None) -> None:
        self.depth = depth
        self.asked: list[str] = []

    async def look(self, queue: str) -> Depth | None:
        self.asked.append(queue)
        if isinstance(self.depth, PortError):
            raise self.depth
        return self.depth


def worker(**facts: Any) -> Environment:
    made = Resource("AWSEBWorkerQueue", "AWS::SQS::Queue", "jobs")
    return environment(tier=WORKER, resources=(made,), **facts)


def look(gauge: Gauge, now: float = NOW, record: Environment | None = None) -> Any:
    return asyncio.run(gauge.look(record or worker(), release(), now))


def test_a_queue_is_looked_at_now_and_then() -> None:
    queues = Queues(Depth(3))
    gauge = Gauge(queues, INSTALLATION)
    assert look(gauge).depth == Depth(3)
    queues.depth = Depth(4)
    assert look(gauge, NOW + LOOK_S - 0.1).depth == Depth(3)
    assert look(gauge, NOW + LOOK_S).depth == Depth(4)
    assert queues.asked == ["jobs", "jobs"]
    gauge.forget(worker().id)
    assert look(gauge, NOW + LOOK_S).at == NOW + LOOK_S


def test_who_is_not_answered_goes_by_the_last_answer() -> None:
    queues = Queues(PortError("no"))
    gauge = Gauge(queues, INSTALLATION)
    assert look(gauge) is None
    queues.depth = Depth(3)
    assert look(gauge).depth == Depth(3)
    queues.depth = PortError("no")
    assert look(gauge, NOW + 100).depth == Depth(3)


def test_a_web_server_has_no_queue() -> None:
    queues = Queues(Depth(3))
    assert look(Gauge(queues, INSTALLATION), record=environment()) is None
    assert queues.asked == []


# In an environment that lives


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


def fill(rig: Rig, waiting: int, held: int = 0) -> None:
    rig.universe.depths.found["jobs"] = Depth(waiting, held)


def running(rig: Rig, *more: Setting) -> Environment:
    return rig.running(tier=WORKER, settings=(*FOLLOWING, *more))


def test_capacity_follows_a_burst_up_and_down(rig: Rig) -> None:
    fill(rig, 0)
    running(rig)
    fill(rig, 25, held=10)
    rig.until(lambda: rig.environment().desired == 4)
    rig.until(lambda: len(rig.universe.serving(rig.environment())) == 4)
    fill(rig, 0)
    rig.step(20.0)
    assert rig.environment().desired == 4
    rig.until(lambda: len(rig.environment().members) == 1)
    assert rig.universe.engine.cut_off == [], "whoever goes has finished"
    told = [m for m in rig.told() if m.startswith("Scaling")]
    assert told == [
        "Scaling from 1 to 4 instance(s): the queue has 35 message(s) to work on.",
        "Scaling from 4 to 1 instance(s): the queue has 0 message(s) to work on.",
    ]
    assert all(not e.request_id for e in rig.events() if e.message.startswith("Scaling"))


def test_capacity_stays_as_it_is_during_an_operation(rig: Rig) -> None:
    fill(rig, 0)
    running(rig)
    rig.update(label="v2")
    fill(rig, 100)
    while rig.environment().operation is not None:
        assert rig.environment().desired == 1
        rig.step()
    rig.until(lambda: rig.environment().desired == 4)


def test_without_being_asked_to_it_follows_nothing(rig: Rig) -> None:
    fill(rig, 100)
    rig.running(tier=WORKER, settings=(FOLLOWING[0], *sized(2)))
    rig.step(60.0)
    assert rig.environment().desired == 2
    assert not [m for m in rig.told() if m.startswith("Scaling")]


def test_no_instance_runs_where_there_is_nothing_to_do_and_none_is_needed(rig: Rig) -> None:
    fill(rig, 0)
    running(rig, Setting(ASG, "MinSize", "0"))
    rig.step(60.0)
    assert rig.environment().members == ()
    assert rig.environment().verdict.status == "Ok"
    fill(rig, 1)
    rig.until(lambda: len(rig.universe.serving(rig.environment())) == 1)


def test_a_queue_that_is_gone_changes_nothing(rig: Rig) -> None:
    fill(rig, 100)
    running(rig)
    rig.until(lambda: rig.environment().desired == 4)
    rig.universe.depths.found.clear()
    rig.step(120.0)
    assert rig.environment().desired == 4


def test_who_asks_for_another_size_gets_it(rig: Rig) -> None:
    fill(rig, 100)
    running(rig)
    rig.until(lambda: rig.environment().desired == 4)
    rig.step(30.0)
    rig.update(settings=(Setting(ASG, "MinSize", "2"), Setting(ASG, "MaxSize", "2")))
    rig.settle()
    rig.step(30.0)
    assert rig.environment().desired == 2
    assert all(m.service is Service.IN for m in rig.environment().members)
