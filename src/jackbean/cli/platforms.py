"""Which platform: resolved from what somebody types, or detected from what is in the folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jackbean.cli.cloud import Cloud
from jackbean.cli.failures import Failure

ARN = re.compile(r"arn:[^:]+:elasticbeanstalk:[^:]*:[^:]*:platform/[^/]+/\d+\.\d+\.\d+")
RUNNING = re.compile(r" running (?P<short>\w.*)$")

# The first family with a file that is there. Containers first: they say it on purpose.
SIGNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Docker", ("Dockerfile", "Dockerrun.aws.json", "docker-compose.yml")),
    (
        "Python",
        ("requirements.txt", "Pipfile", "pyproject.toml", "application.py", "manage.py", "*.py"),
    ),
    ("Node.js", ("package.json", "app.js", "server.js")),
    ("Ruby", ("Gemfile", "config.ru")),
    ("PHP", ("composer.json", "*.php")),
    ("Go", ("go.mod", "application.go", "*.go")),
    (".NET Core on Linux", ("*.csproj", "*.sln", "*.runtimeconfig.json")),
    ("Tomcat", ("*.war", "WEB-INF")),
    ("Java", ("pom.xml", "build.gradle", "*.jar")),
)


@dataclass(frozen=True)
class Platform:
    """As a request names it (by ARN or by stack), and as config.yml keeps it."""

    stack: str = ""
    arn: str = ""
    kept: str = ""

    def members(self) -> dict[str, str]:
        named = {"PlatformArn": self.arn, "SolutionStackName": self.stack}
        return {member: name for member, name in named.items() if name}


def choose(cloud: Cloud, typed: str, folder: Path) -> Platform:
    """Return the platform that was asked for, or the newest that fits the folder's files."""
    if typed:
        return resolve(cloud, typed)
    family = detect(folder)
    if not family:
        raise Failure(
            f"No file in {folder} tells what platform this is for. Name one, like "
            "--platform python-3.13, or try --sample."
        )
    return newest(cloud, family)


def resolve(cloud: Cloud, typed: str) -> Platform:
    """Return the platform of an ARN, a branch, a solution stack or a short form of one."""
    if ARN.fullmatch(typed):
        return Platform(arn=typed, kept=typed)
    if branch := _branches(cloud, "BranchName", typed):
        return _of_branch(cloud, branch[0])
    stacks = cloud.beanstalk.list_available_solution_stacks()["SolutionStacks"]
    stack = match(typed, stacks)
    if stack is None:
        raise Failure(
            f"No platform is called {typed!r}. Known in short: "
            f"{', '.join(sorted({_short(s).lower().replace(' ', '-') for s in stacks}))}."
        )
    return Platform(stack=stack, kept=_short(stack))


def newest(cloud: Cloud, family: str) -> Platform:
    """Return the newest platform of a family; of those that can run here, where it says."""
    branches = _branches(cloud, "PlatformName", family)
    if not branches:
        raise Failure(f"{cloud.endpoint} has no platform for {family}. Name another: --platform.")
    return _of_branch(cloud, max(branches, key=lambda b: int(b.get("BranchOrder") or 0)))


def match(typed: str, stacks: Sequence[str]) -> str | None:
    """Return the solution stack that a name means: in full, in short, or by language alone."""
    wanted = typed.lower()
    forms = (
        lambda stack: stack.lower(),
        lambda stack: _short(stack).lower(),
        lambda stack: _short(stack).lower().replace(" ", "-"),
        lambda stack: _short(stack).lower().partition(" ")[0],
    )
    for form in forms:
        if found := next((stack for stack in stacks if form(stack) == wanted), None):
            return found
    return None


def detect(folder: Path) -> str:
    """Return the family whose files are in a folder, "" for none."""
    names = {child.name for child in folder.iterdir()} if folder.is_dir() else set()
    return next((family for family, signs in SIGNS if _any(names, signs)), "")


def _any(names: set[str], signs: Iterable[str]) -> bool:
    return any(
        sign in names or (sign.startswith("*") and any(n.endswith(sign[1:]) for n in names))
        for sign in signs
    )


def _branches(cloud: Cloud, attribute: str, value: str) -> list[Mapping[str, Any]]:
    filters = [
        {"Attribute": attribute, "Operator": "=", "Values": [value]},
        {"Attribute": "LifecycleState", "Operator": "!=", "Values": ["Retired"]},
    ]
    return list(
        cloud.pages(
            cloud.beanstalk.list_platform_branches, "PlatformBranchSummaryList", Filters=filters
        )
    )


def _of_branch(cloud: Cloud, branch: Mapping[str, Any]) -> Platform:
    name = str(branch["BranchName"])
    filters = [{"Type": "PlatformBranchName", "Operator": "=", "Values": [name]}]
    versions = list(
        cloud.pages(cloud.beanstalk.list_platform_versions, "PlatformSummaryList", Filters=filters)
    )
    if not versions:
        raise Failure(f"Platform branch {name} has no version at {cloud.endpoint}.")
    return Platform(arn=str(max(versions, key=_rank)["PlatformArn"]), kept=name)


def _rank(version: Mapping[str, Any]) -> tuple[bool, tuple[int, ...]]:
    number = str(version.get("PlatformVersion") or version["PlatformArn"].rpartition("/")[2])
    recommended = version.get("PlatformLifecycleState") == "Recommended"
    return recommended, tuple(int(part) for part in re.findall(r"\d+", number))


def _short(stack: str) -> str:
    """Return what a solution stack runs: "Python 3.13"."""
    found = RUNNING.search(stack)
    return found["short"] if found else stack
