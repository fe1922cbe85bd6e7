"""The record of a rollout: where it may go, and what it counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.core.fleets import NEW, OLD, dead, fleet, many

from jackbean.core.rollouts import FOLLOWS, LOSSES_SPARE, OVER, Rollout, Stage

ROLLOUT = Rollout(
    policy="Rolling",
    goal=NEW,
    previous=OLD,
    size=3,
    template="t-new",
    previous_template="t-old",
    timeout_s=60,
)
TURNING = replace(ROLLOUT, reverts=True)


def test_the_table_of_stages_has_no_way_back() -> None:
    assert set(FOLLOWS) == set(Stage)
    assert {s for s in Stage if not FOLLOWS[s]} == OVER
    for stage in Stage:
        reachable, edge = set[Stage](), {stage}
        while edge:
            edge = {after for s in edge for after in FOLLOWS[s]} - reachable
            reachable |= edge
        assert stage not in reachable, f"{stage} can come again"
    assert Stage.REVERTING not in FOLLOWS[Stage.COMMITTED]


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("after", Stage)
def test_stages_move_along_the_table_only(stage: Stage, after: Stage) -> None:
    rollout = replace(ROLLOUT, stage=stage, batch=("i-1",), since=1.0)
    if after in FOLLOWS[stage]:
        entered = rollout.enter(after, 9.0)
        assert (entered.stage, entered.batch, entered.since) == (after, (), 9.0)
    else:
        with pytest.raises(AssertionError, match="cannot go from"):
            rollout.enter(after, 9.0)


@pytest.mark.parametrize(
    ("rollout", "end"),
    [
        (ROLLOUT, Stage.FAILED),
        (TURNING, Stage.REVERTING),
        (replace(TURNING, previous=None), Stage.FAILED),
        (replace(TURNING, stage=Stage.REVERTING), Stage.FAILED),
        (replace(TURNING, stage=Stage.COMMITTED), Stage.FAILED),
    ],
)
def test_giving_up_turns_back_where_that_is_possible(rollout: Rollout, end: Stage) -> None:
    assert rollout.give_up(5.0).stage is end


def test_the_way_back_begins_with_a_clean_slate() -> None:
    worn = replace(TURNING, losses=99, waived=("i-1",), batch=("i-2",), batches=4)
    back = worn.give_up(5.0)
    assert (back.losses, back.waived, back.batch, back.since) == (0, (), (), 5.0)
    assert back.batches == 4  # batches are numbered on
    assert not back.hopeless


def test_where_it_leads_depends_on_the_direction() -> None:
    assert (TURNING.target, TURNING.target_template) == (NEW, "t-new")
    back = TURNING.enter(Stage.REVERTING, 0.0)
    assert (back.target, back.target_template) == (OLD, "t-old")
    assert back.finish(1.0).stage is Stage.REVERTED
    assert TURNING.finish(1.0).stage is Stage.SUCCEEDED
    assert (TURNING.finish(1.0).over, back.over) == (True, False)


def test_it_is_hopeless_when_more_died_than_could_by_accident() -> None:
    most = ROLLOUT.size + LOSSES_SPARE
    assert not replace(ROLLOUT, losses=most).hopeless
    assert replace(ROLLOUT, losses=most + 1).hopeless
    assert ROLLOUT.mourn(fleet(dead("i-1"), dead("i-2"))).losses == 2
    assert ROLLOUT.mourn(fleet()) is ROLLOUT


def test_time_is_counted_from_the_batch_and_from_a_restart() -> None:
    begun = ROLLOUT.begin(many(2), 100.0)
    assert (begun.batch, begun.batches, begun.leader) == (("i-1", "i-2"), 1, "i-1")
    assert not begun.overdue(160.0)
    assert begun.overdue(160.1)
    assert not begun.resume(160.0).overdue(220.0)


def test_the_leader_is_chosen_once() -> None:
    begun = ROLLOUT.begin(many(1), 0.0)
    again = begun.begin(fleet(*many(3).instances[1:]), 1.0)
    assert (again.batch, again.batches, again.leader) == (("i-2", "i-3"), 2, "i-1")


def test_a_leader_that_died_before_it_led_has_a_successor() -> None:
    begun = ROLLOUT.begin(many(1), 0.0)
    assert begun.mourn(fleet(dead("i-2", staged=OLD))).leader == "i-1"
    assert begun.mourn(fleet(dead("i-1", staged=NEW))).leader == "i-1"  # it has led
    assert begun.mourn(fleet(dead("i-1", staged=OLD))).leader == ""


def test_waiving_adds_up() -> None:
    assert ROLLOUT.waive(many(1)).waive(fleet(dead("i-7"))).waived == ("i-1", "i-7")
