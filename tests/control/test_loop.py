"""The loop: adoption before routes, turns that never overlap, and bugs that end one turn only."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from tests.control.rig import Rig

from jackbean.control import loop as loop_module
from jackbean.control.environments import Update, update
from jackbean.control.loop import Loop, restart_clocks, sweep
from jackbean.control.tick import Ticker, Turn
from jackbean.core.environments import Status
from jackbean.core.errors import Conflict, PortError
from jackbean.core.operations import Roll, Settle
from jackbean.core.options.settings import Setting
from jackbean.ports.engine import LaunchSpec
from jackbean.simulator.engine import assignments

LONG_S = 30.0


class Turns:
    """A ticker that notes who had a turn; `behave` says what a turn is like."""

    def __init__(self, behave: Callable[[str, int], Awaitable[Turn]] | None = None) -> None:
        self.taken: list[str] = []
        self.under_way: list[str] = []
        self.overlapped = False
        self.known = True
        self.looked: list[str] = []
        self._behave = behave or self._rest

    async def tick(self, environment_id: str) -> Turn:
        self.overlapped |= environment_id in self.under_way
        self.taken.append(environment_id)
        self.under_way.append(environment_id)
        try:
            return await self._behave(environment_id, self.taken.count(environment_id))
        finally:
            self.under_way.remove(environment_id)

    async def seen(self, environment_id: str) -> bool:
        self.looked.append(environment_id)
        return self.known

    async def _rest(self, environment_id: str, number: int) -> Turn:
        return Turn(3600.0)


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


def live(rig: Rig, turns: Any, until: Callable[[], bool], meanwhile: Any = None) -> None:
    """Run the loop until something holds."""

    async def run() -> None:
        task = asyncio.create_task(Loop(rig.world, turns).run())
        async with asyncio.timeout(LONG_S):
            while not until():
                if task.done():
                    task.result()
                if meanwhile:
                    meanwhile()
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    rig.run(run())


def opened(rig: Rig) -> list[int]:
    """Return a list that grows with each opening of the router, by how many had been looked at."""
    openings: list[int] = []
    real = rig.world.router.open

    async def open_() -> None:
        openings.append(len(openings))
        await real()

    rig.world.router.open = open_
    return openings


# Adoption


def test_everybody_is_looked_at_before_routes_are_let_out(rig: Rig) -> None:
    ids = {rig.create(name).id for name in ("web1", "web2", "web3")}
    turns, openings = Turns(), opened(rig)
    turns.known = False

    def soon() -> None:
        rig.world.bell.stir()
        if len(turns.looked) >= 9:
            turns.known = True
        assert turns.known or not openings
        assert openings or not turns.taken

    live(rig, turns, lambda: bool(openings) and len(set(turns.taken)) == 3, soon)
    assert set(turns.looked) == ids
    assert openings == [0]


def test_one_that_cannot_be_looked_at_yet_is_waited_for(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.create()
    turns, openings = Turns(), opened(rig)
    tries = 0

    async def seen(environment_id: str) -> bool:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise PortError("Envoy does not answer")
        return True

    turns.seen = seen
    live(rig, turns, lambda: bool(turns.taken), rig.world.bell.stir)
    assert (tries, openings) == (3, [0])
    assert "cannot be looked at yet: Envoy does not answer" in caplog.text


def test_one_that_is_broken_does_not_keep_the_others_from_their_routes(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.create("web1")
    rig.create("web2")
    turns, openings = Turns(), opened(rig)

    async def seen(environment_id: str) -> bool:
        raise AssertionError("no such release")

    turns.seen = seen
    live(rig, turns, lambda: len(turns.taken) == 2)
    assert openings == [0]
    assert "AssertionError" in caplog.text


# Turns


def test_turns_of_one_environment_never_overlap(rig: Rig) -> None:
    made = rig.create()

    async def slow(environment_id: str, number: int) -> Turn:
        for _ in range(5):
            await asyncio.sleep(0)
        return Turn(3600.0)

    turns = Turns(slow)
    live(rig, turns, lambda: len(turns.taken) >= 20, partial(rig.world.bell.poke, made.id))
    assert not turns.overlapped


def test_one_does_not_wait_for_another(rig: Rig) -> None:
    slow, fast = rig.create("web1"), rig.create("web2")
    release = asyncio.Event()

    async def behave(environment_id: str, number: int) -> Turn:
        if environment_id == slow.id:
            await release.wait()
        return Turn(0.0)

    turns = Turns(behave)

    def soon() -> None:
        rig.world.bell.stir()
        if turns.taken.count(fast.id) >= 10:
            release.set()

    live(rig, turns, lambda: turns.taken.count(slow.id) >= 2, soon)
    assert turns.taken.count(fast.id) >= 10


def test_a_poke_during_a_turn_makes_another(rig: Rig) -> None:
    made = rig.create()

    async def behave(environment_id: str, number: int) -> Turn:
        if number == 1:
            rig.world.bell.poke(made.id)
            await asyncio.sleep(0)
        return Turn(3600.0)

    turns = Turns(behave)
    live(rig, turns, lambda: len(turns.taken) == 2)


def test_an_environment_made_meanwhile_gets_its_turns(rig: Rig) -> None:
    rig.create("web1")
    turns = Turns()
    started = False

    def soon() -> None:
        nonlocal started
        if turns.taken and not started:
            started = True
            rig.world.bell.poke("e-new")

    live(rig, turns, lambda: "e-new" in turns.taken, soon)


TROUBLES: dict[str, Exception] = {
    "somebody else saved": Conflict("read it again"),
    "a port refused": PortError("no"),
    "a bug": ZeroDivisionError("oops"),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_trouble_ends_one_turn_only(
    rig: Rig, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    made = rig.create()
    other = rig.create("web2")

    async def behave(environment_id: str, number: int) -> Turn:
        if environment_id == made.id and number == 1:
            raise trouble
        return Turn(3600.0)

    turns = Turns(behave)
    with caplog.at_level(logging.WARNING):
        live(
            rig,
            turns,
            lambda: turns.taken.count(made.id) == 2,
            lambda: rig.world.clock.advance(0.01) or rig.world.bell.stir(),
        )
    assert other.id in turns.taken
    assert bool(caplog.text) is not isinstance(trouble, Conflict)


def test_who_has_ended_has_no_more_turns(rig: Rig) -> None:
    made, other = rig.create("web1"), rig.create("web2")

    async def behave(environment_id: str, number: int) -> Turn:
        return Turn(None) if environment_id == made.id else Turn(0.0)

    turns = Turns(behave)
    live(rig, turns, lambda: turns.taken.count(other.id) == 10, rig.world.bell.stir)
    assert turns.taken.count(made.id) == 1


# Orphans


def test_machines_that_nobody_has_are_ended(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    made = rig.running()
    rig.run(rig.world.engine.ensure(LaunchSpec("i-orphan", made.id, "p", "t", "token")))
    with caplog.at_level(logging.WARNING):
        rig.run(sweep(rig.world))
    assert set(rig.universe.engine.nodes) == {m.id for m in made.members}
    assert "instance i-orphan belongs to no environment; ending it" in caplog.text


def test_machines_of_an_environment_that_has_ended_are_orphans(rig: Rig) -> None:
    made = rig.running()
    rig.terminate()
    rig.settle(made.id)
    rig.run(rig.world.engine.ensure(LaunchSpec("i-late", made.id, "p", "t", "token")))
    rig.run(sweep(rig.world))
    assert rig.universe.engine.nodes == {}


@pytest.mark.parametrize("trouble", [PortError("no"), ZeroDivisionError("a bug")])
def test_a_sweep_that_fails_is_no_reason_to_stop(
    rig: Rig, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def machines() -> Any:
        raise trouble

    rig.world.engine.machines = machines
    rig.run(sweep(rig.world))
    assert str(trouble) in caplog.text


def test_the_loop_sweeps_now_and_then(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    swept: list[float] = []

    async def note(world: Any) -> None:
        swept.append(world.clock.now())

    monkeypatch.setattr(loop_module, "sweep", note)

    def soon() -> None:
        rig.world.clock.advance(1.0)
        rig.world.bell.stir()

    live(rig, Turns(), lambda: len(swept) == 3, soon)
    assert min(b - a for a, b in pairwise(swept)) >= loop_module.SWEEP_S


# Clocks


def test_what_is_under_way_counts_its_time_from_the_start(rig: Rig) -> None:
    rig.running()
    rig.update(label="v2")
    rig.step(1.0)
    rig.world.clock.advance(5000)
    rig.run(restart_clocks(rig.world))
    operation = rig.environment().operation
    assert operation is not None
    assert isinstance(operation.phase, Roll)
    assert operation.phase.rollout.since == rig.world.clock.now()
    assert rig.settle().version_label == "v2"


def test_also_settling_but_nothing_else(rig: Rig) -> None:
    rig.running()
    ready = rig.environment()
    rig.world.clock.advance(5000)
    rig.run(restart_clocks(rig.world))
    assert rig.environment() == ready
    rig.update(settings=(Setting("aws:autoscaling:asg", "MinSize", "3"),))
    rig.run(restart_clocks(rig.world))  # provisioning has no clock
    rig.step(0.6)
    rig.world.clock.advance(5000)
    rig.run(restart_clocks(rig.world))
    operation = rig.environment().operation
    assert operation is not None
    assert operation.phase == Settle(rig.world.clock.now(), 60.0)


def test_a_request_that_comes_during_the_start_is_no_trouble(rig: Rig) -> None:
    """The door is open while the loop adopts: somebody may save in between."""
    rig.running()
    rig.update(label="v2")
    rig.step(1.0)
    results = rig.at_once(
        restart_clocks,
        lambda world: world.store.commit([]),
        *[restart_clocks] * 3,
    )
    assert not [r for r in results if isinstance(r, BaseException)]


def test_the_whole_with_real_turns(rig: Rig) -> None:
    """A loop on virtual time lives through a launch and an update."""
    rig.create(label="v1")
    world, universe = rig.world, rig.universe
    asked = False

    def soon() -> None:
        nonlocal asked
        members = {m.id: m for e in universe.store._environments for m in e.members}
        universe.engine.advance(assignments(members))
        universe.clock.advance(0.05)
        world.bell.stir()
        found = next(iter(universe.store._environments))
        if found.ready and not asked:
            asked = True
            tasks.append(asyncio.ensure_future(update(world, "web1", Update("r", label="v2"))))

    tasks: list[Any] = []

    def done() -> bool:
        found = next(iter(universe.store._environments))
        return found.status is Status.READY and found.version_label == "v2"

    live(rig, Ticker(world), done, soon)
    assert rig.told(request_id="r")[-1] == "Environment update completed successfully."
