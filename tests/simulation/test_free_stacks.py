"""Histories of stacks of their own, and a crash at every effect of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from jackbean.control.stacks import free_steps
from jackbean.core.freestanding import Freestanding
from jackbean.core.records import replace
from jackbean.simulator.faults import Faults
from jackbean.simulator.freestanding import FreeLife, free_life, random_free_life
from jackbean.simulator.invariants import ViolationError
from jackbean.stacks import engine

SEEDS = 120
CRASHED = 6  # histories that are crashed at every effect
EXPECTED = {
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "DELETE_COMPLETE",
    "ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
}


def test_seeds() -> None:
    seen: Counter[str] = Counter()
    for seed in range(SEEDS):
        plan, faults = random_free_life(seed)
        try:
            seen.update(asyncio.run(free_life(plan, faults)).statuses)
        except Exception as error:
            raise AssertionError(f"./dev sim --free --seed {seed}: {error}") from error
    assert seen.keys() >= EXPECTED, seen


@pytest.mark.parametrize("seed", range(CRASHED))
def test_a_crash_at_every_effect(seed: int) -> None:
    acts = ("update", "cancel", "update") if seed % 2 else ("update", "stay", "roll back")
    plan = FreeLife(acts, stays=seed % 4 == 3, seed=seed)
    effects = asyncio.run(free_life(plan)).effects
    assert effects > 10
    for number in range(1, effects + 1):
        try:
            assert asyncio.run(free_life(plan, Faults(crash_at=number))).crashes == 1
        except ViolationError as error:
            raise AssertionError(f"seed {seed}, crash at {number}: {error}") from error


def end_what_is_to_be_retained(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "_kept", lambda resource, *, replaced: False)


def forget_what_fails(patch: pytest.MonkeyPatch) -> None:
    def rests(stack: Freestanding, *_: object) -> Freestanding:
        return free_steps._rests(replace(stack, resources=()), "ROLLBACK_COMPLETE")

    patch.setattr(free_steps, "going_back", rests)


def keep_the_plan_of_a_failure(patch: pytest.MonkeyPatch) -> None:
    before = free_steps._back

    def back(stack: Freestanding, turn: free_steps.Turn) -> Freestanding:
        return replace(before(stack, turn), plan=stack.plan)

    patch.setattr(free_steps, "_back", back)


def take_what_was_not_made_for_made(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(free_steps, "abandoned", lambda one: replace(one, state=engine.State.READY))


PLANTED = (
    end_what_is_to_be_retained,
    forget_what_fails,
    keep_the_plan_of_a_failure,
    take_what_was_not_made_for_made,
)


@pytest.mark.parametrize("plant", PLANTED)
def test_planted_bugs_are_caught(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises((ViolationError, AssertionError)):
        live()


def live() -> None:
    for seed in range(SEEDS):
        asyncio.run(free_life(*random_free_life(seed)))
