"""config.yml, as `eb` and `jb` share it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from jackbean.cli.failures import Failure, NotSetUp
from jackbean.cli.project import Project

# What the EB CLI writes.
OF_EB = """\
branch-defaults:
  default:
    environment: shop-dev
    group_suffix: null
  main:
    environment: shop-prod
environment-defaults:
  shop-dev:
    branch: null
    repository: null
global:
  application_name: shop
  branch: null
  default_ec2_keyname: null
  default_platform: Python 3.11
  default_region: eu-central-1
  include_git_submodules: true
  instance_profile: null
  platform_name: null
  profile: work
  sc: null
  workspace_type: Application
"""


def written(folder: Path, text: str = OF_EB, name: str = "config.yml") -> Path:
    path = folder / ".elasticbeanstalk" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def repository(folder: Path) -> None:
    subprocess.run(["git", "init", "--quiet", "-b", "main", str(folder)], check=True)


def test_what_eb_wrote_is_read(folder: Path) -> None:
    written(folder)
    (folder / "web" / "pages").mkdir(parents=True)
    project = Project.around(folder / "web" / "pages")
    assert (project.root, project.known) == (folder, True)
    assert (project.application, project.environment) == ("shop", "shop-dev")
    assert project.get("default_region") == "eu-central-1"
    assert project.get("profile") == "work"
    assert project.get("default_ec2_keyname") == ""
    assert project.repository is None


def test_every_branch_has_its_environment(folder: Path) -> None:
    repository(folder)
    written(folder, OF_EB.replace("sc: null", "sc: git"))
    project = Project.around(folder)
    assert (project.branch, project.environment) == ("main", "shop-prod")
    subprocess.run(["git", "symbolic-ref", "HEAD", "refs/heads/else"], check=True)
    assert Project.around(folder).environment == "shop-dev"


def test_a_branch_can_have_settings_of_its_own(folder: Path) -> None:
    text = OF_EB.replace("    group_suffix: null\n", "    default_region: us-west-1\n")
    written(folder, text)
    assert Project.around(folder).get("default_region") == "us-west-1"


def test_the_shared_file_lies_beneath(folder: Path) -> None:
    written(folder, "global: {application_name: shared, default_region: r}", "config.global.yml")
    assert Project.around(folder).application == "shared"
    written(folder, "global: {application_name: own}")
    project = Project.around(folder)
    assert (project.application, project.get("default_region")) == ("own", "r")


def test_what_is_written_keeps_the_rest(folder: Path) -> None:
    path = written(folder)
    project = Project.around(folder)
    project.choose("shop-test")
    project.remember(default_platform="Python 3.13", default_ec2_keyname="")
    expected = yaml.safe_load(OF_EB)
    expected["branch-defaults"]["default"]["environment"] = "shop-test"
    expected["global"]["default_platform"] = "Python 3.13"
    assert yaml.safe_load(path.read_text()) == expected


def test_a_terminated_environment_is_forgotten(folder: Path) -> None:
    written(folder)
    Project.around(folder).forget("shop-dev")
    again = Project.around(folder)
    assert again.environment == ""
    assert yaml.safe_load(OF_EB)["branch-defaults"]["main"] == again._own["branch-defaults"]["main"]


def test_setting_up_keeps_us_out_of_git(folder: Path) -> None:
    repository(folder)
    (folder / ".gitignore").write_text("*.pyc")
    for _ in range(2):
        Project.around(folder).remember(application_name="shop")
    ignored = (folder / ".gitignore").read_text()
    assert ignored.startswith("*.pyc\n")
    assert ignored.count(".elasticbeanstalk/*\n") == 1
    project = Project.around(folder)
    assert project.known
    assert project.repository is not None


def test_a_folder_without_git_gets_no_gitignore(folder: Path) -> None:
    Project.around(folder).remember(application_name="shop")
    assert not (folder / ".gitignore").exists()
    assert Project.around(folder).repository is None


def test_where_nothing_is_set_up(folder: Path) -> None:
    project = Project.around(folder)
    assert not project.known
    with pytest.raises(NotSetUp):
        project.required()


@pytest.mark.parametrize("text", ["- a list", "{", "a: [", "\x00"])
def test_a_broken_file_is_named(folder: Path, text: str) -> None:
    path = written(folder, text)
    with pytest.raises(Failure, match=str(path)):
        Project.around(folder)
