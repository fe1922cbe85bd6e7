"""What a certificate says in a line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jackbean.core.certificates import Certificate, End, Label
from jackbean.core.tallies import Served, Tally
from jackbean.core.traffic import Count

TALLY = Tally(
    at=5.0,
    counts=(Count(1, "a"),),
    served=(Served(1, 20_000, 0, 3, 3), Served(2, 1_445)),
    lowest=3,
)
CERTIFICATE = Certificate(
    environment_id="e-1",
    environment="web1",
    application="app",
    number=7,
    kind="update",
    request_id="r",
    policy="Rolling",
    release=2,
    began=100.0,
    ended=141.4,
    end=End.SUCCEEDED,
    size=4,
    tally=TALLY,
    labels=(Label(1, "v1"), Label(2, "v2")),
)
LINES = {
    "Deployment 7: 21,442 requests served, 0 failed, 3 retried; never below 3 of 4 instances; "
    "41 s.": TALLY,
    "Deployment 7: at least 21,442 requests served, at least 0 failed, 3 retried; never below 3 of "
    "4 instances; 41 s.": replace(TALLY, partial=True),
    "Deployment 7: 21,442 requests served, 0 failed, 3 retried; never below 3 of 4 instances, as "
    "far as it was watched; 41 s.": replace(TALLY, away_s=2.0),
    "Deployment 7: 21,442 requests served, 0 failed, 3 retried; 41 s.": replace(TALLY, lowest=None),
    "Deployment 7: its requests could not be counted; never below 3 of 4 instances; 41 s.": replace(
        TALLY, counts=None
    ),
}


@pytest.mark.parametrize(("line", "tally"), LINES.items())
def test_summary(line: str, tally: Tally) -> None:
    assert replace(CERTIFICATE, tally=tally).summary == line


def test_versions() -> None:
    assert CERTIFICATE.version == "v2"
    assert CERTIFICATE.version_of(1) == "v1"
    assert CERTIFICATE.version_of(9) == ""
