"""What Envoy is told: complete, the same each time, and proof against odd input."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.ports.engine import Address
from jackbean.ports.router import HealthCheck, Routes, Split, Sticky, Target
from jackbean.routing.projection import Facts, Lane, fresh, project
from jackbean.routing.protos import Packer
from jackbean.routing.resources import Kind, Snapshot
from jackbean.routing.shapes import environment_of, is_apart

FACTS = Facts("/var/lib/one", 7080, "/var/log/access.log")
CHECK = HealthCheck("/", 10, 5, 3, 5)
TARGETS = tuple(Target(f"i-{n}", Address(f"127.40.0.{n}", 80)) for n in (1, 2, 3))


def routes(number: int, **changes: object) -> Routes:
    whole = Routes(f"e-{number}", number, (f"shop{number}.test",), TARGETS, CHECK)
    return replace(whole, **changes)  # type: ignore[arg-type]


def snapshot(*several: Routes, facts: Facts = FACTS) -> Snapshot:
    lanes = {r.environment_id: fresh(r) for r in several}
    owners = {name: r.environment_id for r in several for name in r.hostnames}
    return project(lanes, owners, facts)


def versions(one: Snapshot) -> dict[tuple[Kind, str], str]:
    return {(kind, name): r.version for kind in Kind for name, r in one.of(kind).items()}


def test_each_environment_has_its_four_resources_and_all_share_two() -> None:
    one = snapshot(routes(1), routes(2))
    assert {kind: len(one.of(kind)) for kind in Kind} == {
        Kind.CLUSTER: 2,
        Kind.ENDPOINTS: 2,
        Kind.LISTENER: 3,
        Kind.ROUTES: 3,
    }
    assert {environment_of(name) for name in one.of(Kind.CLUSTER)} == {"e-1", "e-2"}


def test_whatever_is_named_is_there() -> None:
    one = snapshot(routes(1), routes(2), routes(3, targets=()))
    clusters = set(one.of(Kind.CLUSTER))
    assert set(one.of(Kind.ENDPOINTS)) == clusters
    assert set(one.of(Kind.LISTENER)) == set(one.of(Kind.ROUTES))
    named = {
        route["route"]["cluster"]
        for table in one.of(Kind.ROUTES).values()
        for host in table.body["virtual_hosts"]
        for route in host["routes"]
        if "route" in route
    }
    assert named == clusters


def test_the_same_intent_gives_the_same_bytes_in_any_order() -> None:
    several = [routes(n) for n in range(20)]
    first = snapshot(*several)
    random.Random(1).shuffle(several)
    shuffled = [replace(r, targets=r.targets[::-1], hostnames=r.hostnames[::-1]) for r in several]
    second = snapshot(*shuffled)
    assert versions(first) == versions(second)
    for kind in Kind:
        for name, resource in first.of(kind).items():
            assert Packer().pack(resource) == Packer().pack(second.of(kind)[name])


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({"targets": TARGETS[:2]}, {Kind.ENDPOINTS}),
        ({"targets": (replace(TARGETS[0], draining=True), *TARGETS[1:])}, {Kind.ENDPOINTS}),
        ({"hostnames": ("other.test",)}, {Kind.ROUTES}),
        ({"slot": 77}, {Kind.LISTENER}),
        ({"health": replace(CHECK, interval_s=11)}, {Kind.CLUSTER, Kind.ENDPOINTS, Kind.ROUTES}),
    ],
)
def test_a_change_touches_only_what_it_must(change: dict[str, object], kinds: set[Kind]) -> None:
    before = versions(snapshot(routes(1), routes(2)))
    after = versions(snapshot(routes(1, **change), routes(2)))
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert {kind for kind, _ in changed} == kinds
    assert not any(name.startswith("e-2") for _, name in changed)


def test_targets_are_told_apart_by_draining_and_nothing_else() -> None:
    one = snapshot(routes(1, targets=(replace(TARGETS[0], draining=True), TARGETS[1])))
    (endpoints,) = one.of(Kind.ENDPOINTS).values()
    hosts = endpoints.body["endpoints"][0]["lb_endpoints"]
    assert [h["health_status"] for h in hosts] == ["DRAINING", "HEALTHY"]
    assert [h["endpoint"]["hostname"] for h in hosts] == ["i-1", "i-2"]


def test_all_generations_of_an_environment_have_the_same_instances() -> None:
    lane = fresh(routes(1))
    both = Lane(lane.routes, lane.clusters, "e-1-00000000", frozenset({"e-1-00000000"}))
    one = project({"e-1": both}, {}, FACTS)
    bodies = [r.body["endpoints"] for r in one.of(Kind.ENDPOINTS).values()]
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert one.held == {"e-1-00000000"}
    assert len(one.of(Kind.CLUSTER)) == 1


PARTED: dict[str, object] = {
    "targets": (replace(TARGETS[0], group="r-2"), *TARGETS[1:]),
    "split": Split("r-2", 10),
}


def ranks(one: Snapshot, *, apart: bool) -> list[tuple[int, list[tuple[str, str]]]]:
    """Return who is in which rank of a cluster, and with which status."""
    (found,) = (r for n, r in one.of(Kind.ENDPOINTS).items() if is_apart(n) is apart)
    return [
        (
            tier.get("priority", 0),
            [(h["endpoint"]["hostname"], h["health_status"]) for h in tier["lb_endpoints"]],
        )
        for tier in found.body["endpoints"]
    ]


def test_a_split_is_two_clusters_of_the_same_instances_in_another_order() -> None:
    one = snapshot(routes(1, **PARTED))
    assert len(one.of(Kind.CLUSTER)) == 2
    old = [("i-2", "HEALTHY"), ("i-3", "HEALTHY")]
    assert ranks(one, apart=False) == [(0, old), (1, [("i-1", "HEALTHY")])]
    assert ranks(one, apart=True) == [(0, [("i-1", "HEALTHY")]), (1, old)]
    assert {environment_of(name) for name in one.of(Kind.CLUSTER)} == {"e-1"}


def test_nobody_is_kept_where_a_share_of_nothing_was_asked_for() -> None:
    for percent, status in ((0, "UNKNOWN"), (50, "HEALTHY"), (100, "UNKNOWN")):
        split = Split("r-2", percent)
        one = snapshot(routes(1, **{**PARTED, "split": split, "sticky": Sticky("AWSALB", 60)}))
        assert ranks(one, apart=True)[1] == (1, [("i-2", status), ("i-3", status)])
        assert ranks(one, apart=False)[1] == (1, [("i-1", status)])


def test_a_target_says_its_group() -> None:
    (endpoints,) = snapshot(routes(1, targets=PARTED["targets"])).of(Kind.ENDPOINTS).values()
    (tier,) = endpoints.body["endpoints"]
    groups = [h["metadata"]["filter_metadata"]["jackbean"]["group"] for h in tier["lb_endpoints"]]
    assert groups == ["r-2", "main", "main"]


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({"split": Split("r-2", 20)}, {Kind.ROUTES}),
        ({"split": Split("main", 10)}, {Kind.ENDPOINTS}),
        ({"split": None}, {Kind.CLUSTER, Kind.ENDPOINTS, Kind.ROUTES}),
        ({"targets": (*TARGETS[:2], replace(TARGETS[2], group="r-2"))}, {Kind.ENDPOINTS}),
        ({"sticky": Sticky("AWSALB", 60)}, {Kind.CLUSTER, Kind.ENDPOINTS, Kind.ROUTES}),
    ],
)
def test_a_change_of_a_split_touches_only_what_it_must(
    change: dict[str, object], kinds: set[Kind]
) -> None:
    before = versions(snapshot(routes(1, **PARTED), routes(2)))
    after = versions(snapshot(routes(1, **{**PARTED, **change}), routes(2)))
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert {kind for kind, _ in changed} == kinds
    assert not any(name.startswith("e-2") for _, name in changed)


def test_whatever_is_parted_can_be_sent() -> None:
    for percent in (0, 50, 100):
        change = {**PARTED, "split": Split("r-2", percent), "sticky": Sticky("AWSALB", 60)}
        one = snapshot(routes(1, **change), routes(2))
        for kind in Kind:
            for resource in one.of(kind).values():
                assert Packer().pack(resource)


@pytest.mark.parametrize("percent", [-1, 101])
def test_a_share_is_of_a_hundred(percent: int) -> None:
    with pytest.raises(ValueError, match="no share of a hundred"):
        Split("r-2", percent)


@pytest.mark.parametrize("seconds", [-1, 1_000_001])
def test_a_cookie_lasts_eleven_days_at_most(seconds: int) -> None:
    with pytest.raises(ValueError, match="a cookie cannot last"):
        Sticky("AWSALB", seconds)


def test_an_owner_without_routes_is_passed_over() -> None:
    one = project({}, {"shop.test": "e-gone"}, FACTS)
    (hosts,) = (r.body["virtual_hosts"] for r in one.of(Kind.ROUTES).values())
    assert [h["domains"] for h in hosts] == [["*"]]


def test_addresses_are_in_a_block_of_the_installation() -> None:
    other = replace(FACTS, identity="/var/lib/two")
    places = {facts.endpoint(slot) for facts in (FACTS, other) for slot in range(1000)}
    assert len(places) == 2000
    assert all(192 <= int(place.split(".")[1]) < 240 for place in places)
    assert FACTS.endpoint(253) != FACTS.endpoint(254)
    assert replace(FACTS, http_port=80).endpoint(3).count(":") == 0


@pytest.mark.parametrize("slot", [-1, 65_000])
def test_a_slot_without_an_address_is_refused(slot: int) -> None:
    with pytest.raises(ValueError, match="no such address"):
        FACTS.endpoint(slot)


@pytest.mark.parametrize(
    "change",
    [
        {"environment_id": "_main"},
        {"environment_id": "e 1"},
        {"environment_id": ""},
        {"hostnames": ("*",)},
        {"hostnames": ("*.test",)},
        {"hostnames": ("shop.test:80",)},
        {"hostnames": ("Shop.test",)},
        {"hostnames": ("",)},
        {"targets": (Target("i 1", Address("127.0.0.1", 80)),)},
        {"targets": (replace(TARGETS[0], group="a.b"),)},
        {"targets": (replace(TARGETS[0], group=""),)},
        {"targets": (replace(TARGETS[0], group="R-2"),)},
        {"sticky": Sticky("A;B", 60)},
        {"sticky": Sticky("", 60)},
    ],
)
def test_what_envoy_would_refuse_for_all_is_refused_for_one(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="that a load balancer can route by"):
        snapshot(routes(1, **change))


@given(
    path=st.text(max_size=200),
    interval=st.floats(0.001, 300),
    thresholds=st.tuples(st.integers(1, 10), st.integers(1, 10)),
    codes=st.lists(
        st.tuples(st.integers(200, 599), st.integers(200, 599)).map(sorted).map(tuple), max_size=4
    ),
)
def test_any_health_check_can_be_sent(
    path: str,
    interval: float,
    thresholds: tuple[int, int],
    codes: list[tuple[int, int]],
) -> None:
    check = HealthCheck(path, interval, interval, *thresholds, tuple(codes))
    (cluster,) = snapshot(routes(1, health=check)).of(Kind.CLUSTER).values()
    sent = cluster.body["health_checks"][0]["http_health_check"]["path"]
    assert sent.isascii()
    assert sent.isprintable()
    assert not set(sent) & set(" #")
    assert sent
    assert Packer().pack(cluster)


def test_packing_twice_is_packing_once_and_forgets_what_is_gone() -> None:
    packer = Packer()
    one = snapshot(routes(1), routes(2))
    sent = {key: packer.pack(r) for kind in Kind for key, r in one.of(kind).items()}
    for kind in Kind:
        for resource in one.of(kind).values():
            assert packer.pack(resource) is packer.pack(resource)
    packer.keep(snapshot(routes(1)))
    assert {name for _, name in packer._packed if name.startswith("e-2")} == set()
    changed = snapshot(routes(1), routes(2, hostnames=("new.test",))).of(Kind.ROUTES)["_main"]
    assert packer.pack(changed) == Packer().pack(changed) != sent["_main"]
