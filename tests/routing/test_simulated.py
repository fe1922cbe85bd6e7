"""What the router on virtual time has beyond the contract: delays, traffic, faults, restarts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from jackbean.core.errors import PortError
from jackbean.core.fleet import Service
from jackbean.ports.engine import Address
from jackbean.ports.router import HealthCheck, Routes, Target, TargetSight
from jackbean.simulator.clock import VirtualClock
from jackbean.simulator.router import MemoryRouter, Traffic

TARGET = Target("i-1", Address("i-1", 80))
ROUTES = Routes("e-1", 1, (), (TARGET,), HealthCheck("/", 10, 5, 3, 5))
DRAINED = replace(ROUTES, targets=(replace(TARGET, draining=True),))


class World:
    def __init__(self, **traffic: float) -> None:
        self.clock = VirtualClock(0.0)
        self.sick = False
        self.effects: list[str] = []
        self.router = MemoryRouter(
            self.clock,
            lambda _: not self.sick,
            Traffic(**traffic),  # type: ignore[arg-type]
            self.effects.append,
        )
        asyncio.run(self.router.open())

    def publish(self, routes: Routes) -> None:
        asyncio.run(self.router.publish(routes))

    def see(self, after_s: float = 0.0) -> TargetSight:
        self.clock.advance(after_s)
        return asyncio.run(self.router.observe("e-1"))["i-1"]


def test_publication_and_the_first_check_take_time() -> None:
    world = World(apply_s=1.0, check_s=2.0)
    world.publish(ROUTES)
    assert world.see(0.9).service is Service.OUT
    assert world.see(0.2) == TargetSight(Service.IN, healthy=False, requests=0)
    assert world.see(1.8) == TargetSight(Service.IN, healthy=False, requests=0)
    assert world.see(0.1) == TargetSight(Service.IN, healthy=True, requests=1)


def test_the_last_requests_take_time_from_when_draining_took_effect() -> None:
    world = World(apply_s=1.0, requests=3, last_s=5.0)
    world.publish(ROUTES)
    world.see(2.0)
    world.publish(DRAINED)
    assert world.see(0.9) == TargetSight(Service.IN, healthy=True, requests=3)
    assert world.see(5.0) == TargetSight(Service.DRAINING, healthy=True, requests=3)
    assert world.see(0.1) == TargetSight(Service.DRAINING, healthy=True, requests=0)
    world.publish(ROUTES)
    assert world.see(1.0) == TargetSight(Service.IN, healthy=True, requests=3)


def test_one_that_was_sick_has_nothing_to_drain() -> None:
    world = World(last_s=5.0)
    world.publish(ROUTES)
    world.sick = True
    assert world.see() == TargetSight(Service.IN, healthy=False, requests=0)
    world.publish(DRAINED)
    assert world.see().requests == 0


def test_receivers_are_who_a_request_could_be_sent_to() -> None:
    world = World(apply_s=1.0)
    world.publish(ROUTES)
    assert world.router.receivers("e-1") == set()
    world.clock.advance(1.0)
    assert world.router.receivers("e-1") == {"i-1"}
    world.publish(DRAINED)
    assert world.router.receivers("e-1") == {"i-1"}
    world.clock.advance(1.0)
    assert world.router.receivers("e-1") == set()
    assert world.router.receivers("e-2") == set()


def test_a_restart_leaves_what_took_effect_and_forgets_what_did_not() -> None:
    world = World(apply_s=1.0)
    world.publish(ROUTES)
    world.see(1.0)
    world.publish(DRAINED)
    world.router.restart()
    assert world.see(10.0).service is Service.IN
    world.publish(DRAINED)
    assert world.see(10.0).service is Service.IN
    asyncio.run(world.router.open())
    assert world.see(1.0).service is Service.DRAINING


def test_what_nobody_publishes_after_a_restart_goes_when_it_opens() -> None:
    world = World()
    world.publish(ROUTES)
    world.router.restart()
    assert world.see().service is Service.IN
    asyncio.run(world.router.open())
    assert asyncio.run(world.router.observe("e-1")) == {}


def test_every_effect_may_fail_and_then_has_not_happened() -> None:
    clock = VirtualClock()

    def refuse(effect: str) -> None:
        raise PortError(effect)

    router = MemoryRouter(clock, lambda _: True, effect=refuse)
    for work in (router.open, lambda: router.publish(ROUTES), lambda: router.withdraw("e-1")):
        with pytest.raises(PortError):
            asyncio.run(work())
    router._effect = lambda effect: None
    assert asyncio.run(router.observe("e-1")) == {}
