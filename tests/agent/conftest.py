"""What the agent's tests stand on: the agent as it is shipped, and something to dial."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.control_plane import ControlPlane
from tests.agent.rig import PYTHON, UV, Instance

import jackbean

SHIPPED = ("__init__.py", "core/__init__.py", "core/instructions.py", "core/protocol.py")


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent as it is shipped: one file, compiled."""
    folder = tmp_path_factory.mktemp("agent")
    source, target = Path(jackbean.__file__).parent, folder / "jackbean"
    for name in SHIPPED:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / name, target / name)
    shutil.copytree(
        source / "agent", target / "agent", ignore=shutil.ignore_patterns("__pycache__")
    )
    main = "import sys\nfrom jackbean.agent.main import main\nsys.exit(main(sys.argv[1:]))\n"
    (folder / "__main__.py").write_text(main)
    compileall.compile_dir(folder, quiet=1, legacy=True)
    packed = folder / "agent.pyz"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(folder.rglob("*.py*")):
            if path != packed:
                archive.write(path, path.relative_to(folder))
    return packed


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
