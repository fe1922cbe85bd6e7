"""Visitors who stay where they were: through a deployment, and with the version they were given."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.e2e.installation import ASG, COMMAND, Installation, bundle, option, until
from tests.load.crowd import Load, letting_loose
from tests.load.site import site
from tests.load.tally import Tally
from tests.load.visitors import Place

pytestmark = [pytest.mark.e2e, pytest.mark.load]

NAME = "sticky-env"
PROCESS = "aws:elasticbeanstalk:environment:process:default"
SETTINGS = (
    option("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
    option(PROCESS, "StickinessEnabled", "true"),
    option(ASG, "MinSize", "2"),
    option(COMMAND, "BatchSizeType", "Fixed"),
    option(COMMAND, "BatchSize", "1"),
    option("aws:elasticbeanstalk:trafficsplitting", "NewVersionPercent", "50"),
)
REGULARS = Load(callers=16, rate=120.0, jars=True)


@pytest.fixture(scope="module")
def made(installation: Installation) -> dict[str, Any]:
    for label in ("one", "two"):
        installation.version(f"sticky-{label}", bundle(site(label)))
    return installation.create(NAME, "sticky-one", *SETTINGS)


def moves(tally: Tally) -> int:
    return sum(a.instance != b.instance for a, b in pairwise(tally.seen))


def test_a_visitor_stays_until_its_instance_leaves(
    installation: Installation, made: dict[str, Any]
) -> None:
    with letting_loose(Place(made["EndpointURL"]), REGULARS) as crowd:
        until(lambda: crowd.requests > 200, 30, "visitors have come")
        assert [moves(tally) for tally in crowd.tallies] == [0] * REGULARS.callers
        rolling = [option(COMMAND, "DeploymentPolicy", "Rolling")]
        installation.begin(NAME, VersionLabel="sticky-two", OptionSettings=rolling)
        installation.rest(NAME)
        rested = [moves(tally) for tally in crowd.tallies]
        seen = crowd.requests
        until(lambda: crowd.requests > seen + 200, 30, "visitors come on")
    assert crowd.tally.failures == []
    assert [moves(tally) for tally in crowd.tallies] == rested
    assert all(1 <= count <= 2 for count in rested), rested
    assert {tally.seen[-1].version for tally in crowd.tallies} == {"two"}


def test_a_visitor_keeps_the_version_it_was_given(
    installation: Installation, made: dict[str, Any]
) -> None:
    """New visitors are parted between old and new while the new is evaluated, and stay so."""
    there = installation.rest(NAME)["VersionLabel"]
    old, new = ("two", "one") if there == "sticky-two" else ("one", "two")
    splitting = [option(COMMAND, "DeploymentPolicy", "TrafficSplitting")]
    installation.begin(NAME, VersionLabel=f"sticky-{new}", OptionSettings=splitting)
    until(lambda: installation.get(made).startswith(new), 60, "the new version has its share")
    with letting_loose(Place(made["EndpointURL"]), REGULARS) as crowd:
        until(lambda: crowd.requests > 600, 30, "visitors come again and again")
    assert crowd.tally.failures == []
    assert [moves(tally) for tally in crowd.tallies] == [0] * REGULARS.callers
    assert {tally.seen[-1].version for tally in crowd.tallies} == {old, new}
    installation.terminate(NAME)
