"""What is known of instances that fetch their work by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from tests.control.scenes import NOW, environment
from tests.core.fleets import fleet, instance

from jackbean.control.intake import SILENT_S, UNHEARD, UNPOLLED_S, Intake, polled, polls
from jackbean.core.environments import Tier
from jackbean.core.fleet import Service
from jackbean.core.protocol import Report
from jackbean.ports.router import TargetSight

WORKER = Tier("Worker", "SQS/HTTP", "2.3")


def report(**said: Any) -> Report:
    usual = {"application": "up", "polling": True, "in_flight": 0, "polled_s": 1.0}
    return Report("i-1", **{**usual, **said})


def seen(at: float = NOW, now: float = NOW, member: Any = None, **said: Any) -> TargetSight:
    wanted = member or {}
    one = instance("i-1", **{"since": NOW - 100, **wanted}).member
    return polled(one, (report(**said), at), now)


def test_a_daemon_that_may_poll_is_in_service() -> None:
    assert seen(in_flight=3) == TargetSight(Service.IN, healthy=True, requests=3)


@pytest.mark.parametrize(
    ("said", "service", "requests"),
    [
        ({"in_flight": 2}, Service.DRAINING, 2),
        ({"in_flight": 0}, Service.DRAINING, 1),  # it may have one that it has not told of
        ({"in_flight": None, "drained": True}, Service.OUT, 0),
        ({"in_flight": None}, Service.OUT, 0),  # no daemon was ever started
        ({"in_flight": 0, "drained": True}, Service.OUT, 0),
    ],
)
def test_a_daemon_that_was_told_to_stop_is_waited_for_until_it_has(
    said: dict[str, Any], service: Service, requests: int
) -> None:
    sight = seen(polling=False, **said)
    assert (sight.service, sight.requests) == (service, requests)


@pytest.mark.parametrize(
    "said",
    [
        {"application": "down"},
        {"application": ""},
        {"polled_s": None},
        {"polled_s": UNPOLLED_S + 1},
        {"in_flight": None, "polled_s": None},
    ],
)
def test_one_that_would_process_no_message_is_not_well(said: dict[str, Any]) -> None:
    assert not seen(**said).healthy


def test_a_daemon_with_all_hands_full_need_not_ask_for_more() -> None:
    assert seen(in_flight=50, polled_s=500.0).healthy


def test_a_report_grows_old() -> None:
    assert seen(now=NOW + SILENT_S).healthy
    assert not seen(now=NOW + SILENT_S + 1, in_flight=1).healthy
    assert not seen(now=NOW + SILENT_S, polled_s=UNPOLLED_S - SILENT_S + 1).healthy


def test_one_that_has_not_been_heard_may_still_take_messages() -> None:
    one = instance("i-1").member
    assert polled(one, None, NOW) == UNHEARD
    assert UNHEARD.service is Service.IN
    assert not UNHEARD.healthy


def test_what_was_said_before_it_was_to_stop_proves_nothing() -> None:
    """It may have been told to begin meanwhile, and have begun."""
    draining = {"service": Service.DRAINING, "since": NOW}
    stopped = {"polling": False, "drained": True, "in_flight": None}
    assert seen(member=draining, **stopped) == UNHEARD
    later = seen(at=NOW + 0.1, now=NOW + 0.1, member=draining, **stopped)
    assert later.service is Service.OUT


@pytest.mark.parametrize("service", list(Service))
def test_only_members_in_service_take_messages(service: Service) -> None:
    assert polls(instance("i-1", service=service).member) is (service is Service.IN)


class World:
    """A router and reports that say who was asked."""

    async def observe(self, environment_id: str) -> Mapping[str, TargetSight]:
        return {"i-1": TargetSight(Service.IN, healthy=True, requests=7)}

    def latest(self, name: str) -> tuple[Report, float] | None:
        return (report(in_flight=4), NOW) if name == "i-1" else None


@pytest.mark.parametrize(("tier", "requests"), [(Tier(), 7), (WORKER, 4)])
def test_each_tier_asks_its_own(tier: Tier, requests: int) -> None:
    world: Any = World()
    record = environment(fleet(instance("i-1")), tier=tier)
    targets = asyncio.run(Intake(world, world).observe(record, NOW))
    assert targets["i-1"].requests == requests


def test_every_member_of_a_worker_is_told_of() -> None:
    world: Any = World()
    record = environment(fleet(instance("i-1"), instance("i-2")), tier=WORKER)
    targets = asyncio.run(Intake(world, world).observe(record, NOW))
    assert targets["i-2"] == UNHEARD
