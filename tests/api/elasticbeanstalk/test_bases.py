"""Clones: what the EB CLI sends beside the members that AWS's own client knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.api.rig import PLATFORM, PlantRig, option

PROPERTIES = "aws:elasticbeanstalk:application:environment"
WORKER = {"Name": "Worker", "Type": "SQS/HTTP"}


@contextmanager
def source(rig: PlantRig, operation: str, **members: str) -> Iterator[Any]:
    """Have a client send members of TemplateSource with an operation."""

    def add(params: dict[str, Any], **_: Any) -> None:
        for name, value in members.items():
            params["body"][f"TemplateSpecification.TemplateSource.{name}"] = value

    event = f"before-call.elastic-beanstalk.{operation}"
    rig.eb.meta.events.register(event, add)
    try:
        yield rig.eb
    finally:
        rig.eb.meta.events.unregister(event, add)


def settings(rig: PlantRig, name: str) -> dict[tuple[str, str], str | None]:
    described = rig.eb.describe_configuration_settings(ApplicationName="app", EnvironmentName=name)
    (found,) = described["ConfigurationSettings"]
    return {(s["Namespace"], s["OptionName"]): s.get("Value") for s in found["OptionSettings"]}


def test_a_clone_has_the_settings_of_what_it_is_a_clone_of(rig: PlantRig) -> None:
    single = option("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance")
    given = [option(PROPERTIES, "A", "1"), option(PROPERTIES, "B", "2"), single]
    rig.launch("web1", OptionSettings=given)
    with source(rig, "CreateEnvironment", EnvironmentName="web1") as eb:
        made = eb.create_environment(
            ApplicationName="app",
            EnvironmentName="twin",
            VersionLabel="v1",
            OptionSettings=[option(PROPERTIES, "B", "3")],
        )
    assert made["SolutionStackName"] == PLATFORM
    was, now = settings(rig, "web1"), settings(rig, "twin")
    assert now[PROPERTIES, "B"] == "3"
    assert now == {**was, (PROPERTIES, "B"): "3"}


def test_a_clone_of_a_worker_is_a_worker(rig: PlantRig) -> None:
    rig.launch("jobs", Tier=WORKER)
    with source(rig, "CreateEnvironment", EnvironmentName="jobs") as eb:
        made = eb.create_environment(ApplicationName="app", EnvironmentName="more-jobs")
    assert made["Tier"]["Name"] == "Worker"


def test_of_nothing_there_is_no_clone(rig: PlantRig) -> None:
    with source(rig, "CreateEnvironment", EnvironmentName="nobody") as eb:
        found = rig.refusal(eb.create_environment, ApplicationName="app", EnvironmentName="twin")
    assert found[1:] == (
        "InvalidParameterValue",
        "No Environment found for EnvironmentName = 'nobody'.",
    )


@pytest.mark.parametrize(
    "members", [{"SourceContents": "OptionSettings: {}"}, {"EnvironmentName": "web1"}]
)
def test_what_cannot_be_taken_over_is_refused(rig: PlantRig, members: dict[str, str]) -> None:
    rig.launch("web1")
    with source(rig, "UpdateEnvironment", **members) as eb:
        assert rig.refusal(eb.update_environment, EnvironmentName="web1")[1] == (
            "UnsupportedOperation"
        )
