"""What an execution may look like, given a rehearsal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.control.rehearsal.made import case

from jackbean.control.rehearsal.doubles import Kind
from jackbean.control.rehearsal.endings import left
from jackbean.control.rehearsal.moments import Moment, changes, measure
from jackbean.control.rehearsal.rehearse import rehearse

ROLLING = rehearse(case(3, "Rolling", 2), (Kind.PREPARING,))
PLAN = ROLLING.moments
DONE = (True, "new")


def with_(moment: int, **facts: int | str) -> tuple[Moment, ...]:
    return tuple(replace(m, **facts) if n == moment else m for n, m in enumerate(PLAN))


def test_the_plan_and_its_failures_are_within() -> None:
    envelope = ROLLING.envelope
    assert envelope.objections(PLAN, DONE) == ()
    for failure in ROLLING.failures:
        end = (False, left(failure.ending.old, failure.ending.new))
        assert envelope.objections(failure.moments, end) == ()
    assert (envelope.lowest, envelope.most, envelope.batch, envelope.batches) == (1, 3, 2, 2)


def test_a_batch_may_change_one_by_one() -> None:
    """Between three old, and one old with two away, there are two old."""
    out = next(n for n, m in enumerate(PLAN) if m.serving == 1)
    slower = (*PLAN[:out], replace(PLAN[out], old=2), *PLAN[out:])
    assert ROLLING.envelope.objections(slower, DONE) == ()


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        ({"old": 0}, "were to stay"),
        ({"old": 0}, "lie on no way"),
        ({"new": 3}, "lie on no way"),
        ({"kept": 4}, "lie on no way"),
        ({"total": 4}, "to be the most"),
        ({"batch_size": 3}, "a batch of 3"),
        ({"batch": 5}, "more than 2 batches"),
        ({"exposed": 1}, "change in service"),
        ({"split": 10}, "a share of 10 percent"),
        ({"stage": "reverting"}, "in this order"),
    ],
)
def test_what_is_outside(facts: dict[str, int | str], complaint: str) -> None:
    objections = ROLLING.envelope.objections(with_(3, **facts), DONE)
    assert any(complaint in text for text in objections), objections


def test_an_end_that_was_not_rehearsed() -> None:
    assert ROLLING.envelope.objections(PLAN, (True, "mixed")) != ()
    assert ROLLING.envelope.objections(PLAN, (False, "new")) != ()


def test_who_dies_is_one_less() -> None:
    out = next(n for n, m in enumerate(PLAN) if m.serving == 1)
    poorer = with_(out, old=0)
    assert ROLLING.envelope.objections(poorer, DONE) != ()
    assert ROLLING.envelope.objections(poorer, DONE, deaths=1) == ()


def test_a_test_that_was_cut_short() -> None:
    made = rehearse(case(1, "TrafficSplitting"), ())
    short = [m for m in made.moments if m.stage != "evaluating"]
    assert any("test of 0" in o for o in made.envelope.objections(short, DONE))


def test_moments_are_what_changes() -> None:
    one = Moment(0.0, 2, 0, 2, 2)
    seen = changes([one, replace(one, at_s=1.0), replace(one, at_s=2.0, old=1)])
    assert [m.at_s for m in seen] == [0.0, 2.0]
    assert seen[1].told == ("1 instance out of service.",)


def test_what_moments_come_to() -> None:
    moments = [Moment(0.0, 2, 0, 2, 2), Moment(10.0, 0, 0, 4, 4), Moment(20.0, 1, 2, 3, 2)]
    measures = measure(moments, 50.0, 2)
    assert (measures.lowest, measures.most) == (0, 4)
    assert (measures.none_s, measures.mixed_s) == (10.0, 30.0)
    assert measures.extra_minutes == pytest.approx((2 * 10 + 1 * 30) / 60)
