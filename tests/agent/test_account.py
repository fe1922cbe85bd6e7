"""Where an instance has an account for it, the application runs as that and owns its files."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.agent.control_plane import ControlPlane
from tests.agent.rig import Instance, bundle

USER = pwd.getpwnam("daemon")
APP = """\
import os
open("begun", "w").write("its own directory")
def application(environ, start_response):
    start_response("200 OK", [])
    return [f"{os.getuid()} {os.getgid()} {os.getgroups()} {os.environ['HOME']}".encode()]
"""
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can take on another account")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A directory that other accounts may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def others_instance(
    open_folder: Path, agent: Path, shared: Path, plane: ControlPlane
) -> Iterator[Instance]:
    found = Instance(open_folder, agent, plane)
    system = Path(shutil.which("python3", path="/usr/bin") or "").resolve()
    found.config = replace(
        found.config, user=USER.pw_name, pythons={system.name.removeprefix("python"): str(system)}
    )
    packages = open_folder / "packages"
    shutil.copytree(shared, packages, symlinks=True)
    plane.shared = packages
    found.start()
    yield found
    found.clean()


@AS_ROOT
def test_runs_as_its_own_account(others_instance: Instance, plane: ControlPlane) -> None:
    instance = others_instance
    (version,) = instance.config.pythons
    manifest = instance.manifest(
        1, bundle({"application.py": APP, "static/a": "a"}), platform_version=version
    )
    report = plane.work("activate", manifest, 1)
    assert report.state == "done", (report.failure, instance.log("/var/log/web.stdout.log"))
    home = instance.path("/home/webapp")
    assert instance.get() == (200, f"{USER.pw_uid} {USER.pw_gid} [] {home}")
    assert instance.get("/static/a") == (200, "a")
    assert instance.path("/var/app/current/begun").stat().st_uid == USER.pw_uid
    assert instance.path("/var/app/current/application.py").stat().st_uid == USER.pw_uid
    assert home.stat().st_uid == USER.pw_uid
    assert list(instance.path("/var/log/nginx/healthd").iterdir())
    assert instance.path("/var/log/nginx/error.log").read_text() == ""
    assert instance.path("/var/lib/jackbean").stat().st_mode & 0o077 == 0
    assert instance.path("/opt/elasticbeanstalk/deployment/env").stat().st_mode & 0o077 == 0
