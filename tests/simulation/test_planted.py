"""Bugs planted on purpose: an invariant that catches none of them is worth nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from jackbean.control import decide, narration, perform, tick
from jackbean.core.acts import Step
from jackbean.core.fleet import Fleet
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts import batches, service, upkeep
from jackbean.simulator.histories import Life, life
from jackbean.simulator.invariants import ViolationError

Plant = Callable[[pytest.MonkeyPatch], None]


def succeed_on_half_a_fleet(patch: pytest.MonkeyPatch) -> None:
    def next_step(rollout: Rollout, fleet: Fleet, now: float) -> Step:
        done = any(i.settled(rollout.target) for i in fleet)
        real = decide_next_step(rollout, fleet, now)
        return Step(rollout.enter(Stage.SUCCEEDED, now)) if done else real

    decide_next_step = decide.next_step
    patch.setattr(decide, "next_step", next_step)


def take_everybody_out_at_once(patch: pytest.MonkeyPatch) -> None:
    real = batches.rolling

    def rolling(rollout: Rollout, fleet: Fleet, now: float) -> Step:
        return real(replace(rollout, batch_size=len(fleet)), fleet, now)

    patch.setitem(decide.next_step.__globals__["POLICIES"], "Rolling", rolling)


def forget_to_end_machines(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(perform, "endable", lambda member: False)


def forget_members_that_still_run(patch: pytest.MonkeyPatch) -> None:
    def progress(fleet: Fleet, now: float, drain_s: float) -> tuple[Any, ...]:
        return tuple(i.member for i in fleet if not i.member.leaving)

    patch.setattr(decide, "progress", progress)


def never_finish_draining(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(service, "_drained", lambda instance, now, drain_s: instance.member)


def tell_the_end_too_early(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(narration, "DEPLOYING", narration.UPDATED)


def tell_nothing_at_the_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(narration, "_ending", lambda after, ended: ())


def save_the_record_without_its_story(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tick, "narrate", lambda before, after, ended, scene: [])


def never_attach(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(upkeep, "_able", lambda instance: False)


def drop_the_dead_without_successors(patch: pytest.MonkeyPatch) -> None:
    real = upkeep.maintain

    def maintain(fleet: Fleet, launch: Any, now: float) -> tuple[Any, ...]:
        return tuple(a for a in real(fleet, launch, now) if type(a) is not type(launch))

    patch.setattr(decide, "maintain", maintain)


PLANTED: dict[Plant, Life] = {
    succeed_on_half_a_fleet: Life(size=3, acts=("deploy",)),
    take_everybody_out_at_once: Life(size=3, acts=("deploy",)),
    forget_to_end_machines: Life(size=2, acts=("replace",)),
    forget_members_that_still_run: Life(size=2, acts=("replace",)),
    never_finish_draining: Life(size=2, acts=("terminate",)),
    tell_the_end_too_early: Life(size=2, acts=("deploy",)),
    tell_nothing_at_the_end: Life(size=2, acts=("deploy",)),
    save_the_record_without_its_story: Life(size=1, acts=("deploy",)),
    never_attach: Life(size=2, acts=("scale",)),
    drop_the_dead_without_successors: Life(size=2, acts=("scale",), deaths=(40.0,)),
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_it_is_caught(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = PLANTED[plant]
    asyncio.run(life(plan))
    plant(monkeypatch)
    with pytest.raises((ViolationError, AssertionError)):
        asyncio.run(life(plan))
