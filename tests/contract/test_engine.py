"""What every engine promises, on all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Protocol

import pytest
from tests.engines.process.rig import MODES, Rig, ask, eventually

from jackbean.core.fleet import Machine
from jackbean.core.openings import Opening
from jackbean.ports.engine import Engine, LaunchSpec, MachineSight, Openings
from jackbean.simulator.clock import VirtualClock
from jackbean.simulator.engine import MemoryEngine


class Place(Protocol):
    """An engine, and what befalls its instances."""

    engine: Engine

    def run(self, *specs: LaunchSpec) -> None:
        """Have them run."""
        ...

    def see(self) -> dict[str, MachineSight]: ...

    def end(self, spec: LaunchSpec) -> None: ...

    def admit(self, openings: Openings) -> None: ...

    def die(self, spec: LaunchSpec) -> None:
        """Let one end by itself."""
        ...

    def stop(self) -> None:
        """Stop all, as a reboot does."""
        ...


class Simulated:
    def __init__(self) -> None:
        self.engine = MemoryEngine(VirtualClock())

    def run(self, *specs: LaunchSpec) -> None:
        for spec in specs:
            asyncio.run(self.engine.ensure(spec))

    def see(self) -> dict[str, MachineSight]:
        return dict(asyncio.run(self.engine.machines()))

    def end(self, spec: LaunchSpec) -> None:
        asyncio.run(self.engine.terminate(spec.instance))

    def admit(self, openings: Openings) -> None:
        asyncio.run(self.engine.admit(openings))

    def die(self, spec: LaunchSpec) -> None:
        self.engine.kill(spec.instance)

    def stop(self) -> None:
        for node in self.engine.nodes.values():
            node.stopped = True


class Real:
    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.engine = rig.engine

    def run(self, *specs: LaunchSpec) -> None:
        async def ensure() -> None:
            await asyncio.gather(*(self.engine.ensure(spec) for spec in specs))

        self.rig.runner.run(ensure())

    def see(self) -> dict[str, MachineSight]:
        return dict(self.rig.machines())

    def end(self, spec: LaunchSpec) -> None:
        self.rig.terminate(spec)

    def admit(self, openings: Openings) -> None:
        self.rig.runner.run(self.engine.admit(openings))

    def die(self, spec: LaunchSpec) -> None:
        with pytest.raises(OSError, match=r"closed|reset"):
            ask(self.rig.up(spec), "leave", code=1)
        eventually(lambda: self.see()[spec.instance].machine is Machine.EXITED, "its end")

    def stop(self) -> None:
        self.rig.runner.run(self.rig.engine.stop_all())


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@pytest.fixture(params=["simulator", *MODES])
def place(request: pytest.FixtureRequest, tmp_path: Path, images: Path) -> Iterator[Place]:
    if request.param == "simulator":
        yield Simulated()
        return
    rig = Rig(tmp_path / "data", request.param, images)
    yield Real(rig)
    rig.close()


ONE, OTHER = Rig.spec(1), Rig.spec(2)


def machines(place: Place) -> dict[str, Machine]:
    return {name: sight.machine for name, sight in place.see().items()}


def test_there_is_nobody_at_first_and_ending_nobody_is_fine(place: Place) -> None:
    place.end(ONE)
    assert machines(place) == {}


def test_who_is_ensured_runs_and_can_be_reached(place: Place) -> None:
    place.run(ONE, OTHER)
    assert machines(place) == {ONE.instance: Machine.RUNNING, OTHER.instance: Machine.RUNNING}
    addresses = [sight.address for sight in place.see().values()]
    assert None not in addresses
    assert len(set(addresses)) == 2


def test_ensuring_twice_is_ensuring_once(place: Place) -> None:
    place.run(ONE)
    before = place.see()
    place.run(ONE, ONE)
    assert place.see() == before


def test_who_is_terminated_is_absent_and_its_name_may_come_again(place: Place) -> None:
    place.run(ONE, OTHER)
    place.end(ONE)
    place.end(ONE)
    assert machines(place) == {OTHER.instance: Machine.RUNNING}
    place.run(ONE)
    assert machines(place)[ONE.instance] is Machine.RUNNING


def test_who_died_stays_dead_until_terminated(place: Place) -> None:
    place.run(ONE)
    place.die(ONE)
    assert machines(place) == {ONE.instance: Machine.EXITED}
    assert place.see()[ONE.instance].exit
    place.run(ONE)
    assert machines(place) == {ONE.instance: Machine.EXITED}
    place.end(ONE)
    assert machines(place) == {}


def test_who_was_stopped_is_there_and_starts_again(place: Place) -> None:
    place.run(ONE)
    address = place.see()[ONE.instance].address
    place.stop()
    assert machines(place) == {ONE.instance: Machine.STOPPED}
    place.run(ONE)
    assert machines(place) == {ONE.instance: Machine.RUNNING}
    assert place.see()[ONE.instance].address == address
    place.stop()
    place.end(ONE)
    assert machines(place) == {}


def test_what_is_admitted_may_be_asked_for_again_and_of_nobody(place: Place) -> None:
    place.run(ONE)
    opening = Opening(6, 5000, 5000, IPv4Network("0.0.0.0/0"))
    for admits in ((opening,), (opening,), ()):
        place.admit({ONE.instance: admits, OTHER.instance: admits})
        assert machines(place) == {ONE.instance: Machine.RUNNING}
    place.admit({ONE.instance: (opening,)})
    place.end(ONE)
    assert machines(place) == {}


def test_it_says_what_it_is(place: Place) -> None:
    described = place.engine.describe()
    assert described.name
    assert described.mode
    assert all(sentence.endswith(".") for sentence in described.lacks)
