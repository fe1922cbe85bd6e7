"""Everything that a deployment does to a load balancer, under load, without a failed request.

The visitors send POST as well, which nobody may send a second time: an instance that is stopped
a moment too early shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from tests.routing.rig import (
    CHECK,
    Backend,
    Load,
    Rig,
    drained,
    gone_quiet,
    held_up,
    visit,
    without,
)

from jackbean.core.fleet import Service
from jackbean.ports.router import Names, Routes, Target
from jackbean.routing.resources import Kind

one_and_two_workers = pytest.mark.parametrize(
    "rig", [1, 2], indirect=True, ids=["one worker", "two workers"]
)
OTHER = replace(CHECK, path="/health?2")


@pytest.fixture(scope="module")
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("r"), workers=getattr(request, "param", 1))
    rig.run(rig.router.open())
    try:
        yield rig
    finally:
        rig.close()


@pytest.fixture
def fleet(rig: Rig) -> list[Backend]:
    return [rig.yard.backend() for _ in range(3)]


@pytest.fixture
def routes(rig: Rig, fleet: list[Backend]) -> Routes:
    routes = rig.publish(rig.routes(*fleet))
    rig.until_sights(routes, lambda s: len(s) == 3 and all(t.healthy for t in s.values()))
    rig.until_serving(routes)
    return routes


def fault_free(load: Load) -> bool:
    assert load.faults == []
    return load.count > 0


def leave(rig: Rig, routes: Routes, backend: Backend) -> None:
    """Take a backend out and stop it the moment that it is said to have no requests."""
    rig.publish(drained(routes, backend))
    rig.until_sights(routes, lambda s: gone_quiet(s[backend.name]))
    rig.yard.kill(backend)
    rig.publish(without(routes, backend))


def come(rig: Rig, routes: Routes, backend: Backend) -> None:
    """Start a backend again and wait until it is in service."""
    rig.yard.start(backend)
    rig.publish(routes)
    rig.until_sights(routes, lambda s: s[backend.name].service is Service.IN)
    rig.until_sights(routes, lambda s: s[backend.name].healthy)


@one_and_two_workers
def test_instances_leave_and_come_back(rig: Rig, routes: Routes, fleet: list[Backend]) -> None:
    with Load([(rig.place(routes), "any.test"), (rig.main, routes.hostnames[0])], 4) as load:
        for turn in range(15):
            leave(rig, routes, fleet[turn % 3])
            come(rig, routes, fleet[turn % 3])
    assert fault_free(load)
    assert set(load.answers) == {b.name for b in fleet}


@one_and_two_workers
def test_what_was_said_to_be_drained_gets_no_request_any_more(
    rig: Rig, routes: Routes, fleet: list[Backend]
) -> None:
    backend = fleet[0]
    with Load([(rig.place(routes), "any.test")], 4) as load:
        for _ in range(20):
            rig.publish(drained(routes, backend))
            rig.until_sights(routes, lambda s: gone_quiet(s[backend.name]))
            served, answers = backend.served, load.count
            rig.until(lambda: load.count > answers + 20)  # noqa: B023 - waited for at once
            assert backend.served == served
            rig.publish(routes)
            rig.until(lambda: backend.served > served)  # noqa: B023 - waited for at once
    assert fault_free(load)


def test_another_health_check_takes_over_once_it_has_passed(
    rig: Rig, routes: Routes, fleet: list[Backend]
) -> None:
    with Load([(rig.place(routes), "any.test")]) as load, ThreadPoolExecutor() as pool:
        answer = pool.submit(visit, rig.place(routes), "/hold")
        rig.until(lambda: any(b.held for b in fleet))
        (busy,) = (b for b in fleet if b.held)
        for turn in range(4):
            checks = [b.checks for b in fleet]
            routes = rig.publish(replace(routes, health=OTHER if turn % 2 == 0 else CHECK))
            rig.until(lambda: all(b.checks > n for b, n in zip(fleet, checks, strict=True)))  # noqa: B023 - waited for at once
            assert rig.observe(routes)[busy.name].requests >= 1
        rig.publish(drained(routes, busy))
        rig.until_sights(routes, lambda s: s[busy.name].service is Service.DRAINING)
        answers = load.count
        rig.until(lambda: load.count > answers + 20)
        assert rig.observe(routes)[busy.name].requests == 1  # through a cluster that is replaced
        rig.yard.release(busy)
        assert answer.result().status == 200
        rig.until_sights(routes, lambda s: s[busy.name].requests == 0)
    assert fault_free(load)
    rig.until(lambda: not rig.router._unfinished())


def test_a_health_check_that_nobody_passes_takes_over_when_the_threshold_is_reached(
    rig: Rig, routes: Routes
) -> None:
    strict = replace(CHECK, codes=((201, 201),), interval_s=0.3, unhealthy_threshold=2)
    rig.publish(replace(routes, health=strict))
    assert visit(rig.place(routes)).status == 200
    took = rig.until(lambda: visit(rig.place(routes)).status == 503)
    assert took > 0.6
    rig.publish(routes)
    rig.until_serving(routes)


def test_two_environments_swap_names(rig: Rig) -> None:
    pair = [rig.publish(rig.routes(rig.yard.backend())) for _ in range(2)]
    names = [one.hostnames for one in pair]
    for routes in pair:
        rig.until_serving(routes)
        rig.until(lambda: visit(rig.main, host=routes.hostnames[0]).status == 200)  # noqa: B023 - waited for at once
    with Load([(rig.main, name) for (name,) in names], 4) as load:
        for turn in range(6):
            for one, routes in enumerate(pair):
                swapped = names[(one + turn + 1) % 2]
                rig.publish(replace(routes, hostnames=swapped))
                seen = load.count
                rig.until(lambda: load.count > seen + 20)  # noqa: B023 - waited for at once
    assert fault_free(load)
    rig.until(lambda: visit(rig.main, host=names[0][0]).body == pair[0].targets[0].instance)


@one_and_two_workers
def test_two_environments_swap_names_at_one_moment(rig: Rig) -> None:
    """Each name is answered by one of the two at every moment, and never both by the same."""
    pair = [rig.publish(rig.routes(rig.yard.backend())) for _ in range(2)]
    names = [one.hostnames for one in pair]
    for (name,) in names:
        rig.until(lambda: visit(rig.main, host=name).status == 200)  # noqa: B023 - waited for at once
    with Load([(rig.main, name) for (name,) in names], 4) as load:
        for turn in range(20):
            swapped = [
                replace(routes, hostnames=names[(one + turn + 1) % 2])
                for one, routes in enumerate(pair)
            ]
            rig.run(rig.router.publish_all(swapped))
            assert rig.router._names.dropped == {}
            (hosts,) = (r for r in rig.router._shared if r.kind is Kind.ROUTES)
            domains = {h["name"]: h["domains"] for h in hosts.body["virtual_hosts"]}
            assert all([*r.hostnames] == domains[r.environment_id] for r in swapped)
            seen = load.count
            rig.until(lambda: load.count > seen + 20)  # noqa: B023 - waited for at once
    assert fault_free(load)
    assert set(load.answers) == {r.targets[0].instance for r in pair}
    rig.until(lambda: visit(rig.main, host=names[0][0]).body == pair[0].targets[0].instance)


@one_and_two_workers
def test_once_names_are_said_to_lead_somewhere_everybody_is_led_there(rig: Rig) -> None:
    pair = [rig.publish(rig.routes(rig.yard.backend())) for _ in range(2)]
    names = [one.hostnames for one in pair]
    for (name,) in names:
        rig.until(lambda: visit(rig.main, host=name).status == 200)  # noqa: B023 - waited for at once
    with Load([(rig.main, name) for (name,) in names], 4) as load:
        for turn in range(30):
            wanted = {r.environment_id: names[(i + turn + 1) % 2] for i, r in enumerate(pair)}
            rig.run(rig.router.rename([Names(*one) for one in wanted.items()]))
            rig.until_async(partial(led, rig, wanted))
            for routes in pair:
                (name,) = wanted[routes.environment_id]
                answers = {visit(rig.main, host=name).body for _ in range(4)}
                assert answers == {routes.targets[0].instance}
    assert fault_free(load)


async def led(rig: Rig, wanted: dict[str, tuple[str, ...]]) -> bool:
    return all([await rig.router.hostnames(i) == names for i, names in wanted.items()])


def test_of_several_routes_all_are_published_or_none(rig: Rig, routes: Routes) -> None:
    good, bad = replace(routes, hostnames=("new.test",)), rig.routes(hostnames=("*",))
    with pytest.raises(ValueError, match="that a load balancer can route by"):
        rig.run(rig.router.publish_all([good, bad]))
    rig.publish(rig.routes())  # whatever is sent next
    rig.until(rig.router._ads.settled)
    assert visit(rig.main, host="new.test").status == 404
    assert visit(rig.main, host=routes.hostnames[0]).status == 200


def test_other_environments_come_and_go(rig: Rig, routes: Routes) -> None:
    with Load([(rig.place(routes), "any.test"), (rig.main, routes.hostnames[0])]) as load:
        for _ in range(15):
            passing = rig.publish(rig.routes(rig.yard.backend()))
            rig.until_serving(passing)
            rig.run(rig.router.withdraw(passing.environment_id))
    assert fault_free(load)


def test_all_instances_are_replaced_at_once(rig: Rig, routes: Routes) -> None:
    for _ in range(3):
        fresh = [rig.yard.backend() for _ in range(2)]
        new = tuple(Target(b.name, b.address) for b in fresh)
        with Load([(rig.place(routes), "any.test")]) as load:
            both = rig.publish(replace(routes, targets=(*routes.targets, *new)))
            rig.until_sights(both, lambda s: len(s) == len(both.targets))  # noqa: B023 - waited for at once
            rig.until_sights(both, lambda s: all(t.healthy for t in s.values()))
            routes = rig.publish(replace(routes, targets=new))
            rig.until_sights(routes, lambda s: len(s) == 2)
        assert fault_free(load)


@one_and_two_workers
def test_a_worker_that_has_not_heard_of_draining_is_waited_for(rig: Rig) -> None:
    """Envoy's main thread has confirmed, and yet requests may still be sent to the instance."""
    backend = rig.yard.backend()
    routes = rig.publish(rig.routes(backend))
    rig.until_serving(routes)

    async def observed_within_s(seconds: float) -> bool:
        try:
            await asyncio.wait_for(rig.router.observe(routes.environment_id), seconds)
        except TimeoutError:
            return False
        return True

    with held_up(rig.holder.pid):
        assert rig.run(observed_within_s(5.0))
        rig.publish(drained(routes, backend))
        assert not rig.run(observed_within_s(0.3))
    rig.until_sights(routes, lambda s: gone_quiet(s[backend.name]))
