"""Bundles that cannot work: each says why, harms nobody, and the next good one is welcome."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.bad_bundles import EARLY, LATE, LEGACY, REFUSED, Bad
from tests.e2e.installation import ASG, COMMAND, Installation, app, installed, option, until
from tests.e2e.story import DEPLOYED, FAILED, LAUNCH_FAILED, end_of
from tests.load.crowd import visitors
from tests.load.tally import Tally

pytestmark = pytest.mark.e2e

NAME = "tried-env"
NUMBERS = count(1)
SHORT = {"not a zip", "path outside", "bomb", "one folder", "requirement", "syntax error"}
SETTINGS = (
    option(ASG, "MinSize", "2"),
    option(COMMAND, "BatchSizeType", "Fixed"),
    option(COMMAND, "BatchSize", "1"),
    option(COMMAND, "Timeout", "8"),
)


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        installation.version("good", app("good"))
        installation.version("better", app("better"))
        installation.create(NAME, "good", *SETTINGS)
        yield installation


@pytest.fixture
def environment(one: Installation) -> dict[str, Any]:
    """Return the environment, on version "good" and whole."""
    made = one.rest(NAME)
    if made["VersionLabel"] != "good" or answers(one, made) != {"good"}:
        made = one.deploy(NAME, "good")
    until(lambda: answers(one, made) == {"good"}, 30, "both instances serve the good version")
    return made


def answers(one: Installation, made: dict[str, Any]) -> set[str]:
    try:
        return {one.get(made).split()[0] for _ in range(8)}
    except OSError:
        return set()


def tried(bundles: dict[str, Bad]) -> list[Any]:
    """Return each bundle with each policy; most of that is for the long run."""
    return [
        pytest.param(
            bad,
            policy,
            id=f"{name}, {policy}",
            marks=() if policy == "Rolling" and name in SHORT else pytest.mark.slow,
        )
        for name, bad in bundles.items()
        for policy in ("Rolling", "AllAtOnce")
    ]


def deployed(
    one: Installation, made: dict[str, Any], policy: str, content: bytes
) -> tuple[str, Tally]:
    """Deploy a bundle under load; return the request and how visitors fared, until well after."""
    label = one.version(f"bad-{next(NUMBERS)}", content)
    change = option(COMMAND, "DeploymentPolicy", policy)
    with visitors(made["EndpointURL"], count=3) as crowd:
        request = one.begin(NAME, VersionLabel=label, OptionSettings=[change])
        one.rest(NAME)
        seen = crowd.tally.requests
        until(lambda: crowd.tally.requests > seen + 20, 120, "visitors come by afterwards")
    return request, crowd.tally


@pytest.mark.parametrize(("bad", "policy"), tried(EARLY))
def test_old_version_serves_on(
    one: Installation, environment: dict[str, Any], bad: Bad, policy: str
) -> None:
    """It fails before the old version is stopped, so nobody notices."""
    request, tally = deployed(one, environment, policy, bad.content())
    assert_told(one, request, bad)
    assert not tally.failures, tally.failures[:5]
    assert set(tally.answers) == {"good"}
    assert one.rest(NAME)["VersionLabel"] == "good"
    assert_usable(one)


@pytest.mark.parametrize(("bad", "policy"), tried(LATE))
def test_only_the_first_batch_is_lost(
    one: Installation, environment: dict[str, Any], bad: Bad, policy: str
) -> None:
    """It fails once started; under Rolling the other instance serves on, and nobody notices."""
    request, tally = deployed(one, environment, policy, bad.content())
    assert_told(one, request, bad)
    if policy == "Rolling":
        assert not tally.failures, tally.failures[:5]
        assert set(tally.answers) == {"good"}
    assert_usable(one)


def assert_told(one: Installation, request: str, bad: Bad) -> None:
    assert end_of(one, NAME, request) == FAILED
    errors = "\n".join(e for e in one.events(NAME, request) if e.startswith("ERROR"))
    for text in (*bad.says, "[Instance: i-", "/var/log/"):
        assert text in errors, errors


def assert_usable(one: Installation) -> None:
    good = one.begin(NAME, VersionLabel="better")
    after = one.rest(NAME)
    assert end_of(one, NAME, good) == DEPLOYED
    assert after["VersionLabel"] == "better"
    assert answers(one, after) == {"better"}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_malformed_extension_is_refused_at_once(
    one: Installation, environment: dict[str, Any], text: str
) -> None:
    """The control plane reads it before anything begins: the file is named, nothing changes."""
    content = app("never", **{".ebextensions/broken.config": text})
    label = one.version(f"broken-{next(NUMBERS)}", content)
    with pytest.raises(ClientError) as refusal:
        one.begin(NAME, VersionLabel=label)
    error = refusal.value.response["Error"]
    assert error["Code"] == "InvalidParameterValue"
    assert ".ebextensions/broken.config" in error["Message"]
    after = one.rest(NAME)
    assert after["VersionLabel"] == environment["VersionLabel"]
    assert after["DateUpdated"] == environment["DateUpdated"]
    assert answers(one, after) == {"good"}


def test_legacy_namespaces_warn(one: Installation, environment: dict[str, Any]) -> None:
    """Settings of platforms that are gone are passed over, and told of."""
    label = one.version("legacy", app("legacy", **{".ebextensions/old.config": LEGACY}))
    request = one.begin(NAME, VersionLabel=label)
    after = one.rest(NAME)
    assert end_of(one, NAME, request) == DEPLOYED
    assert answers(one, after) == {"legacy"}
    warnings = [e for e in one.events(NAME, request) if e.startswith("WARN")]
    assert any("aws:elasticbeanstalk:container:python:staticfiles" in w for w in warnings), warnings
    assert any("NodeCommand" in w for w in warnings), warnings


@pytest.mark.parametrize(
    "name",
    [
        "not a zip",
        "syntax error",
        pytest.param("requirement", marks=pytest.mark.slow),
        pytest.param("never listens", marks=pytest.mark.slow),
    ],
)
def test_first_deployment(one: Installation, name: str) -> None:
    """An environment that cannot begin is there, red, and a good version makes it green."""
    bad = {**EARLY, **LATE}[name]
    env = "first-" + name.replace(" ", "-")
    label = one.version(env, bad.content())
    made = one.create(env, label, option(COMMAND, "Timeout", "8"))
    told = one.events(env)
    assert [e for e in told if e.startswith(LAUNCH_FAILED)], told
    errors = "\n".join(e for e in told if e.startswith("ERROR"))
    for text in bad.says:
        assert text in errors, errors
    assert not [e for e in told if "Successfully launched" in e]
    red = until(lambda: _health(one, env) != "Grey" and one.rest(env), 60, "it is judged")
    assert (red["Health"], red["HealthStatus"]) in {("Red", "Severe"), ("Red", "Degraded")}
    one.deploy(env, "good")
    until(lambda: _health(one, env) == "Green", 60, "it is green")
    assert answers(one, made) == {"good"}
    one.terminate(env)


def _health(one: Installation, name: str) -> str:
    return str(one.rest(name)["Health"])


def test_scaling_after_a_failed_deployment(one: Installation, environment: dict[str, Any]) -> None:
    """The instance that the failure left behind holds nothing up."""
    label = one.version(f"bad-{next(NUMBERS)}", LATE["syntax error"].content())
    rolling = option(COMMAND, "DeploymentPolicy", "Rolling")
    one.begin(NAME, VersionLabel=label, OptionSettings=[rolling])
    one.rest(NAME)
    size = [option(ASG, "MinSize", "3"), option(ASG, "MaxSize", "4")]
    with visitors(environment["EndpointURL"], count=3) as crowd:
        one.begin(NAME, OptionSettings=size)
        one.rest(NAME)
    assert not crowd.tally.failures, crowd.tally.failures[:5]
    assert len(one.instances(NAME)) == 3
    assert answers(one, environment) == {"good"}
    assert one.deploy(NAME, "better")["VersionLabel"] == "better"
    assert len({one.get(environment).split()[1] for _ in range(30)}) == 3
    one.begin(NAME, OptionSettings=[option(ASG, "MinSize", "2"), option(ASG, "MaxSize", "2")])
    one.rest(NAME)
