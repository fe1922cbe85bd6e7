"""The reference pages are those that the tables make."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from jackbean.core.options.rows import ROWS
from jackbean.core.platforms.branches import BRANCHES

ROOT = Path(__file__).resolve().parents[3]


def test_the_pages_are_fresh() -> None:
    command = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_everything_has_its_place() -> None:
    options = (ROOT / "docs/reference/options.md").read_text()
    platforms = (ROOT / "docs/reference/platforms.md").read_text()
    assert all(f"\n## {row.namespace}\n" in options for row in ROWS)
    assert all(f"| `{row.name}` |" in options for row in ROWS)
    assert all(f"| {branch.name} |" in platforms for branch in BRANCHES)
