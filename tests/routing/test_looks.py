"""What is believed of Envoy's pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from jackbean.core.errors import PortError
from jackbean.core.fleet import Service
from jackbean.ports.engine import Address
from jackbean.ports.router import HealthCheck, Routes, Split, Target, TargetSight
from jackbean.routing.looks import Host, confirmed, parse_clusters
from jackbean.routing.projection import fresh
from jackbean.routing.sights import sights, under_way

HEALTH = HealthCheck("/", 10, 5, 3, 5)
ROUTES = Routes("e-1", 1, (), (Target("i-1", Address("127.0.0.1", 1)),), HEALTH)
OUT = TargetSight(Service.OUT, healthy=False, requests=0)
IDLE = Host("i-1", draining=True, healthy=True, requests=0)


def page(**health: object) -> dict[str, Any]:
    stats = [
        {"name": "rq_active", "value": "2", "type": "GAUGE"},
        {"name": "rq_pending_active", "type": "GAUGE"},
    ]
    host = {"hostname": "i-1", "stats": stats, "health_status": health}
    return {"cluster_statuses": [{"name": "e-1-0", "host_statuses": [host]}, {"name": "ads"}]}


@pytest.mark.parametrize(
    ("health", "host"),
    [
        ({"eds_health_status": "HEALTHY"}, Host("i-1", False, True, 2)),
        ({"eds_health_status": "DRAINING"}, Host("i-1", True, True, 2)),
        (
            {"eds_health_status": "HEALTHY", "failed_active_health_check": True},
            Host("i-1", False, False, 2),
        ),
        ({"pending_active_hc": True}, Host("i-1", False, False, 2)),
    ],
)
def test_a_page_is_read(health: dict[str, object], host: Host) -> None:
    assert parse_clusters(page(**health)) == {"e-1-0": (host,), "ads": ()}


def test_an_envoy_that_does_not_count_waiting_requests_is_too_old() -> None:
    old = page()
    del old["cluster_statuses"][0]["host_statuses"][0]["stats"][1]
    with pytest.raises(PortError, match=r"1\.40 or newer"):
        parse_clusters(old)


@pytest.mark.parametrize("odd", [[], {"cluster_statuses": [1]}, {"cluster_statuses": [{}]}, None])
def test_an_unknown_page_is_no_observation(odd: Any) -> None:
    with pytest.raises(PortError, match="unknown shape"):
        parse_clusters(odd)


def test_who_drains_only_since_the_rendezvous_is_not_believed_yet() -> None:
    serving = replace(IDLE, draining=False)
    seen = confirmed({"c": (serving,)}, {"c": (IDLE,)}, {"c": (IDLE,)})
    assert seen == {"c": (serving,)}
    assert confirmed({}, {"c": (IDLE,)}, {"c": (IDLE,)}) == {"c": (serving,)}
    assert confirmed({"c": (IDLE,)}, {"c": (IDLE,)}, {"c": (IDLE,)}) == {"c": (IDLE,)}


def test_requests_have_ended_when_two_looks_say_so() -> None:
    busy = replace(IDLE, requests=1)
    assert confirmed({"c": (IDLE,)}, {"c": (busy,)}, {"c": (IDLE,)}) == {"c": (busy,)}
    assert confirmed({"c": (IDLE,)}, {"c": (IDLE,)}, {"c": (busy,)}) == {"c": (busy,)}


def test_requests_are_counted_in_all_clusters_of_an_environment() -> None:
    lane = fresh(ROUTES)
    look = {
        lane.serving: (Host("i-1", False, True, 1),),
        "e-1-0": (Host("i-1", False, False, 2), Host("i-2", True, True, 3)),
    }
    assert sights(lane, look, reached=True) == {
        "i-1": TargetSight(Service.IN, healthy=True, requests=3),
        "i-2": TargetSight(Service.OUT, healthy=False, requests=3),
    }


CANARY = Target("i-2", Address("127.0.0.1", 2), group="r-2")
PARTED = replace(ROUTES, targets=(*ROUTES.targets, CANARY), split=Split("r-2", 10))


@pytest.mark.parametrize(
    ("main", "apart", "seen"),
    [
        ((False, True), (False, True), (Service.IN, True)),
        ((False, True), (False, False), (Service.IN, False)),
        ((False, False), (False, True), (Service.IN, False)),
        ((True, True), (False, True), (Service.IN, True)),
        ((False, True), (True, True), (Service.IN, True)),
        ((True, True), (True, True), (Service.DRAINING, True)),
    ],
)
def test_of_two_clusters_the_more_careful_one_is_believed(
    main: tuple[bool, bool], apart: tuple[bool, bool], seen: tuple[Service, bool]
) -> None:
    lane = fresh(PARTED)
    look = {lane.serving: (Host("i-1", *main, 1),), lane.apart: (Host("i-1", *apart, 2),)}
    assert sights(lane, look, reached=True)["i-1"] == TargetSight(*seen, requests=3)


def test_a_cluster_that_does_not_serve_yet_has_no_say() -> None:
    lane = replace(fresh(PARTED), apart="")
    look = {
        lane.serving: (Host("i-1", False, True, 0),),
        lane.wanted_apart: (Host("i-1", False, False, 0),),
    }
    assert sights(lane, look, reached=True)["i-1"].healthy
    assert sights(None, look, reached=True)["i-1"].healthy


def test_what_is_under_way_is_under_way_in_a_group() -> None:
    lane = fresh(PARTED)
    hosts = (Host("i-1", False, True, 1), Host("i-2", False, True, 2), Host("i-3", True, True, 4))
    assert under_way(lane, {lane.serving: hosts, "e-1-0": hosts[1:]}) == {"main": 1, "r-2": 4}
    assert under_way(None, {lane.serving: hosts}) == {}


def test_who_is_wanted_and_not_there_is_out() -> None:
    assert sights(fresh(ROUTES), {}, reached=True) == {"i-1": OUT}
    assert sights(None, {}, reached=True) == {}


def test_before_the_first_publication_any_cluster_speaks() -> None:
    look = {"e-1-9": (IDLE,)}
    (seen,) = sights(None, look, reached=True).values()
    assert seen == TargetSight(Service.DRAINING, healthy=True, requests=0)
    assert sights(fresh(ROUTES), look, reached=True) == {"i-1": seen}


def test_who_cannot_be_reached_is_in_service_and_not_healthy() -> None:
    lane = fresh(ROUTES)
    look = {lane.serving: (Host("i-1", False, True, 0),)}
    (seen,) = sights(lane, look, reached=False).values()
    assert seen == TargetSight(Service.IN, healthy=False, requests=0)
