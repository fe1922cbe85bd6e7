"""Rehearsals, asked for as `jb` does: what is told, what is refused, and that nothing changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.api.rig import PlantRig, option
from tests.api.test_door import ADMIN, extend
from tests.control.rig import COMMAND

from jackbean.control.rehearsal.doubles import Kind
from jackbean.ports.store import EnvironmentQuery

LAUNCH = "aws:autoscaling:launchconfiguration"
ROLLING = (
    option(COMMAND, "DeploymentPolicy", "Rolling"),
    option(COMMAND, "BatchSizeType", "Fixed"),
    option(COMMAND, "BatchSize", "1"),
    option("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
)


@pytest.fixture
def rig(rig: PlantRig) -> PlantRig:
    rig.launch(OptionSettings=list(ROLLING))
    return rig


def asked(rig: PlantRig, keys: tuple[str, ...] = ADMIN, **members: Any) -> tuple[int, Any]:
    given = {"EnvironmentName": "web1", **members}
    return extend(rig, "RehearseUpdate", json.dumps(given), keys)


def told(rig: PlantRig, **members: Any) -> Any:
    status, answer = asked(rig, **members)
    assert status == 200, answer
    return answer


def refusal(rig: PlantRig, **members: Any) -> tuple[str, str]:
    status, answer = asked(rig, **members)
    assert status == 400, answer
    return answer["__type"], answer["message"]


def test_a_deployment(rig: PlantRig) -> None:
    answer = told(rig, VersionLabel="v2")
    assert (answer["Change"], answer["VersionLabel"]) == ("deploy", "v2")
    assert answer["PreviousVersionLabel"] == "v1"
    plan = answer["Plan"]
    assert (plan["Policy"], plan["Batches"], plan["BatchSize"]) == ("Rolling", 2, 1)
    assert (plan["Result"], plan["LeftNew"], plan["LowestInService"]) == ("succeeded", 2, 1)
    assert [m["At"] for m in plan["Moments"]] == sorted(m["At"] for m in plan["Moments"])
    assert {(m["Old"], m["New"]) for m in plan["Moments"]} == {
        (2, 0),
        (1, 0),
        (1, 1),
        (0, 1),
        (0, 2),
    }
    whats = {f["What"] for f in plan["Failures"]}
    assert whats == {kind.value for kind in Kind} - {"abort"}
    assert [(a["LeftOld"], a["LeftNew"]) for a in plan["Aborts"]] == [(2, 0), (1, 1), (0, 2)]
    assert plan["Aborts"][-1]["To"] is None
    assert plan["Bounds"]["Ends"] == [
        "done: new",
        "given up: mixed",
        "given up: new",
        "given up: old",
    ]


def test_a_worker_is_rehearsed_like_others(rig: PlantRig) -> None:
    worker = {"Name": "Worker", "Type": "SQS/HTTP"}
    rig.launch("jobs", Tier=worker, OptionSettings=list(ROLLING))
    answer = told(rig, EnvironmentName="jobs", VersionLabel="v2", Compare=True)
    plan = answer["Plan"]
    assert (plan["Policy"], plan["Result"], plan["LowestInService"]) == ("Rolling", "succeeded", 1)
    (split,) = [way for way in answer["Ways"] if way["Name"] == "TrafficSplitting"]
    assert split["Reason"].endswith("this environment has none.")
    rig.eb.update_environment(EnvironmentName="jobs", VersionLabel="v2")
    rig.settle(rig.run(rig.world.store.environments(EnvironmentQuery(names=("jobs",))))[0].id)
    _, answer = extend(rig, "DescribeDeployments", json.dumps({"EnvironmentName": "jobs"}))
    certificate = answer["Deployments"][0]
    assert (certificate["Lowest"], certificate["Unit"]) == (plan["LowestInService"], "messages")


def test_it_changes_nothing(rig: PlantRig) -> None:
    before, events = rig.environment(), rig.told()
    told(rig, VersionLabel="v2", Compare=True, Needs={})
    assert rig.environment() == before
    assert rig.told() == events
    assert rig.run(rig.world.store.release(before.id, 2)) is None


def test_what_was_told_is_what_happens(rig: PlantRig) -> None:
    plan = told(rig, VersionLabel="v2")["Plan"]
    rig.eb.update_environment(EnvironmentName="web1", VersionLabel="v2")
    rig.settle()
    status, answer = extend(rig, "DescribeDeployments", json.dumps({"EnvironmentName": "web1"}))
    assert status == 200
    certificate = answer["Deployments"][0]
    assert certificate["Lowest"] == plan["LowestInService"]
    assert max(p["Batch"] or 0 for p in certificate["Phases"]) == plan["Batches"]


def test_paces_are_measured_where_it_was_done_before(rig: PlantRig) -> None:
    assert not any(p["Measured"] for p in told(rig, VersionLabel="v2")["Pace"].values())
    rig.eb.update_environment(EnvironmentName="web1", VersionLabel="v2")
    rig.settle()
    pace = told(rig, VersionLabel="v1")["Pace"]
    assert {name for name, p in pace.items() if p["Measured"]} == {
        "Prepare",
        "Change",
        "LastRequest",
    }
    assert 1.0 <= pace["Prepare"]["Seconds"] <= 4.0, (
        "the simulator takes a second, and looks seldom"
    )


def test_settings_alone(rig: PlantRig) -> None:
    larger = option(LAUNCH, "InstanceType", "t3.large")
    answer = told(rig, OptionSettings=[larger])
    assert (answer["Change"], answer["Plan"]["Policy"]) == ("replace", "Disabled")
    assert answer["Plan"]["NobodySeconds"] > 0
    assert answer["PreviousVersionLabel"] == answer["VersionLabel"]
    answer = told(rig, OptionsToRemove=[{"Namespace": COMMAND, "OptionName": "BatchSize"}])
    assert answer["Change"] == "nothing"


def test_settings_of_the_deployment_itself(rig: PlantRig) -> None:
    immutable = option(COMMAND, "DeploymentPolicy", "Immutable")
    plan = told(rig, VersionLabel="v2", OptionSettings=[immutable])["Plan"]
    assert (plan["Policy"], plan["MostInstances"]) == ("Immutable", 4)


def test_config_files_of_a_bundle_that_is_not_here_decide(rig: PlantRig) -> None:
    text = f"option_settings:\n  {LAUNCH}:\n    InstanceType: t3.large\n"
    bundle = {"Label": "app-1", "ConfigFiles": {".ebextensions/a.config": text}}
    answer = told(rig, Bundle=bundle)
    assert (answer["Change"], answer["VersionLabel"]) == ("replace", "app-1")
    assert told(rig, Bundle={"Label": "app-1"})["Change"] == "deploy"
    broken = {"Label": "app-1", "ConfigFiles": {".ebextensions/a.config": "option_settings: ["}}
    code, message = refusal(rig, Bundle=broken)
    assert code == "InvalidParameterValue"
    assert ".ebextensions/a.config" in message


def test_every_way_and_what_it_takes(rig: PlantRig) -> None:
    answer = told(rig, VersionLabel="v2", Compare=True)
    ways = {way["Name"]: way for way in answer["Ways"]}
    assert [w["Name"] for w in answer["Ways"] if w["Current"]] == ["Rolling"]
    assert ways["Immutable"]["OptionSettings"] == [option(COMMAND, "DeploymentPolicy", "Immutable")]
    assert (ways["Immutable"]["RollsBack"], ways["Rolling"]["RollsBack"]) == (True, False)
    assert ways["AllAtOnce"]["NobodySeconds"] > 0
    assert "Recommendation" not in answer


def test_a_recommendation(rig: PlantRig) -> None:
    made = told(rig, VersionLabel="v2", Needs={"MaxExtraInstances": 0})["Recommendation"]
    assert made["Chosen"] == "Rolling"
    assert "It needs no more instances than there are." in made["Why"]
    assert {v["Name"]: v["Meets"] for v in made["Verdicts"]}["Immutable"] is False
    needs = {"DowntimeOk": True, "Fastest": True}
    assert told(rig, VersionLabel="v2", Needs=needs)["Recommendation"]["Chosen"] == "AllAtOnce"


# Refusals


def test_what_is_not_there(rig: PlantRig) -> None:
    code, message = refusal(rig, VersionLabel="v9")
    assert (code, message) == (
        "InvalidParameterValue",
        "No Application Version named 'v9' found.",
    )
    assert "No Environment found" in refusal(rig, EnvironmentName="nope")[1]
    assert refusal(rig, EnvironmentName=None)[0] == "MissingRequiredParameter"


def test_an_environment_that_is_busy(rig: PlantRig) -> None:
    rig.eb.update_environment(EnvironmentName="web1", VersionLabel="v2")
    assert refusal(rig, VersionLabel="v1")[1].endswith("Must be Ready.")


@pytest.mark.parametrize(
    "members",
    [
        {"OptionSettings": "x"},
        {"OptionSettings": ["x"]},
        {"OptionsToRemove": {"Namespace": "x"}},
        {"OptionSettings": [{}] * 1001},
        {"OptionSettings": [{"Namespace": COMMAND, "OptionName": "BatchSize", "Value": "0"}]},
        {"Bundle": "x"},
        {"Bundle": {"ConfigFiles": ["x"]}},
        {"Bundle": {"ConfigFiles": {"a": 1}}},
        {"Bundle": {"ConfigFiles": {f"{n}.config": "" for n in range(201)}}},
        {"Bundle": {"ConfigFiles": {"a.config": "x" * (1 << 20) + "x"}}},
        {"Bundle": {"Label": "a"}, "VersionLabel": "v2"},
        {"Needs": "x"},
        {"Needs": {"MaxExtraInstances": "many"}},
        {"Needs": {"RollbackWithin": -1}},
        {"Needs": {"RollbackWithin": True}},
    ],
)
def test_what_cannot_be_meant(rig: PlantRig, members: dict[str, Any]) -> None:
    code, message = refusal(rig, **members)
    assert code in {"InvalidParameterValue", "InvalidParameterCombination"}
    assert message


def test_too_many_instances_one_by_one(rig: PlantRig) -> None:
    many = [option("aws:autoscaling:asg", name, "150") for name in ("MinSize", "MaxSize")]
    assert "too many to rehearse" in refusal(rig, VersionLabel="v2", OptionSettings=many)[1]


def test_an_instance_may_not(rig: PlantRig) -> None:
    status, answer = asked(rig, rig.instance_keys(), VersionLabel="v2")
    assert (status, answer["__type"]) == (403, "AccessDenied")
