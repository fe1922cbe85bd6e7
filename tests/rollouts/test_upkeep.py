"""The steady state: what is wanted is kept, with what each instance has."""

from __future__ import annotations

import pytest
from tests.core.fleets import NEW, OLD, dead, failed, fleet, fresh, instance, many, updated

from jackbean.core.acts import Act, Attach, Launch, Retire
from jackbean.core.fleet import Fleet, Service, WorkState
from jackbean.rollouts.upkeep import YOUNG_S, complete, maintain

NOW = 1000.0
WANTED = Launch(2, OLD, "t-old")
YOUNG = NOW - YOUNG_S + 1

CASES: dict[str, tuple[Fleet, tuple[Act, ...]]] = {
    "nothing to do": (many(2), ()),
    "one is missing": (many(1), (WANTED,)),
    "one died": (fleet(dead("i-1"), instance("i-2")), (Retire("i-1"), WANTED)),
    "one died young": (fleet(dead("i-1", launched_at=YOUNG), instance("i-2")), (WANTED,)),
    "one is too many: the youngest": (many(3), (Retire("i-3"),)),
    "one is too many: who does not serve": (
        fleet(instance("i-1", passes=0), instance("i-2"), instance("i-3")),
        (Retire("i-1"),),
    ),
    "the able are attached": (
        fleet(instance("i-1", service=Service.OUT), instance("i-2")),
        (Attach("i-1"),),
    ),
    "also when their last work never ended": (
        fleet(instance("i-1", service=Service.OUT, state=WorkState.WORKING), instance("i-2")),
        (Attach("i-1"),),
    ),
    "also when it failed": (
        fleet(failed("i-1", service=Service.OUT), instance("i-2")),
        (Attach("i-1"),),
    ),
    "not who has no application to send requests to": (
        fleet(failed("i-1", service=Service.OUT, down=True), instance("i-2")),
        (),
    ),
    "not who runs nothing yet": (fleet(fresh("i-1"), instance("i-2")), ()),
    "not who drains": (fleet(instance("i-1", service=Service.DRAINING), instance("i-2")), ()),
    "not who is too many": (
        fleet(instance("i-1"), instance("i-2"), instance("i-3", service=Service.OUT)),
        (Retire("i-3"),),
    ),
    "the leaving are gone already": (fleet(*many(2), instance("i-9", leaving=True)), ()),
    "a mixed fleet stays mixed": (fleet(instance("i-1"), updated("i-2")), ()),
}


@pytest.mark.parametrize(("whole", "acts"), CASES.values(), ids=CASES.keys())
def test_upkeep(whole: Fleet, acts: tuple[Act, ...]) -> None:
    assert maintain(whole, WANTED, NOW) == acts


def test_nothing_is_wanted() -> None:
    assert maintain(many(2), Launch(0, OLD, "t"), NOW) == (Retire("i-2"), Retire("i-1"))
    assert maintain(fleet(), Launch(0, OLD, "t"), NOW) == ()


def test_who_died_young_is_replaced_when_its_time_has_passed() -> None:
    whole = fleet(dead("i-1", launched_at=YOUNG), instance("i-2"))
    assert Retire("i-1") in maintain(whole, WANTED, YOUNG + YOUNG_S)


def test_complete_is_everybody_wanted_in_service_and_nobody_else() -> None:
    assert complete(many(2), 2)
    assert complete(fleet(), 0)
    assert complete(fleet(instance("i-1"), updated("i-2", release=NEW)), 2)
    assert complete(fleet(instance("i-1"), failed("i-2", service=Service.OUT, down=True)), 2)
    assert not complete(many(2), 3)
    assert not complete(many(3), 2)
    assert not complete(fleet(instance("i-1"), fresh("i-2")), 2)
    assert not complete(fleet(instance("i-1"), instance("i-2", passes=1)), 2)
    assert not complete(fleet(instance("i-1"), instance("i-2", leaving=True)), 2)
