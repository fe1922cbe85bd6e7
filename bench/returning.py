"""Going back to parked instances, under load: from the request to the last answer of the newer."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.figures import Figure, Series
from tests.e2e.installation import ASG, COMMAND, Installation, app, installed, option, until
from tests.e2e.returning import roll_back
from tests.load.crowd import Load, letting_loose
from tests.load.visitors import Place

TARGET_S = 1.0
ROUNDS = 10
NAME = "bench-env"
LOAD = Load(callers=24, rate=500.0)
SETTINGS = (
    option("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
    option(ASG, "MinSize", "2"),
    option(COMMAND, "DeploymentPolicy", "Immutable"),
    option("jackbean:deployment", "ParkingTime", "5"),
)


def measure() -> Iterator[Figure]:
    with installed() as one:
        for label in ("v0", "v1"):
            one.version(label, app(label))
        made = one.create(NAME, "v0", *SETTINGS)
        place = Place(made["EndpointURL"])
        series = [_seconds(one, place) for _ in range(ROUNDS)]
        one.terminate(NAME)
    what = "rollback to parked instances at 500 requests a second, to the last answer of the newer"
    yield Series(what, series).figure("rollback", most=TARGET_S)


def _seconds(one: Installation, place: Place) -> float:
    one.deploy(NAME, "v1")
    with letting_loose(place, LOAD) as crowd:
        until(lambda: crowd.requests > 500, 60, "visitors come by")
        asked = time.monotonic()
        roll_back(one, NAME)
        one.rest(NAME)
        seen = crowd.requests
        until(lambda: crowd.requests > seen + 200, 60, "visitors come by afterwards")
    if crowd.tally.failures:
        raise AssertionError(f"requests were lost: {crowd.tally.failures[:3]}")
    return max(s.ended for s in crowd.tally.seen if s.version == "v1") - asked
