"""`./dev sim`: it sums up, and a history that fails is told with its seed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jackbean.simulator import __main__ as program
from jackbean.simulator.faults import Faults
from jackbean.simulator.lives import Life, random_life

SIM = [sys.executable, "-m", "jackbean.simulator"]


def test_it_sums_up() -> None:
    done = subprocess.run([*SIM, "3", "--first", "5"], check=True, capture_output=True, text=True)
    assert done.stdout.startswith("3 histories of ")
    assert done.stdout.endswith(" ms of CPU each), 0 failed\n")


def drawn(seed: int) -> tuple[Life, Faults]:
    if seed == 2:
        raise ZeroDivisionError("as planted")
    return random_life(seed)


def test_a_bug_is_a_finding_and_the_others_are_lived() -> None:
    lived = program._live(drawn, range(1, 4))
    assert lived.count == 3
    assert lived.troubles == {2: "ZeroDivisionError: as planted"}
    assert lived.effects > 100


def test_what_failed_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    total = program.Sum(first=0, wanted=20)
    total.add(program.Lived(10, 2000, {}))
    total.add(program.Lived(10, 2400, {15: "ViolationError: it is still Updating"}))
    total.tell()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "seed 15: ViolationError: it is still Updating"
    assert lines[1].startswith("20 histories of 220 effects in ")
    assert lines[1].endswith("1 failed")
