"""Copies of universes: alike, and nothing to do with one another."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from jackbean.core.fleet import Member
from jackbean.simulator import histories
from jackbean.simulator.faults import Faults
from jackbean.simulator.histories import Outcome, life
from jackbean.simulator.lives import Life, random_life
from jackbean.simulator.moulds import Mould

MEMBER = Member("i-1", "template")


@dataclass
class House:
    faults: Faults
    guests: dict[str, Member] = field(default_factory=dict)


def test_what_changes_is_copied_and_what_cannot_is_shared() -> None:
    house, faults = House(Faults(), {"first": MEMBER}), Faults()
    mould = Mould(house, house.faults)
    one, other = mould.cast(faults), mould.cast(Faults())
    house.guests.clear()
    one.guests["second"] = MEMBER
    assert other.guests == {"first": MEMBER}
    assert one.guests["first"] is MEMBER
    assert one.faults is faults


SETTLED = [seed for seed in range(40) if random_life(seed)[0].settled]


def test_a_life_is_the_same_as_the_first_of_its_shape_and_as_a_later_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(histories, "MOULDS", {})
    for seed in SETTLED:
        first = lived(seed)
        assert lived(seed) == first, seed
    assert len(histories.MOULDS) > 1


def lived(seed: int) -> tuple[Outcome, int]:
    plan, faults = random_life(seed)
    return asyncio.run(life(plan, faults)), faults.effects


def test_nothing_goes_wrong_before_a_settled_life_begins() -> None:
    plan = Life(size=1, settled=True, deaths=(0.0,), flaps=0.5, bad="sick")
    outcome = asyncio.run(life(plan, Faults(crash_at=1)))
    assert outcome.ends == ["create", "deploy"]
    assert outcome.crashes == 1


def test_lives_of_one_shape_go_on_differently() -> None:
    plan = Life(size=2, settled=True, flaps=0.1)
    effects = {asyncio.run(life(replace(plan, seed=seed))).effects for seed in range(4)}
    assert len(effects) > 1
