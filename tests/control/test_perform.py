"""From what was saved to what is done: derived anew each time, and never decided here."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from tests.control.rig import Rig
from tests.control.scenes import ARN, environment, release
from tests.core.fleets import NEW, OLD, dead, fleet, fresh, instance, many, updated

from jackbean.control.observe import Look
from jackbean.control.perform import Means, ends, launching, perform
from jackbean.control.terms import Terms
from jackbean.core.environments import Environment, Status, Tier
from jackbean.core.errors import PortError
from jackbean.core.fleet import Fleet, Instance, Machine, Service
from jackbean.core.options.settings import Setting
from jackbean.core.protocol import Report
from jackbean.ports.engine import Address, LaunchSpec, Openings
from jackbean.ports.router import Routes
from jackbean.simulator.universe import BRANCH

LAUNCH = "aws:autoscaling:launchconfiguration"


class Engine:
    """What an engine is asked for; whose ids are in `refused` it cannot do."""

    def __init__(self) -> None:
        self.ensured: list[LaunchSpec] = []
        self.ended: list[str] = []
        self.refused: set[str] = set()
        self.busy = 0
        self.admitted: Openings = {}

    async def ensure(self, spec: LaunchSpec) -> None:
        await self._work(spec.instance)
        self.ensured.append(spec)

    async def terminate(self, instance: str) -> None:
        await self._work(instance)
        self.ended.append(instance)

    async def admit(self, openings: Openings) -> None:
        self.admitted = dict(openings)

    async def _work(self, instance: str) -> None:
        if instance in self.refused:
            raise PortError(f"{instance}: no")
        self.busy += 1
        for _ in range(3):
            await asyncio.sleep(0)
        self.busy -= 1


class Router:
    def __init__(self) -> None:
        self.published: list[Routes] = []
        self.withdrawn: list[str] = []

    async def publish(self, wanted: Routes) -> None:
        self.published.append(wanted)

    async def withdraw(self, environment_id: str) -> None:
        self.withdrawn.append(environment_id)


class Agents:
    def __init__(self) -> None:
        self.nudged: list[str] = []
        self.told: dict[str, bool] = {}  # what an instance has heard of polling

    def latest(self, instance: str) -> tuple[Report, float] | None:
        if instance not in self.told:
            return None
        return Report(instance, polling=self.told[instance]), 0.0

    def nudge(self, instance: str) -> None:
        self.nudged.append(instance)


class Bench:
    """`perform` over ports that only note what they are asked for."""

    def __init__(self) -> None:
        self.engine, self.router, self.agents = Engine(), Router(), Agents()
        with Rig() as rig:
            self.world = replace(
                rig.world, engine=self.engine, router=self.router, reports=self.agents
            )
        self.arn = self.world.platforms.catalogue.find(BRANCH).arn

    def perform(self, whole: Fleet, record: Environment | None = None, **facts: Any) -> None:
        record = record or environment(whole, platform_arn=self.arn, **facts)
        addresses = {i.id: Address(i.id, 80) for i in whole if i.sight.machine is Machine.RUNNING}
        releases = {
            OLD: release(OLD, platform_arn=self.arn),
            NEW: release(
                NEW,
                Setting(LAUNCH, "InstanceType", "t3.large"),
                Setting(LAUNCH, "DisableIMDSv1", "false"),
                platform_arn=self.arn,
            ),
        }
        means = Means(Terms.of(releases[OLD]), Look(whole, addresses), releases)
        asyncio.run(perform(self.world, record, means))


@pytest.fixture
def bench() -> Bench:
    return Bench()


# Machines

MACHINES: dict[str, tuple[Instance, str]] = {
    "never started": (fresh("i-1"), "start"),
    "stopped": (instance("i-1", machine=Machine.STOPPED), "start"),
    "running": (instance("i-1"), ""),
    "died by itself": (dead("i-1"), ""),
    "leaving, still draining": (instance("i-1", leaving=True, service=Service.DRAINING), ""),
    "leaving and out": (instance("i-1", leaving=True, service=Service.OUT), "end"),
    "leaving, died": (dead("i-1", leaving=True, service=Service.OUT), "end"),
    "leaving, out and stopped": (
        instance("i-1", leaving=True, service=Service.OUT, machine=Machine.STOPPED),
        "end",
    ),
    "leaving and gone": (fresh("i-1", leaving=True, service=Service.OUT), ""),
    "leaving, draining and never started": (
        fresh("i-1", leaving=True, service=Service.DRAINING),
        "",
    ),
    "out of service": (instance("i-1", service=Service.OUT), ""),
}


@pytest.mark.parametrize(("one", "what"), MACHINES.values(), ids=MACHINES.keys())
def test_machines(bench: Bench, one: Instance, what: str) -> None:
    bench.perform(fleet(one))
    assert [s.instance for s in bench.engine.ensured] == (["i-1"] if what == "start" else [])
    assert bench.engine.ended == (["i-1"] if what == "end" else [])


def test_a_member_that_nobody_has_seen_is_started(bench: Bench) -> None:
    record = environment(many(1), platform_arn=bench.arn)
    bench.perform(fleet(), record)
    assert [s.instance for s in bench.engine.ensured] == ["i-1"]


def test_a_machine_is_made_as_its_own_release_says(bench: Bench) -> None:
    """The same id always comes with the same spec, whatever the environment is on its way to."""
    bench.perform(fleet(fresh("i-1", release=OLD), fresh("i-2", release=NEW)))
    assert bench.engine.ensured == [
        LaunchSpec(name, "e-abcdefghij", BRANCH, kind, bench.world.credentials.token(name), v1)
        for name, kind, v1 in (("i-1", "t3.micro", False), ("i-2", "t3.large", True))
    ]


def test_what_is_refused_is_raised_when_everything_else_is_done(bench: Bench) -> None:
    bench.engine.refused = {"i-1", "i-3"}
    with pytest.raises(PortError, match="i-1"):
        bench.perform(fleet(*(fresh(f"i-{n}") for n in range(1, 5))))
    assert [s.instance for s in bench.engine.ensured] == ["i-2", "i-4"]
    assert bench.engine.busy == 0


def test_which_releases_members_are_launched_for() -> None:
    record = environment(fleet(instance("i-1"), updated("i-2")))
    assert launching(record) == {OLD, NEW}
    assert launching(environment()) == frozenset()


def test_an_end_that_is_due() -> None:
    assert ends(environment(fleet(instance(leaving=True, service=Service.OUT))))
    assert not ends(environment(fleet(instance(leaving=True, service=Service.DRAINING))))


# Routes


def test_routes_are_published_each_time_also_when_there_are_none(bench: Bench) -> None:
    bench.perform(fleet())
    bench.perform(many(1))
    assert [len(r.targets) for r in bench.router.published] == [0, 1]


def test_routes_end_with_their_environment(bench: Bench) -> None:
    record = environment(status=Status.TERMINATED, platform_arn=ARN)
    bench.perform(fleet(), record)
    assert bench.router.withdrawn == [record.id]
    assert bench.router.published == []


# Agents


def test_agents_that_have_not_heard_yet_are_nudged(bench: Bench) -> None:
    told = instance("i-1", serial=3)
    behind = instance("i-2", serial=3)
    behind = replace(behind, sight=replace(behind.sight, serial=2))
    bench.perform(fleet(told, behind))
    assert bench.agents.nudged == ["i-2"]


def test_workers_are_told_when_they_may_take_messages_and_when_no_longer(bench: Bench) -> None:
    whole = fleet(
        instance("i-1"), instance("i-2"), instance("i-3", service=Service.DRAINING), instance("i-4")
    )
    bench.agents.told = {"i-1": True, "i-2": False, "i-3": True}
    bench.perform(whole, tier=Tier("Worker", "SQS/HTTP"))
    assert bench.agents.nudged == ["i-2", "i-3"]
    bench.perform(whole)
    assert bench.agents.nudged == ["i-2", "i-3"], "a load balancer needs to tell nobody"


def test_no_requests_are_routed_to_workers(bench: Bench) -> None:
    bench.perform(many(2), tier=Tier("Worker", "SQS/HTTP"))
    assert bench.router.published == []


def test_terms_are_read_from_settings() -> None:
    cut = release(
        OLD,
        Setting("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
        Setting("aws:elasticbeanstalk:environment:process:default", "HealthCheckPath", "/up"),
        Setting("aws:elasticbeanstalk:environment:process:default", "MatcherHTTPCode", "200-299"),
        Setting("jackbean:deployment", "HealthCheckCount", "5"),
        Setting("jackbean:deployment", "HealthCheckInterval", "200"),
        Setting("jackbean:deployment", "DrainTimeout", "7"),
    )
    terms = Terms.of(cut)
    assert (terms.gate.count, terms.gate.interval_s, terms.drain_s) == (5, 0.2, 7)
    assert (terms.health.path, terms.health.codes) == ("/up", ((200, 299),))
    assert terms.release is cut


def test_every_member_admits_what_its_environments_groups_open(bench: Bench) -> None:
    whole = fleet(*many(2))
    bench.perform(whole)
    assert set(bench.engine.admitted.values()) == {()}
    assert bench.engine.admitted.keys() == {i.id for i in whole}
