"""How much an instance has on the disk, and when it is looked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from jackbean.engines.process import diskuse
from jackbean.engines.process.diskuse import Guard, used

MIB = 1 << 20
PLENTY = 1 << 50


def write(path: Path, mib: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, mib * MIB)


def test_files_count_by_what_they_take(tmp_path: Path) -> None:
    """Holes take nothing, hard links nothing more, links and empty files a little."""
    write(tmp_path / "a/b/c", 3)
    os.link(tmp_path / "a/b/c", tmp_path / "again")
    (tmp_path / "hole").touch()
    os.truncate(tmp_path / "hole", 1 << 40)
    (tmp_path / "out").symlink_to("/usr")
    held = used(str(tmp_path), PLENTY)
    assert 3 * MIB <= held < 3.1 * MIB
    for number in range(300):
        (tmp_path / f"empty{number}").touch()
    assert used(str(tmp_path), PLENTY) >= held + 300 * diskuse.ENTRY_BYTES_MIN


def test_counting_ends_where_it_is_enough(tmp_path: Path) -> None:
    for number in range(100):
        write(tmp_path / f"{number}/x", 1)
    assert MIB < used(str(tmp_path), MIB) < 50 * MIB


def test_nothing_hides_below_a_path_that_is_too_long(tmp_path: Path) -> None:
    home = Path.cwd()
    try:
        os.chdir(tmp_path)
        for _ in range(20):
            Path("d" * 250).mkdir()
            os.chdir("d" * 250)
    finally:
        os.chdir(home)
    assert used(str(tmp_path), PLENTY) > PLENTY
    subprocess.run(["rm", "-rf", tmp_path / ("d" * 250)], check=True)


def test_a_guard_counts_when_less_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free, counted = [PLENTY], []

    def count(root: str, enough: int) -> int:
        counted.append(root)
        return used(root, enough)

    monkeypatch.setattr(diskuse, "_free", lambda root: free[0])
    monkeypatch.setattr(diskuse, "used", count)
    guard = Guard(str(tmp_path), 2 * MIB)
    assert guard.excess() == 0
    assert len(counted) == 1
    write(tmp_path / "x", 3)
    assert guard.excess() == 0  # nobody has taken much
    assert len(counted) == 1
    free[0] -= diskuse.STEP_BYTES
    assert guard.excess() >= 3 * MIB
    free[0] += 5 * diskuse.STEP_BYTES  # others gave back, and then it shrinks again
    (tmp_path / "x").unlink()
    assert guard.excess() == 0
    assert len(counted) == 2
    free[0] -= diskuse.STEP_BYTES
    assert guard.excess() == 0
    assert len(counted) == 3


def test_what_has_no_bound_is_not_counted(tmp_path: Path) -> None:
    write(tmp_path / "x", 1)
    assert Guard(str(tmp_path), 0).excess() == 0
