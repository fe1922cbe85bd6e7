from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.api.rig import PlantRig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[PlantRig]:
    with PlantRig(tmp_path) as rig:
        yield rig


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlantRig]:
    """A rig whose stacks are made of the services that are called there.

    Clients sign by its clock, which tests put forward by hours.
    """
    with PlantRig(tmp_path, real=True) as rig:

        def now(remove_tzinfo: bool = True) -> datetime:
            found = datetime.fromtimestamp(rig.universe.clock.now(), UTC)
            return found.replace(tzinfo=None) if remove_tzinfo else found

        monkeypatch.setattr("botocore.auth.get_current_datetime", now)
        yield rig
