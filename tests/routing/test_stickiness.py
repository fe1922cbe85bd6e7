"""Visitors who stay where they were, and where they go when that is no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.routing.rig import CHECK, Backend, Load, Rig, Visitor, drained, targets_of, visiting

from jackbean.ports.router import Routes, Split, Sticky

NEW = "r-2"
STICKY = Sticky("AWSALB", 600)
PATIENT = replace(CHECK, interval_s=60.0)  # a death is not noticed by checks


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("r"))
    rig.run(rig.router.open())
    try:
        yield rig
    finally:
        rig.close()


@pytest.fixture
def old(rig: Rig) -> list[Backend]:
    return [rig.yard.backend() for _ in range(3)]


@pytest.fixture
def new(rig: Rig) -> list[Backend]:
    return [rig.yard.backend() for _ in range(2)]


@pytest.fixture
def routes(rig: Rig, old: list[Backend], new: list[Backend]) -> Routes:
    """Return routes that split requests evenly between the old and the new instances."""
    targets = targets_of(*old) + targets_of(*new, group=NEW)
    routes = rig.routes(targets=targets, split=Split(NEW, 50), sticky=STICKY)
    rig.publish(routes)
    rig.until_sights(routes, lambda s: len(s) == 5 and all(t.healthy for t in s.values()))
    rig.publish_and_wait(routes)
    rig.until_serving(routes)
    return routes


@pytest.fixture
def visitor(rig: Rig, routes: Routes) -> Iterator[Visitor]:
    with visiting(rig.place(routes)) as visitor:
        visitor.jar = {}
        yield visitor


def met(visitor: Visitor, count: int = 30) -> Counter[str]:
    return Counter(visitor.ask().body for _ in range(count))


def settle_at(visitor: Visitor, backends: list[Backend]) -> Backend:
    """Come anew until one of these answers, and stay."""
    while True:
        visitor.jar = {}
        name = visitor.ask().body
        for backend in backends:
            if backend.name == name:
                return backend


def names(backends: list[Backend]) -> set[str]:
    return {b.name for b in backends}


def test_a_visitor_keeps_its_instance_and_strangers_do_not(
    rig: Rig, routes: Routes, visitor: Visitor, old: list[Backend], new: list[Backend]
) -> None:
    for one in (replace(routes, split=None), routes):
        rig.publish_and_wait(one)
        visitor.jar = {}
        first = visitor.ask().body
        assert met(visitor) == {first: 30}
        visitor.jar = None
        assert met(visitor, 80).keys() == names(old + new)


def test_the_cookie_is_an_application_load_balancers(
    rig: Rig, routes: Routes, visitor: Visitor
) -> None:
    reply = visitor.ask()
    assert reply.cookies.keys() == {"AWSALB", "AWSALBTG"}
    rig.publish_and_wait(replace(routes, split=None))
    visitor.jar = {}
    reply = visitor.ask()
    assert reply.cookies.keys() == {"AWSALB"}
    assert "; Max-Age=600; Path=/" in reply.headers["set-cookie"]
    assert visitor.ask().cookies == {}


def test_a_cookie_without_an_end_lasts_until_the_browser_is_closed(
    rig: Rig, routes: Routes, visitor: Visitor
) -> None:
    rig.publish_and_wait(replace(routes, sticky=Sticky("AWSELB", 0)))
    reply = visitor.ask()
    assert reply.cookies.keys() == {"AWSELB", "AWSELBTG"}
    assert "max-age" not in reply.headers["set-cookie"].lower()
    assert met(visitor) == {reply.body: 30}


def test_without_stickiness_there_are_no_cookies(
    rig: Rig, routes: Routes, visitor: Visitor
) -> None:
    visitor.ask()
    kept = dict(visitor.jar or {})
    rig.publish_and_wait(replace(routes, sticky=None))
    visitor.jar = kept
    assert len(met(visitor, 60)) == 5
    assert visitor.ask().cookies == {}


def test_cookies_of_the_application_are_left_alone(
    rig: Rig, routes: Routes, visitor: Visitor
) -> None:
    visitor.ask()
    stays = visitor.ask().body
    visitor.jar = {"first": "1", **(visitor.jar or {}), "last": "a=b"}
    head = visitor.ask("/head").body
    assert "first=1; " in head
    assert "; last=a=b" in head
    assert met(visitor) == {stays: 30}


def test_who_drains_or_is_gone_or_sick_or_dead_is_replaced_without_an_error(
    rig: Rig, routes: Routes, visitor: Visitor, old: list[Backend]
) -> None:
    quick = rig.publish_and_wait(replace(routes, split=None, targets=targets_of(*old)))
    with Load([(rig.place(quick), "any.test")], 6, jars=True) as load:
        first = settle_at(visitor, old)
        rig.publish_and_wait(drained(quick, first))
        (second,) = met(visitor)
        assert second != first.name
        left = targets_of(*(b for b in old if b is not first))
        rig.publish_and_wait(replace(quick, targets=left))
        assert met(visitor) == {second: 30}  # it has moved, and stays where it is now
        rig.publish_and_wait(quick)
        rig.until_sights(quick, lambda s: all(t.healthy for t in s.values()))
        (now,) = (b for b in old if b.name == second)
        now.well = False
        rig.until(lambda: visitor.ask().body != second)
        now.well = True
        rig.until_sights(quick, lambda s: all(t.healthy for t in s.values()))
    assert load.faults == []


def test_who_dies_costs_his_visitors_no_get(
    rig: Rig, routes: Routes, visitor: Visitor, old: list[Backend], new: list[Backend]
) -> None:
    rig.publish_and_wait(replace(routes, health=PATIENT))
    with Load([(rig.place(routes), "any.test")], 6, posts=False, jars=True) as load:
        dead = settle_at(visitor, new)
        rig.yard.kill(dead)
        replies = [visitor.ask() for _ in range(20)]
        rig.yard.kill(old[0])
        seen = load.count
        rig.until(lambda: load.count > seen + 50)
    assert {reply.status for reply in replies} == {200}
    assert load.faults == []


@pytest.mark.parametrize("side", ["old", "new"])
def test_during_a_split_a_visitor_keeps_its_group_when_its_instance_leaves(
    rig: Rig,
    routes: Routes,
    visitor: Visitor,
    side: str,
    request: pytest.FixtureRequest,
) -> None:
    backends: list[Backend] = request.getfixturevalue(side)
    leaving = settle_at(visitor, backends)
    rig.publish_and_wait(drained(routes, leaving))
    for _ in range(10):  # it stays with the next one: the group is what would vary
        assert visitor.ask().body in names(backends) - {leaving.name}
        assert visitor.jar is not None
        del visitor.jar["AWSALB"]


def test_who_came_before_a_split_keeps_its_instance_in_it(
    rig: Rig, routes: Routes, visitor: Visitor
) -> None:
    for backend_count in range(4):
        rig.publish_and_wait(replace(routes, split=None))
        visitor.jar = {}
        first = visitor.ask().body
        rig.publish_and_wait(replace(routes, split=Split(NEW, 50)))
        assert met(visitor, 10) == {first: 10}, backend_count


@pytest.mark.parametrize("percent", [0, 100])
def test_nobody_is_kept_on_a_side_without_a_share(
    rig: Rig, routes: Routes, visitor: Visitor, percent: int, request: pytest.FixtureRequest
) -> None:
    stay, go = ("old", "new") if percent == 0 else ("new", "old")
    settle_at(visitor, request.getfixturevalue(go))
    rig.publish_and_wait(replace(routes, split=Split(NEW, percent)))
    (now,) = met(visitor)
    assert now in names(request.getfixturevalue(stay))


def test_the_lot_of_an_earlier_split_is_void(
    rig: Rig, routes: Routes, visitor: Visitor, old: list[Backend], new: list[Backend]
) -> None:
    for group in ("main", "r-1", NEW, "-", ""):
        found = set()
        for _ in range(40):
            visitor.jar = {"AWSALBTG": f"{group}.r-1"}
            found.add(visitor.ask().body)
        assert found & names(old)
        assert found & names(new)


def test_a_cookie_of_somebodys_making_leads_nowhere_else(
    rig: Rig, routes: Routes, visitor: Visitor, old: list[Backend], new: list[Backend]
) -> None:
    stranger = rig.yard.backend()
    other = rig.publish(rig.routes(stranger, sticky=STICKY))
    rig.until_serving(other)
    with visiting(rig.place(other)) as elsewhere:
        elsewhere.jar = {}
        elsewhere.ask()
        foreign = elsewhere.jar["AWSALB"]
    for value in (foreign, "", '"', "%00", "A" * 5000, "127.0.0.1:1"):
        visitor.jar = {"AWSALB": value, "AWSALBTG": value}
        reply = visitor.ask()
        assert reply.status == 200
        assert reply.body in names(old + new)


def test_stickiness_and_splits_come_and_go_under_load(rig: Rig, routes: Routes) -> None:
    places = [(rig.place(routes), "any.test"), (rig.main, routes.hostnames[0])]
    with Load(places, 4, jars=True) as load:
        for sticky in (None, Sticky("OTHER", 5), STICKY):
            for split in (Split(NEW, 10), None, Split(NEW, 0), Split(NEW, 100)):
                rig.publish_and_wait(replace(routes, sticky=sticky, split=split))
                seen = load.count
                rig.until(lambda: load.count > seen + 10)  # noqa: B023 - waited for at once
    assert load.faults == []
