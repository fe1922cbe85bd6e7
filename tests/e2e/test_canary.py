"""A canary that fails a part of its requests is taken back for it, long before its time is over."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.e2e.installation import (
    APPLICATION,
    ASG,
    COMMAND,
    Installation,
    app,
    bundle,
    installed,
    option,
    until,
)
from tests.e2e.signing import extend, own_keys
from tests.load.crowd import visitors

pytestmark = [pytest.mark.e2e, pytest.mark.load]

NAME = "canary-env"
PERCENT = 10
SPLITTING = "aws:elasticbeanstalk:trafficsplitting"
# Three of ten visitors meet an error; the load balancer's own checks meet none.
BAD = """
import random
well = application
def application(environ, start_response):
    checked = environ.get("HTTP_USER_AGENT", "").startswith("ELB-HealthChecker")
    if checked or random.random() >= 0.3:
        return well(environ, start_response)
    environ["wsgi.input"].read()
    start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
    return [b"broken"]
"""


def test_a_bad_release_harms_few_and_is_taken_back(installation: Installation) -> None:
    installation.version("canary-good", app("good"))
    bad = {"application.py": APPLICATION % "bad" + BAD}
    installation.version("canary-bad", bundle(dict(bad)))
    made = installation.create(
        NAME,
        "canary-good",
        option("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
        option(ASG, "MinSize", "2"),
        option(COMMAND, "DeploymentPolicy", "TrafficSplitting"),
        option(SPLITTING, "NewVersionPercent", str(PERCENT)),
        option(SPLITTING, "EvaluationTime", "3"),
    )
    before = installation.instances(NAME)
    with visitors(made["EndpointURL"]) as crowd:
        request = installation.begin(NAME, VersionLabel="canary-bad")
        after = installation.rest(NAME)
    told = installation.events(NAME, request)
    story = "\n".join(told)
    assert after["VersionLabel"] == "canary-good", story
    assert installation.instances(NAME) == before, story
    assert any("as now, a rise by" in e for e in told), story
    assert any("The new version fails more often" in e for e in told), story
    assert told[-1] == "ERROR Failed to deploy application.", story
    whole = certificate(installation)
    assert told[-2] == f"INFO {whole['Summary']}"
    assert (whole["End"], whole["AtLeast"], whole["Lowest"]) == ("reverted", False, 2), whole
    # What Envoy counted is what visitors saw.
    assert whole["Failed"] == len(crowd.tally.losses), story
    assert whole["Requests"] <= crowd.requests
    evaluated = next(p for p in whole["Phases"] if p["Name"] == "evaluation")
    assert evaluated["Seconds"] < 120, whole  # of the 180 that it would have had
    new = whole["Releases"][-1]
    assert new["VersionLabel"] == "canary-bad"
    expected = whole["Requests"] * (evaluated["Seconds"] + 1) / whole["Seconds"]
    assert new["Requests"] <= 2 * PERCENT / 100 * expected, whole
    assert_listed(installation, whole)
    installation.terminate(NAME)


def test_a_killed_control_plane_loses_no_count() -> None:
    with installed() as one:
        for label in ("v1", "v2"):
            one.version(label, app(label))
        made = one.create(
            NAME,
            "v1",
            option(ASG, "MinSize", "2"),
            option(COMMAND, "DeploymentPolicy", "Rolling"),
            option(COMMAND, "BatchSizeType", "Fixed"),
            option(COMMAND, "BatchSize", "1"),
        )
        with visitors(made["EndpointURL"]) as crowd:
            one.begin(NAME, VersionLabel="v2")
            until(lambda: any("Batch 1: Starting" in e for e in one.events(NAME)), 60, "a batch")
            seen = crowd.requests
            one.kill()
            until(lambda: crowd.requests > seen + 100, 60, "visitors are served without it")
            one.start()
            one.rest(NAME)
        whole = certificate(one)
        assert (whole["End"], whole["AtLeast"], whole["Counted"]) == ("succeeded", False, True)
        assert 0 < whole["UnwatchedSeconds"] < whole["Seconds"]
        assert (whole["Failed"], len(crowd.tally.losses), whole["Lowest"]) == (0, 0, 1), whole
        assert 100 < whole["Requests"] <= crowd.requests
        assert {r["VersionLabel"] for r in whole["Releases"]} == {"v1", "v2"}


def certificate(installation: Installation) -> dict[str, Any]:
    status, told = extend(
        installation, own_keys(installation), "DescribeDeployments", EnvironmentName=NAME
    )
    assert status == 200, told
    whole = told["Deployments"][0]
    assert isinstance(whole, dict)
    return whole


def assert_listed(installation: Installation, whole: dict[str, Any]) -> None:
    """Hold what `jb deployments` shows against what the API told."""
    command = [sys.executable, "-m", "jackbean.cli.jb", "deployments", NAME, str(whole["Number"])]
    done = subprocess.run(
        [*command, "--output", "json"],
        env={**installation.env, "PATH": "/usr/bin:/bin", "HOME": str(installation.data_dir)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == whole
