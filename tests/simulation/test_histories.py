"""Seeded histories with everything at once: a few, as CI lives ten thousand by `./dev sim`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from jackbean.simulator.histories import life
from jackbean.simulator.lives import Life, random_life, random_worker

BLOCK = 20


@pytest.mark.parametrize("first", range(0, 80, BLOCK))
def test_seeds(first: int) -> None:
    for seed in range(first, first + BLOCK):
        plan, faults = random_life(seed)
        try:
            asyncio.run(life(plan, faults))
        except Exception as error:
            raise AssertionError(f"./dev sim --seed {seed}: {error}") from error


def test_seeds_of_workers() -> None:
    for seed in range(BLOCK):
        plan, faults = random_worker(seed)
        try:
            asyncio.run(life(plan, faults))
        except Exception as error:
            raise AssertionError(f"./dev sim --worker --seed {seed}: {error}") from error


def test_a_seed_is_a_history() -> None:
    plan, faults = random_life(7)
    again, faults_again = random_life(7)
    assert asyncio.run(life(plan, faults)) == asyncio.run(life(again, faults_again))


def test_a_seed_is_the_same_history_in_every_process() -> None:
    """Nothing may depend on the order of a set: 6 and 11 crash while two names are exchanged."""
    for seed in ("6", "11"):
        told = {replayed(seed, hashing) for hashing in ("1", "2", "5")}
        assert len(told) == 1


def replayed(seed: str, hashing: str) -> str:
    argv = [sys.executable, "-m", "jackbean.simulator", "--seed", seed]
    env = {**os.environ, "PYTHONHASHSEED": hashing}
    return subprocess.run(argv, env=env, check=True, capture_output=True, text=True).stdout


def test_what_a_failed_deployment_has_left_mixed_is_parked_as_it_was() -> None:
    """Seed 109563."""
    acts = ("deploy", "replace")
    plan = Life(size=3, acts=acts, bad="fails_staging", pace="Immutable", parking=True)
    assert asyncio.run(life(plan)).ends == ["create", *acts]
