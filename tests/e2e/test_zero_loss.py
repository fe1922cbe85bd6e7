"""Every kind of visitor through a change, in short; and that a fault in draining would be seen.

The long form is `./dev bench zero-loss`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from bench.changes import CHANGES, NAME, PROCESS, Stage
from bench.zero_loss import SHORT, Terms, tried

from tests.e2e.installation import installed, option

KINDS = {"GET", "POST", "slow GET", "slow POST", "dripping", "upload", "message"}


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with installed() as one:
        stage = Stage(one, SHORT.instances, SHORT.load.slow_s)
        stage.set_up(SHORT.drain_s)
        yield stage


@pytest.mark.e2e
@pytest.mark.load
def test_nobody_notices_a_rolling_deployment(stage: Stage) -> None:
    outcome = tried(stage, "Rolling", SHORT)
    assert outcome.good, outcome.troubles
    assert outcome.requests >= SHORT.requests
    assert outcome.kinds.keys() == KINDS
    assert outcome.versions.keys() == {"one", "two"}


@pytest.mark.e2e
@pytest.mark.load
def test_a_broken_drain_is_seen(stage: Stage) -> None:
    """Without time to drain the slow requests are cut off, and the load balancer says so."""
    stage.one.begin(NAME, OptionSettings=[option(PROCESS, "DeregistrationDelay", "0")])
    stage.rest()
    outcome = tried(stage, "Rolling", replace(SHORT, requests=300))
    assert not outcome.good
    cut = [told for told in outcome.troubles if told.startswith("slow POST /slow/3")]
    assert cut, outcome.troubles
    assert "502" in cut[0], cut


@pytest.mark.e2e
@pytest.mark.load
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, change in CHANGES.items() if change.lossless])
def test_nothing_is_lost(name: str) -> None:
    terms = Terms()
    with installed() as one:
        stage = Stage(one, terms.instances, terms.load.slow_s)
        stage.set_up(terms.drain_s)
        outcome = tried(stage, name, terms)
    assert outcome.good, outcome.troubles
    assert outcome.requests >= terms.requests or not outcome.there
