"""How operations end, read from their events: the texts are Elastic Beanstalk's, word for word.

Stricter than the EB CLI: only the text that belongs to the goal is success (a health event is
never), and every text of failure is failure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Goal(Enum):
    """What was asked for. The value ends sentences: "to ..."."""

    LAUNCH = "launch"
    DEPLOY = "deploy"
    CONFIGURE = "change"
    TERMINATE = "terminate"
    DELETE = "delete"
    PULL = "pull logs"
    SWAP = "swap"
    RETURN = "go back"


@dataclass(frozen=True)
class Outcome:
    succeeded: bool
    message: str


SUCCESSES: Mapping[Goal, tuple[str, ...]] = {  # a message begins with one of these
    Goal.LAUNCH: ("Successfully launched environment:",),
    Goal.DEPLOY: ("Environment update completed successfully.",),
    Goal.CONFIGURE: (
        "Successfully deployed new configuration to environment.",
        "Environment update completed successfully.",
    ),
    Goal.TERMINATE: ("terminateEnvironment completed successfully.",),
    Goal.DELETE: ("The application has been deleted successfully.",),
    Goal.SWAP: ("Completed swapping CNAMEs for environments",),
    Goal.RETURN: ("Environment update completed successfully.",),
    Goal.PULL: (
        "Pulled logs for environment instances.",
        "Successfully finished tailing",
        "Successfully finished bundling",
    ),
}
FAILURES = (  # a message begins with one of these, whatever was asked for
    "Environment health has been set to RED",
    "Failed to launch environment.",
    "Failed to deploy application.",
    "Failed to deploy configuration.",
    "Failed to pull logs for environment instances.",
    "The environment was reverted to the previous configuration setting.",
    "Create environment operation is complete, but with",
    "Update environment operation is complete, but with",
    "ECS Application sourcebundle validation error:",
)
LAUNCHED_WITH_ISSUES = ("Launched environment", "However, there were issues during launch.")
FINAL = frozenset({"Ready", "Terminated"})


def judge(goal: Goal, message: str) -> Outcome | None:
    """Return what an event's text makes of the operation; None while it goes on."""
    begins, contains = LAUNCHED_WITH_ISSUES
    if message.startswith(FAILURES) or (message.startswith(begins) and contains in message):
        return Outcome(succeeded=False, message=message)
    if message.startswith(SUCCESSES[goal]):
        return Outcome(succeeded=True, message=message)
    return None


def conclude(goal: Goal, environment: Mapping[str, Any], version: str) -> Outcome:
    """Judge by the environment alone, where it is at rest and no event has told the end.

    `version` is the label that was to be deployed. What cannot be proven is failure.
    """
    status, name = environment["Status"], environment["EnvironmentName"]
    proven = {
        Goal.LAUNCH: status == "Ready" and environment.get("Health") == "Green",
        Goal.DEPLOY: status == "Ready" and environment.get("VersionLabel") == version,
        Goal.TERMINATE: status == "Terminated",
    }
    if proven.get(goal, False):
        return Outcome(succeeded=True, message=f"Environment {name} is {status}.")
    return Outcome(
        succeeded=False,
        message=f"Environment {name} is {status}, and no event tells that it did {goal.value}.",
    )
