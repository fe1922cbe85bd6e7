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
from tests.routing.rig import Backend, Rig, visit, visiting

from jackbean.core.errors import PortError
from jackbean.core.fleet import Service
from jackbean.ports.engine import Address
from jackbean.ports.router import (
    Counted,
    HealthCheck,
    Names,
    Probe,
    Router,
    Routes,
    Split,
    Sticky,
    Target,
    TargetSight,
)
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

    def reboot(self, routes: Routes) -> None:
        """Let the proxy lose everything, and wait until it serves these again."""
        ...

    def visitors(self, routes: Routes, count: int) -> None:
        """Let so many visitors come, one after the other."""
        ...

    def broken(self, instance: str) -> None:
        """Let an instance answer everything with a 500."""
        ...

    def counted(
        self, routes: Routes, test: Callable[[Mapping[str, Counted]], bool]
    ) -> Mapping[str, Counted]:
        """Let time pass until the counters pass the test."""
        ...

    def owner(self, hostname: str) -> str | None:
        """Return the instance behind a name, of an environment that has one."""
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
        self.bad: set[str] = set()
        self.silent = False
        self.router = MemoryRouter(
            self.clock,
            lambda name: name not in self.sick,
            Traffic(apply_s=0.01, check_s=0.02, requests=0, errors=self._errors),
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

    def reboot(self, routes: Routes) -> None:
        self.router.reboot()
        self.clock.advance(1.0)

    def visitors(self, routes: Routes, count: int) -> None:
        before = self.router.traffic
        self.router.traffic = replace(before, per_s=100.0)
        self.do(self.router.counters(routes.environment_id))
        self.clock.advance(count / 100.0 + 1e-6)
        self.do(self.router.counters(routes.environment_id))
        self.router.traffic = before

    def broken(self, instance: str) -> None:
        self.bad.add(instance)

    def counted(
        self, routes: Routes, test: Callable[[Mapping[str, Counted]], bool]
    ) -> Mapping[str, Counted]:
        counters: Mapping[str, Counted] = {}
        for _ in range(1000):
            counters = self.do(self.router.counters(routes.environment_id))
            if test(counters):
                return counters
            self.clock.advance(0.005)
        raise AssertionError(f"last counted: {counters}")

    def owner(self, hostname: str) -> str | None:
        self.clock.advance(0.01)
        environment = self.router.owner(hostname)
        return min(self.router.receivers(environment)) if environment else None

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

    def _errors(self, instance: str) -> float:
        return 1.0 if instance in self.bad else 0.0

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
        self._backend(instance).well = well

    @contextmanager
    def busy(self, routes: Routes) -> Iterator[None]:
        (name,) = (t.instance for t in routes.targets)
        backend = self._backend(name)
        visitor = Thread(target=visit, args=(self.rig.place(routes), "/hold"))
        visitor.start()
        self.rig.until(lambda: backend.held == 1)
        yield
        self.rig.yard.release(backend)
        visitor.join()

    def restart(self) -> None:
        self.rig.restart()

    def reboot(self, routes: Routes) -> None:
        before = self.rig.holder.restarts
        self.rig.kill_envoy()
        self.rig.until(lambda: self.rig.holder.restarts > before)
        self.rig.until_serving(routes)

    def visitors(self, routes: Routes, count: int) -> None:
        self.rig.until(self.rig.router._ads.settled)
        self.rig.until(lambda: not self.rig.router._unfinished())
        self.rig.run(self.rig.router._process.admin.rendezvous())
        with visiting(self.rig.place(routes)) as visitor:
            for _ in range(count):
                visitor.ask()

    def broken(self, instance: str) -> None:
        self._backend(instance).broken = True

    def counted(
        self, routes: Routes, test: Callable[[Mapping[str, Counted]], bool]
    ) -> Mapping[str, Counted]:
        return self.rig.until_counted(routes, test)

    def owner(self, hostname: str) -> str | None:
        self.rig.until(self.rig.router._ads.settled)
        self.rig.run(self.rig.router._process.admin.rendezvous())
        reply = visit(self.rig.main, host=hostname)
        return reply.body if reply.status == 200 else None

    def _backend(self, instance: str) -> Backend:
        (backend,) = (b for b in self.rig.yard.backends if b.name == instance)
        return backend

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


def test_a_check_is_of_this_moment(bench: Bench) -> None:
    target, other = bench.target(), bench.target()
    probes = [Probe(one.instance, one.address, "1") for one in (target, other)]
    bench.well(target.instance, False)
    assert bench.do(bench.router.check(CHECK, probes)) == {other.instance}
    bench.well(target.instance, True)
    assert bench.do(bench.router.check(CHECK, probes[:1])) == {target.instance}
    assert bench.do(bench.router.check(CHECK, [])) == frozenset()


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


NEW = "r-2"


def parted(bench: Bench, percent: int | None, *, old: int = 2, new: int = 2) -> Routes:
    """Return routes of old and new instances that are served, all of them healthy."""
    fresh = [replace(bench.target(), group=NEW) for _ in range(new)]
    split = None if percent is None else Split(NEW, percent)
    routes = replace(routes_of(*(bench.target() for _ in range(old)), *fresh), split=split)
    publish(bench, routes)
    bench.do(bench.router.open())
    bench.until(routes, lambda seen: len(seen) == old + new and all_in(seen))
    return routes


def counters(bench: Bench, routes: Routes) -> Mapping[str, Counted]:
    return bench.do(bench.router.counters(routes.environment_id))


def visited(bench: Bench, routes: Routes, count: int) -> dict[str, int]:
    """Return who had how many of so many visitors, by group."""
    before = counters(bench, routes)

    def more(now: Mapping[str, Counted]) -> dict[str, int]:
        return {g: c.since(before.get(g)).requests for g, c in now.items()}

    bench.visitors(routes, count)
    came = more(bench.counted(routes, lambda now: sum(more(now).values()) >= count))
    assert sum(came.values()) == count
    return came


def until_all_go(bench: Bench, routes: Routes, group: str) -> None:
    """Let single visitors come until ten in a row have gone to a group."""
    row = 0
    for _ in range(1000):
        row = row + 1 if visited(bench, routes, 1)[group] else 0
        if row == 10:
            return
    raise AssertionError(f"visitors go on going elsewhere than to {group}")


@pytest.mark.parametrize(("percent", "some"), [(0, (0, 0)), (10, (15, 85)), (100, (500, 500))])
def test_a_split_leads_its_share_to_its_group(
    bench: Bench, percent: int, some: tuple[int, int]
) -> None:
    routes = parted(bench, percent)
    low, high = some  # at 10 %, less than one time in a million is outside of 50 +- 35
    assert low <= visited(bench, routes, 500)[NEW] <= high


def test_without_a_split_all_groups_serve_alike(bench: Bench) -> None:
    routes = parted(bench, None, old=3, new=1)
    assert 23 <= visited(bench, routes, 100)[NEW] <= 27


def test_a_side_without_a_healthy_target_leaves_its_share_to_the_other(bench: Bench) -> None:
    routes = parted(bench, 100, old=1, new=1)
    old, new = (t.instance for t in routes.targets)
    bench.well(new, False)
    bench.until(routes, lambda seen: not seen[new].healthy)
    until_all_go(bench, routes, "main")
    assert visited(bench, routes, 20) == {"main": 20, NEW: 0}
    bench.well(new, True)
    publish(bench, replace(routes, split=Split(NEW, 0)))
    bench.well(old, False)
    bench.until(routes, lambda seen: not seen[old].healthy and seen[new].healthy)
    until_all_go(bench, routes, NEW)
    assert visited(bench, routes, 20) == {"main": 0, NEW: 20}


def test_a_side_that_drains_leaves_its_share_to_the_other(bench: Bench) -> None:
    routes = parted(bench, 100)
    leaving = [t.instance for t in routes.targets if t.group == NEW]
    publish(bench, draining(routes, *leaving))
    bench.until(routes, lambda seen: all(seen[n].service is Service.DRAINING for n in leaving))
    assert visited(bench, routes, 10) == {"main": 10, NEW: 0}


def test_a_share_for_a_group_that_nobody_is_in_is_taken_by_all(bench: Bench) -> None:
    routes = parted(bench, 50, old=2, new=0)
    assert visited(bench, routes, 10) == {"main": 10}


def test_who_changes_groups_stays_healthy_and_is_counted_there(bench: Bench) -> None:
    routes = parted(bench, 100)
    for split, group in ((None, "main"), (Split(NEW, 100), NEW), (Split("x", 0), "x"), (None, "y")):
        targets = tuple(
            t if t.group == "main" and i < 2 else replace(t, group=group)
            for i, t in enumerate(routes.targets)
        )
        publish(bench, replace(routes, targets=targets, split=split))
        for _ in range(10):
            seen = bench.do(bench.router.observe(routes.environment_id))
            assert all_in(seen)
        assert counters(bench, routes).keys() >= {"main", group}
    assert 4 <= visited(bench, routes, 10)["y"] <= 6


def test_stickiness_is_no_gap(bench: Bench) -> None:
    routes = parted(bench, 50)
    for sticky in (Sticky("AWSALB", 60), None):
        publish(bench, replace(routes, sticky=sticky))
        for _ in range(10):
            assert all_in(bench.do(bench.router.observe(routes.environment_id)))
        assert sum(visited(bench, routes, 20).values()) == 20


def test_errors_are_counted_for_the_group_that_made_them(bench: Bench) -> None:
    routes = parted(bench, 100)
    bench.broken(routes.targets[2].instance)
    assert visited(bench, routes, 20) == {"main": 0, NEW: 20}
    counted = counters(bench, routes)
    assert (counted[NEW].errors_5xx, counted["main"].errors_5xx) == (10, 0)
    assert (counted[NEW].failed, counted[NEW].retried) == (0, 0)


def test_what_is_under_way_is_counted_for_its_group(bench: Bench) -> None:
    routes = opened(bench, replace(bench.target(), group=NEW))
    with bench.busy(routes):
        bench.counted(routes, lambda now: now[NEW].active == 1)
    bench.counted(routes, lambda now: now[NEW].active == 0)


def test_counts_outlive_the_control_plane(bench: Bench) -> None:
    routes = parted(bench, 100)
    visited(bench, routes, 10)
    before = counters(bench, routes)
    bench.restart()
    bench.until(routes, all_in)
    assert counters(bench, routes)[NEW] == before[NEW]
    publish(bench, routes)
    bench.do(bench.router.open())
    bench.until(routes, all_in)
    assert counters(bench, routes) == before
    assert visited(bench, routes, 10) == {"main": 0, NEW: 10}


def test_a_proxy_that_starts_anew_counts_anew_and_says_so(bench: Bench) -> None:
    routes = parted(bench, 100)
    visited(bench, routes, 10)
    before = counters(bench, routes)
    bench.reboot(routes)
    bench.until(routes, all_in)
    after = counters(bench, routes)
    assert after[NEW].epoch != before[NEW].epoch
    assert after[NEW].since(before[NEW]) == after[NEW]
    assert {one.epoch for one in after.values()} == {after[NEW].epoch}
    assert visited(bench, routes, 10) == {"main": 0, NEW: 10}


def test_of_an_environment_that_nobody_knows_nothing_is_counted(bench: Bench) -> None:
    opened(bench, bench.target())
    assert bench.do(bench.router.counters("e-never-seen")) == {}


def test_who_is_published_and_not_served_yet_has_counted_nothing(bench: Bench) -> None:
    routes = publish(bench, routes_of(replace(bench.target(), group=NEW)))
    bench.until(routes, lambda seen: len(seen) == 1)
    (counted,) = counters(bench, routes).values()
    assert counted == Counted(counted.epoch)


def test_a_balancer_that_does_not_answer_counts_nothing(bench: Bench) -> None:
    routes = opened(bench, bench.target())
    bench.silence()
    with pytest.raises(PortError):
        counters(bench, routes)


def test_two_environments_swap_their_names_at_one_moment(bench: Bench) -> None:
    pair = [opened(bench, bench.target()) for _ in range(2)]
    names = [one.hostnames[0] for one in pair]
    instances = [one.targets[0].instance for one in pair]
    assert [bench.owner(name) for name in names] == instances
    swapped = [replace(one, hostnames=(names[1 - n],)) for n, one in enumerate(pair)]
    bench.do(bench.router.publish_all(swapped))
    assert [bench.owner(name) for name in names] == instances[::-1]
    bench.do(bench.router.publish_all(pair))
    assert [bench.owner(name) for name in names] == instances


def test_who_is_late_is_not_heard(bench: Bench) -> None:
    """A turn that has read an environment before names were swapped publishes them as they were."""
    pair = [opened(bench, bench.target()) for _ in range(2)]
    names = [one.hostnames[0] for one in pair]
    instances = [one.targets[0].instance for one in pair]
    bench.do(
        bench.router.rename(
            [Names(one.environment_id, (names[1 - n],), 7) for n, one in enumerate(pair)]
        )
    )
    late = [replace(one, revision=6) for one in pair]
    bench.do(bench.router.publish(late[0]))
    bench.do(bench.router.publish_all(late))
    assert [bench.owner(name) for name in names] == instances[::-1]
    bench.do(bench.router.publish_all([replace(one, revision=7) for one in pair]))
    assert [bench.owner(name) for name in names] == instances


def test_names_are_told_once_they_lead_there(bench: Bench) -> None:
    one = opened(bench, bench.target())
    other = (f"other.{one.hostnames[0]}",)
    bench.do(bench.router.rename([Names(one.environment_id, other)]))
    for _ in range(5000):
        if bench.do(bench.router.hostnames(one.environment_id)) == other:
            break
        bench.until(one, lambda _: True)
    assert bench.owner(other[0]) == one.targets[0].instance
    assert bench.do(bench.router.hostnames("e-nobody")) == ()


def test_publishing_several_or_none_is_publishing(bench: Bench) -> None:
    bench.do(bench.router.publish_all([]))
    several = [routes_of(bench.target()) for _ in range(3)]
    bench.do(bench.router.publish_all(several))
    bench.do(bench.router.open())
    for routes in several:
        bench.until(routes, lambda seen: len(seen) == 1 and all_in(seen))


def test_each_load_balancer_has_an_address_of_its_own(bench: Bench) -> None:
    places = [bench.router.endpoint(slot) for slot in range(2000)]
    assert len(set(places)) == 2000
    hosts = [place.partition(":")[0].split(".") for place in places]
    assert {host[0] for host in hosts} == {"127"}
    assert all(0 <= int(part) <= 255 for host in hosts for part in host)
    assert all(1 <= int(host[3]) <= 254 for host in hosts)
