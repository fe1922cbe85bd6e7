"""Releases that are bad once they run: how each policy ends with them, and whom they harm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from tests.e2e.installation import ASG, COMMAND, Installation, bundle, installed, option, until
from tests.e2e.story import DEPLOYED, FAILED, end_of
from tests.load.crowd import Load, letting_loose
from tests.load.site import DIES, ERRS, FAILS, UNWELL, site
from tests.load.tally import Tally
from tests.load.visitors import Place

pytestmark = [pytest.mark.e2e, pytest.mark.load]

NAME = "tested-env"
NUMBERS = count(1)
PERCENT = 10
LOAD = Load(callers=16, rate=250.0)
SETTINGS = (
    option("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
    option("aws:elasticbeanstalk:environment:process:default", "HealthCheckPath", "/health"),
    option("aws:elasticbeanstalk:trafficsplitting", "NewVersionPercent", str(PERCENT)),
    option(ASG, "MinSize", "2"),
    option(COMMAND, "BatchSizeType", "Fixed"),
    option(COMMAND, "BatchSize", "1"),
    option(COMMAND, "Timeout", "20"),
)
IN_PLACE = ("AllAtOnce", "Rolling")
BESIDE = ("RollingWithAdditionalBatch", "Immutable", "TrafficSplitting")
QUICK = {
    ("Rolling", "dies"),
    ("Rolling", "fails"),
    ("Immutable", "dies"),
    ("TrafficSplitting", "errs"),
}
BAD = {"dies": DIES, "unwell": UNWELL, "errs": ERRS, "fails": FAILS}


@dataclass(frozen=True)
class Tried:
    """How a deployment ended, and what visitors saw of it."""

    label: str
    end: str
    tally: Tally

    @property
    def met(self) -> int:
        """Return how many requests the bad release had."""
        return self.tally.answers[self.label] + len(self.tally.losses)


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        installation.version("good", bundle(site("good")))
        installation.create(NAME, "good", *SETTINGS)
        yield installation


@pytest.fixture
def made(one: Installation) -> dict[str, Any]:
    """Return the environment on its good version, whole."""
    made = one.rest(NAME)
    if made["VersionLabel"] != "good" or not whole(one, made):
        one.begin(NAME, VersionLabel="good", OptionSettings=[policy("AllAtOnce")])
        made = one.rest(NAME)
    until(lambda: whole(one, made), 60, "both instances serve the good version")
    return made


def policy(name: str) -> dict[str, str]:
    return option(COMMAND, "DeploymentPolicy", name)


def whole(one: Installation, made: dict[str, Any]) -> bool:
    try:
        words = [one.get(made).split() for _ in range(8)]
    except OSError:
        return False
    return {w[0] for w in words} == {"good"} and len({w[1] for w in words}) == 2


def answers(one: Installation, made: dict[str, Any]) -> bool:
    try:
        return one.get(made).startswith("good")
    except OSError:
        return False


def combinations(policies: tuple[str, ...], ills: tuple[str, ...]) -> list[Any]:
    """Return each policy with each ill; most of that is for the long run."""
    return [
        pytest.param(p, i, id=f"{p}, {i}", marks=() if (p, i) in QUICK else pytest.mark.slow)
        for p in policies
        for i in ills
    ]


def tried(one: Installation, made: dict[str, Any], how: str, ill: str) -> Tried:
    """Deploy a bad release under load, until it is decided and visitors have come by since."""
    label = f"{ill}{next(NUMBERS)}"
    one.version(label, bundle(site(label, BAD[ill])))
    with letting_loose(Place(made["EndpointURL"]), LOAD) as crowd:
        request = one.begin(NAME, VersionLabel=label, OptionSettings=[policy(how)])
        one.rest(NAME, patience_s=300)
        seen = crowd.requests
        until(lambda: crowd.requests > seen + 100, 60, "visitors come by afterwards")
    return Tried(label, end_of(one, NAME, request), crowd.tally)


@pytest.mark.parametrize(("how", "ill"), combinations(("Rolling", *BESIDE), ("dies", "unwell")))
def test_nobody_meets_what_never_comes_into_service(
    one: Installation, made: dict[str, Any], how: str, ill: str
) -> None:
    found = tried(one, made, how, ill)
    assert found.end.startswith(FAILED)
    assert found.met == 0, found.tally.failures[:5]
    assert one.rest(NAME)["VersionLabel"] == "good"
    if how in BESIDE:
        until(lambda: whole(one, made), 30, "everything is as it was")


@pytest.mark.slow
@pytest.mark.parametrize("ill", ["dies", "unwell"])
def test_all_at_once_takes_the_site_down_and_the_next_deployment_brings_it_back(
    one: Installation, made: dict[str, Any], ill: str
) -> None:
    found = tried(one, made, "AllAtOnce", ill)
    assert found.end.startswith(FAILED)
    assert found.tally.losses
    until(lambda: one.rest(NAME)["Health"] == "Red", 60, "everybody can see that it is down")
    one.begin(NAME, VersionLabel="good", OptionSettings=[policy("AllAtOnce")])
    one.rest(NAME)
    until(lambda: whole(one, made), 60, "the good version serves again")


@pytest.mark.slow
@pytest.mark.parametrize("how", [*IN_PLACE, *BESIDE[:2]])
def test_a_few_errors_may_pass_where_nobody_compares(
    one: Installation, made: dict[str, Any], how: str
) -> None:
    """Its health checks pass, and what it answers is reported later than the gate is open."""
    found = tried(one, made, how, "errs")
    assert found.end == DEPLOYED or found.end.startswith(FAILED)  # never both, never neither
    assert {loss.why.split()[0] for loss in found.tally.losses} <= {"500"}


@pytest.mark.parametrize(("how", "ill"), combinations(("Rolling", *BESIDE[:2]), ("fails",)))
def test_what_fails_everything_but_its_health_check_does_not_take_the_site_down(
    one: Installation, made: dict[str, Any], how: str, ill: str
) -> None:
    found = tried(one, made, how, ill)
    assert found.end.startswith(FAILED)
    assert {loss.why.split()[0] for loss in found.tally.losses} == {"500"}
    if how == "Immutable":
        until(lambda: whole(one, made), 30, "everything is as it was")
    else:
        until(lambda: answers(one, made), 30, "who has not been changed answers")


@pytest.mark.parametrize(("how", "ill"), combinations(("TrafficSplitting",), ("errs",)))
def test_a_canary_with_errors_is_taken_back_before_it_harms_more_than_twice_its_share(
    one: Installation, made: dict[str, Any], how: str, ill: str
) -> None:
    found = tried(one, made, how, ill)
    assert found.end.startswith(FAILED)
    assert one.rest(NAME)["VersionLabel"] == "good"
    assert found.met <= 2 * PERCENT / 100 * found.tally.requests
    assert {loss.why.split()[0] for loss in found.tally.losses} == {"500"}
    until(lambda: whole(one, made), 30, "everything is as it was")
