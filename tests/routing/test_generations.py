"""Passing from one cluster to the next, step by step."""

from __future__ import annotations

from dataclasses import replace

from jackbean.ports.engine import Address
from jackbean.ports.router import HealthCheck, Routes, Target
from jackbean.routing.generations import drop, patience_s, reunite, settled, switch, want
from jackbean.routing.looks import Host
from jackbean.routing.projection import Lane, fresh

CHECK = HealthCheck("/", 10, 5, 3, 5)
ROUTES = Routes("e-1", 1, ("a.test",), (Target("i-1", Address("127.0.0.1", 1)),), CHECK)
OTHER = replace(ROUTES, health=replace(CHECK, path="/other"))
THIRD = replace(ROUTES, health=replace(CHECK, path="/third"))


def host(name: str, *, healthy: bool = True, draining: bool = False, requests: int = 0) -> Host:
    return Host(name, draining, healthy, requests)


def passing() -> Lane:
    return want(fresh(ROUTES), OTHER, 100.0)


def old(lane: Lane) -> str:
    return lane.clusters[0].name


def test_another_target_needs_no_other_cluster() -> None:
    lane = fresh(ROUTES)
    changed = want(lane, replace(ROUTES, targets=()), 100.0)
    assert changed.names == lane.names
    assert settled(changed)


def test_another_check_is_another_cluster_that_does_not_serve_yet() -> None:
    lane = passing()
    assert len(lane.names) == 2
    assert lane.serving == old(lane) != lane.wanted.name
    assert not settled(lane)


def test_it_serves_once_it_finds_healthy_what_the_old_one_does() -> None:
    lane = passing()
    new = lane.wanted.name
    was = {old(lane): (host("i-1"), host("i-2"), host("i-3", draining=True))}
    assert switch(lane, was, 101.0) == lane  # Envoy does not have it yet
    sick = {**was, new: (host("i-1"), host("i-2", healthy=False))}
    assert switch(lane, sick, 101.0) == lane
    ready = {**was, new: (host("i-1"), host("i-2"))}
    assert switch(lane, ready, 101.0).serving == new


def test_it_serves_anyway_after_as_long_as_an_instance_may_fail() -> None:
    lane = passing()
    look = {old(lane): (host("i-1"),), lane.wanted.name: (host("i-1", healthy=False),)}
    assert patience_s(CHECK) == 55
    assert switch(lane, look, 154.0) == lane
    assert switch(lane, look, 156.0).serving == lane.wanted.name


def test_the_old_one_goes_with_its_last_request() -> None:
    lane = replace(passing(), serving=passing().wanted.name)
    busy = {old(lane): (host("i-1", requests=1),), lane.serving: (host("i-1"),)}
    assert drop(lane, busy) == lane
    quiet = drop(lane, {**busy, old(lane): (host("i-1"),)})
    assert quiet.names == {lane.serving}
    assert settled(quiet)


def test_what_serves_is_never_dropped() -> None:
    lane = passing()
    assert drop(lane, {}) == lane


def test_a_change_of_mind_takes_back_what_is_still_there() -> None:
    back = want(passing(), ROUTES, 101.0)
    assert back.serving == back.wanted.name
    assert len(back.names) == 2
    assert settled(drop(back, {}))
    third = want(passing(), THIRD, 101.0)
    assert len(third.names) == 3
    assert third.serving == old(passing())


def test_an_envoy_that_has_nothing_begins_with_the_newest() -> None:
    lane = reunite(passing(), frozenset({"e-11-aaaaaaaa"}), 200.0)
    assert lane.names == {lane.serving} == {passing().wanted.name}


def test_an_envoy_that_has_what_is_wanted_is_left_alone() -> None:
    lane = passing()
    assert reunite(lane, lane.names, 200.0).serving == lane.serving
    assert reunite(lane, lane.names, 200.0).names == lane.names
    only = fresh(ROUTES)
    assert settled(reunite(only, only.names, 200.0))


def test_an_envoy_of_before_serves_on_until_the_newest_may() -> None:
    lane = reunite(fresh(ROUTES), frozenset({"e-1-00000001", "e-1-00000002", "e-2-1"}), 200.0)
    assert lane.serving == "e-1-00000001"
    assert lane.held == {"e-1-00000001", "e-1-00000002"}
    look = {lane.serving: (host("i-1"),), lane.wanted.name: (host("i-1"),)}
    served = switch(lane, look, 201.0)
    assert served.serving == lane.wanted.name
    assert settled(drop(served, look))


def test_an_envoy_of_before_with_the_wanted_one_serves_by_that() -> None:
    wanted = fresh(ROUTES).wanted.name
    lane = reunite(fresh(ROUTES), frozenset({wanted, "e-1-00000001"}), 200.0)
    assert lane.serving == wanted
    assert lane.held == {"e-1-00000001"}
