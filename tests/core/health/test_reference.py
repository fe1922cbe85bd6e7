"""The reference page says what the program does: its tables are those that health is judged by."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest

from jackbean.core.health.causes import EnvironmentCause, InstanceCause
from jackbean.core.health.statuses import HealthStatus
from jackbean.core.health.thresholds import DEFAULTS, MEANINGS

PAGE = (Path(__file__).parents[3] / "docs/reference/health.md").read_text("utf-8")


def rows(after: str) -> list[list[str]]:
    """Return the cells of the first table after a line."""
    lines = PAGE.split(f"\n{after}\n", 1)[1].splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|---"))
    table: list[list[str]] = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def test_statuses() -> None:
    expected = [
        [f"`{s}`", s.color, "-" if s.number is None else str(s.number)] for s in HealthStatus
    ]
    assert [row[:3] for row in rows("## Statuses")] == expected


def test_thresholds() -> None:
    expected = [
        [f"`{name}`", f"{getattr(DEFAULTS, name):.6g}", unit, meaning]
        for name, (unit, meaning) in MEANINGS.items()
    ]
    assert rows("## Thresholds") == expected


@pytest.mark.parametrize(
    ("after", "causes"),
    [("Of an instance:", InstanceCause), ("Of an environment:", EnvironmentCause)],
)
def test_causes(after: str, causes: type[StrEnum]) -> None:
    assert rows(after) == [[f"`{cause.name}`", f"`{cause.value}`"] for cause in causes]


def test_numbers_in_the_prose() -> None:
    """Those that the page spells out in words."""
    assert (DEFAULTS.checks, DEFAULTS.checks_s, DEFAULTS.check_s) == (3, 60, 2)
    assert "three looks within a minute were at least that bad, two seconds" in PAGE
    assert re.search(r"Yellow after two failed looks in a row, Red after three", PAGE)
    assert (DEFAULTS.basic_yellow, DEFAULTS.basic_red) == (2, 3)
    assert (DEFAULTS.degraded_share, DEFAULTS.severe_share) == (1 / 3, 2 / 3)
