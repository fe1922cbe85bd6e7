"""Commands and container commands, carried out by a real agent."""

from __future__ import annotations

from typing import Any

import pytest
from tests.agent.control_plane import ControlPlane
from tests.agent.extensions.deploying import deploy
from tests.agent.rig import Instance, bundle, hello, wait_until

from jackbean.core.instructions import Command, Extension
from jackbean.core.protocol import Report

INIT_LOG = "/var/log/cfn-init.log"
COMMAND_LOG = "/var/log/cfn-init-cmd.log"


def commands(*wanted: Command, name: str = ".ebextensions/01.config") -> Extension:
    return Extension(name, commands=wanted)


def container(*wanted: Command) -> Extension:
    return Extension(".ebextensions/01.config", container_commands=wanted)


def failure(report: Report) -> dict[str, str]:
    assert report.state == "failed"
    assert report.failure
    return report.failure


def test_mistake_1_commands_run_before_the_bundle_is_unpacked(
    instance: Instance, plane: ControlPlane
) -> None:
    """In `/`, without the source; only container commands and hooks see it."""
    early = Command("early", "pwd; ls var/app/staging/application.py")
    late = Command("late", "pwd; ls application.py")
    extension = Extension(
        ".ebextensions/01.config",
        commands=(Command("early", early.line, ignore_errors=True),),
        container_commands=(late,),
    )
    assert deploy(instance, plane, extension).state == "done"
    log = instance.log(COMMAND_LOG)
    before, after = log.split("Command late")
    assert f"{instance.root}\n" in before
    assert "No such file" in before
    assert f"{instance.path('/var/app/staging')}\napplication.py\n" in after


def test_mistake_2_configuration_deployments_skip_them(
    instance: Instance, plane: ControlPlane
) -> None:
    extension = Extension(
        ".ebextensions/01.config",
        commands=(Command("a", f"touch {instance.path('/early')}"),),
        container_commands=(Command("b", f"touch {instance.path('/late')}"),),
    )
    report = deploy(instance, plane, extension, hooks="confighooks")
    assert report.state == "done", report.failure
    assert not instance.path("/early").exists()
    assert not instance.path("/late").exists()
    assert "No instance keys of .ebextensions to process" in instance.log()


def test_mistake_4_order_is_by_file_and_then_by_name(
    instance: Instance, plane: ControlPlane
) -> None:
    seen = instance.root / "seen"
    first = commands(
        Command("20", f"echo a20 >> {seen}"), Command("03", f"echo a03 >> {seen}"), name="a"
    )
    second = commands(Command("01", f"echo b01 >> {seen}"), name="b")
    assert deploy(instance, plane, first, second).state == "done"
    assert seen.read_text().split() == ["a03", "a20", "b01"]


ENVIRONMENTS: dict[str, tuple[Command, bool, dict[str, str | None]]] = {
    "commands: replaced": (
        Command("c", "env", env={"A": "b c"}), False, {"A": "b c", "HOME": None, "COLOUR": None}
    ),
    "commands: the system's": (Command("c", "env"), False, {"LANG": "C.UTF-8", "COLOUR": None}),
    "container commands: added": (
        Command("c", "env", env={"A": "b"}), True, {"A": "b", "COLOUR": "blue", "LANG": "C.UTF-8"}
    ),
    "container commands: its own wins": (
        Command("c", "env", env={"COLOUR": "red"}), True, {"COLOUR": "red"}
    ),
}  # fmt: skip


@pytest.mark.parametrize(("command", "late", "wanted"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_mistake_5_env_replaces_the_environment(
    instance: Instance,
    plane: ControlPlane,
    command: Command,
    late: bool,
    wanted: dict[str, str | None],
) -> None:
    extension = container(command) if late else commands(command)
    report = deploy(instance, plane, extension, environment={"COLOUR": "blue"})
    assert report.state == "done", report.failure
    lines = (line.partition("=") for line in instance.log(COMMAND_LOG).splitlines())
    env = {name: value for name, _, value in lines}
    assert {name: env.get(name) for name in wanted} == wanted


def test_mistake_5_test_is_judged_by_its_exit_code(instance: Instance, plane: ControlPlane) -> None:
    seen = instance.root / "seen"
    extension = commands(
        Command("1", f"echo one >> {seen}", test="echo says nothing; true"),
        Command("2", f"echo two >> {seen}", test="echo yes; exit 3"),
        Command("3", f"echo three >> {seen}", test='[ "$A" = b ]', env={"A": "b"}),
    )
    assert deploy(instance, plane, extension).state == "done"
    assert seen.read_text().split() == ["one", "three"]
    assert "skipping command 2" in instance.log(INIT_LOG)


def test_mistake_5_a_list_is_one_command(instance: Instance, plane: ControlPlane) -> None:
    target = instance.root / "a; b"
    assert deploy(instance, plane, commands(Command("1", argv=("touch", str(target))))).state
    assert target.exists()


def test_mistake_14_ebextensions_are_gone_before_predeploy(
    instance: Instance, plane: ControlPlane
) -> None:
    data = bundle(
        {
            "application.py": "def application(e, s): s('200 OK', []); return [b'']",
            ".ebextensions/script.sh": "echo from the script",
            ".platform/hooks/predeploy/look.sh": "#!/bin/sh\nls -A\n",
        },
        {".platform/hooks/predeploy/look.sh": 0o100755},
    )
    extension = container(Command("1", "sh .ebextensions/script.sh"))
    assert deploy(instance, plane, extension, data=data).state == "done"
    assert "from the script" in instance.log(COMMAND_LOG)
    left = instance.log("/var/log/eb-hooks.log").split()
    assert ".platform" in left
    assert ".ebextensions" not in left


@pytest.mark.parametrize(("leader", "wanted"), [(True, ["lead", "all"]), (False, ["all"])])
def test_mistake_19_leader_only_is_for_the_leader_and_comes_first(
    instance: Instance, plane: ControlPlane, leader: bool, wanted: list[str]
) -> None:
    seen = instance.root / "seen"
    extension = container(
        Command("01", f"echo all >> {seen}"),
        Command("99", f"echo lead >> {seen}", leader_only=True, test="false"),  # no test for it
    )
    report = deploy(instance, plane, extension, leader=leader)
    assert report.state == "done", report.failure
    assert seen.read_text().split() == wanted


FAILURES: dict[str, tuple[Extension, str, tuple[str, ...]]] = {
    "a command": (
        commands(Command("01_x", "echo the reason >&2; exit 7")),
        "PreBuildEbExtension",
        (
            "EbExtension build failed. Please refer to /var/log/cfn-init.log for more details.",
            ".ebextensions/01.config: command 01_x exited with code 7.",
        ),
    ),
    "a container command": (
        container(Command("01_x", "echo the reason; exit 7")),
        "PostBuildEbExtension",
        ("Container commands build failed. Please refer to /var/log/cfn-init.log", "code 7"),
    ),
    "a program that is not there": (
        commands(Command("01_x", argv=("the reason",))),
        "PreBuildEbExtension",
        ("command 01_x exited with code 127 (a program was not found: an instance",),
    ),
    "a folder that is not there": (
        commands(Command("01_x", "true", cwd="/nowhere")),
        "PreBuildEbExtension",
        ("command 01_x: there is no folder /nowhere",),
    ),
}


@pytest.mark.parametrize(("extension", "step", "says"), FAILURES.values(), ids=FAILURES)
def test_a_failure_ends_the_deployment(
    instance: Instance,
    plane: ControlPlane,
    extension: Extension,
    step: str,
    says: tuple[str, ...],
) -> None:
    """With the words of Elastic Beanstalk and the last lines; what runs, runs on."""
    plane.work("activate", instance.manifest(1, hello("one")), 1)
    found = failure(deploy(instance, plane, extension, serial=2))
    assert found["step"] == step
    for text in says:
        assert text in found["cause"]
    assert "nowhere" in found["cause"] or "the reason" in found["tail"]
    assert instance.get() == (200, "one")
    assert "[ERROR]" in instance.log(INIT_LOG)


def test_ignore_errors_goes_on(instance: Instance, plane: ControlPlane) -> None:
    seen = instance.root / "seen"
    extension = commands(Command("1", "exit 9", ignore_errors=True), Command("2", f"touch {seen}"))
    assert deploy(instance, plane, extension).state == "done"
    assert seen.exists()


def test_a_newer_order_ends_a_command(instance: Instance, plane: ControlPlane) -> None:
    begun = instance.root / "begun"
    slow: Any = commands(Command("1", f"touch {begun}; sleep 600"))
    deploy(instance, plane, slow, wait=False)
    wait_until(begun.exists, "the command runs")
    report = plane.work("activate", instance.manifest(2, hello("two")), 2)
    assert report.state == "done"
    assert instance.get() == (200, "two")


def test_what_is_no_instruction_is_refused(instance: Instance, plane: ControlPlane) -> None:
    manifest = instance.manifest(1, hello("one"), extensions=[{"name": 1}])
    found = failure(plane.work("activate", manifest, 1))
    assert "The compiled .ebextensions cannot be read" in found["cause"]
