"""Groups and splits under load: requests go where they should, and none is lost on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import sqrt

import pytest
from tests.routing.rig import (
    CHECK,
    Backend,
    Load,
    Rig,
    drained,
    gone_quiet,
    targets_of,
    visit,
    visiting,
    without,
)

from jackbean.core.fleet import Service
from jackbean.ports.router import HealthCheck, Routes, Split, TargetSight

one_and_two_workers = pytest.mark.parametrize(
    "rig", [1, 2], indirect=True, ids=["one worker", "two workers"]
)
NEW = "r-2"
PATIENT = replace(CHECK, interval_s=60.0)  # a death is not noticed by checks


@pytest.fixture(scope="module")
def rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("r"), workers=getattr(request, "param", 1))
    rig.run(rig.router.open())
    try:
        yield rig
    finally:
        rig.close()


class Pair:
    """An environment with old and new instances, and visitors of both its addresses."""

    def __init__(self, rig: Rig, old: int = 2, new: int = 2) -> None:
        self.rig = rig
        self.old = [rig.yard.backend() for _ in range(old)]
        self.new = [rig.yard.backend() for _ in range(new)]
        self.routes = rig.routes(*self.old)

    def begin(self, health: HealthCheck = CHECK) -> None:
        """Let the old ones serve."""
        self.routes = self.rig.publish(replace(self.routes, health=health))
        self.rig.until_serving(self.routes)
        self.all_well(self.old)

    def part(self, percent: int, *, health: HealthCheck = CHECK) -> None:
        """Let the old ones serve, and the new ones with them."""
        self.begin(health)
        self.split(percent)
        self.all_well(self.old + self.new)
        self.rig.publish_and_wait(self.routes)

    def split(self, percent: int | None) -> None:
        targets = targets_of(*self.old) + targets_of(*self.new, group=NEW)
        split = None if percent is None else Split(NEW, percent)
        self.routes = replace(self.routes, targets=targets, split=split)
        self.rig.publish_and_wait(self.routes)

    def all_well(self, backends: list[Backend]) -> None:
        def well(seen: dict[str, TargetSight]) -> bool:
            return all(b.name in seen and seen[b.name].healthy for b in backends)

        self.rig.until_sights(self.routes, well)

    def load(self, visitors: int = 4, *, posts: bool = True) -> Load:
        places = [
            (self.rig.place(self.routes), "any.test"),
            (self.rig.main, *self.routes.hostnames),
        ]
        return Load(places, visitors, posts=posts)

    def answers(self, count: int) -> Counter[str]:
        with visiting(self.rig.place(self.routes)) as visitor:
            return Counter(visitor.ask().body for _ in range(count))

    def share(self, count: int) -> int:
        """Return how many of so many requests the new ones have answered."""
        answers = self.answers(count)
        return sum(answers[b.name] for b in self.new)


def served(backends: list[Backend]) -> int:
    return sum(b.served for b in backends)


def more(rig: Rig, load: Load, count: int = 40) -> None:
    """Let some more visitors come."""
    seen = load.count
    rig.until(lambda: load.count > seen + count)


def left_alone(rig: Rig, load: Load, backends: list[Backend]) -> bool:
    """Whether visitors come by and none to these, from when every worker knows of it."""
    rig.run(rig.router._process.admin.rendezvous())
    more(rig, load, 10)  # what was on its way has arrived
    before = served(backends)
    more(rig, load)
    return served(backends) == before


def quiet(rig: Rig, routes: Routes, backends: list[Backend]) -> None:
    rig.until_sights(routes, lambda s: all(gone_quiet(s[b.name]) for b in backends))


def fault_free(load: Load) -> bool:
    assert load.faults == []
    return load.count > 0


@one_and_two_workers
def test_a_canary_grows_joins_and_replaces(rig: Rig) -> None:
    pair = Pair(rig)
    pair.begin()
    with pair.load() as load:
        pair.split(0)
        pair.all_well(pair.new)
        more(rig, load)
        assert served(pair.new) == 0
        pair.split(10)
        rig.until(lambda: served(pair.new) > 3)
        pair.split(100)
        assert left_alone(rig, load, pair.old)
        joined = targets_of(*pair.new) + targets_of(*pair.old, draining=True)
        pair.routes = rig.publish(replace(pair.routes, targets=joined, split=None))
        quiet(rig, pair.routes, pair.old)
        for backend in pair.old:
            rig.yard.kill(backend)
        pair.routes = rig.publish(without(pair.routes, *pair.old))
        more(rig, load)
    assert fault_free(load)
    rig.until(lambda: not rig.router._unfinished())
    assert len(rig.router._lanes[pair.routes.environment_id].names) == 1


@one_and_two_workers
def test_a_canary_is_taken_back(rig: Rig) -> None:
    pair = Pair(rig)
    pair.begin()
    with pair.load() as load:
        for percent in (10, 50):
            pair.part(percent)
            rig.until(lambda: served(pair.new) > 3)
            pair.split(0)
            assert left_alone(rig, load, pair.new)
            rig.publish(drained(replace(pair.routes, split=None), *pair.new))
            quiet(rig, pair.routes, pair.new)
            for backend in pair.new:
                rig.yard.kill(backend)
            pair.routes = rig.publish_and_wait(rig.routes_like(pair.routes, *pair.old))
            pair.new = [rig.yard.backend() for _ in range(2)]
    assert fault_free(load)


@one_and_two_workers
def test_a_group_beside_takes_requests_alike_and_joins(rig: Rig) -> None:
    pair = Pair(rig)
    pair.begin()
    with pair.load() as load:
        pair.split(None)
        pair.all_well(pair.new)
        assert all(count > 4 for count in pair.answers(40).values())
        checks = [b.checks for b in pair.new]
        for turn in range(15):
            group = "main" if turn % 2 == 0 else NEW
            moved = targets_of(*pair.old) + targets_of(*pair.new, group=group)
            pair.routes = rig.publish(replace(pair.routes, targets=moved))
            assert all(s.healthy for s in rig.observe(pair.routes).values())
            more(rig, load, 10)
    assert fault_free(load)
    rig.until(lambda: all(b.checks > n for b, n in zip(pair.new, checks, strict=True)))


@one_and_two_workers
def test_an_instance_changes_sides_of_a_split_under_load(rig: Rig) -> None:
    pair = Pair(rig, old=3, new=1)
    pair.part(50)
    with pair.load() as load:
        for turn in range(24):
            side = {pair.old[turn % 3].name, pair.new[0].name} if turn % 2 else {pair.new[0].name}
            moved = tuple(
                replace(t, group=NEW if t.instance in side else "main") for t in pair.routes.targets
            )
            rig.publish(replace(pair.routes, targets=moved))
            assert all(s.healthy for s in rig.observe(pair.routes).values())
            more(rig, load, 10)
    assert fault_free(load)


def test_one_in_ten_is_one_in_ten(rig: Rig) -> None:
    pair = Pair(rig)
    pair.part(10)
    count, share = 5000, 0.1
    spread = 3 * sqrt(count * share * (1 - share))
    # One sample in 370 is that far off by chance, two in a row one in 130,000.
    assert any(abs(pair.share(count) - count * share) < spread for _ in range(2))


@pytest.mark.parametrize("percent", [0, 100])
def test_nothing_and_everything_are_shares(rig: Rig, percent: int) -> None:
    pair = Pair(rig)
    pair.part(percent)
    assert pair.share(300) == 3 * percent


@pytest.mark.parametrize(
    ("percent", "dying"), [(10, "new"), (50, "new"), (100, "new"), (10, "old")]
)
@pytest.mark.parametrize("health", [CHECK, PATIENT], ids=["noticed", "unnoticed"])
def test_who_dies_costs_no_get(rig: Rig, percent: int, dying: str, health: HealthCheck) -> None:
    """Not one, however small the group: the others have the last attempt."""
    pair = Pair(rig)
    pair.part(percent, health=health)
    with pair.load(posts=False) as load:
        more(rig, load)
        for backend in pair.new if dying == "new" else pair.old:
            rig.yard.kill(backend)
            more(rig, load, 60)
    assert fault_free(load)


def test_who_dies_costs_no_more_than_the_posts_that_it_had(rig: Rig) -> None:
    pair = Pair(rig, new=1)
    pair.part(50, health=PATIENT)
    with pair.load(visitors=4) as load:
        more(rig, load)
        rig.yard.kill(pair.new[0])
        more(rig, load, 100)
    assert len(load.faults) <= 4
    assert all(fault.startswith("502") for fault in load.faults)


@pytest.mark.parametrize("percent", [0, 10, 100])
def test_a_side_that_is_sick_leaves_its_share_to_the_other(rig: Rig, percent: int) -> None:
    pair = Pair(rig)
    pair.part(percent)
    with pair.load() as load:
        for side, other in ((pair.new, pair.old), (pair.old, pair.new)):
            fall_sick(rig, pair.routes, side)
            assert left_alone(rig, load, side)
            assert set(pair.answers(20)) == {b.name for b in other}
            for backend in side:
                backend.well = True
            pair.all_well(side)
    assert fault_free(load)


def fall_sick(rig: Rig, routes: Routes, backends: list[Backend]) -> None:
    """Let them fail until both clusters, which check for themselves, have noticed."""
    for backend in backends:
        backend.well = False
    names = {b.name for b in backends}

    async def noticed() -> bool:
        look = await rig.router._observer.look(routes.environment_id)
        return not any(h.healthy for hosts in look.values() for h in hosts if h.instance in names)

    rig.until_async(noticed)


def test_one_healthy_instance_has_all_of_its_side(rig: Rig) -> None:
    pair = Pair(rig, new=4)
    pair.part(100)
    fall_sick(rig, pair.routes, pair.new[1:])
    rig.run(rig.router._process.admin.rendezvous())
    assert pair.answers(40) == {pair.new[0].name: 40}


def test_a_share_for_nobody_is_taken_by_everybody(rig: Rig) -> None:
    pair = Pair(rig, new=0)
    pair.begin()
    for group in (NEW, "main"):  # nobody is in the one, everybody in the other
        pair.routes = rig.publish_and_wait(replace(pair.routes, split=Split(group, 50)))
        assert set(pair.answers(40).values()) == {20}


def test_new_instances_get_nothing_before_a_check_has_passed(rig: Rig) -> None:
    pair = Pair(rig)
    for backend in pair.new:
        backend.well = False
    pair.begin()
    with pair.load() as load:
        pair.split(100)
        rig.until(lambda: all(b.checks > 2 for b in pair.new))
        more(rig, load)
        assert served(pair.new) == 0
    assert fault_free(load)


def test_a_request_in_flight_is_seen_through_every_change(rig: Rig) -> None:
    pair = Pair(rig, new=1)
    pair.part(100)
    (canary,) = pair.new
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(visit, rig.place(pair.routes), "/hold")
        rig.until(lambda: canary.held == 1)
        for split in (Split(NEW, 50), Split(NEW, 0), None):
            pair.routes = rig.publish(replace(pair.routes, split=split))
            rig.until(rig.router._ads.settled)
            assert rig.observe(pair.routes)[canary.name].requests == 1
        pair.routes = rig.publish(rig.routes_like(pair.routes, *pair.old, canary))
        rig.publish(drained(pair.routes, canary))
        seen = rig.until_sights(pair.routes, lambda s: s[canary.name].service is Service.DRAINING)
        assert seen[canary.name].requests == 1
        for _ in range(60):  # as long as it takes to notice a cluster that nothing leads to
            assert rig.observe(pair.routes)[canary.name].requests == 1
        rig.yard.release(canary)
        assert answer.result().body == canary.name
    quiet(rig, pair.routes, [canary])
    rig.until(lambda: not rig.router._unfinished())


def test_another_health_check_takes_over_on_both_sides(rig: Rig) -> None:
    pair = Pair(rig)
    pair.part(50)
    with pair.load() as load:
        for path in ("/health?2", "/health"):
            health = replace(CHECK, path=path)
            pair.routes = rig.publish_and_wait(replace(pair.routes, health=health))
            assert all(s.healthy for s in rig.observe(pair.routes).values())
    assert fault_free(load)
    assert {b.name for b in pair.old + pair.new} <= set(load.answers)


def test_another_group_takes_the_share(rig: Rig) -> None:
    pair = Pair(rig)
    pair.part(100)
    with pair.load() as load:
        pair.routes = rig.publish_and_wait(replace(pair.routes, split=Split("main", 100)))
        assert pair.share(40) == 0
        pair.routes = rig.publish_and_wait(replace(pair.routes, split=Split(NEW, 100)))
        assert pair.share(40) == 40
    assert fault_free(load)
