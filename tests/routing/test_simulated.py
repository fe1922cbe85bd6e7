"""What the router on virtual time has beyond the contract: delays, traffic, faults, restarts."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from jackbean.core.errors import PortError
from jackbean.core.fleet import Service
from jackbean.ports.engine import Address
from jackbean.ports.router import NOBODY, HealthCheck, Routes, Split, Target, TargetSight
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


NEW = tuple(Target(f"i-{n}", Address(f"i-{n}", 80), group="r-2") for n in (2, 3))
PARTED = replace(ROUTES, targets=(TARGET, *NEW), split=Split("r-2", 10))


class Visited(World):
    """A world with a hundred visitors a second, who meet errors on new instances."""

    def __init__(self, share: float = 0.0, seed: int = 0, per_s: float = 100.0) -> None:
        super().__init__()
        self.sick_ones: set[str] = set()
        self.router = MemoryRouter(
            self.clock,
            lambda name: name not in self.sick_ones,
            Traffic(per_s=per_s, errors=lambda name: 0.0 if name == "i-1" else share, seed=seed),
        )
        asyncio.run(self.router.open())

    def counted(self, after_s: float = 0.0) -> dict[str, tuple[int, int]]:
        self.clock.advance(after_s)
        counters = asyncio.run(self.router.counters("e-1"))
        return {group: (c.requests, c.errors_5xx) for group, c in counters.items()}


def test_visitors_are_shared_out_to_the_last_one() -> None:
    world = Visited()
    world.publish(PARTED)
    assert world.counted(10.0) == {"main": (900, 0), "r-2": (100, 0)}
    world.publish(replace(PARTED, split=Split("r-2", 75)))
    assert world.counted(10.0) == {"main": (1150, 0), "r-2": (850, 0)}
    for percent, more in ((0, (2150, 850)), (100, (2150, 1850))):
        world.publish(replace(PARTED, split=Split("r-2", percent)))
        assert world.counted(10.0) == {"main": (more[0], 0), "r-2": (more[1], 0)}
    world.publish(replace(PARTED, split=None))
    assert world.counted(0.3) == {"main": (2160, 0), "r-2": (1870, 0)}


def test_how_often_somebody_looks_changes_no_number() -> None:
    seldom, often = Visited(), Visited()
    for world in (seldom, often):
        world.publish(PARTED)
    for _ in range(999):
        often.see(0.01001)
    assert often.counted(10.0 - 999 * 0.01001) == seldom.counted(10.0)


def test_errors_are_drawn_with_a_seed() -> None:
    first, same, other = Visited(0.2), Visited(0.2), Visited(0.2, seed=1)
    for world in (first, same, other):
        world.publish(replace(PARTED, split=Split("r-2", 50)))
    seen = [[world.counted(7.0)["r-2"] for _ in range(20)] for world in (first, same, other)]
    assert seen[0] == seen[1] != seen[2]
    requests, errors = seen[0][-1]
    assert requests == 7000
    assert 1300 < errors < 1500
    assert first.counted()["main"] == (7000, 0)


@pytest.mark.parametrize(("share", "errors"), [(0.0, 0), (1.0, 1000)])
@pytest.mark.parametrize("look_s", [0.01, 10.0])
def test_never_and_always_are_shares(share: float, errors: int, look_s: float) -> None:
    world = Visited(share)
    world.publish(replace(PARTED, split=Split("r-2", 100)))
    for _ in range(round(10.0 / look_s)):
        world.counted(look_s)
    assert world.counted()["r-2"] == (1000, errors)


def test_a_side_that_does_not_serve_leaves_its_visitors_to_the_other() -> None:
    world = Visited()
    world.publish(PARTED)
    world.sick_ones = {"i-2", "i-3"}
    assert world.router.receivers("e-1") == {"i-1"}
    assert world.counted(1.0) == {"main": (100, 0), "r-2": (0, 0)}
    world.sick_ones = {"i-1", "i-2"}
    assert world.router.receivers("e-1") == {"i-3"}
    assert world.counted(1.0) == {"main": (100, 0), "r-2": (100, 0)}
    world.sick_ones = {"i-1", "i-2", "i-3"}
    assert world.counted(1.0) == {"main": (100, 0), "r-2": (100, 0), NOBODY: (100, 0)}


def test_receivers_are_of_a_group_and_have_a_share() -> None:
    world = Visited()
    world.publish(PARTED)
    assert world.router.receivers("e-1") == {"i-1", "i-2", "i-3"}
    assert world.router.receivers("e-1", "r-2") == {"i-2", "i-3"}
    assert world.router.receivers("e-1", "main") == {"i-1"}
    world.publish(replace(PARTED, split=Split("r-2", 0)))
    assert world.router.receivers("e-1", "r-2") == set()
    assert world.router.receivers("e-1") == {"i-1"}


def test_counting_costs_looks_and_not_visitors() -> None:
    world = Visited(0.01, per_s=1e9)
    world.publish(PARTED)
    requests, errors = world.counted(3600.0)["r-2"]
    assert requests == 360_000_000_000
    assert abs(errors / requests - 0.01) < 1e-4


def test_names_lead_to_who_has_them_in_effect() -> None:
    world = World(apply_s=1.0)
    one = replace(ROUTES, hostnames=("a.test",))
    other = replace(ROUTES, environment_id="e-2", hostnames=("b.test",))
    asyncio.run(world.router.publish_all([one, other]))
    assert world.router.owner("a.test") is None
    world.clock.advance(1.0)
    assert (world.router.owner("a.test"), world.router.owner("b.test")) == ("e-1", "e-2")
    asyncio.run(world.router.withdraw("e-2"))
    world.clock.advance(1.0)
    assert world.router.owner("b.test") is None
