"""Hooks learn the settings of their release from get-config."""

from __future__ import annotations

import json
import subprocess

from tests.agent.control_plane import ControlPlane
from tests.agent.rig import HELLO, VERSION, Instance, bundle

NAMESPACE = "aws:elasticbeanstalk:container:python"


def test_answers_what_scripts_ask(instance: Instance, plane: ControlPlane) -> None:
    tool = instance.path("/opt/elasticbeanstalk/bin/get-config")

    def ask(*arguments: str) -> tuple[int, str]:
        done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.removesuffix("\n")

    plane.wait(lambda r: True)
    assert ask("environment") == (1, "No release has come to this instance yet.")
    hook = f"#!/bin/sh\n{tool} environment -k COLOUR\n"
    data = bundle({"application.py": HELLO.format(text="x"), ".platform/hooks/prebuild/a": hook})
    environment = {"COLOUR": "it's blue", "RDS_HOSTNAME": "db"}
    options = {NAMESPACE: {"NumThreads": "20"}}
    manifest = instance.manifest(1, data, environment=environment, options=options)
    assert plane.work("activate", manifest, 1).state == "done"
    assert instance.log("/var/log/eb-hooks.log") == "it's blue\n"

    assert json.loads(ask("environment")[1]) == environment
    assert ask("--output", "YAML", "environment")[1].splitlines()[0] == '"COLOUR": "it\'s blue"'
    assert ask("environment", "--key=NONE") == (1, "There is no 'NONE'.")
    assert ask("optionsettings", "-n", NAMESPACE, "-o", "NumThreads") == (0, "20")
    assert json.loads(ask("optionsettings", "--namespace", NAMESPACE)[1]) == {"NumThreads": "20"}
    assert ask("container", "-k", "environment_name") == (0, "test")
    assert ask("addons", "-a", "rds", "-k", "RDS_HOSTNAME") == (0, "db")
    assert ask("platformconfig", "-k", "ApplicationPort") == (0, str(instance.app_port))
    assert ask("platformconfig", "-k", "PlatformVersion") == (0, VERSION)
    assert ask("nonsense")[0] == 1
    assert ask("nonsense")[1].startswith("usage: get-config")
