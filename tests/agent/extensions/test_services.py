"""Services without systemd, asked for by the key, by systemctl and by service."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.agent.control_plane import ControlPlane
from tests.agent.extensions.deploying import deploy
from tests.agent.rig import Instance, wait_until

from jackbean.agent.services.sudo import parsed
from jackbean.core.instructions import Command, Extension, File, Service

NAME = ".ebextensions/01.config"
UNIT = """\
[Unit]
Description=A worker of the bundle
After=network.target

[Service]
Type=simple
User=webapp
Environment="WORD=two words" OTHER=x
ExecStart=/bin/sh -c 'echo "$$ ${{WORD}}" >> {file}; sleep 600'
Restart=always

[Install]
WantedBy=multi-user.target
"""


def unit(instance: Instance) -> File:
    text = UNIT.format(file=instance.root / "seen")
    return File("/etc/systemd/system/worker.service", text.replace("$$", "begun"))


def seen(instance: Instance) -> list[str]:
    path = instance.root / "seen"
    return path.read_text().splitlines() if path.exists() else []


def ask(instance: Instance, *argv: str) -> subprocess.CompletedProcess[str]:
    program = instance.path(f"/usr/local/bin/{argv[0]}")
    wait_until(lambda: os.access(program, os.X_OK), "the stand-in is there")
    return subprocess.run([program, *argv[1:]], capture_output=True, text=True, check=False)


def test_a_unit_of_the_bundle_runs_and_follows_what_it_watches(
    instance: Instance, plane: ControlPlane
) -> None:
    service = Service("worker", True, True, files=("/opt/worker.conf",))

    def extension(text: str) -> Extension:
        config = File("/opt/worker.conf", text)
        return Extension(NAME, files=(unit(instance), config), services=(service,))

    report = deploy(instance, plane, extension("one"))
    assert report.state == "done", report.failure
    wait_until(lambda: seen(instance) == ["begun two words"], "the worker has begun")
    assert deploy(instance, plane, extension("one"), serial=2).state == "done"
    assert seen(instance) == ["begun two words"]  # nothing that it watches has changed
    assert deploy(instance, plane, extension("two"), serial=3).state == "done"
    wait_until(lambda: len(seen(instance)) == 2, "the worker has begun anew")
    status = ask(instance, "systemctl", "is-active", "worker")
    assert (status.returncode, status.stdout) == (0, "active\n")


def test_services_outlive_the_agent(instance: Instance, plane: ControlPlane) -> None:
    extension = Extension(NAME, files=(unit(instance),), services=(Service("worker", None, True),))
    assert deploy(instance, plane, extension).state == "done"
    wait_until(lambda: len(seen(instance)) == 1, "the worker has begun")
    instance.kill()
    instance.start()
    wait_until(lambda: len(seen(instance)) == 2, "the worker has begun again")


def test_systemctl_and_service(instance: Instance, plane: ControlPlane) -> None:
    extension = Extension(
        NAME,
        files=(unit(instance),),
        commands=(
            Command("1", "systemctl daemon-reload && systemctl enable --now worker.service"),
            Command("2", "service rsyslog restart && systemctl restart systemd-journald crond"),
            Command("3", "systemctl restart nginx; chkconfig worker on"),
        ),
    )
    report = deploy(instance, plane, extension)
    assert report.state == "done", (report.failure, instance.log("/var/log/cfn-init-cmd.log"))
    wait_until(lambda: len(seen(instance)) == 1, "the worker has begun")
    assert ask(instance, "systemctl", "is-enabled", "worker").returncode == 0
    assert ask(instance, "service", "worker", "stop").returncode == 0
    assert ask(instance, "systemctl", "is-active", "worker").returncode == 3
    unknown = ask(instance, "systemctl", "start", "nonsense")
    assert unknown.returncode == 5
    assert "there is no service nonsense" in unknown.stdout
    assert ask(instance, "systemctl", "stop", "nginx").returncode == 1
    assert instance.get()[0] == 200


def test_scripts_in_init_d(instance: Instance, plane: ControlPlane) -> None:
    script = File("/etc/init.d/mine", f"#!/bin/sh\necho $1 >> {instance.root}/seen\n", mode=0o755)
    service = Service("mine", True, True, files=("/etc/init.d/mine",))
    extension = Extension(NAME, files=(script,), services=(service,))
    assert deploy(instance, plane, extension).state == "done"
    assert seen(instance)[-1] == "start"
    assert "restart" not in seen(instance)


def test_a_service_that_nobody_knows_is_told_of(instance: Instance, plane: ControlPlane) -> None:
    extension = Extension(NAME, services=(Service("httpd", True, True),))
    assert deploy(instance, plane, extension).state == "done"
    plane.await_notice("services: httpd: passed over")


def test_a_service_that_does_not_start_fails(instance: Instance, plane: ControlPlane) -> None:
    text = "[Service]\nExecStart=/bin/sh -c 'echo no luck; exit 3'\n"
    extension = Extension(
        NAME,
        files=(File("/etc/systemd/system/bad.service", text),),
        services=(Service("bad", None, True),),
    )
    report = deploy(instance, plane, extension)
    assert report.failure
    assert "service bad: bad exited with code 3. no luck" in report.failure["cause"]


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (("yum", "-y", "install", "sh"), 0, "on this machine already"),
        (("dnf", "install", "no-such-thing"), 1, "no-such-thing: not found on this machine"),
        (("yum", "update", "-y"), 0, "nothing to do"),
        (("apt-get", "install", "-y", "no-such-thing=1"), 1, "install it on the machine: "),
    ],
)
def test_package_managers_say_what_is_there(
    instance: Instance, argv: tuple[str, ...], code: int, says: str
) -> None:
    done = ask(instance, *argv)
    assert done.returncode == code, done.stdout
    assert says in done.stdout


def test_the_cloudwatch_agent_has_log_files_collected(
    instance: Instance, plane: ControlPlane
) -> None:
    collected = {"files": {"collect_list": [{"file_path": "/tmp/mine.log"}]}}
    home = "/opt/aws/amazon-cloudwatch-agent"
    config = File(f"{home}/etc/my.json", json.dumps({"logs": {"logs_collected": collected}}))
    program = f"{home}/bin/amazon-cloudwatch-agent-ctl"
    take = Command("1", f"{program} -a append-config -s -c file:{home}/etc/my.json")
    extension = Extension(NAME, files=(config,), container_commands=(take,))
    report = deploy(instance, plane, extension)
    assert report.state == "done", (report.failure, instance.log("/var/log/cfn-init-cmd.log"))
    log = instance.path("/tmp/mine.log")
    log.parent.mkdir(exist_ok=True)
    log.write_text("my own line\n")
    plane.ask_logs("r1", "tail")
    tail = wait_until(lambda: plane.logs.get("/v1/logs/r1/tail"), "the logs come")
    assert b"my own line" in tail


def test_what_a_bundle_puts_in_the_place_of_a_stand_in_stays(
    instance: Instance, plane: ControlPlane
) -> None:
    path = Path(instance.path("/usr/local/bin/yum"))
    wait_until(lambda: os.access(path, os.X_OK), "the stand-in is there")
    path.write_text("#!/bin/sh\necho mine\n")
    instance.kill()
    instance.start()
    plane.wait(lambda r: True, since=len(plane.reports))
    assert ask(instance, "yum").stdout == "mine\n"


@pytest.mark.parametrize(
    ("argv", "user", "env", "command"),
    [
        (["ls", "-l"], "root", {}, ["ls", "-l"]),
        (["-E", "-n", "A=b", "env"], "root", {"A": "b"}, ["env"]),
        (["-u", "webapp", "--", "sh", "-c", "x"], "webapp", {}, ["sh", "-c", "x"]),
        (["-Hu", "webapp", "id"], "webapp", {}, ["id"]),
        (["-uwebapp", "id"], "webapp", {}, ["id"]),
        (["--user=webapp", "--chdir", "/", "id"], "webapp", {}, ["id"]),
        (["-i"], "root", {}, ["/bin/sh"]),
    ],
)
def test_sudo(argv: list[str], user: str, env: dict[str, str], command: list[str]) -> None:
    assert parsed(argv) == (user, env, command)


def test_sudo_becomes_its_command(instance: Instance) -> None:
    done = ask(instance, "sudo", "-n", "A=b", "sh", "-c", "echo $A; exit 7")
    assert (done.returncode, done.stdout) == (7, "b\n")
    nothing = ask(instance, "sudo", "no-such-program")
    assert nothing.returncode != 0
    assert "sudo: no-such-program: " in nothing.stdout
