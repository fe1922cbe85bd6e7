"""What the agent's tests stand on: the agent as it is shipped, and something to dial."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.control_plane import ControlPlane
from tests.agent.rig import PYTHON, UV, Instance

from jackbean.engines.process import agentzip


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent as it is shipped: one file, compiled."""
    return agentzip.build(tmp_path_factory.mktemp("agent") / "agent.pyz")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every bundle's dependencies resolve to here: gunicorn."""
    folder = tmp_path_factory.mktemp("shared") / "resolved"
    target = ["--python", folder / "bin" / "python", "--compile-bytecode", "gunicorn"]
    for command in (["venv", "--python", PYTHON, folder], ["pip", "install", *target]):
        subprocess.run([UV, *command], check=True, capture_output=True)
    return folder


@pytest.fixture
def plane(tmp_path: Path, shared: Path) -> Iterator[ControlPlane]:
    path = tmp_path / "c.sock"
    plane = ControlPlane(path if len(str(path)) < 100 else Path(f"/tmp/{os.getpid()}.sock"), shared)
    plane.start()
    yield plane
    plane.stop()


@pytest.fixture
def instance(tmp_path: Path, agent: Path, plane: ControlPlane) -> Iterator[Instance]:
    found = Instance(tmp_path, agent, plane)
    found.start()
    yield found
    found.clean()
