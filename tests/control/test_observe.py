"""What is seen: passes, drains that the router confirmed, silence after a start."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.control.scenes import NOW, environment
from tests.core.fleets import fleet, instance, many

from jackbean.control.observe import SILENCE_S, TEXT_MAX, Look, Observer
from jackbean.control.terms import Gate
from jackbean.core.environments import Environment
from jackbean.core.errors import PortError
from jackbean.core.fleet import Failure, Instance, Machine, Service, Work, WorkState
from jackbean.core.protocol import Report
from jackbean.ports.engine import Address, LaunchSpec, MachineSight
from jackbean.ports.router import HealthCheck, Probe, TargetSight

GATE = Gate(3, 1.0)
CHECKED = replace(GATE, check=HealthCheck("/", 1.0, 1.0, 1, 1))
GOOD = TargetSight(Service.IN, healthy=True, requests=2)
SPEC = LaunchSpec("i-1", "e-1", "p", "t3.micro", "token")


class World:
    """Engine, router and reports as a test says that they are."""

    def __init__(self) -> None:
        self.seen: dict[str, MachineSight] = {}
        self.targets: dict[str, TargetSight] = {}
        self.reports: dict[str, Report] = {}
        self.asked: list[str] = []
        self.passing = True
        self.gate = GATE
        self.observer = Observer(self, self, self)

    async def machines(self) -> Mapping[str, MachineSight]:
        return self.seen

    async def observe(self, environment_id: str) -> Mapping[str, TargetSight]:
        return self.targets

    async def check(self, health: HealthCheck, probes: Collection[Probe]) -> frozenset[str]:
        self.asked += [f"{probe.instance}: {probe.mark}" for probe in probes]
        return frozenset(probe.instance for probe in probes if self.passing)

    def latest(self, instance: str) -> tuple[Report, float] | None:
        report = self.reports.get(instance)
        return (report, NOW) if report else None

    def up(self, name: str = "i-1", **said: Any) -> None:
        """Let a machine run, its agent report, and the router find it well."""
        self.seen[name] = MachineSight(Machine.RUNNING, Address(name, 80))
        self.targets[name] = GOOD
        given = {"serial": 1, "state": "done", "running": 1, "application": "up", **said}
        self.reports[name] = Report(name, **given)

    def look(self, record: Environment, now: float = NOW) -> Look:
        return asyncio.run(self.observer.look(record, self.gate, now))

    def see(self, now: float = NOW, **member: Any) -> Instance:
        """Look at an environment of one."""
        record = environment(fleet(instance("i-1", **member)))
        return self.look(record, now).fleet.instances[0]


@pytest.fixture
def world() -> World:
    return World()


def test_machines_reports_and_targets_become_one_sight(world: World) -> None:
    world.up(staged=2)
    seen = world.see()
    assert seen.sight == replace(
        seen.sight,
        machine=Machine.RUNNING,
        heard=True,
        serial=1,
        state=WorkState.DONE,
        running=1,
        staged=2,
        requests=2,
    )
    assert seen.gate == 3
    record = environment(many(1))
    assert world.look(record).addresses == {"i-1": Address("i-1", 80)}


def test_what_nobody_knows_is_absent_and_unheard(world: World) -> None:
    seen = world.see().sight
    assert (seen.machine, seen.heard, seen.running, seen.requests) == (
        Machine.ABSENT,
        False,
        None,
        0,
    )
    assert world.look(environment(many(1))).addresses == {}


def test_a_machine_that_died_runs_nothing(world: World) -> None:
    world.up()
    world.seen["i-1"] = MachineSight(Machine.EXITED, exit="killed by signal 9")
    seen = world.see().sight
    assert (seen.machine, seen.exit, seen.running) == (Machine.EXITED, "killed by signal 9", None)


@pytest.mark.parametrize("state", ["", "resting", "DONE"])
def test_a_state_that_is_none_is_none(world: World, state: str) -> None:
    world.up(state=state)
    assert world.see().sight.state is None
    assert world.see().busy


def test_failures_are_kept_within_bounds(world: World) -> None:
    world.up(state="failed", failure={"step": "s", "tail": "x" * 100_000 + "end", "more": "m"})
    failure = world.see().sight.failure
    assert failure == Failure("s", "", "", ("x" * TEXT_MAX + "end")[-TEXT_MAX:])


# The gate


def test_good_looks_in_a_row_no_nearer_than_the_interval(world: World) -> None:
    world.up()
    passes = [world.see(NOW + at).sight.passes for at in (0, 0.5, 1.0, 1.9, 2.0, 2.1, 9)]
    assert passes == [1, 1, 2, 2, 3, 3, 3]
    assert world.see(NOW + 10).healthy


BAD: dict[str, Any] = {
    "unhealthy": {"target": TargetSight(Service.IN, healthy=False, requests=0)},
    "not routed to": {"target": TargetSight(Service.OUT, healthy=True, requests=0)},
    "draining": {"target": TargetSight(Service.DRAINING, healthy=True, requests=0)},
    "at work": {"report": {"state": "working"}},
    "not started on its work": {"report": {"serial": 0}},
    "stopped": {"machine": MachineSight(Machine.STOPPED)},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_one_bad_look_begins_anew(world: World, bad: dict[str, Any]) -> None:
    world.up()
    for at in (0, 1, 2):
        assert world.see(NOW + at).sight.passes == at + 1
    world.up(**bad.get("report", {}))
    world.targets["i-1"] = bad.get("target", GOOD)
    world.seen["i-1"] = bad.get("machine", world.seen["i-1"])
    assert world.see(NOW + 3).sight.passes == 0
    world.up()
    assert world.see(NOW + 4).sight.passes == 1


def test_instances_are_counted_apart_and_forgotten(world: World) -> None:
    world.up("i-1")
    world.look(environment(many(1)), NOW)
    world.up("i-2")
    looked = world.look(environment(many(2)), NOW + 1)
    assert [i.sight.passes for i in looked.fleet] == [2, 1]
    world.observer.forget_instance("i-1")
    looked = world.look(environment(many(2)), NOW + 2)
    assert [i.sight.passes for i in looked.fleet] == [1, 2]


# Draining


@pytest.mark.parametrize(
    ("wanted", "routed", "requests"),
    [
        (Service.IN, Service.IN, 2),
        (Service.DRAINING, Service.IN, None),  # not confirmed: more may come
        (Service.DRAINING, Service.DRAINING, 2),
        (Service.DRAINING, Service.OUT, 2),
        (Service.OUT, Service.IN, None),
        (Service.OUT, Service.OUT, 2),
    ],
)
def test_requests_count_once_the_router_has_confirmed(
    world: World, wanted: Service, routed: Service, requests: int | None
) -> None:
    world.up()
    world.targets["i-1"] = TargetSight(routed, healthy=True, requests=2)
    assert world.see(service=wanted).sight.requests == requests


# Silence


def complete(world: World, record: Environment, now: float) -> bool:
    looked = world.look(record, now)
    return world.observer.complete(looked.fleet, record.id, now)


def test_after_a_start_everybody_who_runs_is_waited_for(world: World) -> None:
    record = environment(many(2))
    world.up("i-1")
    world.seen["i-2"] = MachineSight(Machine.RUNNING, Address("i-2", 80))
    assert not complete(world, record, NOW)
    assert not complete(world, record, NOW + SILENCE_S)
    world.up("i-2")
    assert complete(world, record, NOW + SILENCE_S)


def test_but_not_for_ever(world: World) -> None:
    record = environment(many(1))
    world.seen["i-1"] = MachineSight(Machine.RUNNING)
    assert not complete(world, record, NOW)
    assert complete(world, record, NOW + SILENCE_S + 0.1)


def test_and_only_once(world: World) -> None:
    record = environment(many(2))
    world.up("i-1")
    assert complete(world, record, NOW)
    world.seen["i-2"] = MachineSight(Machine.RUNNING)
    assert complete(world, record, NOW + 1)
    world.observer.forget(record)
    assert not complete(world, record, NOW + 2)


@pytest.mark.parametrize("machine", [Machine.ABSENT, Machine.STOPPED, Machine.EXITED])
def test_who_does_not_run_cannot_speak(world: World, machine: Machine) -> None:
    world.seen["i-1"] = MachineSight(machine)
    assert complete(world, environment(many(1)), NOW)


def test_a_router_that_does_not_answer_ends_the_look(world: World) -> None:
    async def refuse(environment_id: str) -> Mapping[str, TargetSight]:
        raise PortError("Envoy does not answer")

    world.observe = refuse
    with pytest.raises(PortError):
        world.look(environment(many(1)))


def test_the_unfit_serve_and_never_pass_the_gate(world: World) -> None:
    world.up()
    record = environment(fleet(instance("i-1")))

    def passes(now: float, *unfit: str) -> int:
        look = world.observer.look(record, GATE, now, frozenset(unfit))
        (seen,) = asyncio.run(look).fleet.instances
        assert seen.serving
        return seen.sight.passes

    assert [passes(NOW + n) for n in range(3)] == [1, 2, 3]
    assert passes(NOW + 3, "i-1") == 1
    assert passes(NOW + 4, "i-1") == 1
    assert [passes(NOW + 5 + n) for n in range(2)] == [2, 3]


def test_what_runs_is_asked_itself_once(world: World) -> None:
    world.up()
    world.gate = CHECKED
    assert world.see().sight.reached
    assert world.see(NOW + 1).sight.passes == 2
    assert world.asked == ["i-1: 1 0"]


def test_what_was_exchanged_in_service_is_not_well_before_it_was_asked(world: World) -> None:
    """The load balancer still says what it knows of the application before."""
    world.up()
    world.gate = CHECKED
    world.see()
    world.up(running=2)
    world.passing = False
    seen = [world.see(NOW + n).sight for n in (1, 2)]
    assert [(one.reached, one.passes) for one in seen] == [(False, 0), (False, 0)]
    assert world.asked == ["i-1: 1 0", "i-1: 2 0", "i-1: 2 0"]
    world.passing = True
    assert world.see(NOW + 3).sight.passes == 1


def test_a_restart_is_another_application(world: World) -> None:
    world.up(serial=2)
    world.gate = CHECKED
    world.see()
    world.passing = False
    assert not world.see(NOW + 1, assigned=(Work.RESTART, 1), serial=2).sight.reached
    assert world.asked == ["i-1: 1 0", "i-1: 1 2"]


@pytest.mark.parametrize(
    "target",
    [TargetSight(Service.OUT, True, 0), TargetSight(Service.IN, False, 0)],
    ids=["out of service", "ill"],
)
def test_nobody_is_asked_whom_the_load_balancer_does_not_take_for_well(
    world: World, target: TargetSight
) -> None:
    world.up()
    world.gate = CHECKED
    world.targets["i-1"] = target
    assert not world.see().sight.reached
    assert world.asked == []


def test_a_control_plane_that_starts_anew_asks_again(world: World) -> None:
    world.up()
    world.gate = CHECKED
    world.see()
    world.observer = Observer(world, world, world)
    world.passing = False
    assert not world.see().sight.reached
