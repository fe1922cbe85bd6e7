"""Settings and options by the API."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.rig import PLATFORM, PlantRig, option

from jackbean.simulator.engine import Behaviour

APP = {"ApplicationName": "app"}
ENV = {**APP, "EnvironmentName": "web1"}
ASG = "aws:autoscaling:asg"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
BAD = (400, "InvalidParameterValue")


def described(rig: PlantRig) -> list[dict[str, Any]]:
    return list(rig.eb.describe_configuration_settings(**ENV)["ConfigurationSettings"])


def values(described: dict[str, Any], namespace: str) -> dict[str, str]:
    return {
        s["OptionName"]: s.get("Value")
        for s in described["OptionSettings"]
        if s["Namespace"] == namespace
    }


def test_settings_are_sorted_and_the_kind_of_environment_leads_its_namespace(
    rig: PlantRig,
) -> None:
    """`eb scale` reads the first setting of that namespace, whatever it is."""
    rig.launch(OptionSettings=[option(ENVIRONMENT, "LoadBalancerType", "application")])
    (deployed,) = described(rig)
    listed = [(s["Namespace"], s["OptionName"]) for s in deployed["OptionSettings"]]
    own = [name for namespace, name in listed if namespace == ENVIRONMENT]
    assert own[0] == "EnvironmentType"
    assert own[1:] == sorted(own[1:])
    rest = [one for one in listed if one[0] != ENVIRONMENT]
    assert rest == sorted(rest)
    assert values(deployed, ENVIRONMENT)["LoadBalancerIsShared"] == "false"
    system = values(deployed, "aws:elasticbeanstalk:healthreporting:system")
    assert system["SystemType"] == "enhanced"


def test_what_is_under_way_is_pending(rig: PlantRig) -> None:
    rig.launch()
    rig.eb.update_environment(
        EnvironmentName="web1", OptionSettings=[option(PROPERTIES, "A", "new")]
    )
    deployed, pending = described(rig)
    assert (deployed["DeploymentStatus"], pending["DeploymentStatus"]) == ("deployed", "pending")
    assert "A" not in values(deployed, PROPERTIES)
    assert values(pending, PROPERTIES)["A"] == "new"
    rig.settle()
    (deployed,) = described(rig)
    assert values(deployed, PROPERTIES)["A"] == "new"


def test_what_failed_is_kept_as_a_draft_until_the_next_update(tmp_path: Any) -> None:
    behaviour = Behaviour(fails_staging=frozenset({2}))
    with PlantRig(tmp_path, behaviour=behaviour) as rig:
        rig.launch()
        rig.eb.update_environment(
            EnvironmentName="web1", OptionSettings=[option(PROPERTIES, "A", "bad")]
        )
        rig.settle()
        deployed, failed = described(rig)
        assert (deployed["DeploymentStatus"], failed["DeploymentStatus"]) == (
            "deployed",
            "failed",
        )
        assert values(failed, PROPERTIES)["A"] == "bad"
        rig.eb.update_environment(
            EnvironmentName="web1", OptionSettings=[option(PROPERTIES, "A", "good")]
        )
        rig.settle()
        (deployed,) = described(rig)
        assert values(deployed, PROPERTIES)["A"] == "good"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (APP, "MissingRequiredParameter"),
        ({**ENV, "TemplateName": "t"}, "InvalidParameterCombination"),
        ({**APP, "TemplateName": "t"}, BAD[1]),
        ({**APP, "EnvironmentName": "nobody"}, BAD[1]),
        ({"ApplicationName": "other", "EnvironmentName": "web1"}, BAD[1]),
    ],
)
def test_exactly_one_set_of_settings(rig: PlantRig, given: dict[str, str], code: str) -> None:
    rig.launch()
    call = rig.eb.describe_configuration_settings
    assert rig.refusal(call, **given)[:2] == (400, code)


# Options


def options(rig: PlantRig, **given: Any) -> dict[tuple[str, str], dict[str, Any]]:
    answer = rig.eb.describe_configuration_options(**given)
    return {(o["Namespace"], o["Name"]): o for o in answer["Options"]}


def test_options_of_a_platform(rig: PlantRig) -> None:
    found = options(rig, SolutionStackName=PLATFORM)
    size = found[ASG, "MinSize"]
    assert (size["ValueType"], size["MinValue"], size["ChangeSeverity"]) == (
        "Scalar",
        0,
        "NoInterruption",
    )
    assert size["UserDefined"] is False
    policy = found["aws:elasticbeanstalk:command", "DeploymentPolicy"]
    assert "Immutable" in policy["ValueOptions"]
    kind = found["aws:autoscaling:launchconfiguration", "InstanceType"]
    assert kind["ChangeSeverity"] == "RestartEnvironment"


def test_a_stacks_name_may_come_as_an_arn(rig: PlantRig) -> None:
    answer = rig.eb.describe_configuration_options(PlatformArn=PLATFORM)
    assert answer["SolutionStackName"] == PLATFORM
    assert answer["PlatformArn"].startswith("arn:aws:elasticbeanstalk:us-east-1::platform/")


def test_options_of_an_environment_and_of_nothing(rig: PlantRig) -> None:
    rig.launch()
    assert options(rig, **ENV)[ASG, "MaxSize"]
    assert options(rig)[ASG, "MaxSize"]


def test_only_the_options_that_were_asked_for(rig: PlantRig) -> None:
    wanted = [{"Namespace": ASG, "OptionName": "MinSize"}, {"Namespace": "no", "OptionName": "x"}]
    assert set(options(rig, SolutionStackName=PLATFORM, Options=wanted)) == {(ASG, "MinSize")}


# Validation


def test_what_is_wrong_is_told_and_nothing_is_changed(rig: PlantRig) -> None:
    rig.launch()
    before = rig.environment()
    given = [option(ASG, "MinSize", "many"), option(ASG, "MaxSize", "5")]
    answer = rig.eb.validate_configuration_settings(**ENV, OptionSettings=given)
    (message,) = answer["Messages"]
    assert (message["Severity"], message["Namespace"], message["OptionName"]) == (
        "error",
        ASG,
        "MinSize",
    )
    assert rig.environment() == before
    good = rig.eb.validate_configuration_settings(**ENV, OptionSettings=given[1:])
    assert good["Messages"] == []
