"""The agent says what is wrong with its configuration, and is small."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.agent.control_plane import ControlPlane
from tests.agent.rig import PYTHON, Instance, hello

RESIDENT_KB_MAX = 25 << 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ("[]", "AgentConfig is an object"),
        ("{}", "missing"),
        (
            json.dumps(
                {"instance": "i", "token": "t", "socket": "s", "address": "127.0.0.1", "port": 80}
            ),
            "its tools name no nginx",
        ),
    ],
)
def test_names_what_is_wrong_with_its_configuration(
    tmp_path: Path, agent: Path, text: str, said: str
) -> None:
    file = tmp_path / "agent.json"
    file.write_text(text)
    done = subprocess.run(
        [PYTHON, "-I", "-S", agent, file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert str(file) in done.stderr
    assert said in done.stderr


def test_stays_small(instance: Instance, plane: ControlPlane) -> None:
    for release in (1, 2):
        plane.work("activate", instance.manifest(release, hello("x")), release)
    assert instance.process
    status = Path(f"/proc/{instance.process.pid}/status").read_text()
    resident_kb = next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]
    assert int(resident_kb) < RESIDENT_KB_MAX
