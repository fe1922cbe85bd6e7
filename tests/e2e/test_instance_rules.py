"""What runs when: on deployments, changed settings, restarts, and on who takes a place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import ASG, COMMAND, Installation, app, installed, option, until
from tests.e2e.machines import kill, machines

pytestmark = pytest.mark.e2e

NAME = "rules-env"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
SAYS = "#!/bin/bash\necho {word} $EB_IS_COMMAND_LEADER >> /var/log/story\n"
COMMANDS = """\
commands:
  a: {command: echo command >> /var/log/story}
container_commands:
  b: {command: echo container >> /var/log/story}
  c: {command: echo leader >> /var/log/story, leader_only: true}
"""
FILES = {
    ".ebextensions/rules.config": COMMANDS,
    ".platform/hooks/predeploy/a.sh": SAYS.format(word="hook"),
    ".platform/confighooks/predeploy/a.sh": SAYS.format(word="confighook"),
}


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        installation.version("rules", app("rules", **FILES))
        size = [option(ASG, "MinSize", "2"), option(ASG, "MaxSize", "2")]
        installation.create(NAME, "rules", *size, option(COMMAND, "DeploymentPolicy", "AllAtOnce"))
        yield installation


def told(one: Installation) -> dict[str, list[str]]:
    """Return what has run on each instance."""
    found = {}
    for instance in one.instances(NAME):
        story = one.data_dir / "instances" / instance / "root/var/log/story"
        found[instance] = story.read_text().splitlines() if story.exists() else []
    return found


def since(one: Installation, before: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: lines[len(before.get(name, ())) :] for name, lines in told(one).items()}


def processes(one: Installation) -> dict[str, str]:
    folder = one.data_dir / "instances"
    return {n: Path(folder, n, "root/var/pids/web.pid").read_text() for n in one.instances(NAME)}


def test_a_deployment_runs_all_of_it_and_leads_once(one: Installation) -> None:
    leading = ["command", "leader", "container", "hook true"]
    following = ["command", "container", "hook false"]
    assert sorted(told(one).values()) == [following, leading]


def test_changed_settings_run_confighooks_only(one: Installation) -> None:
    before = told(one)
    request = one.begin(NAME, OptionSettings=[option(PROPERTIES, "COLOUR", "blue")])
    made = one.rest(NAME)
    story = one.events(NAME, request)
    assert story[-1] == "INFO Environment update completed successfully.", story
    assert sorted(since(one, before).values()) == [["confighook false"], ["confighook true"]]
    assert "blue" in one.get(made)


def test_a_restart_runs_nothing_of_the_bundle(one: Installation) -> None:
    before, ran = told(one), processes(one)
    one.client().restart_app_server(EnvironmentName=NAME)
    until(lambda: not set(processes(one).values()) & set(ran.values()), 60, "all are new")
    made = one.rest(NAME)
    assert all(lines == [] for lines in since(one, before).values())
    assert one.get(made).startswith("rules ")


def test_who_takes_anothers_place_is_not_the_leader(one: Installation) -> None:
    """It has the settings of now, and all that is not the leader's alone has run on it."""
    victim, held = min(machines(one.data_dir).items(), key=lambda item: item[0])
    kill(held.inner or held.child)

    def replaced() -> dict[str, Any] | None:
        found = told(one)
        new = found.keys() - before.keys()
        return found if victim not in found and new and all(found[n] for n in new) else None

    before = told(one)
    found = until(replaced, 90, "another is there")
    (new,) = found.keys() - before.keys()
    until(lambda: len(told(one)[new]) >= 3, 60, "it has been deployed to")
    assert told(one)[new] == ["command", "container", "hook false"]
    until(lambda: one.rest(NAME)["Health"] == "Green", 60, "it is green again")
