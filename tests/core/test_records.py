"""Changing frozen records: as `dataclasses.replace` does it, and the same one for no change."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pytest
from tests.core.fleets import updated

from jackbean.core.environments import Environment, Status
from jackbean.core.records import replace

BEFORE = Environment(
    "e-1", "env", "app", "stack", "arn", "env", 1, members=(updated("i-1").member,)
)


@dataclass(frozen=True)
class Even:
    number: int
    other: str = ""

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError("odd")


def test_it_does_what_dataclasses_do() -> None:
    changes = {"desired": 3, "status": Status.READY, "members": ()}
    after = replace(BEFORE, **changes)  # type: ignore[arg-type]  # of several kinds
    assert after == dataclasses.replace(BEFORE, **changes)  # type: ignore[arg-type]  # likewise
    assert after != BEFORE
    assert (BEFORE.desired, BEFORE.status) == (1, Status.LAUNCHING)
    assert hash(after) == hash(dataclasses.replace(after))
    with pytest.raises(dataclasses.FrozenInstanceError):
        after.desired = 4  # type: ignore[misc]  # what is tested


def test_nothing_new_is_no_new_record() -> None:
    assert replace(BEFORE) is BEFORE
    assert replace(BEFORE, members=BEFORE.members, desired=1) is BEFORE


def test_what_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="Environment has no field colour"):
        replace(BEFORE, colour="red")  # type: ignore[call-arg]  # what is tested


def test_what_is_checked_when_built_is_checked_again() -> None:
    assert replace(Even(2), number=4) == Even(4)
    with pytest.raises(ValueError, match="odd"):
        replace(Even(2), number=3)
