"""What each turn adds to a tally, when it is saved, and what the certificate has of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.control.rig import Rig, sized, with_a_queue
from tests.control.scenes import NOW, environment, operation, rollout, scene
from tests.core.fleets import NEW, fleet, instance

from jackbean.control.aborting import abort
from jackbean.control.noting import noted
from jackbean.control.scene import Decision
from jackbean.core.certificates import End
from jackbean.core.fleet import Fleet, Service
from jackbean.core.operations import Empty, Operation, Roll
from jackbean.core.tallies import SAVE_S, UNTOUCHED, Served, Tally
from jackbean.core.traffic import Count
from jackbean.simulator.engine import Behaviour
from jackbean.simulator.router import Traffic

WHOLE = replace(
    fleet(instance("i-1", reached=True), instance("i-2", reached=True)),
    counts=(Count(1, "a", 100),),
)
BEGUN = Tally(at=NOW, counts=(Count(1, "a", 90),), lowest=2, lowest_at=NOW)


def under_way(tally: Tally, **facts: object) -> Operation:
    return operation(Roll(rollout()), tally=tally, **facts)


def note(tally: Tally, now: float, whole: Fleet = WHOLE, **changed: object) -> Decision:
    """Note a turn in which the record changes as said."""
    record = environment(whole, operation=under_way(tally))
    decision = Decision(replace(record, **changed))  # type: ignore[arg-type]
    return noted(decision, scene(record, whole, now=now))


def tally_of(decision: Decision) -> Tally:
    assert decision.environment.operation is not None
    return decision.environment.operation.tally


def test_the_first_turn_is_saved() -> None:
    tally = tally_of(note(UNTOUCHED, NOW))
    assert (tally.counts, tally.lowest, tally.at) == (WHOLE.counts, 2, NOW)


def test_a_turn_that_changes_nothing_is_not_saved() -> None:
    first = tally_of(note(BEGUN, NOW))
    assert tally_of(note(first, NOW + 1)) == first
    assert tally_of(note(first, NOW + SAVE_S)).requests == 10


def test_what_is_saved_anyway_takes_the_tally_along() -> None:
    first = tally_of(note(BEGUN, NOW))
    assert tally_of(note(first, NOW + 1, desired=5)).served == (Served(1, 10),)


def test_lost_capacity_is_saved_at_once() -> None:
    first = tally_of(note(BEGUN, NOW))
    less = fleet(instance("i-1", reached=True), instance("i-2", service=Service.DRAINING))
    assert tally_of(note(first, NOW + 1, less)).lowest == 1


def test_the_end_has_the_last_look() -> None:
    record = environment(WHOLE, operation=under_way(BEGUN))
    over = replace(under_way(BEGUN), position=1)
    decision = noted(Decision(replace(record, operation=None), over), scene(record, WHOLE))
    assert decision.ended is not None
    assert (decision.ended.tally.requests, decision.ended.tally.partial) == (10, False)
    blind = replace(WHOLE, counts=None)
    decision = noted(Decision(replace(record, operation=None), over), scene(record, blind))
    assert decision.ended is not None
    assert decision.ended.tally.partial


@pytest.mark.parametrize("record", [environment(), environment(operation=operation(Empty()))])
def test_what_rolls_out_nothing_is_not_noted(record: object) -> None:
    decision = Decision(record)  # type: ignore[arg-type]
    assert noted(decision, scene(record, WHOLE)) is decision  # type: ignore[arg-type]


# Through the whole of it


@pytest.fixture
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    behaviour = getattr(request, "param", None)
    with Rig(traffic=Traffic(last_s=1.0, per_s=10.0), behaviour=behaviour) as rig:
        yield rig


def test_a_certificate_is_there_when_the_environment_is_ready(rig: Rig) -> None:
    rig.running(settings=sized(2))
    rig.update(label="v2", request_id="r")
    after = rig.settle()
    newest, first = rig.run(rig.world.store.certificates(after.id))
    assert (newest.number, first.number) == (2, 1)
    assert (newest.release, newest.previous, newest.version) == (2, 1, "v2")
    assert (newest.end, newest.reasons, newest.tally.lowest, newest.size) == (
        End.SUCCEEDED,
        (),
        1,
        2,
    )
    assert newest.tally.requests > 50
    assert (newest.tally.harmed, newest.tally.partial, newest.tally.away_s) == (0, False, 0.0)
    assert newest.summary in rig.told(request_id="r")


@pytest.mark.parametrize("rig", [Behaviour(fails_activating=frozenset({NEW}))], indirect=True)
def test_a_failure_has_its_reasons(rig: Rig) -> None:
    rig.running(settings=sized(2))
    rig.update(label="v2", request_id="r")
    after = rig.settle()
    newest = rig.run(rig.world.store.certificates(after.id))[0]
    assert newest.end is End.FAILED
    assert "Command failed on instance" in newest.reasons[0]
    assert len(newest.reasons) == 2
    told = rig.told(request_id="r")
    assert (told[-3], told[-1]) == (newest.summary, "Failed to deploy application.")


def test_what_a_termination_breaks_off_is_certified_too(rig: Rig) -> None:
    made = rig.running(settings=sized(2))
    rig.update(label="v2", request_id="r")
    rig.step(3.0)
    rig.terminate()
    newest = rig.run(rig.world.store.certificates(made.id))[0]
    assert (newest.number, newest.end) == (2, End.SUPERSEDED)
    assert newest.tally.requests > 10
    rig.settle(made.id)
    assert len(rig.run(rig.world.store.certificates(made.id))) == 2


@pytest.mark.parametrize(
    ("tag", "stopped"), [({"RefuseToBe": "No more of those."}, False), ({"TakesLooks": 999}, True)]
)
def test_what_never_had_its_resources_has_not_succeeded(
    tmp_path: Path, tag: dict[str, object], stopped: bool
) -> None:
    with Rig(tmp_path) as rig:
        rig.version("whole", with_a_queue())
        rig.version("broken", with_a_queue(**tag))
        rig.running(label="whole", settings=sized(2))
        rig.update(label="broken", request_id="r")
        rig.step(2.0)
        if stopped:
            rig.run(abort(rig.world, "web1", "stop"))
        after = rig.settle()
        newest, first = rig.run(rig.world.store.certificates(after.id))
        assert first.end is End.SUCCEEDED
        assert (newest.number, newest.end, newest.aborted) == (2, End.REVERTED, stopped)
        assert any("No more of those." in reason for reason in newest.reasons) is not stopped


def test_an_absence_is_told(rig: Rig) -> None:
    rig.running(settings=sized(2))
    rig.update(label="v2", request_id="r")
    rig.step(3.0)
    rig.universe.crash()
    rig.universe.clock.advance(30.0)
    after = rig.settle()
    newest = rig.run(rig.world.store.certificates(after.id))[0]
    assert 30.0 <= newest.tally.away_s < 45.0
    assert not newest.tally.partial
    assert ", as far as it was watched" in newest.summary
    assert newest.tally.requests >= 300
