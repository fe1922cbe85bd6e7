"""Certificates of deployments, asked for as `jb` does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.api.rig import PlantRig, option
from tests.api.test_door import ADMIN, extend
from tests.control.rig import COMMAND

from jackbean.cli.verbs.deployments import certificate, listed
from jackbean.simulator.router import Traffic


@pytest.fixture
def rig(rig: PlantRig) -> PlantRig:
    """Return an installation with visitors, and a deployment in which a visitor met an error."""
    rig.launch()
    router = rig.universe.router
    router.traffic = Traffic(per_s=10.0, errors=lambda name: 0.1)
    rolling = [
        option(COMMAND, "DeploymentPolicy", "Rolling"),
        option(COMMAND, "BatchSizeType", "Fixed"),
        option(COMMAND, "BatchSize", "1"),
    ]
    rig.eb.update_environment(EnvironmentName="web1", VersionLabel="v2", OptionSettings=rolling)
    rig.settle()
    rig.step(5.0)
    return rig


def described(rig: PlantRig, keys: tuple[str, ...] = ADMIN, **asked: Any) -> tuple[int, Any]:
    return extend(rig, "DescribeDeployments", json.dumps(asked), keys)


def test_all_of_an_environment_newest_first(rig: PlantRig) -> None:
    status, told = described(rig, EnvironmentName="web1")
    assert status == 200
    assert told["EnvironmentId"] == rig.environment_id("web1")
    update, creation = told["Deployments"]
    assert (update["Number"], update["Kind"], update["VersionLabel"]) == (2, "update", "v2")
    assert (creation["Number"], creation["Kind"], creation["Lowest"]) == (1, "create", None)
    assert (update["End"], update["Reasons"], update["Aborted"]) == ("succeeded", [], False)
    assert (update["Lowest"], update["Instances"]) == (1, 2)
    assert update["Requests"] == sum(r["Requests"] for r in update["Releases"])
    assert 0 < update["Failed"] < update["Requests"]
    assert {r["VersionLabel"] for r in update["Releases"]} == {"v1", "v2"}
    assert [p["Name"] for p in update["Phases"] if p["Batch"] == 1] == [
        "staging",
        "draining",
        "activating",
        "gate",
    ]
    (last,) = [m for m in rig.told() if m.startswith("Deployment 2: ")]
    assert update["Summary"] == last


def test_one_of_them(rig: PlantRig) -> None:
    _, whole = described(rig, EnvironmentName="web1")
    _, one = described(rig, EnvironmentId=rig.environment_id("web1"), Number=1)
    assert one["Deployments"] == whole["Deployments"][1:]


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({}, "environment name or an environment id"),
        ({"EnvironmentName": "nobody"}, "No Environment found"),
        ({"EnvironmentName": "web1", "Number": 9}, "has no deployment 9"),
        ({"EnvironmentName": "web1", "Number": 0}, "1 or more"),
        ({"EnvironmentName": "web1", "Number": "2"}, "1 or more"),
        ({"EnvironmentName": "web1", "Number": True}, "1 or more"),
    ],
)
def test_refusals(rig: PlantRig, asked: dict[str, Any], text: str) -> None:
    status, told = described(rig, **asked)
    assert status == 400
    assert text in told["message"]


def test_they_outlive_their_environment(rig: PlantRig) -> None:
    id_ = rig.environment_id("web1")
    rig.eb.update_environment(EnvironmentName="web1", VersionLabel="v1")
    rig.step(1.0)
    rig.eb.terminate_environment(EnvironmentName="web1")
    rig.until(lambda: rig.environment(id_).terminated)
    status, told = described(rig, EnvironmentName="web1")
    assert status == 200
    assert [d["End"] for d in told["Deployments"]] == ["superseded", "succeeded", "succeeded"]
    assert described(rig, EnvironmentId=id_)[1] == told


def test_instances_may_not_ask(rig: PlantRig) -> None:
    status, _ = described(rig, rig.instance_keys(), EnvironmentName="web1")
    assert status == 403


def test_what_people_read(rig: PlantRig) -> None:
    _, told = described(rig, EnvironmentName="web1")
    lines = [line if isinstance(line, str) else line[0] for line in listed(told["Deployments"])]
    assert lines[0].split()[:3] == ["#", "Version", "Policy"]
    assert lines[1].startswith("2   v2 ")
    assert lines[1].endswith("succeeded")
    assert "1 of 2" in lines[1]
    whole = "\n".join(
        line if isinstance(line, str) else line[0] for line in certificate(told["Deployments"][0])
    )
    assert "Deployment 2: v2 (release 2) by Rolling" in whole
    assert "never below 1 of 2" in whole
    assert "staging of batch 1" in whole
    assert "release 1, v1" in whole


def test_nothing_to_list() -> None:
    assert list(listed([])) == ["No deployment has ended yet."]


def test_a_balancer_that_does_not_say() -> None:
    one = {
        "Number": 3,
        "VersionLabel": "v" * 90,
        "Policy": "Rolling",
        "Release": 3,
        "Began": "2026-01-01T00:00:00+00:00",
        "Ended": "2026-01-01T00:00:09+00:00",
        "Seconds": 9.0,
        "End": "reverted",
        "Aborted": True,
        "Reasons": ["It was bad.\nVery bad."],
        "Instances": 2,
        "Lowest": None,
        "LowestAt": None,
        "Counted": False,
        "AtLeast": True,
        "Requests": None,
        "Failed": None,
        "Retried": None,
        "Releases": [],
        "Phases": [],
        "UnwatchedSeconds": 3.0,
    }
    texts = [line if isinstance(line, str) else line[0] for line in certificate(one)]
    assert any("could not be counted" in text for text in texts)
    assert any("no control plane was running" in text for text in texts)
    assert {"  It was bad.", "  Very bad."} <= set(texts)
    unvisited = {**one, "Counted": True, "AtLeast": False, "Requests": 0}
    assert "Requests: none came." in [*certificate(unvisited)]
    row = [*listed([one])][1]
    assert "reverted, aborted" in row[0]
    assert row[1] == "red"
    assert len(row[0]) < 140
