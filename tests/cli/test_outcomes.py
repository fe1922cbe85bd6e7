"""Every text that Elastic Beanstalk ends an operation with, and what it means."""

from __future__ import annotations

import pytest

from jackbean.cli.outcomes import Goal, conclude, judge
from jackbean.control.story import narration

GOOD = {
    Goal.LAUNCH: "Successfully launched environment: shop-dev",
    Goal.DEPLOY: "Environment update completed successfully.",
    Goal.CONFIGURE: "Successfully deployed new configuration to environment.",
    Goal.TERMINATE: "terminateEnvironment completed successfully.",
    Goal.DELETE: "The application has been deleted successfully.",
    Goal.PULL: "Pulled logs for environment instances.",
}
BAD = [
    "Environment health has been set to RED",
    "Failed to launch environment.",
    "Failed to deploy application.",
    "Failed to deploy configuration.",
    "The environment was reverted to the previous configuration setting.",
    "Create environment operation is complete, but with errors",
    "Create environment operation is complete, but with errors. For more information, see more.",
    "Create environment operation is complete, but with command timeouts. Try increasing it.",
    "Update environment operation is complete, but with errors. For more information, see more.",
    "Launched environment: x. However, there were issues during launch. See event log.",
    "Failed to pull logs for environment instances. No answer from i-1.",
    "ECS Application sourcebundle validation error: Unsupported AWSEBDockerrunVersion: 3",
]
BETWEEN = [
    "Environment update is starting.",
    "Deploying new version to instance(s).",
    "Batch 1: Completed application deployment.",
    "[Instance: i-1] Instance deployment completed successfully.",
    "New application version was deployed to running EC2 instances.",
    "Environment health has been set to GREEN",
    "Environment health has transitioned from Ok to Severe.",
    "[Instance: i-1] Command failed on instance. Return code: 1 Output: Failed to deploy.",
]


@pytest.mark.parametrize("goal", list(Goal))
def test_success_is_that_of_the_goal_only(goal: Goal) -> None:
    for other, text in GOOD.items():
        outcome = judge(goal, text)
        fits = other is goal or (goal in {Goal.CONFIGURE, Goal.RETURN} and other is Goal.DEPLOY)
        assert (outcome is not None and outcome.succeeded) is fits, text


@pytest.mark.parametrize("text", BAD)
def test_failure_is_failure_whatever_was_asked(text: str) -> None:
    for goal in Goal:
        outcome = judge(goal, text)
        assert outcome is not None
        assert not outcome.succeeded


@pytest.mark.parametrize("text", BETWEEN)
def test_what_comes_between_ends_nothing(text: str) -> None:
    assert not any(judge(goal, text) for goal in Goal)


def test_the_words_of_jackbean_are_understood() -> None:
    said = {
        Goal.LAUNCH: (narration.LAUNCHED.format(env="x"), narration.LAUNCH_FAILED),
        Goal.DEPLOY: (narration.UPDATED, narration.DEPLOY_FAILED),
        Goal.CONFIGURE: (narration.CONFIGURED, narration.CONFIGURE_FAILED),
        Goal.TERMINATE: (narration.TERMINATED, narration.REVERTED),
    }
    for goal, (good, bad) in said.items():
        outcomes = [judge(goal, text) for text in (good, bad)]
        assert [o is not None and o.succeeded for o in outcomes] == [True, False]
        assert None not in outcomes


def environment(**members: str) -> dict[str, str]:
    return {"EnvironmentName": "x", "Status": "Ready", "Health": "Green", **members}


@pytest.mark.parametrize(
    ("goal", "members", "expected"),
    [
        (Goal.LAUNCH, {}, True),
        (Goal.LAUNCH, {"Health": "Red"}, False),
        (Goal.LAUNCH, {"Status": "Terminated"}, False),
        (Goal.DEPLOY, {"VersionLabel": "v2"}, True),
        (Goal.DEPLOY, {"VersionLabel": "v1"}, False),
        (Goal.DEPLOY, {"VersionLabel": "v2", "Status": "Terminated"}, False),
        (Goal.CONFIGURE, {}, False),
        (Goal.TERMINATE, {"Status": "Terminated"}, True),
        (Goal.TERMINATE, {}, False),
    ],
)
def test_silence_is_success_only_where_it_is_proven(
    goal: Goal, members: dict[str, str], *, expected: bool
) -> None:
    outcome = conclude(goal, environment(**members), "v2")
    assert outcome.succeeded is expected
    assert "x" in outcome.message
