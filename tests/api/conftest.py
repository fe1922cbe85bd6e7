from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.rig import PlantRig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PlantRig]:
    with PlantRig(tmp_path) as rig:
        yield rig
