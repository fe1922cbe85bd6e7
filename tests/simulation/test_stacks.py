"""Histories in which every bundle brings other resources, and a crash at every effect of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from jackbean.control.stacks import stacking
from jackbean.core.environments import Environment
from jackbean.core.operations import Operation
from jackbean.simulator.faults import Faults
from jackbean.simulator.histories import life
from jackbean.simulator.invariants import ViolationError
from jackbean.simulator.lives import Life, random_stacks
from jackbean.stacks import engine
from jackbean.stacks.engine import Step

SEEDS = 40
CHANGING = Life(size=1, policy="AllAtOnce", acts=("restack", "restack"), seed=4)
ENDING = Life(size=1, policy="AllAtOnce", acts=("restack", "terminate"), seed=9)


def test_seeds() -> None:
    for seed in range(SEEDS):
        plan, faults = random_stacks(seed)
        try:
            asyncio.run(life(plan, faults))
        except Exception as error:
            raise AssertionError(f"./dev sim --stacks --seed {seed}: {error}") from error


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("plan", [CHANGING, ENDING], ids=["changing", "ending"])
def test_a_crash_at_every_effect_or_every_third(plan: Life, step: int) -> None:
    effects = asyncio.run(life(plan)).effects
    assert effects > 50
    for number in range(1, effects + 1, step):
        assert asyncio.run(life(plan, Faults(crash_at=number))).crashes == 1


def forget_what_is_leaving(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stacking, "tidied", lambda environment, operation, now: operation)


def end_what_is_to_be_retained(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(engine, "_kept", lambda resource, *, replaced: False)


def forget_resources_instead_of_ending_them(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stacking, "dismantle", lambda stack, sights: Step((), over=True))


def go_back_without_undoing(patch: pytest.MonkeyPatch) -> None:
    def over(environment: Environment, operation: Operation, scene: object) -> stacking.Progress:
        return environment, operation.over(), ""

    patch.setattr(stacking, "go_back", over)


PLANTED = (
    forget_what_is_leaving,
    end_what_is_to_be_retained,
    forget_resources_instead_of_ending_them,
    go_back_without_undoing,
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
        asyncio.run(life(*random_stacks(seed)))
