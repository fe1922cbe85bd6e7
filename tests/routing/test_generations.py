"""Passing from one cluster to the next, step by step."""

from __future__ import annotations

from dataclasses import replace

from jackbean.ports.engine import Address
from jackbean.ports.router import HealthCheck, Routes, Split, Sticky, Target
from jackbean.routing.generations import drop, patience_s, reunite, settled, step, switch, want
from jackbean.routing.looks import Host, Look
from jackbean.routing.projection import Lane, fresh, way
from jackbean.routing.shapes import is_apart

CHECK = HealthCheck("/", 10, 5, 3, 5)
ROUTES = Routes("e-1", 1, ("a.test",), (Target("i-1", Address("127.0.0.1", 1)),), CHECK)
OTHER = replace(ROUTES, health=replace(CHECK, path="/other"))
THIRD = replace(ROUTES, health=replace(CHECK, path="/third"))

CANARY = Target("i-2", Address("127.0.0.1", 2), group="r-2")
PARTED = replace(ROUTES, targets=(*ROUTES.targets, CANARY), split=Split("r-2", 10))


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


def parting() -> Lane:
    return want(fresh(ROUTES), PARTED, 100.0)


def well(*clusters: str) -> Look:
    return {name: (host("i-1"), host("i-2")) for name in clusters}


def test_a_split_is_another_cluster_beside_that_does_not_serve_yet() -> None:
    lane = parting()
    assert lane.names == {lane.wanted.name, lane.wanted_apart}
    assert (lane.serving, lane.apart) == (fresh(ROUTES).serving, "")
    assert is_apart(lane.wanted_apart)
    assert not is_apart(lane.serving)
    assert not settled(lane)
    assert way(lane).apart == ""


def test_a_share_is_led_to_it_once_it_finds_healthy_what_the_main_one_does() -> None:
    lane = parting()
    main, apart = lane.serving, lane.wanted_apart
    assert step(lane, well(main), 101.0) == lane
    sick = {main: (host("i-1"), host("i-2")), apart: (host("i-1"), host("i-2", healthy=False))}
    assert step(lane, sick, 101.0) == lane
    assert step(lane, sick, 156.0).apart == apart
    after = step(lane, well(main, apart), 101.0)
    assert (after.serving, after.apart) == (main, apart)
    assert settled(after)
    assert step(after, well(main, apart), 102.0) == after


def test_a_split_that_has_ended_leads_nowhere_at_once_and_goes_with_its_last_request() -> None:
    lane = step(parting(), well(*parting().names), 101.0)
    ended = want(lane, replace(PARTED, split=None), 200.0)
    assert way(ended).apart == ""
    assert not settled(ended)
    busy = {**well(ended.serving), lane.apart: (host("i-2", requests=1),)}
    assert step(ended, busy, 201.0) == ended
    assert settled(step(ended, well(*ended.names), 201.0))
    again = want(ended, PARTED, 202.0)
    assert (again.names, again.apart) == (lane.names, "")
    assert step(again, well(*again.names), 203.0).apart == lane.apart


def test_other_shares_and_groups_are_no_other_clusters() -> None:
    lane = step(parting(), well(*parting().names), 101.0)
    for split in (Split("r-2", 0), Split("r-2", 100), Split("main", 50)):
        changed = want(lane, replace(PARTED, split=split), 200.0)
        assert settled(changed)
        assert changed.names == lane.names


def test_a_split_without_two_sides_is_none() -> None:
    for targets in ((), ROUTES.targets, (CANARY,)):
        lane = want(fresh(ROUTES), replace(PARTED, targets=targets), 100.0)
        assert lane.names == {lane.serving}
        assert way(lane).split is None


def test_both_sides_pass_on_to_another_check() -> None:
    lane = step(parting(), well(*parting().names), 101.0)
    both = want(lane, replace(PARTED, health=OTHER.health), 200.0)
    assert len(both.names) == 4
    assert (both.serving, both.apart) == (lane.serving, lane.apart)
    half = step(both, well(lane.serving, lane.apart, both.wanted.name), 201.0)
    assert (half.serving, half.apart) == (both.wanted.name, lane.apart)
    whole = step(half, well(*both.names), 202.0)
    assert whole.in_use == {both.wanted.name, both.wanted_apart}
    assert settled(step(whole, well(*both.names), 203.0))


def test_stickiness_is_another_cluster() -> None:
    lane = want(fresh(ROUTES), replace(ROUTES, sticky=Sticky("AWSALB", 60)), 100.0)
    assert len(lane.names) == 2
    again = want(lane, replace(ROUTES, sticky=Sticky("OTHER", 90)), 101.0)
    assert again.names == lane.names


def test_an_envoy_that_splits_goes_on_splitting() -> None:
    lane = fresh(PARTED)
    assert lane.in_use == lane.names
    assert reunite(lane, lane.names, 200.0).in_use == lane.names
    assert settled(reunite(lane, lane.names, 200.0))
    assert reunite(lane, frozenset(), 200.0).in_use == lane.names
    unready = parting()
    assert reunite(unready, unready.names, 200.0).apart == ""
    assert reunite(unready, frozenset(), 200.0).apart == unready.wanted_apart
    began = reunite(lane, frozenset({lane.serving}), 200.0)
    assert (began.serving, began.apart) == (lane.serving, "")


def test_an_envoy_of_before_splits_on_until_the_newest_may() -> None:
    known = frozenset({"e-1-00000001", "e-1+apart-00000002", "e-11+apart-1"})
    lane = reunite(fresh(PARTED), known, 200.0)
    assert (lane.serving, lane.apart) == ("e-1-00000001", "e-1+apart-00000002")
    after = step(lane, well(*lane.names), 201.0)
    assert after.in_use == {after.wanted.name, after.wanted_apart}
    assert settled(step(after, well(*lane.names), 202.0))
    ended = reunite(fresh(ROUTES), known, 200.0)
    assert (ended.serving, ended.apart) == ("e-1-00000001", "")
    assert ended.held == known - {"e-11+apart-1"}
