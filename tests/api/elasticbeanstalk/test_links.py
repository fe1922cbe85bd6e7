"""Environments that are told of one another by `env.yaml`, and made together."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from tests.api.rig import PLATFORM, PlantRig, option

from jackbean.control import composing
from jackbean.control.composing import COMPOSITION, Composition
from jackbean.control.manifests import compile_manifest
from jackbean.ports.store import EnvironmentQuery, PutDocument

HEAD = f"AWSConfigurationTemplateVersion: 1.1.0.0\nSolutionStack: {PLATFORM}\n"
ENVIRONMENT = "aws:elasticbeanstalk:application:environment"
ASG = "aws:autoscaling:asg"


def version(rig: PlantRig, label: str, said: str) -> dict[str, Any]:
    """Make a version whose bundle has that `env.yaml`, to be processed."""
    made = rig.eb.create_application_version(
        ApplicationName="app",
        VersionLabel=label,
        Process=True,
        SourceBundle=rig.upload(f"{label}.zip", {"application.py": "", "env.yaml": said}),
    )
    return dict(made["ApplicationVersion"])


def manifest(name: str, more: str = "") -> str:
    small = "OptionSettings: {aws:autoscaling:asg: {MinSize: 1, MaxSize: 1}}\n"
    return f"{HEAD}EnvironmentName: {name}\n{small}{more}"


WORKER = "EnvironmentTier: {Name: Worker, Type: SQS/HTTP}\n"
LINKS = "EnvironmentLinks: {JOBS_URL: worker+}\n"


def described(rig: PlantRig, *names: str) -> list[dict[str, Any]]:
    found = rig.eb.describe_environments(EnvironmentNames=list(names), IncludeDeleted=False)
    return list(found["Environments"])


def properties(rig: PlantRig, name: str) -> dict[str, str]:
    found = rig.eb.describe_configuration_settings(ApplicationName="app", EnvironmentName=name)
    settings = found["ConfigurationSettings"][0]["OptionSettings"]
    return {s["OptionName"]: s.get("Value") for s in settings if s["Namespace"] == ENVIRONMENT}


def compose(rig: PlantRig, *labels: str, group: str = "dev") -> list[str]:
    asked: dict[str, Any] = {"GroupName": group} if group else {}
    made = rig.eb.compose_environments(ApplicationName="app", VersionLabels=list(labels), **asked)
    return [e["EnvironmentName"] for e in made["Environments"]]


def settle(rig: PlantRig, *names: str) -> None:
    """Let time pass until all of these environments are there and at rest."""

    def rested() -> bool:
        query = EnvironmentQuery(names=names)
        found = rig.run(rig.world.store.environments(query))
        return len(found) == len(names) and all(e.ready for e in found)

    rig.until(rested)


@pytest.fixture
def grouped(rig: PlantRig) -> PlantRig:
    """Return an installation with a worker and a front end, composed as group dev."""
    version(rig, "jobs1", manifest("worker+", WORKER))
    version(rig, "front1", manifest("front+", LINKS + "CName: shop+\n"))
    assert compose(rig, "front1", "jobs1") == ["worker-dev"]
    settle(rig, "worker-dev", "front-dev")
    return rig


def test_dependencies_come_first_and_dependants_are_told_of_them(grouped: PlantRig) -> None:
    worker, front = described(grouped, "front-dev", "worker-dev")
    assert front["EnvironmentLinks"] == [{"LinkName": "JOBS_URL", "EnvironmentName": "worker-dev"}]
    assert worker["EnvironmentLinks"] == []
    assert worker["Tier"]["Name"] == "Worker"
    assert front["CNAME"].startswith("shop-dev.us-east-1.")
    (queue,) = [
        r
        for r in grouped.environment(worker["EnvironmentId"]).resources
        if r.id == "AWSEBWorkerQueue"
    ]
    url = f"https://sqs.us-east-1.amazonaws.com/123456789012/{queue.name}"
    assert properties(grouped, "front-dev")["JOBS_URL"] == url
    resources = [
        grouped.eb.describe_environment_resources(EnvironmentName=name)["EnvironmentResources"]
        for name in ("front-dev", "worker-dev")
    ]
    assert resources[0]["Queues"] == resources[1]["Queues"][:1]
    begun = grouped.environment(front["EnvironmentId"]).created
    assert begun >= grouped.environment(worker["EnvironmentId"]).updated


def test_programs_are_told_how_they_reach_the_queue_and_may_use_it(grouped: PlantRig) -> None:
    environment = grouped.environment(grouped.environment_id("front-dev"))
    (link,) = environment.links
    release, world = grouped.release(1, environment.id), grouped.world
    installation = replace(world.installation, endpoint="http://10.1.0.1:8700")
    platform = world.platforms.of(environment)
    told = compile_manifest(installation, environment, release, platform, "digest").environment
    assert told["JOBS_URL"] == f"http://10.1.0.1:8700/123456789012/{link.value.split('/')[-1]}"
    principal = grouped.run(grouped.plant.rights.principal(environment.members[0].id))
    assert (link.name, link.value) in [(r.id, r.name) for r in principal.resources]


def test_composing_again_updates_and_keeps_one_operation_per_environment(
    grouped: PlantRig,
) -> None:
    version(grouped, "jobs2", manifest("worker+", WORKER))
    version(grouped, "front2", manifest("front+", LINKS))
    assert compose(grouped, "jobs2", "front2") == ["worker-dev"]
    grouped.until(lambda: described(grouped, "front-dev")[0]["VersionLabel"] == "front2")
    settle(grouped, "worker-dev", "front-dev")
    assert {e["VersionLabel"] for e in described(grouped, "worker-dev", "front-dev")} == {
        "jobs2",
        "front2",
    }
    ids = {e.request_id for e in grouped.events() if e.message == "Environment update is starting."}
    assert len(ids) == 2


def test_an_environment_that_others_link_to_is_protected(grouped: PlantRig) -> None:
    end = grouped.eb.terminate_environment
    status, code, message = grouped.refusal(end, EnvironmentName="worker-dev")
    assert (status, code) == (400, "InvalidParameterValue")
    assert "worker-dev cannot be terminated: others link to it by env.yaml (front-dev)" in message
    end(EnvironmentName="front-dev")
    end(EnvironmentName="worker-dev")


def test_force_ends_it_and_its_dependants_can_still_be_configured(grouped: PlantRig) -> None:
    grouped.eb.terminate_environment(EnvironmentName="worker-dev", ForceTerminate=True)
    grouped.settle(grouped.environment_id("worker-dev"))
    before = properties(grouped, "front-dev")["JOBS_URL"]
    setting = option(ENVIRONMENT, "A", "b")
    grouped.eb.update_environment(EnvironmentName="front-dev", OptionSettings=[setting])
    settle(grouped, "front-dev")
    assert properties(grouped, "front-dev") | {"JOBS_URL": before, "A": "b"} == properties(
        grouped, "front-dev"
    )
    refused = grouped.refusal(
        grouped.eb.update_environment, EnvironmentName="front-dev", VersionLabel="front1"
    )
    assert "there is no environment worker-dev in application app" in refused[2]


def test_a_web_environment_is_reached_by_its_name(rig: PlantRig) -> None:
    rig.launch("backend", 1)
    version(rig, "one", f"{HEAD}EnvironmentLinks: {{BACKEND: backend}}\n")
    made = rig.eb.create_environment(
        ApplicationName="app", EnvironmentName="site", VersionLabel="one"
    )
    assert made["EnvironmentLinks"] == [{"LinkName": "BACKEND", "EnvironmentName": "backend"}]
    assert properties(rig, "site")["BACKEND"] == described(rig, "backend")[0]["CNAME"]


def test_what_somebody_sets_wins_over_a_link(rig: PlantRig) -> None:
    rig.launch("backend", 1)
    version(rig, "one", f"{HEAD}EnvironmentLinks: {{BACKEND: backend}}\n")
    rig.eb.create_environment(
        ApplicationName="app",
        EnvironmentName="site",
        VersionLabel="one",
        OptionSettings=[option(ENVIRONMENT, "BACKEND", "elsewhere")],
    )
    assert properties(rig, "site")["BACKEND"] == "elsewhere"


def test_a_manifest_says_how_a_new_environment_is_and_a_request_wins(rig: PlantRig) -> None:
    tags = "Tags: {Team: web, Stage: dev}\n"
    version(rig, "one", manifest("front+", tags + "CName: shop\n"))
    made = rig.eb.create_environment(
        ApplicationName="app",
        VersionLabel="one",
        GroupName="dev",
        OptionSettings=[option(ASG, "MaxSize", "3")],
        Tags=[{"Key": "Stage", "Value": "test"}],
    )
    assert (made["EnvironmentName"], made["SolutionStackName"]) == ("front-dev", PLATFORM)
    assert made["CNAME"].startswith("shop.us-east-1.")
    record = rig.environment(made["EnvironmentId"])
    assert (record.tags, record.group) == ((("Stage", "test"), ("Team", "web")), "dev")
    sizes = rig.release(1, record.id).settings
    assert (sizes.text(ASG, "MinSize"), sizes.text(ASG, "MaxSize")) == ("1", "3")
    rig.settle(record.id)
    again = rig.eb.update_environment(ApplicationName="app", VersionLabel="one", GroupName="dev")
    assert again["EnvironmentId"] == record.id


def test_a_bad_manifest_fails_its_version_which_cannot_be_deployed(rig: PlantRig) -> None:
    assert version(rig, "bad", "EnvironmentName: a b\n")["Status"] == "FAILED"
    (told,) = [e for e in rig.events(application="app") if e.severity.value == "ERROR"]
    assert told.message.startswith("env.yaml: line 1: ")
    refused = rig.refusal(
        rig.eb.create_environment,
        ApplicationName="app",
        EnvironmentName="site",
        VersionLabel="bad",
        SolutionStackName=PLATFORM,
    )
    assert refused[:2] == (400, "InvalidParameterValue")


@pytest.mark.parametrize(
    ("manifests", "group", "text"),
    [
        ({"a": HEAD}, "", "Application Version a cannot be composed"),
        ({"a": manifest("front")}, "dev", "takes no group"),
        ({"a": manifest("front+")}, "", "give its name as GroupName"),
        ({"a": manifest("abcd"), "b": manifest("abcd")}, "", "a and b are both for environment"),
        (
            {
                "a": manifest("front", "EnvironmentLinks: {B: back}\n"),
                "b": manifest("back", "EnvironmentLinks: {A: front}\n"),
            },
            "",
            "EnvironmentLinks lead back to where they began: ",
        ),
        (
            {"a": manifest("front", "EnvironmentLinks: {B: nobody}\n")},
            "",
            "there is no environment",
        ),
        ({"a": "AWSConfigurationTemplateVersion: 1.1.0.0\nEnvironmentName: abcd"}, "", "names no"),
        ({}, "", "VersionLabels must name at least one version."),
    ],
)
def test_what_cannot_be_composed(
    rig: PlantRig, manifests: dict[str, str], group: str, text: str
) -> None:
    for label, said in manifests.items():
        version(rig, label, said)
    asked: dict[str, Any] = {"ApplicationName": "app", "VersionLabels": [*manifests]}
    asked |= {"GroupName": group} if group else {}
    assert text in rig.refusal(rig.eb.compose_environments, **asked)[2]
    assert rig.run(rig.universe.environments()) == []
    assert rig.run(rig.world.store.documents(COMPOSITION)) == {}


def test_what_is_left_of_a_composition_goes_on_after_a_restart(rig: PlantRig) -> None:
    version(rig, "jobs1", manifest("worker+", WORKER))
    version(rig, "front1", manifest("front+", LINKS))
    wanted = Composition("app", ("front1", "jobs1"), "dev")
    rig.run(composing.compose(rig.world, wanted))
    rig.universe.crash()
    rig.until(lambda: len(rig.run(rig.universe.environments())) == 2)
    settle(rig, "worker-dev", "front-dev")
    rig.run(composing.proceed(rig.world))
    assert rig.run(rig.world.store.documents(COMPOSITION)) == {}
    assert len([t for t in rig.told() if t == "createEnvironment is starting."]) == 2


def test_what_can_no_longer_be_begun_is_told(rig: PlantRig) -> None:
    version(rig, "jobs1", manifest("worker+", WORKER))
    version(rig, "front1", manifest("front+", LINKS + "CName: shop+\n"))
    compose(rig, "front1", "jobs1")
    rig.launch("other", 1, CNAMEPrefix="shop-dev")
    settle(rig, "worker-dev", "other")
    rig.until(lambda: not rig.run(rig.world.store.documents(COMPOSITION)))
    (told,) = [e for e in rig.events(application="app") if e.severity.value == "ERROR"]
    assert told.message.startswith("Environment of Application Version front1 could not be")
    assert "is not available" in told.message
    assert described(rig, "front-dev") == []


def test_what_fails_at_once_is_refused_as_a_whole(rig: PlantRig) -> None:
    rig.launch("other", 1, CNAMEPrefix="shop")
    version(rig, "site1", manifest("site", "CName: shop\n"))
    version(rig, "back1", manifest("back", "EnvironmentLinks: {SITE: site}\n"))
    asked = {"ApplicationName": "app", "VersionLabels": ["back1", "site1"]}
    assert "is not available" in rig.refusal(rig.eb.compose_environments, **asked)[2]
    assert rig.run(rig.world.store.documents(COMPOSITION)) == {}
    assert [e.name for e in rig.run(rig.universe.environments())] == ["other"]


def test_two_turns_at_once_begin_an_environment_once(rig: PlantRig) -> None:
    version(rig, "jobs1", manifest("worker", WORKER))
    body = Composition("app", ("jobs1",)).body()
    rig.run(rig.world.store.commit([PutDocument(COMPOSITION, "k", body)]))
    rig.at_once(*[partial(composing.proceed)] * 3)
    assert len(rig.run(rig.universe.environments())) == 1
