"""Platforms by every name that people type, and by what is in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackbean.cli.cloud import Cloud
from jackbean.cli.failures import Failure
from jackbean.cli.platforms import choose, detect, match, resolve
from jackbean.cli.whereabouts import Whereabouts
from tests.cli.aws import Aws, Form

STACKS = [
    "64bit Amazon Linux 2023 v4.3.0 running Python 3.13",
    "64bit Amazon Linux 2023 v4.3.0 running Python 3.11",
    "64bit Amazon Linux 2023 v6.1.0 running Node.js 20",
    "64bit Amazon Linux 2023 v4.0.1 running Docker",
    "64bit Amazon Linux 2023 v5.1.0 running Tomcat 10 Corretto 21",
]


@pytest.mark.parametrize(
    ("typed", "stack"),
    [
        ("python-3.11", 1),
        ("Python 3.11", 1),
        ("python", 0),
        ("PYTHON", 0),
        ("node.js-20", 2),
        ("node.js", 2),
        ("docker", 3),
        ("Docker", 3),
        ("tomcat-10-corretto-21", 4),
        (STACKS[2].lower(), 2),
        ("python-2.7", None),
        ("", None),
    ],
)
def test_stacks_have_short_names(typed: str, stack: int | None) -> None:
    assert match(typed, STACKS) == (None if stack is None else STACKS[stack])


@pytest.mark.parametrize(
    ("files", "family"),
    [
        (["application.py"], "Python"),
        (["requirements.txt", "package.json"], "Python"),
        (["Dockerfile", "requirements.txt"], "Docker"),
        (["package.json"], "Node.js"),
        (["index.php"], "PHP"),
        (["go.mod"], "Go"),
        (["shop.jar"], "Java"),
        (["README.md"], ""),
        ([], ""),
    ],
)
def test_files_tell_the_family(folder: Path, files: list[str], family: str) -> None:
    for name in files:
        (folder / name).touch()
    assert detect(folder) == family


@pytest.fixture
def cloud(aws: Aws) -> Cloud:
    def branches(form: Form) -> str:
        shown = (
            f"<member><BranchName>{name}</BranchName><BranchOrder>{order}</BranchOrder></member>"
            for name, order in (("Python 3.11 on AL", 11), ("Python 3.13 on AL", 13))
            if form["Filters.member.1.Values.member.1"] in (name, "Python")
        )
        return f"<PlatformBranchSummaryList>{''.join(shown)}</PlatformBranchSummaryList>"

    def versions(form: Form) -> str:
        branch = form["Filters.member.1.Values.member.1"]
        rows = (("4.10.0", ""), ("4.9.0", "Recommended"), ("4.2.0", "Recommended"))
        shown = (
            f"<member><PlatformArn>arn:aws:elasticbeanstalk:r::platform/{branch}/{n}</PlatformArn>"
            f"<PlatformVersion>{n}</PlatformVersion>"
            f"<PlatformLifecycleState>{state}</PlatformLifecycleState></member>"
            for n, state in rows
        )
        return f"<PlatformSummaryList>{''.join(shown)}</PlatformSummaryList>"

    stacks = "".join(f"<member>{s}</member>" for s in STACKS)
    aws.answers = {
        "ListPlatformBranches": branches,
        "ListPlatformVersions": versions,
        "ListAvailableSolutionStacks": lambda _: f"<SolutionStacks>{stacks}</SolutionStacks>",
    }
    return Cloud(Whereabouts(aws.url, "us-east-1"))


def test_the_newest_branch_of_the_family_in_its_recommended_version(
    cloud: Cloud, folder: Path
) -> None:
    (folder / "application.py").touch()
    platform = choose(cloud, "", folder)
    arn = "arn:aws:elasticbeanstalk:r::platform/Python 3.13 on AL/4.9.0"
    assert platform.members() == {"PlatformArn": arn}
    assert platform.kept == "Python 3.13 on AL"


def test_what_is_typed_is_taken(cloud: Cloud) -> None:
    arn = "arn:aws:elasticbeanstalk:r::platform/Anything/1.2.3"
    assert resolve(cloud, arn).members() == {"PlatformArn": arn}
    assert resolve(cloud, "Python 3.11 on AL").arn.endswith("/Python 3.11 on AL/4.9.0")
    short = resolve(cloud, "python-3.11")
    assert short.members() == {"SolutionStackName": STACKS[1]}
    assert short.kept == "Python 3.11"


def test_what_is_not_known_is_told_with_what_is(cloud: Cloud, folder: Path) -> None:
    with pytest.raises(Failure, match=r"python-2\.7.*python-3\.13"):
        resolve(cloud, "python-2.7")
    with pytest.raises(Failure, match="--sample"):
        choose(cloud, "", folder)
