"""`jb` and `jackbean status` against a real installation: what they say is what is."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.e2e.installation import Installation, app, installed, until

pytestmark = pytest.mark.e2e
JB = [sys.executable, "-m", "jackbean.cli.jb"]


@pytest.fixture(scope="module")
def live() -> Iterator[Installation]:
    with installed() as one:
        yield one


@pytest.fixture
def served(live: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Let `jb` find the installation by itself, as on a laptop."""
    monkeypatch.setenv("JACKBEAN_DATA_DIR", str(live.data_dir))
    return live


@pytest.fixture
def shop(folder: Path) -> Path:
    plant(folder, "v1")
    return folder


def plant(folder: Path, version: str) -> None:
    with zipfile.ZipFile(io.BytesIO(app(version))) as archive:
        archive.extractall(folder)


def words(environment: dict[str, Any]) -> list[str]:
    """Return what the application says: version, host, bytes, colour, process."""
    with urllib.request.urlopen(f"http://{environment['EndpointURL']}/", timeout=10) as answer:
        return str(answer.read().decode()).split()


def test_a_life(served: Installation, run: Run, shop: Path) -> None:
    made = run("create", "--scale", "2", "--envvars", "COLOUR=green", "--output", "json")
    assert made.code == 0, made.err
    environment = made.document
    assert environment["EnvironmentName"] == "shop-dev"
    assert environment["CNAME"].startswith("shop-dev.")
    assert words(environment)[0::3] == ["v1", "green"]
    assert "jb deploy shop-dev" in run("create").err
    described(run, environment)
    deployed(served, run, shop, environment)
    changed(served, run, environment)
    logged(served, run, shop)
    events = run("events", "--output", "json").document
    assert "Successfully launched environment: shop-dev" in [e["Message"] for e in events]
    assert run("terminate", "--force").code == 0
    assert [run(*line).code for line in (("status", "shop-dev"), ("status",))] == [4, 5]
    assert run("events", "shop-dev").code == 0


def described(run: Run, environment: dict[str, Any]) -> None:
    assert run("list").out == "* shop-dev\n"
    assert run("printenv").out.splitlines()[1:] == ["    COLOUR = green"]
    status = run("status", "-v")
    assert "Instances: 2" in status.out
    assert "served from" in status.err
    assert len(run("health", "--output", "json").document["InstanceHealthList"]) == 2
    assert run("health").code == 0
    assert run("open").out == f"http://{environment['CNAME']}\n"


def deployed(served: Installation, run: Run, shop: Path, environment: dict[str, Any]) -> None:
    plant(shop, "v2")
    ran = run("deploy", "-l", "second", "-m", "better")
    assert ran.code == 0, ran.err
    assert "Environment update completed successfully." in ran.out
    assert words(environment)[0] == "v2"
    version = served.client().describe_application_versions(VersionLabels=["second"])
    assert version["ApplicationVersions"][0]["Description"] == "better"
    assert "exists already" in run("deploy", "-l", "second", "--nohang").err
    served.rest("shop-dev")


def changed(served: Installation, run: Run, environment: dict[str, Any]) -> None:
    assert run("setenv", "COLOUR=red", "EXTRA=1").code == 0
    assert words(environment)[3] == "red"
    assert run("printenv", "--output", "json").document == {"COLOUR": "red", "EXTRA": "1"}
    assert run("scale", "1").code == 0
    assert len(served.instances("shop-dev")) == 1


def logged(served: Installation, run: Run, shop: Path) -> None:
    (instance,) = served.instances("shop-dev")
    tail = run("logs")
    assert tail.code == 0, tail.err
    assert f"============= {instance} =============" in tail.out
    assert "/var/log/web.stdout.log" in tail.out
    assert run("logs", "-i", "i-none").code == 4
    folder = Path(run("logs", "--all", "--output", "json").document["Folder"])
    assert (folder / instance / "var" / "log" / "web.stdout.log").is_file()
    latest = shop / ".elasticbeanstalk" / "logs" / "latest"
    assert latest.resolve() == folder
    assert run("logs", "--zip").code == 0
    assert zipfile.is_zipfile(latest / f"{instance}.zip")


def test_a_failed_deployment_is_never_success(served: Installation, run: Run, shop: Path) -> None:
    assert run("create", "shop-broken", "--single").code == 0
    source = "def application(environ, start_response): pass\nraise RuntimeError('on purpose')\n"
    (shop / "application.py").write_text(source)
    ran = run("deploy")
    assert ran.code == 4
    assert "on purpose" in ran.out, ran.out
    assert "ERROR: " in ran.err
    assert run("terminate", "shop-broken", "--force", "--nohang").code == 0


def test_the_server_may_die_meanwhile(served: Installation, run: Run, shop: Path) -> None:
    assert run("create", "shop-kill", "--scale", "2").code == 0
    plant(shop, "v2")
    (shop / ".platform" / "hooks" / "prebuild").mkdir(parents=True)
    hook = shop / ".platform" / "hooks" / "prebuild" / "slow.sh"
    hook.write_text("#!/bin/sh\nsleep 1\n")
    hook.chmod(0o755)
    with subprocess.Popen([*JB, "deploy"], stdout=subprocess.PIPE, text=True) as deploying:
        assert deploying.stdout is not None
        for line in deploying.stdout:
            if "Environment update is starting." in line:
                break
        served.kill()
        served.start()
        rest = deploying.stdout.read()
    assert deploying.returncode == 0, rest
    assert "Environment update completed successfully." in rest
    assert run("terminate", "--force").code == 0


def test_a_large_bundle_goes_in_parts(served: Installation, run: Run, shop: Path) -> None:
    assert run("init").code == 0
    assert run("create", "shop-large", "--sample", "--single", "--nohang").code == 0
    served.rest("shop-large")
    (shop / "data.bin").write_bytes(random.Random(1).randbytes(20 << 20))
    ran = run("deploy", "shop-large", "-l", "large")
    assert ran.code == 0, ran.err
    s3, eb = served.client("s3"), served.client()
    (version,) = eb.describe_application_versions(VersionLabels=["large"])["ApplicationVersions"]
    place = {"Bucket": version["SourceBundle"]["S3Bucket"], "Key": version["SourceBundle"]["S3Key"]}
    assert s3.head_object(**place)["ETag"].strip('"').endswith("-3")
    assert run("terminate", "--all", "--force").code == 0
    assert run("list").out == ""


def test_a_git_repository_deploys_its_last_commit(
    served: Installation, run: Run, shop: Path
) -> None:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a", "GIT_COMMITTER_NAME": "a",
           "GIT_COMMITTER_EMAIL": "a"}  # fmt: skip
    for command in ("init -b main", "add .", "commit -m first"):
        subprocess.run(["git", *command.split()], check=True, env=os.environ | who)
    plant(shop, "uncommitted")
    made = run("create", "shop-git", "--single", "--output", "json")
    assert made.code == 0, made.err
    assert "uncommitted change" in made.err
    assert words(made.document)[0] == "v1"
    assert made.document["VersionLabel"].startswith("app-")
    assert run("use", "shop-git").out == "Branch main means shop-git.\n"
    assert run("terminate", "--force").code == 0


def test_status_of_an_installation(served: Installation, run: Run, shop: Path) -> None:
    assert run("create", "shop-seen", "--single").code == 0

    def status() -> tuple[int, dict[str, Any]]:
        command = [sys.executable, "-m", "jackbean", "status", "--output", "json"]
        done = subprocess.run(command, capture_output=True, check=False)
        return done.returncode, json.loads(done.stdout)

    code, alive = status()
    assert code == 0
    assert alive["Server"]["Url"] == f"http://127.0.0.1:{served.port}"
    assert alive["Mode"] in ("root", "user", "plain")
    assert any("Python" in name for name in alive["Platforms"])
    served.kill()
    code, dead = status()
    assert code == 3
    assert dead["Server"]["Running"] is False
    assert dead["InstancesRunning"] == alive["InstancesRunning"]
    (seen,) = (e for e in dead["Environments"] if e["Name"] == "shop-seen")
    assert (seen["Status"], seen["Health"], seen["Instances"]) == ("Ready", "Green", 1)
    assert {e["Url"] for e in dead["Environments"]} == {e["Url"] for e in alive["Environments"]}
    assert run("status").code == 4
    served.start()
    until(lambda: run("status").code == 0, 20, "jb status answers again")
