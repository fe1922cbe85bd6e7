"""Requests for logs: who is asked, what is told, and how they end in any case."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.control.rig import Rig

from jackbean.control.logs import requests as logs_module
from jackbean.control.logs.requests import DOCUMENT, KEPT_S, PULLED, LogRequests
from jackbean.core.errors import PortError
from jackbean.core.events import Severity
from jackbean.ports.store import EventQuery

LONG_S = 30.0
STARTING = "requestEnvironmentInfo is starting."


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        rig.running()
        yield rig


@pytest.fixture
def logs(rig: Rig) -> LogRequests:
    return LogRequests(rig.world)


def begin(rig: Rig, logs: LogRequests, kind: str = "tail", request_id: str = "r") -> list[str]:
    """Ask for logs, and return who is asked."""
    rig.run(logs.begin(rig.environment(), kind, request_id))
    return [i for i in instances(rig) if kind in logs.wanted(i).values()]


def instances(rig: Rig) -> list[str]:
    return [m.id for m in rig.environment().members]


def answer(rig: Rig, logs: LogRequests, instance: str) -> None:
    (wanted,) = logs.wanted(instance)
    rig.run(logs.answered(wanted, instance, f"key of {instance}"))


async def told(rig: Rig, request_id: str, count: int) -> None:
    """Return when so much has been told."""
    async with asyncio.timeout(LONG_S):
        while len(await rig.world.store.events(EventQuery(request_id=request_id))) < count:
            await asyncio.sleep(0)


def test_everybody_is_asked_and_the_first_event_is_there(rig: Rig, logs: LogRequests) -> None:
    assert begin(rig, logs) == instances(rig)
    assert rig.told(request_id="r") == [STARTING]
    assert logs.wanted("i-stranger") == {}


def test_the_last_answer_ends_it(rig: Rig, logs: LogRequests) -> None:
    first, second = begin(rig, logs)
    answer(rig, logs, first)
    assert logs.wanted(first) == {}
    assert rig.told(request_id="r") == [STARTING]
    assert rig.run(logs.answers(rig.environment().id, "tail")) == {}
    answer(rig, logs, second)
    assert rig.told(request_id="r") == [
        STARTING,
        f"[Instance: {first}] Successfully sent its logs.",
        f"[Instance: {second}] Successfully sent its logs.",
        PULLED,
    ]
    found = rig.run(logs.answers(rig.environment().id, "tail"))
    assert {i: key for i, (key, _) in found.items()} == {
        first: f"key of {first}",
        second: f"key of {second}",
    }
    assert rig.run(logs.answers(rig.environment().id, "bundle")) == {}
    assert rig.run(logs.answers("e-0000000000", "tail")) == {}


def test_who_stays_silent_is_told_when_time_is_up(
    rig: Rig, logs: LogRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs_module, "PATIENCE_S", 0.02)

    async def one_answers() -> tuple[str, str]:
        await logs.begin(await environment(rig), "tail", "r")
        first, second = [i for i in members if logs.wanted(i)]
        (wanted,) = logs.wanted(first)
        await logs.answered(wanted, first, "key")
        await told(rig, "r", 4)
        return first, second

    members = instances(rig)
    first, second = rig.run(one_answers())
    events = rig.events(request_id="r")
    assert [(e.message, e.severity) for e in events[1:]] == [
        (f"[Instance: {first}] Successfully sent its logs.", Severity.INFO),
        (f"[Instance: {second}] It did not send its logs.", Severity.WARN),
        (PULLED, Severity.INFO),
    ]
    assert logs.wanted(second) == {}


async def environment(rig: Rig) -> object:
    (found,) = await rig.universe.environments()
    return found


def test_nobody_answers(rig: Rig, logs: LogRequests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs_module, "PATIENCE_S", 0.02)

    async def silence() -> None:
        await logs.begin(await environment(rig), "bundle", "r")
        await told(rig, "r", 2)

    rig.run(silence())
    failure = rig.events(request_id="r")[-1]
    assert failure.severity is Severity.ERROR
    assert failure.message == (
        "Failed to pull logs for environment instances. "
        f"No answer from {', '.join(instances(rig))}."
    )


def test_there_is_nobody_to_ask(rig: Rig, logs: LogRequests) -> None:
    async def ask() -> None:
        (found,) = await rig.universe.environments()
        await logs.begin(replace(found, members=()), "tail", "r")
        await told(rig, "r", 2)

    rig.run(ask())
    assert rig.told(request_id="r")[-1] == (
        "Failed to pull logs for environment instances. There are no instances."
    )


def test_only_what_there_is_can_be_asked_for(rig: Rig, logs: LogRequests) -> None:
    fault = rig.fault(logs.begin(rig.environment(), "analyze", "r"))
    assert fault.message == "InfoType 'analyze' is not available here; ask for 'tail' or 'bundle'."
    assert rig.told(request_id="r") == []


def test_answers_that_nobody_waits_for_change_nothing(rig: Rig, logs: LogRequests) -> None:
    first, second = begin(rig, logs)
    (wanted,) = logs.wanted(first)
    for request, instance in ((wanted, "i-stranger"), ("another", first)):
        rig.run(logs.answered(request, instance, "key"))
    assert rig.told(request_id="r") == [STARTING]
    answer(rig, logs, first)
    answer(rig, logs, second)
    count = len(rig.told())
    rig.run(logs.answered(wanted, first, "late key"))
    assert len(rig.told()) == count
    assert rig.run(logs.answers(rig.environment().id, "tail"))[first][0] == f"key of {first}"


def test_the_newest_answer_of_each_counts(rig: Rig, logs: LogRequests) -> None:
    for number in range(2):
        for instance in begin(rig, logs, request_id=f"r{number}"):
            answer(rig, logs, instance)
        rig.step(10)
    found = rig.run(logs.answers(rig.environment().id, "tail"))
    assert all(at > rig.world.clock.now() - 15 for _, at in found.values())


def test_what_a_control_plane_did_not_live_to_see_ends_at_the_next_start(
    rig: Rig, logs: LogRequests
) -> None:
    first, second = begin(rig, logs)
    again = LogRequests(rig.world)
    rig.run(again.recover())
    assert rig.told(request_id="r")[-1] == (
        f"Failed to pull logs for environment instances. No answer from {first}, {second}."
    )
    assert again.wanted(first) == {}
    count = len(rig.told())
    rig.run(LogRequests(rig.world).recover())
    assert len(rig.told()) == count


def test_what_was_answered_can_be_fetched_after_a_restart(rig: Rig, logs: LogRequests) -> None:
    for instance in begin(rig, logs):
        answer(rig, logs, instance)
    again = LogRequests(rig.world)
    rig.run(again.recover())
    assert set(rig.run(again.answers(rig.environment().id, "tail"))) == set(instances(rig))


def test_after_a_quarter_of_an_hour_it_is_forgotten(rig: Rig, logs: LogRequests) -> None:
    for instance in begin(rig, logs):
        answer(rig, logs, instance)
    rig.world.clock.advance(KEPT_S - 1)
    assert rig.run(logs.answers(rig.environment().id, "tail"))
    rig.world.clock.advance(2)
    assert rig.run(logs.answers(rig.environment().id, "tail")) == {}
    assert rig.run(rig.world.store.documents(DOCUMENT)) == {}


def test_an_end_that_could_not_be_saved_comes_again(rig: Rig, logs: LogRequests) -> None:
    first, second = begin(rig, logs)
    answer(rig, logs, first)
    (wanted,) = logs.wanted(second)
    commit, rig.world.store.commit = rig.world.store.commit, refuse
    with pytest.raises(PortError):
        rig.run(logs.answered(wanted, second, "key"))
    rig.world.store.commit = commit
    rig.run(logs.answered(wanted, second, "key"))
    assert rig.told(request_id="r")[-1] == PULLED
    assert rig.told(request_id="r").count(PULLED) == 1


async def refuse(changes: object) -> None:
    raise PortError("the disk is full")
