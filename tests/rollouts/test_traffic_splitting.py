"""A canary's trial: taken back by evidence, let through without, held where that is wanted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from tests.core.fleets import NEW, OLD, fleet, instance, many, updated

from jackbean.core.acts import Weigh
from jackbean.core.evidence import Counts, Evidence
from jackbean.core.fleet import TEMPORARY, Fleet
from jackbean.core.rollouts import Rollout, Stage
from jackbean.core.traffic import Count
from jackbean.core.trials import Trial
from jackbean.rollouts.policies import next_step
from jackbean.rollouts.traffic_splitting import HOLD_TIMES

NOW = 1000.0
EVALUATE_S = 180.0
COUNTS = (Count(OLD, "a", 500, 5), Count(NEW, "a"))
NEW_ONES = (updated("i-8", group=TEMPORARY), updated("i-9", group=TEMPORARY))
SERVING = fleet(*many(2), *NEW_ONES)


def rollout(trial: Trial | None, **facts: object) -> Rollout:
    base = Rollout(
        policy="TrafficSplitting",
        goal=NEW,
        previous=OLD,
        size=2,
        template="t-old",
        previous_template="t-old",
        reverts=True,
        percent=10,
        evaluate_s=EVALUATE_S,
        since=NOW,
    )
    return replace(base, trial=trial, **facts)  # type: ignore[arg-type]


def judged(old: Counts, new: Counts, **facts: object) -> Trial:
    """Return a trial that has seen so much."""
    evidence = Evidence()
    for _ in range(10):
        evidence = evidence.observe(old, new)
    saved = json.dumps(evidence.to_json())
    return replace(Trial(counts=COUNTS, saved=saved), **facts)  # type: ignore[arg-type]


WORSE = judged(Counts(90, 1), Counts(10, 5))
ALIKE = judged(Counts(9000, 90), Counts(1000, 10))
FEW = judged(Counts(9, 0), Counts(1, 0))


def test_a_trial_begins_with_the_share_and_the_counters_of_that_moment() -> None:
    step = next_step(rollout(Trial()), replace(SERVING, counts=COUNTS), NOW)
    assert step.acts == (Weigh(10),)
    assert step.rollout.evaluating
    assert step.rollout.trial == Trial(counts=COUNTS, looked=NOW)


def test_a_trial_without_counters_begins_when_there_are_some() -> None:
    begun = next_step(rollout(Trial()), SERVING, NOW).rollout
    assert begun.trial == Trial()
    step = next_step(begun, replace(SERVING, counts=COUNTS), NOW + 5)
    assert step.rollout.trial == Trial(counts=COUNTS, looked=NOW + 5)
    assert step.why == "evaluating the new instances"


@pytest.mark.parametrize(
    "whole", [SERVING, fleet(*many(2), replace(NEW_ONES[0]), instance("i-9", group=TEMPORARY))]
)
def test_what_is_worse_is_taken_back_at_once(whole: Fleet) -> None:
    step = next_step(rollout(WORSE, evaluating=True), whole, NOW + 1)
    assert (step.rollout.stage, step.acts[0]) == (Stage.REVERTING, Weigh(0))


CASES = {
    "alike, too early": (ALIKE, EVALUATE_S - 1, Stage.ADVANCING),
    "alike": (ALIKE, EVALUATE_S, Stage.COMMITTED),
    "few requests": (FEW, EVALUATE_S, Stage.COMMITTED),
    "none at all": (None, EVALUATE_S, Stage.COMMITTED),
    "who holds knows enough": (replace(ALIKE, hold=True), EVALUATE_S, Stage.COMMITTED),
    "who holds knows little": (replace(FEW, hold=True), EVALUATE_S, Stage.ADVANCING),
    "who holds knows nothing": (Trial(hold=True), EVALUATE_S, Stage.ADVANCING),
    "still little": (replace(FEW, hold=True), HOLD_TIMES * EVALUATE_S - 1, Stage.ADVANCING),
    "for too long": (replace(FEW, hold=True), HOLD_TIMES * EVALUATE_S, Stage.REVERTING),
    "at last enough": (replace(ALIKE, hold=True), HOLD_TIMES * EVALUATE_S - 1, Stage.COMMITTED),
}


@pytest.mark.parametrize(("trial", "after_s", "stage"), CASES.values(), ids=CASES.keys())
def test_how_an_evaluation_ends(trial: Trial | None, after_s: float, stage: Stage) -> None:
    step = next_step(rollout(trial, evaluating=True), SERVING, NOW + after_s)
    assert step.rollout.stage is stage
    held = trial is not None and trial.hold and stage is Stage.ADVANCING
    assert (step.rollout.trial is not None and step.rollout.trial.holding) is held


def test_a_restart_begins_the_time_anew_and_keeps_what_is_known() -> None:
    again = rollout(ALIKE, evaluating=True).resume(NOW + 170)
    step = next_step(again, SERVING, NOW + 190)
    assert (step.rollout.stage, step.rollout.trial) == (Stage.ADVANCING, ALIKE)


def test_a_bad_one_that_is_ill_meanwhile_is_taken_back_for_what_is_known() -> None:
    ill = fleet(*many(2), updated("i-8", group=TEMPORARY, passes=0), NEW_ONES[1])
    step = next_step(rollout(WORSE, evaluating=True), ill, NOW + 1)
    assert step.rollout.stage is Stage.REVERTING
