"""New instances beside the old ones, under load."""

from __future__ import annotations

import pytest

from tests.e2e.installation import ASG, COMMAND, Installation, app, option
from tests.load.crowd import visitors

pytestmark = [pytest.mark.e2e, pytest.mark.load]

PROPERTIES = "aws:elasticbeanstalk:application:environment"
POLICIES = ("RollingWithAdditionalBatch", "Immutable")


@pytest.mark.parametrize("policy", POLICIES)
def test_no_request_is_lost(installation: Installation, policy: str) -> None:
    name = f"beside-{policy[:9].lower()}"
    for label in ("one", "two"):
        installation.version(f"{name}-{label}", app(label))
    made = installation.create(
        name,
        f"{name}-one",
        option(ASG, "MinSize", "2"),
        option(COMMAND, "DeploymentPolicy", policy),
        option(COMMAND, "BatchSizeType", "Fixed"),
        option(COMMAND, "BatchSize", "1"),
    )
    before = ids(installation, name)
    with visitors(made["EndpointURL"]) as crowd:
        deployed = installation.deploy(name, f"{name}-two")
    story = "\n".join(installation.events(name))
    assert not crowd.tally.failures, f"{crowd.tally.failures[:5]}\n{story}"
    assert deployed["VersionLabel"] == f"{name}-two"
    assert {installation.get(made).split()[0] for _ in range(10)} == {"two"}
    after = ids(installation, name)
    assert len(after) == 2
    assert (before == after) is (policy == "RollingWithAdditionalBatch"), story
    colour = option(PROPERTIES, "COLOUR", "teal")
    with visitors(made["EndpointURL"]) as crowd:
        installation.client().update_environment(EnvironmentName=name, OptionSettings=[colour])
        installation.rest(name)
    story = "\n".join(installation.events(name))
    assert not crowd.tally.failures, f"{crowd.tally.failures[:5]}\n{story}"
    assert {installation.get(made).split()[3] for _ in range(10)} == {"teal"}
    assert ids(installation, name) == after, story  # settings alone reach those that there are
    installation.terminate(name)


def ids(installation: Installation, name: str) -> set[str]:
    found = installation.client().describe_environment_resources(EnvironmentName=name)
    return {i["Id"] for i in found["EnvironmentResources"]["Instances"]}
