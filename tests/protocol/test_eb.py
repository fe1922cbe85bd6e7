"""The unmodified EB CLI, set up with environment variables only, through a whole life."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import APPLICATION, Installation, installed, until

pytestmark = pytest.mark.eb

EB = os.environ.get("JACKBEAN_EB") or shutil.which("eb")
NEEDS_EB = pytest.mark.skipif(EB is None, reason="the EB CLI is not installed (JACKBEAN_EB, PATH)")


@dataclass
class Folder:
    """A project folder, and `eb` run in it."""

    path: Path
    installation: Installation

    def write(self, version: str) -> None:
        (self.path / "application.py").write_text(APPLICATION % version)

    def eb(self, *arguments: str, code: int = 0, timeout_s: float = 120) -> str:
        env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
            **self.installation.env,
            "HOME": str(self.path.parent),
        }
        done = subprocess.run(
            [str(EB), *arguments],
            cwd=self.path,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, f"eb {' '.join(arguments)}: {done.returncode}\n{said}"
        return said


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with installed() as installation:
        path = tmp_path / "project"
        path.mkdir()
        yield Folder(path, installation)


def check_logs(folder: Folder) -> None:
    logs = folder.eb("logs")
    assert "/var/log/web.stdout.log" in logs
    assert logs.count("============= i-") == 2
    folder.eb("logs", "--all")
    saved = list((folder.path / ".elasticbeanstalk" / "logs").rglob("eb-engine.log"))
    assert saved, "eb logs --all brought no logs"


@NEEDS_EB
def test_a_life_by_eb(folder: Folder) -> None:
    folder.write("one")
    assert "has been created" in folder.eb("init", "by-eb", "-p", "python-3.11", "-r", "us-east-1")
    created = folder.eb("create", "eb-life", "--scale", "2")
    assert "Successfully launched environment: eb-life" in created
    assert "WARNING" not in created

    status = folder.eb("status")
    assert "Status: Ready" in status
    assert "Health: Green" in status
    cname = next(line.split()[1] for line in status.splitlines() if "CNAME" in line)
    assert cname.endswith(f".us-east-1.elasticbeanstalk.localhost:{folder.installation.http_port}")
    assert "Running instances: 2" in folder.eb("status", "-v")
    assert "Overall" in folder.eb("health")
    assert "createEnvironment is starting." in folder.eb("events")

    told = folder.eb("setenv", "COLOUR=red")
    assert "Successfully deployed new configuration to environment." in told
    assert "COLOUR = red" in folder.eb("printenv")

    folder.write("two")
    told = folder.eb("deploy")
    assert "Environment update completed successfully." in told
    made = folder.installation.rest("eb-life")
    assert folder.installation.get(made).split()[0] == "two"

    check_logs(folder)
    folder.eb("open")
    assert "Successfully deployed new configuration" in folder.eb("scale", "3")
    until(lambda: "Running instances: 3" in folder.eb("status", "-v"), 30, "three instances")
    assert "eb-life" in folder.eb("list")
    told = folder.eb("terminate", "eb-life", "--force")
    assert "terminateEnvironment completed successfully." in told


@NEEDS_EB
def test_a_bad_version_fails_eb(folder: Folder) -> None:
    folder.write("one")
    folder.eb("init", "by-eb", "-p", "python-3.11", "-r", "us-east-1")
    folder.eb("create", "eb-bad", "--scale", "1")
    (folder.path / "requirements.txt").write_text("no-such-package-by-jackbean==1.0\n")
    said = folder.eb("deploy", code=4)
    assert "Failed to deploy application." in said
    assert "no-such-package-by-jackbean" in said
    assert "Status: Ready" in folder.eb("status")
    made = folder.installation.rest("eb-bad")
    assert folder.installation.get(made).split()[0] == "one"
    assert "A = b" not in folder.eb("printenv")
    folder.eb("setenv", "A=b")
    assert "A = b" in folder.eb("printenv")


MANIFEST = """\
AWSConfigurationTemplateVersion: 1.1.0.0
SolutionStack: %s
OptionSettings: {"aws:elasticbeanstalk:environment": {EnvironmentType: SingleInstance}}
"""
TELLING = """
import os
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [os.environ["JOBS_URL"].encode()]
"""


@NEEDS_EB
def test_modules_that_belong_together(folder: Folder) -> None:
    front, worker = (folder.path / name for name in ("front", "worker"))
    folder.write("one")
    stack = folder.installation.client().list_available_solution_stacks()["SolutionStacks"][0]
    for path, said in (
        (front, "EnvironmentName: front+\nEnvironmentLinks: {JOBS_URL: worker+}\n"),
        (worker, "EnvironmentName: worker+\nEnvironmentTier: {Name: Worker, Type: SQS/HTTP}\n"),
    ):
        path.mkdir()
        (path / "env.yaml").write_text(MANIFEST % stack + said)
        (path / "application.py").write_text(TELLING if path == front else APPLICATION % "one")
        Folder(path, folder.installation).eb("init", "by-eb", "-p", "python-3.11")
    modules = ("--modules", "front", "worker", "--env-group-suffix", "dev")
    folder.eb("create", *modules)
    queues = folder.installation.client("sqs").list_queues()["QueueUrls"]
    (queue,) = [url.rpartition("/")[2] for url in queues if "WorkerQueue" in url]
    made = folder.installation.rest("front-dev")
    assert folder.installation.get(made).endswith(f"/{queue}")
    folder.eb("deploy", *modules)
    inside = Folder(front, folder.installation)
    assert "worker-dev" in inside.eb("status", "front-dev")
    refused = inside.eb("terminate", "worker-dev", "--force", code=4)
    assert "others link to it by env.yaml (front-dev)" in refused
    inside.eb("terminate", "worker-dev", "--force", "--ignore-links")


HOOK = "#!/bin/sh\nsleep 15\n"
MALFORMED = "option_settings:\n  - namespace: a\n\t option_name: b\n"


@NEEDS_EB
def test_what_eb_is_refused(folder: Folder) -> None:
    """An update that is under way, and a configuration file that cannot be read."""
    folder.write("one")
    folder.eb("init", "by-eb", "-p", "python-3.11", "-r", "us-east-1")
    folder.eb("create", "eb-busy", "--scale", "1")
    hooks = folder.path / ".platform" / "hooks" / "prebuild"
    hooks.mkdir(parents=True)
    (hooks / "01_slow.sh").write_text(HOOK)
    (hooks / "01_slow.sh").chmod(0o755)
    folder.write("two")
    folder.eb("deploy", "--nohang")
    said = folder.eb("deploy", code=4)
    assert "Environment named eb-busy is in an invalid state for this operation." in said
    assert "Must be Ready." in said
    made = folder.installation.rest("eb-busy")
    assert folder.installation.get(made).split()[0] == "two"
    (hooks / "01_slow.sh").unlink()
    extensions = folder.path / ".ebextensions"
    extensions.mkdir()
    (extensions / "broken.config").write_text(MALFORMED)
    said = folder.eb("deploy", code=4)
    assert ".ebextensions/broken.config" in said
    assert "line 3" in said
    assert folder.installation.get(made).split()[0] == "two"


PATH = '    path = environ["PATH_INFO"]\n'
TALKER = APPLICATION.replace(PATH, PATH + '    print("asked for", path, flush=True)\n')


@NEEDS_EB
def test_logs_are_streamed_as_eb_has_it(folder: Folder) -> None:
    (folder.path / "application.py").write_text(TALKER % "one")
    folder.eb("init", "by-eb", "-p", "python-3.11", "-r", "us-east-1")
    folder.eb("create", "eb-logs", "--scale", "1")
    said = folder.eb("logs", "--stream", code=4)
    assert "log streaming" in said.lower()
    said = folder.eb("logs", "--cloudwatch-logs", "enable", "-cls", "all")
    assert "Successfully deployed new configuration to environment." in said
    made = folder.installation.rest("eb-logs")
    (instance,) = folder.installation.instances("eb-logs")
    folder.installation.get(made, "/by-eb")
    group = "/aws/elasticbeanstalk/eb-logs/var/log/web.stdout.log"
    until(lambda: "asked for /by-eb" in folder.eb("logs", "-g", group), 30, "the line is there")
    assert f"============= {instance} - {group} ==============" in folder.eb("logs", "-g", group)
    assert "FlipApplication" in folder.eb("logs")  # of its default group, the engine's log
    folder.eb("logs", "--all", "-g", group)
    saved = list((folder.path / ".elasticbeanstalk" / "logs").rglob(f"{instance}*"))
    assert any("asked for /by-eb" in path.read_text() for path in saved)
    live = streamed(folder, made, group)
    assert "asked for /while-streaming" in live
    said = folder.eb("logs", "--cloudwatch-logs", "disable")
    assert "Successfully deployed new configuration to environment." in said
    assert "/var/log/web.stdout.log" in folder.eb("logs")


def streamed(folder: Folder, made: dict[str, Any], group: str) -> str:
    """Return what `eb logs --stream` prints until a request that is made meanwhile is in it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    env |= {**folder.installation.env, "HOME": str(folder.path.parent), "PYTHONUNBUFFERED": "1"}
    told = folder.path.parent / "streamed"
    with told.open("wb") as output:
        process = subprocess.Popen(
            [str(EB), "logs", "--stream", "-g", group], cwd=folder.path, env=env, stdout=output
        )
    try:
        until(lambda: "asked for /by-eb" in told.read_text(), 40, "eb shows what is there")
        folder.installation.get(made, "/while-streaming")
        until(lambda: "while-streaming" in told.read_text(), 60, "eb shows what comes")
    finally:
        process.kill()
        process.wait()
    return told.read_text()


@NEEDS_EB
def test_a_worker_by_eb(folder: Folder) -> None:
    folder.write("one")
    folder.eb("init", "by-eb", "-p", "python-3.11", "-r", "us-east-1")
    created = folder.eb("create", "eb-jobs", "--tier", "worker", "--scale", "1")
    assert "Successfully launched environment: eb-jobs" in created
    assert "Created SQS queue named: awseb-e-" in created
    status = folder.eb("status")
    assert "Tier: Worker-SQS/HTTP-2.3" in status
    assert "Health: Green" in status
    assert "Running instances: 1" in folder.eb("status", "-v")
    assert "Overall" in folder.eb("health")
    folder.write("two")
    assert "Environment update completed successfully." in folder.eb("deploy")
    assert "/var/log/aws-sqsd/default.log" in folder.eb("logs")
    told = folder.eb("terminate", "eb-jobs", "--force")
    assert "Deleted SQS queue named: awseb-e-" in told
    assert "terminateEnvironment completed successfully." in told
