"""An environment's life on the real engine, behind the real Envoy."""

from __future__ import annotations

import urllib.error

import pytest

from tests.e2e.installation import ASG, COMMAND, Installation, app, option
from tests.load.crowd import visitors

pytestmark = pytest.mark.e2e

THREE = (option(ASG, "MinSize", "3"), option(COMMAND, "BatchSize", "30"))


def test_a_life(installation: Installation) -> None:
    """Three instances, version 2 batch by batch under load, a property, one more, the end."""
    installation.version("one", app("one"))
    installation.version("two", app("two"))
    made = installation.create("life-env", "one", *THREE)
    assert (made["Health"], made["VersionLabel"]) == ("Green", "one")
    names = {installation.get(made).split()[1] for _ in range(30)}
    assert len(names) == 3, names

    with visitors(made["EndpointURL"]) as crowd:
        deployed = installation.deploy("life-env", "two")
    assert deployed["VersionLabel"] == "two"
    assert not crowd.tally.failures, crowd.tally.failures[:5]
    assert set(crowd.tally.answers) == {"one", "two"}

    eb = installation.client()
    colour = option("aws:elasticbeanstalk:application:environment", "COLOUR", "teal")
    with visitors(made["EndpointURL"]) as crowd:
        eb.update_environment(EnvironmentName="life-env", OptionSettings=[colour])
        installation.rest("life-env")
    assert not crowd.tally.failures, crowd.tally.failures[:5]
    assert installation.get(made).split()[3] == "teal"

    with visitors(made["EndpointURL"]) as crowd:
        eb.update_environment(
            EnvironmentName="life-env",
            OptionSettings=[option(ASG, "MinSize", "1"), option(ASG, "MaxSize", "1")],
        )
        installation.rest("life-env")
    assert not crowd.tally.failures, crowd.tally.failures[:5]
    resources = eb.describe_environment_resources(EnvironmentName="life-env")
    assert len(resources["EnvironmentResources"]["Instances"]) == 1

    installation.terminate("life-env")
    with pytest.raises(urllib.error.URLError):
        installation.get(made)
    told = [e for e in installation.events("life-env") if "completed successfully" in e]
    assert told[-1] == "INFO terminateEnvironment completed successfully."


def test_sample_application(installation: Installation) -> None:
    eb = installation.client()
    installation.version("any", app("any"))
    eb.create_environment(
        ApplicationName=installation.application,
        EnvironmentName="sample-env",
        SolutionStackName=eb.list_available_solution_stacks()["SolutionStacks"][0],
        OptionSettings=[
            option("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance")
        ],
    )
    made = installation.rest("sample-env")
    assert "Your environment runs" in installation.get(made)
    installation.terminate("sample-env")
