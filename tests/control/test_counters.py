"""Counters by release, now and then; who does not say is not believed to say nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from tests.control.scenes import environment, operation, rollout
from tests.core.fleets import fleet, instance

from jackbean.control.counters import COUNT_S, Counters, counts, read
from jackbean.core.errors import PortError
from jackbean.core.fleet import Work
from jackbean.core.operations import Deprovision, Roll
from jackbean.core.tallies import Tally
from jackbean.core.traffic import NOBODY, Count
from jackbean.ports.router import Counted


class Router:
    def __init__(self) -> None:
        self.groups: dict[str, Counted] = {"release-1": Counted("a", 5)}
        self.asked = 0
        self.silent = False

    async def counters(self, environment_id: str) -> Mapping[str, Counted]:
        self.asked += 1
        if self.silent:
            raise PortError("it does not answer")
        return self.groups


@pytest.fixture
def router() -> Router:
    return Router()


def rolling(**facts: Any) -> Any:
    return environment(operation=operation(Roll(rollout()), **facts))


SEEN = Tally(at=1.0, counts=())


def test_groups_stand_for_releases() -> None:
    groups = {
        "main": Counted("a", 99),
        "release-2": Counted("a", 10, 2, 3, 1),
        "release-1": Counted("a", 20),
        "parked": Counted("a", 4, 1, 1, 1),
        "-": Counted("a", 7, failed=7),
    }
    assert counts(groups, 1) == (
        Count(NOBODY, "a", 7, 0, 7),
        Count(1, "a", 24, 1, 1, 1),
        Count(2, "a", 10, 2, 3, 1),
    )
    assert counts(groups, None)[1] == Count(1, "a", 20)


def test_they_are_looked_at_now_and_then(router: Router) -> None:
    counters, record = Counters(router, router), rolling(tally=SEEN)  # type: ignore[arg-type]
    for later, has, asked, seen in ((0.0, 7, 1, 7), (0.5, 8, 1, 7), (1.0, 9, 2, 9)):
        router.groups = {"release-1": Counted("a", has)}
        found = asyncio.run(counters.look(record, 100.0 + later * COUNT_S))
        assert (found, router.asked) == ((Count(1, "a", seen),), asked)
    counters.forget(record.id)
    asyncio.run(counters.look(record, 101.0))
    assert router.asked == 3


def test_releases_of_the_past_are_left_out(router: Router) -> None:
    router.groups = {f"release-{n}": Counted("a", n) for n in range(1, 100)}
    router.groups["-"] = Counted("a", 7)
    record = environment(
        fleet(instance("i-1", assigned=(Work.STAGE, 96))),
        release=98,
        deployment=97,
        operation=operation(Roll(rollout()), previous=97),
    )
    found = asyncio.run(read(router, router, record))  # type: ignore[arg-type]
    assert [count.release for count in found or ()] == [NOBODY, 96, 97, 98, 99]


def test_what_is_to_begin_with_cannot_wait(router: Router) -> None:
    counters = Counters(router, router)  # type: ignore[arg-type]
    for at in (100.0, 100.1):
        assert asyncio.run(counters.look(rolling(), at)) == (Count(1, "a", 5),)


def test_without_a_rollout_nobody_looks(router: Router) -> None:
    counters = Counters(router, router)  # type: ignore[arg-type]
    for record in (environment(), environment(operation=operation(Deprovision()))):
        assert asyncio.run(counters.look(record, 100.0)) is None
    assert router.asked == 0


def test_who_does_not_answer_is_not_believed_to_have_counted_nothing(router: Router) -> None:
    assert asyncio.run(read(router, router, rolling())) == (Count(1, "a", 5),)  # type: ignore[arg-type]
    router.silent = True
    assert asyncio.run(read(router, router, rolling())) is None  # type: ignore[arg-type]
