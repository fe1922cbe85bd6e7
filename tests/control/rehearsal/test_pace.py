"""How long things take: assumed, told by instances, certified."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.core.fleets import many

from jackbean.control.rehearsal.pace import ASSUMED, measured
from jackbean.core.certificates import Certificate, End
from jackbean.core.fleet import Member
from jackbean.core.tallies import Moment, Passage, Tally


def members(*serials: int) -> list[Member]:
    made = []
    for serial, instance in zip(serials, many(len(serials)), strict=True):
        assert instance.member.assignment is not None
        assignment = replace(instance.member.assignment, serial=serial)
        made.append(replace(instance.member, assignment=assignment, launched_at=100.0))
    return made


def said(seconds: float, at: float = 110.0, status: str = "Deployed") -> dict[str, Any]:
    return {"status": status, "at": at, "seconds": seconds}


def certificate(end: End = End.SUCCEEDED, **passages: float) -> Certificate:
    noted = tuple(Passage(Moment(name, 1), 0.0, s) for name, s in passages.items())
    return Certificate(
        environment_id="e-1",
        environment="web1",
        application="app",
        number=2,
        kind="update",
        request_id="r",
        policy="Rolling",
        release=2,
        began=0.0,
        ended=9.0,
        end=end,
        size=2,
        tally=Tally(passages=noted),
        previous=1,
    )


def test_nothing_is_known_of_a_fleet_that_says_nothing() -> None:
    assert measured(members(1, 1), {}) == (ASSUMED, frozenset())


def test_the_first_work_of_an_instance_is_all_of_a_deployment() -> None:
    pace, known = measured(members(1, 1, 1), {"i-1": said(4.0), "i-2": said(5.0), "i-3": said(9.0)})
    assert pace.launch_s == 5.0  # they began after 6, 5 and 1 seconds
    assert pace.stage_s + pace.activate_s == 5.0
    assert known == {"launch_s", "stage_s", "activate_s"}


def test_later_work_is_the_change_alone() -> None:
    pace, known = measured(members(3, 1), {"i-1": said(0.5), "i-2": said(4.0)})
    assert (pace.activate_s, pace.stage_s) == (0.5, 3.5)
    pace, known = measured(members(3), {"i-1": said(0.5)})
    assert (pace.activate_s, pace.stage_s) == (0.5, ASSUMED.stage_s)
    assert known == {"activate_s"}


@pytest.mark.parametrize(
    "told",
    [
        said(4.0, status="Failed"),
        said(-1.0),
        said(1e9),
        {"status": "Deployed", "at": "soon", "seconds": [1]},
        {"status": "Deployed"},
        said(float("nan")),
    ],
)
def test_what_cannot_be_is_passed_over(told: dict[str, Any]) -> None:
    assert measured(members(1), {"i-1": told}) == (ASSUMED, frozenset())


def test_certified_durations_count_for_more() -> None:
    told = [
        certificate(staging=3.0, activating=1.0, draining=0.6, launching=1.5, gate=0.5),
        certificate(staging=5.0),
        certificate(End.FAILED, staging=60.0),
    ]
    pace, known = measured(members(1), {"i-1": said(40.0)}, told)
    assert (pace.stage_s, pace.activate_s, pace.launch_s) == (4.0, 1.0, 1.5)
    assert pace.request_s == pytest.approx(0.5)
    assert known == {"stage_s", "activate_s", "launch_s", "request_s"}
