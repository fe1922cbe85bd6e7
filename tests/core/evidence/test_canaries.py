"""Canaries by the thousand, from seeds: what is promised is what happens."""

from __future__ import annotations

import math
from itertools import product
from statistics import median

import pytest
from bench.canary import (
    LEVEL,
    Traffic,
    by_evidence,
    fisher,
    peeked,
    quantile,
    share_found,
    simulate,
)

RUNS = 2000
PROMISED = LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / RUNS)  # and three standard errors
RATES = (0.0, 0.001, 0.01, 0.05, 0.3)
SHARES = (0.01, 0.1, 0.5)


def rolled_back(traffic: Traffic, runs: int = RUNS) -> float:
    return share_found(simulate(traffic, {"evidence": by_evidence}, runs, seed=1)["evidence"])


@pytest.mark.parametrize(
    "traffic",
    [
        Traffic(0.01, 0.01, look=0),
        Traffic(0.05, 0.05, 0.5, look=100, horizon=5000, drift="outages, pulled"),
    ],
    ids=str,
)
def test_good_releases_stay(traffic: Traffic) -> None:
    assert rolled_back(traffic) <= PROMISED


def test_better_releases_stay() -> None:
    assert rolled_back(Traffic(0.05, 0.03, look=0), 400) <= 0.01


@pytest.mark.slow
@pytest.mark.parametrize("drift", ["steady", "wave", "outages", "outages, pulled"])
@pytest.mark.parametrize(("rate", "share"), list(product(RATES, SHARES)))
def test_good_releases_stay_whatever_the_rate_split_and_weather(
    rate: float, share: float, drift: str
) -> None:
    assert rolled_back(Traffic(rate, rate, share, look=0, drift=drift)) <= PROMISED


@pytest.mark.slow
@pytest.mark.parametrize("look", [1, 7, 50, 333])
@pytest.mark.parametrize("rate", [0.01, 0.3])
def test_good_releases_stay_however_often_one_looks(rate: float, look: int) -> None:
    assert rolled_back(Traffic(rate, rate, look=look, horizon=2000)) <= PROMISED


@pytest.mark.parametrize(
    ("old", "new", "within"),
    [(0.01, 0.05, 1500), (0.0, 0.02, 1500), (0.001, 0.01, 4500), (0.2, 0.3, 1600)],
)
def test_bad_releases_are_found(old: float, new: float, within: int) -> None:
    traffic = Traffic(old, new, horizon=20_000)
    found = simulate(traffic, {"evidence": by_evidence}, 300, seed=2)["evidence"]
    assert median(found) <= within
    assert quantile(found, 0.9) <= 2.6 * within


def test_a_test_of_fixed_size_cries_wolf_when_it_is_asked_at_each_look() -> None:
    traffic = Traffic(0.05, 0.05)
    found = simulate(traffic, {"fisher": peeked(fisher)}, 200, seed=3)["fisher"]
    assert share_found(found) > 4 * LEVEL


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_accidents_of_an_arm_do_limited_harm(share: float) -> None:
    """Errors that come four at a time on each arm for itself: what the cap is for."""
    traffic = Traffic(0.01, 0.01, share, bunch=4.0)
    assert rolled_back(traffic, 200) <= 2.5 * LEVEL
