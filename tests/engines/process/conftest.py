from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.engines.process.packages import wheel
from tests.engines.process.rig import Rig

MakeRig = Callable[..., Rig]


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep what every installation of this machine has in common: it takes a second to make."""
    return tmp_path_factory.mktemp("images")


@pytest.fixture
def rig(tmp_path: Path, images: Path) -> Iterator[MakeRig]:
    """Make engines; everything that they did is undone afterwards, and that is checked."""
    made: list[Rig] = []

    def make(mode: str, name: str = "data", **more: Any) -> Rig:
        made.append(Rig(tmp_path / name, mode, images, **more))
        return made[-1]

    yield make
    for each in reversed(made):
        each.close()


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    folder.chmod(0o755)
    for version in ("1.0", "2.0"):
        wheel(folder, "gunicorn", version)
    for version in ("80.0", "82.0"):
        wheel(folder, "setuptools", version)
    wheel(folder, "flaskish", "1.0", ("jinjaish>=1",))
    wheel(folder, "jinjaish", "1.5")
    return folder
