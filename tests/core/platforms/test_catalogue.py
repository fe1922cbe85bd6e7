"""Platforms by every name that clients use."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackbean.core.errors import Fault
from jackbean.core.platforms.branch import Branch, Lifecycle, version_key
from jackbean.core.platforms.branches import BRANCHES
from jackbean.core.platforms.catalogue import Catalogue
from jackbean.core.platforms.filters import Filter
from jackbean.core.platforms.names import (
    branch_of_arn,
    parse_arn,
    platform_name,
    short_forms,
    stack_of_arn,
)

PYTHON = "Python 3.11 running on 64bit Amazon Linux 2023"
PYTHON_12 = "Python 3.12 running on 64bit Amazon Linux 2023"
CATALOGUE = Catalogue("eu-west-3", frozenset({PYTHON, PYTHON_12}))
ARN = re.compile(r"arn:[^:]+:elasticbeanstalk:[^:]+:([^:]*):platform/([^/]+)/(\d+\.\d+\.\d+)")
STACK = re.compile(r"64bit Amazon Linux 2023 v\d+\.\d+\.\d+ running .+")


def refusal(name: str) -> str:
    """Return why a name is refused, "" where it is found."""
    try:
        CATALOGUE.find(name)
    except Fault as fault:
        return fault.message
    return ""


by_name = pytest.mark.parametrize("branch", BRANCHES, ids=lambda b: b.running)


@by_name
def test_every_branch_makes_sense(branch: Branch) -> None:
    assert branch.tiers == ("WebServer/Standard", "Worker/SQS/HTTP")
    assert list(branch.versions) == sorted(branch.versions, key=version_key, reverse=True)
    assert len(set(branch.versions)) == len(branch.versions)
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in branch.versions)
    assert 0 <= branch.port <= 65_535
    assert branch.comes_with


@by_name
def test_every_version_is_found_by_its_names(branch: Branch) -> None:
    for version in CATALOGUE.platform_versions([Filter("PlatformBranchName", "=", (branch.name,))]):
        assert STACK.fullmatch(version.solution_stack)
        match = ARN.fullmatch(version.arn)
        assert match is not None
        assert match.groups() == ("", branch.name, version.version)
        assert CATALOGUE.find(version.solution_stack) == version
        assert CATALOGUE.find(version.solution_stack.upper()) == version
        assert CATALOGUE.find(version.arn) == version
        assert CATALOGUE.find(version.arn.replace("eu-west-3", "us-east-1")) == version
        old = f"arn:aws:elasticbeanstalk:eu-west-3::solutionstack/{version.solution_stack}"
        assert CATALOGUE.find(old) == version
        assert branch_of_arn(version.arn) == branch.name
        assert platform_name(version.arn) == branch.platform_name


@by_name
def test_without_a_version_it_is_the_recommended_one(branch: Branch) -> None:
    arn = f"arn:aws:elasticbeanstalk:eu-west-3::platform/{branch.name}"
    for name in (branch.name, branch.running, arn, *short_forms(branch)):
        found = CATALOGUE.find(name)
        if name not in {b.platform_name for b in BRANCHES}:
            assert found.branch == branch
            assert found.recommended


def test_names_are_spelled_as_elastic_beanstalk_does() -> None:
    found = CATALOGUE.find("64bit Amazon Linux 2023 v4.3.0 running Python 3.11")
    assert found.arn == (
        "arn:aws:elasticbeanstalk:eu-west-3::platform/Python 3.11 running on 64bit Amazon Linux "
        "2023/4.3.0"
    )
    assert (found.branch.language_name, found.branch.language_version) == ("Python", "3.11")
    assert found.branch.port == 8000
    assert found.lifecycle == ""
    tomcat = CATALOGUE.find("tomcat-10-corretto-21")
    assert tomcat.solution_stack.endswith(" running Tomcat 10 Corretto 21")
    assert tomcat.branch.name == ("Tomcat 10 with Corretto 21 running on 64bit Amazon Linux 2023")
    assert tomcat.branch.framework == ("Tomcat", "10")
    assert tomcat.branch.file_types == ("war", "zip")


@pytest.mark.parametrize(
    ("name", "running"),
    [
        ("python", "Python 3.12"),
        ("Python", "Python 3.12"),
        ("python-3.11", "Python 3.11"),
        ("Python 3.14", "Python 3.14"),
        ("node.js", "Node.js 24"),
        ("node.js-22", "Node.js 22"),
        ("docker", "Docker"),
        ("ecs", "ECS"),
        ("Go", "Go 1"),
        ("java", "Corretto 25"),
        ("corretto-17", "Corretto 17"),
        ("tomcat", "Tomcat 11 Corretto 25"),
        ("  ruby  ", "Ruby 4.0"),
    ],
)
def test_short_forms(name: str, running: str) -> None:
    assert CATALOGUE.find(name).branch.running == running


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "64bit Amazon Linux 2023 v4.3.9 running Python 3.11",
            "No Solution Stack named '64bit Amazon Linux 2023 v4.3.9 running Python 3.11' found. "
            "The nearest: 64bit Amazon Linux 2023 v4.3.0 running Python 3.11, ",
        ),
        ("python-2.7", "No Solution Stack named 'python-2.7' found. The nearest: Python 3."),
        ("node", "No Solution Stack named 'node' found. The nearest: Node.js 2"),
        ("nodejs-16", "No Solution Stack named 'nodejs-16' found. The nearest: Node.js 2"),
        ("pyton", "No Solution Stack named 'pyton' found."),
        (
            "arn:aws:elasticbeanstalk:eu-west-3::platform/Python 3.11 running on 64bit Amazon "
            "Linux 2023/9.9.9",
            "No Platform named 'arn:aws:elasticbeanstalk:eu-west-3::platform/Python 3.11 running "
            "on 64bit Amazon Linux 2023/9.9.9' found. The nearest: arn:aws:elasticbeanstalk:eu-",
        ),
        (
            "arn:aws:elasticbeanstalk:eu-west-3:123456789012:platform/Mine/1.0.0",
            "No Platform named 'arn:aws:elasticbeanstalk:eu-west-3:123456789012:platform/Mine",
        ),
        (
            f"arn:aws:elasticbeanstalk:eu-west-3:123456789012:platform/{PYTHON}/4.13.7",
            "No Platform named 'arn:aws:elasticbeanstalk:eu-west-3:123456789012:platform/Python",
        ),
        ("", "No Solution Stack named '' found."),
    ],
)
def test_unknown_names_bring_the_nearest(name: str, message: str) -> None:
    with pytest.raises(Fault) as caught:
        CATALOGUE.find(name)
    assert caught.value.code == "InvalidParameterValue"
    assert caught.value.message.startswith(message)


@given(st.text())
def test_no_name_upsets_the_catalogue(name: str) -> None:
    for prefix in ("", "arn:aws:elasticbeanstalk:x::platform/", "64bit Amazon Linux 2023 v"):
        message = refusal(prefix + name)
        assert message.isprintable()
        assert len(message) < 700


def test_long_names_are_cut() -> None:
    with pytest.raises(Fault) as caught:
        CATALOGUE.find("x" * 10**6)
    assert len(caught.value.message) < 700


def test_what_does_not_run_is_known_and_refused_with_the_reason() -> None:
    CATALOGUE.require_runnable(CATALOGUE.find(PYTHON))
    assert CATALOGUE.hindrance(CATALOGUE.find(PYTHON)) == ""
    with pytest.raises(Fault) as caught:
        CATALOGUE.require_runnable(CATALOGUE.find("python-3.14"))
    assert caught.value.message == (
        "Platform 'Python 3.14 running on 64bit Amazon Linux 2023' does not run here: it comes "
        "with a Python 3.14 interpreter on this machine. What runs here: Python 3.12, Python 3.11."
    )
    docker = CATALOGUE.hindrance(CATALOGUE.find("docker"))
    assert "it comes with a later version of Jackbean" in docker
    nothing = Catalogue("eu-west-3", ())
    assert nothing.hindrance(nothing.find(PYTHON)).endswith("What runs here: nothing yet.")


def test_stacks_that_run_come_first_and_newest_first() -> None:
    names = [stack.name for stack in CATALOGUE.solution_stacks()]
    assert len(set(names)) == len(names)
    running = [name for name in names if name.endswith(("Python 3.11", "Python 3.12"))]
    assert names[: len(running)] == running
    assert running[0] == "64bit Amazon Linux 2023 v4.13.7 running Python 3.12"
    assert "64bit Amazon Linux 2023 v4.3.0 running Python 3.11" in running
    rest = names[len(running) :]
    assert len(rest) == len(BRANCHES) - 2
    assert rest.index("64bit Amazon Linux 2023 v6.11.7 running Node.js 24") < rest.index(
        "64bit Amazon Linux 2023 v6.11.1 running Node.js 20"
    )
    types = {stack.name: stack.file_types for stack in CATALOGUE.solution_stacks()}
    assert types[running[0]] == ("zip",)
    assert types["64bit Amazon Linux 2023 v4.12.7 running Corretto 21"] == ("jar", "zip")
    assert types["64bit Amazon Linux 2023 v4.13.7 running Docker"] == ()


def test_branches_that_run_rank_highest() -> None:
    branches = CATALOGUE.branches()
    assert {b.name for b in branches} == {b.name for b in BRANCHES}
    assert [b.running for b in branches[:2]] == ["Python 3.12", "Python 3.11"]
    ranked = sorted(
        (b for b in branches if b.platform_name == "Python"), key=CATALOGUE.order, reverse=True
    )
    assert [b.language_version for b in ranked] == ["3.12", "3.11", "3.14", "3.13", "3.9"]


def versions(*filters: tuple[str, str, str]) -> list[tuple[str, str]]:
    wanted = [Filter(name, operator, (value,)) for name, operator, value in filters]
    return [(v.branch.running, v.version) for v in CATALOGUE.platform_versions(wanted)]


def test_versions_are_filtered() -> None:
    branch = ("PlatformBranchName", "=", PYTHON)
    assert versions(branch) == [
        ("Python 3.11", v) for v in ("4.13.7", "4.13.1", "4.9.1", "4.6.0", "4.3.0")
    ]
    assert versions(branch, ("PlatformVersion", "=", "latest")) == [("Python 3.11", "4.13.7")]
    assert versions(branch, ("PlatformLifecycleState", "=", "recommended")) == [
        ("Python 3.11", "4.13.7")
    ]
    assert versions(branch, ("PlatformVersion", "<", "4.9.1")) == [
        ("Python 3.11", "4.6.0"),
        ("Python 3.11", "4.3.0"),
    ]
    assert versions(branch, ("PlatformVersion", ">=", "4.13.1"))[-1] == ("Python 3.11", "4.13.1")
    assert versions(branch, ("PlatformVersion", ">", "x")) == []
    assert versions(branch, ("PlatformVersion", "begins_with", "4.13."))[0][1] == "4.13.7"
    assert versions(branch, ("PlatformStatus", "=", "Failed")) == []
    assert versions(("PlatformOwner", "=", "self")) == []
    assert versions(("PlatformOwner", "=", "AWSElasticBeanstalk")) == versions()
    assert versions(("PlatformOwner", "!=", "self")) == versions()
    assert versions(branch, ("SupportedTier", "=", "Worker/SQS/HTTP")) == versions(branch)
    assert versions(branch, ("SupportedTier", "!=", "Worker/SQS/HTTP")) == []
    assert versions(branch, ("SupportedAddon", "contains", "Healthd")) == versions(branch)
    assert {r for r, _ in versions(("ProgrammingLanguageName", "=", "Go"))} == {"Go 1"}
    assert versions(("PlatformName", "=", PYTHON)) == versions(branch)
    assert {r for r, _ in versions(("PlatformName", "=", "Docker"))} == {"Docker", "ECS"}
    assert versions(("OperatingSystemName", "=", "Windows")) == []


def test_branches_are_filtered() -> None:
    def running(name: str, operator: str, *values: str) -> set[str]:
        return {b.running for b in CATALOGUE.branches([Filter(name, operator, values)])}

    everything = {b.running for b in BRANCHES}
    retired = {b.running for b in BRANCHES if b.lifecycle is Lifecycle.RETIRED}
    assert running("BranchName", "=", PYTHON) == {"Python 3.11"}
    assert running("LifecycleState", "!=", "Retired") == everything - retired
    assert running("LifecycleState", "!=", "retired") == everything - retired
    assert running("LifecycleState", "in", "Retired", "Beta") == retired
    assert running("PlatformName", "in", "Go", "Ruby") == {
        "Go 1",
        "Ruby 4.0",
        "Ruby 3.4",
        "Ruby 3.3",
        "Ruby 3.2",
    }
    assert not running("PlatformName", "not_in", "Go", "Ruby") & {"Go 1", "Ruby 3.4"}
    assert running("BranchName", "begins_with", "Corretto 1") == {"Corretto 17", "Corretto 11"}
    assert running("BranchName", "ends_with", "2023") == everything
    assert running("BranchName", "contains", "Tomcat 9") == {
        "Tomcat 9 Corretto 17",
        "Tomcat 9 Corretto 11",
        "Tomcat 9 Corretto 8",
    }
    assert running("TierType", "=", "WebServer/Standard") == everything
    assert running("TierType", "!=", "Standard") == set()


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ([Filter("Colour", "=", ("red",))], "'Colour' is no filter here"),
        ([Filter("PlatformName", "~", ("x",))], "'~' is no operator of filters"),
        ([Filter("PlatformName", "=", ())], "Filter PlatformName needs one to 10 values."),
        ([Filter("PlatformName", "in", ("x",) * 11)], "Filter PlatformName needs one to 10"),
        ([Filter("PlatformName", "=", ("x",))] * 11, "There are 11 filters; at most 10"),
    ],
)
def test_filters_that_cannot_be_understood(filters: list[Filter], message: str) -> None:
    for listed in (CATALOGUE.platform_versions, CATALOGUE.branches):
        with pytest.raises(Fault) as caught:
            listed(filters)
        assert caught.value.message.startswith(message)


def test_arns() -> None:
    parsed = parse_arn("arn:aws:elasticbeanstalk:us-west-2:123412341234:platform/mine/1.0.0")
    assert parsed is not None
    assert (parsed.branch, parsed.version, parsed.account) == ("mine", "1.0.0", "123412341234")
    for bad in ("", "arn:aws:s3:::platform/mine/1.0.0", "arn:aws:elasticbeanstalk:x::platform/a/b"):
        assert parse_arn(bad) is None
    assert branch_of_arn("nonsense") == ""
    assert platform_name("nonsense") == ""
    assert stack_of_arn("nonsense") == ""


def test_no_two_branches_share_a_name() -> None:
    assert len({b.name for b in BRANCHES}) == len(BRANCHES)
    assert len({(b.platform_name, b.order) for b in BRANCHES}) == len(BRANCHES)
    everyone = {(v.solution_stack, v.arn) for v in CATALOGUE.platform_versions()}
    assert len(everyone) == sum(len(b.versions) for b in BRANCHES)


def test_what_runs_on_a_stand_in_comes_after_what_fits() -> None:
    """Who names a language only gets the version that is really there."""
    name = "PHP {} running on 64bit Amazon Linux 2023".format
    runnable = [name(v) for v in ("8.2", "8.3", "8.4")]
    catalogue = Catalogue("us-east-1", runnable, [name("8.3"), name("8.4")])
    assert catalogue.find("php").branch.name == name("8.2")
    assert catalogue.find("PHP 8.4").branch.name == name("8.4")
    catalogue.require_runnable(catalogue.find("php-8.4"))
    first = [stack.name.rpartition(" running ")[2] for stack in catalogue.solution_stacks()]
    assert list(dict.fromkeys(first))[:3] == ["PHP 8.2", "PHP 8.4", "PHP 8.3"]


def test_python_leads_what_runs() -> None:
    runnable = [
        b.name for b in BRANCHES if b.platform_name in (".NET Core on Linux", "Go", "Python")
    ]
    assert " running Python " in Catalogue("us-east-1", runnable).solution_stacks()[0].name
