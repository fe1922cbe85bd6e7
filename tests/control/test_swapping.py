"""Two environments exchange their CNAMEs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.control.rig import MUST_BE_READY, Rig

from jackbean.control.swapping import swap
from jackbean.control.tick import Ticker
from jackbean.core.environments import Environment, Status, Tier


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as found:
        yield found


def two(rig: Rig) -> tuple[Environment, Environment]:
    blue = rig.create("blue", label="v1", cname_prefix="shop")
    green = rig.create("green", label="v2", cname_prefix="shop-next")
    return rig.settle(blue.id), rig.settle(green.id)


def owners(rig: Rig) -> list[str | None]:
    hostname = rig.world.installation.hostname
    return [rig.universe.router.owner(hostname(name)) for name in ("shop", "shop-next")]


def test_they_exchange_them(rig: Rig) -> None:
    blue, green = two(rig)
    assert owners(rig) == [blue.id, green.id]
    rig.run(swap(rig.world, "blue", "green", "swap"))
    assert {rig.environment(e.id).status for e in (blue, green)} == {Status.UPDATING}
    rig.settle(blue.id)
    rig.settle(green.id)
    assert owners(rig) == [green.id, blue.id]
    assert rig.environment(blue.id).cname_prefix == "shop-next"
    told = rig.told(request_id="swap")
    assert rig.told(environment_id=blue.id, request_id="swap")[:2] == [
        "swapEnvironmentCNAMEs is starting.",
        "Swapping CNAMEs for environments 'blue' and 'green'.",
    ]
    assert "Completed swapping CNAMEs for environments 'blue' and 'green'." in told
    points = [t for t in told if "now points to" in t]
    endpoint = rig.world.router.endpoint
    cname = rig.world.installation.cname
    assert set(points) == {
        f"'{cname('shop')}' now points to '{endpoint(green.slot)}'.",
        f"'{cname('shop-next')}' now points to '{endpoint(blue.slot)}'.",
    }


def test_it_is_completed_when_both_are_at_rest(rig: Rig) -> None:
    """Who has heard so may go on with either of them."""
    blue, green = two(rig)
    rig.run(swap(rig.world, "blue", "green", "swap"))
    for name in (blue.id, blue.id, green.id):
        assert not rig.environment(blue.id).ready
        rig.run(rig.universe._ticker.tick(name))
    assert rig.environment(green.id).ready
    rig.run(rig.universe._ticker.tick(blue.id))
    assert rig.environment(blue.id).ready
    assert rig.told(request_id="swap")[-1].startswith("Completed")


def test_at_every_moment_each_name_leads_somewhere_and_both_move_at_once(rig: Rig) -> None:
    blue, green = two(rig)
    rig.run(swap(rig.world, "green", "blue", "swap"))
    seen = [owners(rig)]
    while not (rig.environment(blue.id).ready and rig.environment(green.id).ready):
        rig.step(0.5)
        seen.append(owners(rig))
    assert [s for s in seen if s not in ([blue.id, green.id], [green.id, blue.id])] == []


class Between:
    """A router that swaps names while somebody takes a look at it."""

    def __init__(self, rig: Rig) -> None:
        self._rig, self._router, self._done = rig, rig.world.router, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._router, name)

    async def observe(self, environment_id: str) -> Any:
        seen = await self._router.observe(environment_id)
        if not self._done:
            self._done = True
            await swap(self._rig.world, "blue", "green", "swap")
        return seen


@pytest.mark.parametrize("name", ["blue", "green"])
def test_a_turn_that_began_before_takes_nothing_back(rig: Rig, name: str) -> None:
    blue, green = two(rig)
    rig.step(5.0)
    turn = Ticker(replace(rig.world, router=Between(rig)))
    rig.run(turn.tick(blue.id if name == "blue" else green.id))
    rig.world.clock.advance(0.1)
    assert owners(rig) == [green.id, blue.id]


def test_swapping_again_undoes_it(rig: Rig) -> None:
    blue, green = two(rig)
    for request in ("there", "back"):
        rig.run(swap(rig.world, "blue", green.id, request))
        rig.settle(blue.id)
        rig.settle(green.id)
    assert owners(rig) == [blue.id, green.id]


def test_who_cannot_swap(rig: Rig) -> None:
    blue, _ = two(rig)
    assert "itself" in rig.fault(swap(rig.world, "blue", blue.id, "r")).message
    assert "No Environment found" in rig.fault(swap(rig.world, "blue", "red", "r")).message
    rig.update("green", label="v1")
    fault = rig.fault(swap(rig.world, "blue", "green", "r"))
    assert fault.message == MUST_BE_READY.format("green")
    assert rig.told(request_id="r") == []


def test_a_worker_has_no_cname_to_swap(rig: Rig) -> None:
    two(rig)
    rig.create("jobs", tier=Tier("Worker", "SQS/HTTP"))
    assert "jobs is a worker" in rig.fault(swap(rig.world, "blue", "jobs", "r")).message


def test_whoever_ends_an_environment_in_the_middle_ends_the_story(rig: Rig) -> None:
    two(rig)
    rig.run(swap(rig.world, "blue", "green", "swap"))
    rig.terminate("blue")
    rig.step(10)
    told = rig.told(request_id="swap")
    assert told.count("Completed swapping CNAMEs for environments 'blue' and 'green'.") == 1
    assert owners(rig)[0] is not None
