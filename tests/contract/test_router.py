"""What every router promises, on virtual time and with a real Envoy alike."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any, Protocol, TypeVar

import pytest
from tests.routing.rig import Rig, visit

from jackbean.core.errors import PortError
from jackbean.core.fleet import Service
from jackbean.ports.engine import Address
from jackbean.ports.router import HealthCheck, Router, Routes, Target, TargetSight
from jackbean.simulator.clock import VirtualClock
from jackbean.simulator.router import MemoryRouter, Traffic

T = TypeVar("T")
CHECK = HealthCheck("/health", 0.2, 1.0, 2, 2)
Sights = Mapping[str, TargetSight]


class Bench(Protocol):
    """A router and the world around it."""

    @property
    def router(self) -> Router: ...

    def do(self, work: Coroutine[Any, Any, T]) -> T: ...

    def target(self) -> Target:
        """Start an instance."""
        ...

    def well(self, instance: str, well: bool) -> None: ...

    def busy(self, routes: Routes) -> AbstractContextManager[None]:
        """Have a request in flight on the environment's only instance."""
        ...

    def restart(self) -> None:
        """Replace the control plane by a new one that knows nothing."""
        ...

    def silence(self) -> None:
        """Let the proxy answer no more."""
        ...

    def until(self, routes: Routes, test: Callable[[Sights], bool]) -> Sights:
        """Let time pass until an observation passes the test."""
        ...

    def close(self) -> None: ...


class Memory:
    def __init__(self, directory: Path) -> None:
        self.clock = VirtualClock()
        self.sick: set[str] = set()
        self.silent = False
        self.router = MemoryRouter(
            self.clock,
            lambda name: name not in self.sick,
            Traffic(apply_s=0.01, check_s=0.02, requests=0),
            self._effect,
        )
        self._count = itertools.count()
        self._runner = asyncio.Runner()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def target(self) -> Target:
        return Target(f"i-{next(self._count)}", Address("127.0.0.1", 1))

    def well(self, instance: str, well: bool) -> None:
        (self.sick.discard if well else self.sick.add)(instance)

    @contextmanager
    def busy(self, routes: Routes) -> Iterator[None]:
        before = self.router.traffic
        self.router.traffic = replace(before, requests=1, last_s=3600.0)
        yield
        self.router.traffic = before

    def restart(self) -> None:
        self.router.restart()

    def silence(self) -> None:
        self.silent = True

    def until(self, routes: Routes, test: Callable[[Sights], bool]) -> Sights:
        seen: Sights = {}
        for _ in range(1000):
            seen = self.do(self.router.observe(routes.environment_id))
            if test(seen):
                return seen
            self.clock.advance(0.005)
        raise AssertionError(f"last seen: {seen}")

    def close(self) -> None:
        self._runner.close()

    def _effect(self, effect: str) -> None:
        if self.silent:
            raise PortError(f"not now: {effect}")


class Real:
    def __init__(self, directory: Path) -> None:
        self.rig = Rig(directory)

    @property
    def router(self) -> Router:
        return self.rig.router

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.rig.run(work)

    def target(self) -> Target:
        backend = self.rig.yard.backend()
        return Target(backend.name, backend.address)

    def well(self, instance: str, well: bool) -> None:
        (backend,) = (b for b in self.rig.yard.backends if b.name == instance)
        backend.well = well

    @contextmanager
    def busy(self, routes: Routes) -> Iterator[None]:
        (name,) = (t.instance for t in routes.targets)
        (backend,) = (b for b in self.rig.yard.backends if b.name == name)
        visitor = Thread(target=visit, args=(self.rig.place(routes), "/hold"))
        visitor.start()
        self.rig.until(lambda: backend.held == 1)
        yield
        self.rig.yard.release(backend)
        visitor.join()

    def restart(self) -> None:
        self.rig.restart()

    def silence(self) -> None:
        self.rig.run(self.rig.holder.stop(5.0))

    def until(self, routes: Routes, test: Callable[[Sights], bool]) -> Sights:
        return self.rig.until_sights(routes, test)

    def close(self) -> None:
        self.rig.close()


@pytest.fixture(params=[Memory, Real], ids=["memory", "envoy"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    bench: Bench = request.param(tmp_path)
    try:
        yield bench
    finally:
        bench.close()


slots = itertools.count(1)


def routes_of(*targets: Target, health: HealthCheck = CHECK) -> Routes:
    slot = next(slots)
    return Routes(f"e-{slot:010d}", slot, (f"shop{slot}.test",), targets, health)


def publish(bench: Bench, routes: Routes) -> Routes:
    bench.do(bench.router.publish(routes))
    return routes


def opened(bench: Bench, *targets: Target) -> Routes:
    """Return routes that are served, with all their instances found healthy."""
    routes = publish(bench, routes_of(*targets))
    bench.do(bench.router.open())
    bench.until(routes, lambda seen: len(seen) == len(targets) and all_in(seen))
    return routes


def all_in(seen: Sights) -> bool:
    return all(s.service is Service.IN and s.healthy for s in seen.values())


def draining(routes: Routes, *instances: str) -> Routes:
    return replace(
        routes,
        targets=tuple(replace(t, draining=t.instance in instances) for t in routes.targets),
    )


def test_published_routes_are_served(bench: Bench) -> None:
    routes = opened(bench, bench.target(), bench.target())
    seen = bench.do(bench.router.observe(routes.environment_id))
    assert seen == {
        t.instance: TargetSight(Service.IN, healthy=True, requests=0) for t in routes.targets
    }


def test_until_it_is_opened_nothing_is_served_and_then_the_newest(bench: Bench) -> None:
    first, second = bench.target(), bench.target()
    routes = publish(bench, routes_of(first))
    out = TargetSight(Service.OUT, healthy=False, requests=0)
    bench.until(routes, lambda seen: seen == {first.instance: out})
    routes = publish(bench, replace(routes, targets=(second,)))
    gone = publish(bench, routes_of(first))
    bench.do(bench.router.withdraw(gone.environment_id))
    bench.until(routes, lambda seen: seen == {second.instance: out})
    bench.do(bench.router.open())
    bench.until(routes, lambda seen: seen.keys() == {second.instance} and all_in(seen))
    assert bench.do(bench.router.observe(gone.environment_id)) == {}


def test_publishing_twice_is_publishing_once(bench: Bench) -> None:
    routes = opened(bench, bench.target())
    with bench.busy(routes):
        bench.until(routes, lambda seen: total(seen) == 1)
        for _ in range(3):
            publish(bench, routes)
            bench.do(bench.router.open())
            seen = bench.do(bench.router.observe(routes.environment_id))
            assert (all_in(seen), total(seen)) == (True, 1)


def total(seen: Sights) -> int:
    return sum(sight.requests for sight in seen.values())


def test_health_is_the_balancers_own_verdict(bench: Bench) -> None:
    sick, well = bench.target(), bench.target()
    bench.well(sick.instance, False)
    routes = publish(bench, routes_of(sick, well))
    bench.do(bench.router.open())
    bench.until(
        routes,
        lambda seen: (
            {n: s.healthy for n, s in seen.items()} == {sick.instance: False, well.instance: True}
        ),
    )
    bench.well(sick.instance, True)
    bench.until(routes, all_in)
    bench.well(well.instance, False)
    seen = bench.until(routes, lambda seen: not seen[well.instance].healthy)
    assert seen[well.instance].service is Service.IN


def test_who_drains_has_its_requests_until_they_end(bench: Bench) -> None:
    routes = opened(bench, bench.target())
    (name,) = (t.instance for t in routes.targets)
    with bench.busy(routes):
        publish(bench, draining(routes, name))
        seen = bench.until(routes, lambda seen: seen[name].service is Service.DRAINING)
        assert seen[name].requests == 1
    seen = bench.until(routes, lambda seen: seen[name].requests == 0)
    assert seen[name].service is Service.DRAINING


def test_who_drained_may_come_back(bench: Bench) -> None:
    routes = opened(bench, bench.target(), bench.target())
    name = routes.targets[0].instance
    publish(bench, draining(routes, name))
    bench.until(routes, lambda seen: seen[name].service is Service.DRAINING)
    publish(bench, routes)
    bench.until(routes, all_in)


def test_who_is_taken_out_is_no_longer_seen(bench: Bench) -> None:
    routes = opened(bench, bench.target(), bench.target())
    kept = routes.targets[1:]
    publish(bench, replace(routes, targets=kept))
    bench.until(routes, lambda seen: seen.keys() == {t.instance for t in kept})
    publish(bench, replace(routes, targets=()))
    bench.until(routes, lambda seen: not seen)
    publish(bench, routes)
    bench.until(routes, lambda seen: len(seen) == 2 and all_in(seen))


def test_another_health_check_is_another_verdict_and_no_gap(bench: Bench) -> None:
    routes = opened(bench, bench.target())
    (name,) = (t.instance for t in routes.targets)
    publish(bench, replace(routes, health=replace(CHECK, path="/health?2")))
    for _ in range(20):
        seen = bench.do(bench.router.observe(routes.environment_id))
        assert all_in(seen)
    bench.well(name, False)
    bench.until(routes, lambda seen: not seen[name].healthy)


def test_environments_are_apart(bench: Bench) -> None:
    one = opened(bench, bench.target())
    other = opened(bench, bench.target())
    bench.do(bench.router.withdraw(one.environment_id))
    bench.until(one, lambda seen: not seen)
    seen = bench.do(bench.router.observe(other.environment_id))
    assert seen.keys() == {t.instance for t in other.targets}
    assert all_in(seen)
    bench.do(bench.router.withdraw(one.environment_id))
    bench.do(bench.router.withdraw("e-never-seen"))
    publish(bench, one)
    bench.until(one, lambda seen: bool(seen) and all_in(seen))


def test_a_new_control_plane_sees_what_is_served_and_changes_nothing_before_it_opens(
    bench: Bench,
) -> None:
    routes = opened(bench, bench.target(), bench.target())
    leaving = routes.targets[0].instance
    gone = opened(bench, bench.target())
    bench.restart()
    bench.until(routes, lambda seen: len(seen) == 2 and all_in(seen))
    publish(bench, draining(routes, leaving))
    bench.do(bench.router.withdraw(gone.environment_id))
    for _ in range(5):
        assert all_in(bench.do(bench.router.observe(routes.environment_id)))
        assert len(bench.do(bench.router.observe(gone.environment_id))) == 1
    bench.do(bench.router.open())
    bench.until(routes, lambda seen: seen[leaving].service is Service.DRAINING)
    bench.until(gone, lambda seen: not seen)


def test_a_balancer_that_does_not_answer_is_not_spoken_for(bench: Bench) -> None:
    routes = opened(bench, bench.target())
    bench.silence()
    with pytest.raises(PortError):
        bench.do(bench.router.observe(routes.environment_id))


def test_each_load_balancer_has_an_address_of_its_own(bench: Bench) -> None:
    places = [bench.router.endpoint(slot) for slot in range(2000)]
    assert len(set(places)) == 2000
    hosts = [place.partition(":")[0].split(".") for place in places]
    assert {host[0] for host in hosts} == {"127"}
    assert all(0 <= int(part) <= 255 for host in hosts for part in host)
    assert all(1 <= int(host[3]) <= 254 for host in hosts)
