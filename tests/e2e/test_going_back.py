"""Giving up, going back and swapping for real, under load."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.installation import ASG, COMMAND, Installation, app, installed, option, until
from tests.e2e.returning import roll_back
from tests.e2e.story import FAILED, end_of
from tests.load.crowd import Load, letting_loose
from tests.load.visitors import Place

pytestmark = [pytest.mark.e2e, pytest.mark.load]

LOAD = Load(callers=8, rate=200.0)
BACK_S = 3.0  # from the request to the last answer of the newer version; the target is in the bench
SETTINGS = (
    option("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
    option(ASG, "MinSize", "2"),
    option(COMMAND, "BatchSizeType", "Fixed"),
    option(COMMAND, "BatchSize", "1"),
)


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        for label in ("one", "two"):
            installation.version(label, app(label))
        yield installation


def versions(one: Installation, made: dict[str, Any]) -> set[str]:
    return {one.get(made).split()[0] for _ in range(8)}


def test_parked_instances_have_everything_back_at_once(one: Installation) -> None:
    name = "parked-env"
    kept = option("jackbean:deployment", "ParkingTime", "5")
    immutable = option(COMMAND, "DeploymentPolicy", "Immutable")
    made = one.create(name, "one", *SETTINGS, immutable, kept)
    before = one.instances(name)
    one.deploy(name, "two")
    assert versions(one, made) == {"two"}
    with letting_loose(Place(made["EndpointURL"]), LOAD) as crowd:
        until(lambda: crowd.requests > 100, 30, "visitors come by")
        asked = time.monotonic()
        answer = roll_back(one, name)
        one.rest(name)
        seen = crowd.requests
        until(lambda: crowd.requests > seen + 100, 30, "visitors come by afterwards")
    assert answer["Parked"] is True
    tally = crowd.tally
    assert not tally.failures, tally.failures[:5]
    late = [s.ended for s in tally.seen if s.version == "two"]
    assert max(late) - asked < BACK_S
    assert one.instances(name) == before
    assert one.rest(name)["VersionLabel"] == "one"
    one.terminate(name)


def test_an_abort_leaves_what_the_policy_promises(one: Installation) -> None:
    name = "abort-env"
    made = one.create(name, "one", *SETTINGS, option(COMMAND, "DeploymentPolicy", "Immutable"))
    before = one.instances(name)
    request = one.begin(name, VersionLabel="two")
    until(lambda: len(one.instances(name)) > 2, 30, "new instances are there")
    described = one.client().describe_environments(EnvironmentNames=[name])["Environments"][0]
    assert described["AbortableOperationInProgress"] is True
    one.client().abort_environment_update(EnvironmentName=name)
    after = one.rest(name)
    assert after["VersionLabel"] == "one"
    assert end_of(one, name, request) == FAILED
    assert one.instances(name) == before
    assert versions(one, made) == {"one"}
    one.terminate(name)


def test_two_environments_swap_without_losing_a_request(one: Installation) -> None:
    blue = one.create("blue-env", "one", *SETTINGS)
    green = one.create("green-env", "two", *SETTINGS)
    _, _, port = blue["CNAME"].partition(":")
    place = Place(f"127.0.0.1:{port or 80}", host=blue["CNAME"])
    with letting_loose(place, LOAD) as crowd:
        until(lambda: crowd.requests > 100, 30, "visitors come by")
        one.client().swap_environment_cnames(
            SourceEnvironmentName="blue-env", DestinationEnvironmentName="green-env"
        )
        one.rest("blue-env")
        one.rest("green-env")
        seen = crowd.requests
        until(lambda: crowd.requests > seen + 100, 30, "visitors come by afterwards")
    tally = crowd.tally
    assert not tally.failures, tally.failures[:5]
    answered = [s.version for s in sorted(tally.seen, key=lambda s: s.begun)]
    assert (answered[0], answered[-1]) == ("one", "two")
    swapped = {e: one.rest(e)["CNAME"] for e in ("blue-env", "green-env")}
    assert swapped == {"blue-env": green["CNAME"], "green-env": blue["CNAME"]}
    for name in ("blue-env", "green-env"):
        one.terminate(name)
