"""How platforms are spelled: ARNs, solution stack names, and the short forms that clients know."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jackbean.core.platforms.branch import BITS, SYSTEM, SYSTEM_VERSION, Branch
from jackbean.core.platforms.branches import BRANCHES

NAME_MAX = 512
PLATFORM_ARN = re.compile(
    r"arn:[^:]+:elasticbeanstalk:[^:]*:(?P<account>[^:]*):platform/"
    r"(?P<branch>[^/]+)(?:/(?P<version>[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}))?"
)
STACK_ARN = re.compile(r"arn:[^:]+:elasticbeanstalk:[^:]*:[^:]*:solutionstack/(?P<stack>[^/]+)")

_platforms = {branch.name: branch.platform_name for branch in BRANCHES}


@dataclass(frozen=True)
class PlatformName:
    """A platform ARN in its parts. An account means a custom platform; no version, the newest."""

    branch: str
    version: str = ""
    account: str = ""


def stack_name(branch: Branch, version: str) -> str:
    return f"{BITS} {SYSTEM} {SYSTEM_VERSION} v{version} running {branch.running}"


def platform_arn(region: str, branch: Branch, version: str) -> str:
    return f"arn:aws:elasticbeanstalk:{region}::platform/{branch.name}/{version}"


def parse_arn(text: str) -> PlatformName | None:
    """Return the parts of a platform ARN of any region; None where it is not one."""
    match = PLATFORM_ARN.fullmatch(text[: NAME_MAX + 1])
    return match and PlatformName(match["branch"], match["version"] or "", match["account"])


def stack_of_arn(text: str) -> str:
    """Return the stack that an ARN of the older kind names; "" where it is not one."""
    match = STACK_ARN.fullmatch(text[: NAME_MAX + 1])
    return match["stack"] if match else ""


def branch_of_arn(arn: str) -> str:
    """Return the branch that a platform ARN names; "" where it is not one."""
    parsed = parse_arn(arn)
    return parsed.branch if parsed else ""


def platform_name(arn: str) -> str:
    """Return the family ("Python") of the platform that an ARN names; "" for a strange one."""
    return _platforms.get(branch_of_arn(arn), "")


def short_forms(branch: Branch) -> tuple[str, ...]:
    """Return what else a branch is called: "Python 3.11", "python-3.11", its own name."""
    return (branch.name, branch.running, branch.running.lower().replace(" ", "-"))
