"""The timeline of every policy, worked out by hand.

A look every 0.25 s; an instance takes 2 s to come up, 1 s to prepare and 0.75 s to change; the
balancer 0.1 s to hear and 0.1 s to check; the last request 0.5 s. Three good looks are the gate.
So in place a batch takes, from the look that begins it: prepared after 1.0, drained at the look
after 1.25 (out of service from 1.35 on, quiet at 1.85, so seen out at 2.0), changed from 2.25 to
3.0, attached at the look after 3.25, in service from 3.45 on, and settled with the third look that
finds it so: 3.5, 3.75, 4.0. A new instance takes its orders after 2.0, is done at 3.75, attached
at 4.0, in service from 4.2 on, settled at 4.75. What is decided in one look is seen in the next.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.control.rehearsal.made import (
    ASG,
    BEGAN,
    COMMAND,
    DEPLOYMENT,
    LAUNCH,
    PROPERTIES,
    UPDATES,
    Row,
    case,
    rows,
)

from jackbean.control.rehearsal.cases import Case, Change
from jackbean.control.rehearsal.doubles import Kind
from jackbean.control.rehearsal.endings import Result
from jackbean.control.rehearsal.failures import Failure, Where
from jackbean.control.rehearsal.rehearse import Rehearsal, rehearse
from jackbean.core.options.settings import Setting

NO_FAILURES: tuple[Kind, ...] = ()


def planned(one: Case) -> Rehearsal:
    return rehearse(one, NO_FAILURES)


@pytest.mark.parametrize("size", range(1, 6))
def test_all_at_once(size: int) -> None:
    made = planned(case(size, "AllAtOnce"))
    assert rows(made) == [(0.0, size, 0, size), (1.25, 0, 0, size), (2.25, 0, size, size)]
    assert made.ending.after_s == 2.75
    assert (made.measures.lowest, made.measures.none_s) == (0, 1.0)
    assert (made.measures.mixed_s, made.measures.extra_minutes) == (0, 0)


@pytest.mark.parametrize(
    ("size", "batch"), [(1, 1), (2, 1), (3, 1), (3, 2), (4, 2), (5, 2), (5, 3)]
)
def test_rolling(size: int, batch: int) -> None:
    expected: list[Row] = [(0.0, size, 0, size)]
    new = 0
    for number in range(-(-size // batch)):
        at, count = 0.25 + 4.0 * number, min(batch, size - new)
        expected.append((at + 1.5, size - new - count, new, size))
        expected.append((at + 3.5, size - new - count, new + count, size))
        new += count
    made = planned(case(size, "Rolling", batch))
    assert rows(made) == expected
    assert made.ending.after_s == 0.25 + 4.0 * -(-size // batch)
    assert made.measures.lowest == size - batch
    assert made.waves == -(-size // batch)


@pytest.mark.parametrize(("size", "batch"), [(1, 1), (2, 1), (3, 2), (5, 2)])
def test_rolling_with_an_additional_batch(size: int, batch: int) -> None:
    most = size + batch
    expected: list[Row] = [(0.0, size, 0, size), (0.5, size, 0, most), (4.5, size, batch, most)]
    new = 0
    for number in range(-(-size // batch)):
        at, count = 5.0 + 4.0 * number, min(batch, size - new)
        expected.append((at + 1.5, size - new - count, batch + new, most))
        new += count
        expected.append((at + 3.5, size - new, batch + new, most))
    end = 5.0 + 4.0 * -(-size // batch)
    expected += [(end + 0.5, 0, size, most), (end + 1.25, 0, size, size)]
    made = planned(case(size, "RollingWithAdditionalBatch", batch))
    assert rows(made) == expected
    assert made.measures.lowest == size
    assert made.ending.after_s == end + 1.5


@pytest.mark.parametrize("size", range(1, 6))
def test_immutable(size: int) -> None:
    first: list[Row] = [(0.0, size, 0, size), (0.5, size, 0, size + 1), (4.5, size, 1, size + 1)]
    others: list[Row] = [(5.25, size, 1, 2 * size), (9.25, size, size, 2 * size)]
    end = 5.0 if size == 1 else 9.75
    last: list[Row] = [(end + 0.5, 0, size, 2 * size), (end + 1.25, 0, size, size)]
    made = planned(case(size, "Immutable"))
    assert rows(made) == [*first, *(others if size > 1 else ()), *last]
    assert (made.measures.lowest, made.measures.most) == (size, 2 * size)
    assert made.ending.after_s == end + 1.5


@pytest.mark.parametrize("size", range(1, 6))
def test_traffic_splitting(size: int) -> None:
    made = planned(case(size, "TrafficSplitting"))
    assert rows(made) == [
        (0.0, size, 0, size),
        (0.5, size, 0, 2 * size),
        (5.25, size, size, 2 * size),  # settled, and only now with a share
        (305.5, 0, size, 2 * size),
        (306.25, 0, size, size),
    ]
    assert [m.split for m in made.moments if m.stage == "evaluating"] == [10]
    assert made.measures.extra_minutes == pytest.approx(size * 305.75 / 60)


def test_a_replacement_by_health() -> None:
    """With room for one more the new one comes first; ending an old one takes a second."""
    settings = (
        Setting(UPDATES, "RollingUpdateEnabled", "true"),
        Setting(UPDATES, "RollingUpdateType", "Health"),
        Setting(UPDATES, "MaxBatchSize", "1"),
        Setting(UPDATES, "MinInstancesInService", "2"),
    )
    larger = Setting(LAUNCH, "InstanceType", "t3.large")
    made = planned(case(2, "Rolling", 1, *settings, changes=(larger,), configuration_only=True))
    assert made.change is Change.REPLACE
    assert [(old, new) for _, old, new, _ in rows(made)] == [
        (2, 0),
        (2, 0),
        (2, 1),
        (1, 1),
        (1, 1),
        (1, 1),
        (1, 2),
        (0, 2),
        (0, 2),
    ]
    assert made.measures.lowest == 2
    assert made.measures.most == 4, "one of the three is on its way out when the last comes"


def test_settings_of_instances_go_by_the_policy_of_deployments() -> None:
    red = Setting(PROPERTIES, "COLOUR", "red")
    made = planned(case(2, changes=(red,), configuration_only=True))
    assert made.change is Change.CONFIGURE
    assert rows(made) == rows(planned(case(2)))


def test_more_instances() -> None:
    more = Setting(ASG, "MinSize", "4")
    made = planned(case(3, changes=(more,), configuration_only=True))
    assert made.change is Change.SCALE
    assert made.size == 4
    assert rows(made) == [(0.0, 3, 0, 3), (0.5, 3, 0, 4), (4.5, 4, 0, 4)]
    assert [m.told for m in made.moments if m.told][-1] == ("1 instance in service.",)


def test_nothing_for_instances() -> None:
    longer = Setting(COMMAND, "Timeout", "700")
    made = planned(case(3, changes=(longer,), configuration_only=True))
    assert made.change is Change.NOTHING
    assert rows(made) == [(0.0, 3, 0, 3)]
    assert (made.waves, made.failures, made.rollout) == (0, (), None)


def test_parked_instances_cost_until_their_time_is_over() -> None:
    made = planned(case(2, "Immutable", 1, Setting(DEPLOYMENT, "ParkingTime", "1")))
    assert rows(made)[-2:] == [(10.25, 0, 2, 4), (rows(made)[-1][0], 0, 2, 2)]
    assert rows(made)[-1][0] > 60
    assert made.measures.extra_minutes > 2


def test_the_moments_say_what_happens() -> None:
    told = [(m.at_s, m.told) for m in planned(case(2)).moments if m.told]
    assert told[:3] == [
        (0.5, ("Batch 1 begins: 1 instance.",)),
        (1.75, ("1 instance out of service.",)),
        (3.75, ("1 instance in service with the new release.",)),
    ]


def test_what_instances_run_already_counts() -> None:
    """After a deployment that stopped half-way one of them is not touched again."""
    mixed = replace(case(2), running={"i-1": 1, "i-2": 7})
    assert rows(planned(mixed))[0] == (0.0, 2, 0, 2)


# Failures


def failing(one: Case, kind: Kind) -> list[Failure]:
    return list(rehearse(one, (kind,)).failures)


def left(failure: Failure) -> tuple[Result, int, int, int]:
    end = failure.ending
    return end.result, end.old, end.new, end.lame


def test_rolling_stops_where_it_is() -> None:
    first, second, third = failing(case(3), Kind.PREPARING)
    assert left(first) == (Result.FAILED, 3, 0, 0)
    assert left(second) == (Result.FAILED, 2, 1, 0)
    assert left(third) == (Result.FAILED, 1, 2, 0)
    assert [f.given_up_s for f in (first, second, third)] == [1.25, 1.25, 1.25]
    assert [left(f)[1:] for f in failing(case(3), Kind.STARTING)] == [
        (2, 0, 1),
        (1, 1, 1),
        (0, 2, 1),
    ]
    assert [left(f)[1:] for f in failing(case(3), Kind.FINISHING)] == [
        (2, 1, 0),
        (1, 2, 0),
        (0, 3, 0),
    ]


def test_a_hook_that_fails_before_the_change_harms_nobody() -> None:
    (failure,) = failing(case(3, "AllAtOnce"), Kind.SILENT)
    assert left(failure) == (Result.FAILED, 3, 0, 0)
    assert failure.measures.lowest == 3
    assert failure.given_up_s == pytest.approx(630.25, abs=0.3)


@pytest.mark.parametrize("kind", [Kind.PREPARING, Kind.STARTING, Kind.SICK, Kind.SILENT])
def test_immutable_goes_back_by_itself(kind: Kind) -> None:
    for failure in failing(case(3, "Immutable"), kind):
        assert left(failure) == (Result.REVERTED, 3, 0, 0)
        assert failure.measures.lowest == 3
        assert failure.back_s is not None
        assert failure.back_s <= 0.25


def test_a_canary_that_falls_ill_is_gone_when_it_could_have_passed_its_gate_anew() -> None:
    (_, tested) = failing(case(2, "TrafficSplitting"), Kind.SICK)
    assert tested.point.where is Where.TEST
    assert left(tested) == (Result.REVERTED, 2, 0, 0)
    assert tested.given_up_s == pytest.approx(10.75, abs=0.26)


def test_who_answers_with_errors_does_not_pass_the_gate() -> None:
    (first, _) = failing(case(2), Kind.ERRING)
    assert left(first) == (Result.FAILED, 1, 1, 0)
    wave, tested = failing(case(2, "TrafficSplitting"), Kind.ERRING)
    assert left(wave) == left(tested) == (Result.REVERTED, 2, 0, 0)
    assert tested.given_up_s == pytest.approx(10.75, abs=0.26)
    assert tested.back_s == 0.25


def test_a_dead_instance_is_replaced() -> None:
    for policy in ("Rolling", "Immutable"):
        for failure in failing(case(2, policy), Kind.DYING):
            assert left(failure) == (Result.SUCCEEDED, 0, 2, 0)


def test_a_control_plane_that_dies_delays_it() -> None:
    made = rehearse(case(2), (Kind.AWAY,))
    for failure in made.failures:
        assert left(failure) == (Result.SUCCEEDED, 0, 2, 0)
        assert failure.ending.after_s is not None
        assert made.ending.after_s is not None
        assert failure.ending.after_s > made.ending.after_s + 5


def test_an_abort_stops_in_place_and_goes_back_beside() -> None:
    aborts = failing(case(2), Kind.ABORT)
    assert {f.ending.result for f in aborts} == {Result.FAILED}
    assert [left(f)[1:3] for f in aborts][:1] == [(2, 0)]
    assert [left(f)[1:3] for f in aborts][-1:] == [(0, 2)]
    beside = failing(case(2, "Immutable"), Kind.ABORT)
    results = [f.ending.result for f in beside]
    turn = results.index(Result.SUCCEEDED)
    assert set(results[:turn]) == {Result.REVERTED}
    assert set(results[turn:]) == {Result.SUCCEEDED}, "past the point of no return"


def test_of_many_waves_only_some_fail() -> None:
    made = rehearse(case(12), (Kind.PREPARING,), waves=4)
    numbers = [f.point.number for f in made.failures]
    assert len(numbers) == 4
    assert (numbers[0], numbers[-1]) == (1, 12)


def test_a_rehearsal_is_a_pure_function() -> None:
    one = case(2, "TrafficSplitting")
    assert rehearse(one) == rehearse(one)
    later = replace(one, began=BEGAN + 50_000)
    assert rehearse(later).moments == rehearse(one).moments
