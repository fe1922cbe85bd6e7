"""Where routes lead, by share and by cookie."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from jackbean.ports.router import Split, Sticky
from jackbean.routing.templates import seconds
from jackbean.routing.ways import Way, routes_by_host, routes_of

WAY = Way("main", "apart", Split("r-2", 10))
STICKY = Sticky("AWSALB", 600)


def host(way: Way) -> Any:
    (found,) = routes_of("e-1", way, 80).body["virtual_hosts"]
    return found


def leads(way: Way, cookie: str | None = None, method: str = "GET") -> dict[str, int]:
    """Return the shares of clusters in a request's route, as Envoy would find it."""
    for route in host(way)["routes"]:
        if all(_fits(match, cookie, method) for match in route["match"].get("headers", [])):
            to = route["route"]
            if "cluster" in to:
                return {to["cluster"]: 100}
            return {c["name"]: c["weight"] for c in to["weighted_clusters"]["clusters"]}
    raise AssertionError("no route")


def _fits(match: Any, cookie: str | None, method: str) -> bool:
    value = cookie if match["name"] == "cookie" else method
    return value is not None and bool(
        re.fullmatch(match["string_match"]["safe_regex"]["regex"], value)
    )


@pytest.mark.parametrize(
    ("percent", "shares"),
    [(0, {"main": 100}), (1, {"apart": 1, "main": 99}), (100, {"apart": 100})],
)
def test_shares_are_of_a_hundred(percent: int, shares: dict[str, int]) -> None:
    for sticky in (None, STICKY):
        way = replace(WAY, split=Split("r-2", percent), sticky=sticky)
        assert leads(way) == leads(way, method="POST") == shares


def test_nothing_leads_to_who_may_not_serve_yet() -> None:
    assert leads(replace(WAY, apart="")) == {"main": 100}
    assert leads(replace(WAY, apart="", sticky=STICKY), "AWSALBTG=r-2.r-2") == {"main": 100}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("cookie", "cluster"),
    [
        ("AWSALBTG=r-2.r-2", "apart"),
        ("AWSALBTG=main.r-2", "main"),
        ("AWSALBTG=r-1.r-2", "main"),
        ("a=1; AWSALBTG=r-2.r-2; b=2", "apart"),
        ("a=1;AWSALBTG=r-2.r-2;b=2", "apart"),
        ("XAWSALBTG=r-2.r-2", None),
        ("AWSALBTG=r-2.r-22", None),
        ("AWSALBTG=r-2xr-2", None),
        ("AWSALBTG=r-2.r-1", None),
        ("AWSALBTG=-.r-2", None),
        ("AWSALBTG=.r-2", None),
        ("AWSALB=r-2.r-2", None),
        ("", None),
    ],
)
def test_a_visitor_keeps_its_group_by_the_cookie_of_this_split(
    method: str, cookie: str, cluster: str | None
) -> None:
    expected = {cluster: 100} if cluster else {"apart": 10, "main": 90}
    assert leads(replace(WAY, sticky=STICKY), cookie, method) == expected
    assert leads(WAY, cookie, method) == {"apart": 10, "main": 90}
    for percent, everybody in ((0, "main"), (100, "apart")):
        way = replace(WAY, sticky=STICKY, split=Split("r-2", percent))
        assert leads(way, cookie, method) == {everybody: 100}


def test_a_group_is_remembered_while_there_are_two() -> None:
    remembered = host(replace(WAY, sticky=STICKY))["response_headers_to_add"]
    assert [h["header"]["key"] for h in remembered] == ["Set-Cookie"]
    assert remembered[0]["header"]["value"].startswith("AWSALBTG=%UPSTREAM_METADATA(")
    for way in (
        WAY,
        Way("main", sticky=STICKY),
        replace(WAY, sticky=STICKY, apart=""),
        replace(WAY, sticky=STICKY, split=Split("r-2", 100)),
    ):
        assert "response_headers_to_add" not in host(way)


def test_the_last_attempt_is_with_the_others_where_there_are_others() -> None:
    def attempts(way: Way) -> list[bool]:
        return ["retry_priority" in r["route"]["retry_policy"] for r in host(way)["routes"]]

    assert attempts(Way("main")) == [False, False]
    assert attempts(replace(WAY, apart="")) == [True, True]
    assert all(attempts(replace(WAY, sticky=STICKY)))


def test_names_lead_the_way_of_their_environment() -> None:
    routes = routes_by_host([("e-1", WAY, ["a.test"]), ("e-2", Way("other"), ["b.test"])], 80)
    hosts = {h["name"]: h for h in routes.body["virtual_hosts"]}
    assert hosts["e-1"]["routes"] == host(WAY)["routes"]
    assert (hosts["e-1"]["domains"], hosts["e-2"]["domains"]) == (["a.test"], ["b.test"])
    assert hosts["nobody"]["routes"][0]["direct_response"]["status"] == 404


def test_silence_is_given_up_after_its_own_time() -> None:
    for way in (WAY, replace(WAY, split=None)):
        told = {r["route"].get("idle_timeout") for r in host(replace(way, idle_s=7))["routes"]}
        assert told == {seconds(7)}
        assert all("idle_timeout" not in r["route"] for r in host(way)["routes"])
