"""Leaving service: draining until the last request ends, then out, then gone."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.fleets import fleet, instance

from jackbean.core.fleet import Machine, Service
from jackbean.rollouts.service import endable, progress

NOW = 1000.0
DRAIN_S = 20.0
DRAINING: dict[str, Any] = {"service": Service.DRAINING, "since": NOW - 5}

CASES: dict[str, tuple[dict[str, Any], Service]] = {
    "in service": ({"requests": 0}, Service.IN),
    "requests in flight": ({**DRAINING, "requests": 2}, Service.DRAINING),
    "the router has not confirmed": ({**DRAINING, "requests": None}, Service.DRAINING),
    "the last one ended": ({**DRAINING, "requests": 0}, Service.OUT),
    "time is up": ({**DRAINING, "since": NOW - 20.1}, Service.OUT),
    "time is not quite up": ({**DRAINING, "since": NOW - 20.0}, Service.DRAINING),
    "its machine died": ({**DRAINING, "machine": Machine.EXITED}, Service.OUT),
    "its machine is gone": ({**DRAINING, "machine": Machine.ABSENT}, Service.OUT),
    "out": ({"service": Service.OUT}, Service.OUT),
}


@pytest.mark.parametrize(("facts", "after"), CASES.values(), ids=CASES.keys())
def test_draining(facts: dict[str, Any], after: Service) -> None:
    one = instance(**facts)
    (member,) = progress(fleet(one), NOW, DRAIN_S)
    assert member.service is after
    assert member.since == (one.member.since if after is one.member.service else NOW)


@pytest.mark.parametrize("machine", Machine)
@pytest.mark.parametrize("leaving", [True, False])
@pytest.mark.parametrize("service", [Service.OUT, Service.IN])
def test_only_those_who_left_and_are_gone_are_forgotten(
    machine: Machine, leaving: bool, service: Service
) -> None:
    one = instance(machine=machine, leaving=leaving, service=service)
    forgotten = progress(fleet(one), NOW, DRAIN_S) == ()
    assert forgotten is (leaving and service is Service.OUT and machine is Machine.ABSENT)


def test_a_machine_may_end_when_it_is_leaving_and_out() -> None:
    assert endable(instance(leaving=True, service=Service.OUT).member)
    assert not endable(instance(leaving=True, service=Service.DRAINING).member)
    assert not endable(instance(service=Service.OUT).member)
