"""What is executed is what was rehearsed.

Without faults an update takes the very same moments as its rehearsal, to the step of the clock.
Whatever goes wrong, each moment of it lies within the envelope of the plan and of those failures
that were rehearsed. Two things are left out, for they are beyond what can be promised: a health
check that is wrong for a moment, and a control plane that becomes another program meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from tests.simulation.executions import ACTS, BADNESS, POLICIES, STEP_S, Trial, drawn, execute

from jackbean.core.acts import Launch, Step, Weigh
from jackbean.core.fleet import MAIN, Fleet
from jackbean.core.rollouts import Rollout, Stage
from jackbean.rollouts import batches, temporary, traffic_splitting
from jackbean.rollouts.policies import POLICIES as BY_NAME
from jackbean.rollouts.verbs import retire

BLOCK = 20
BLOCKS = int(os.environ.get("JACKBEAN_HISTORIES", "120")) // BLOCK


# Without faults


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("act", ACTS)
def test_the_very_same_moments(policy: str, act: str) -> None:
    for size, batch in ((1, 1), (3, 2)):
        done = execute(Trial(size, policy, batch, act))
        assert done.moments == done.rehearsal.moments
        assert done.held
        assert done.objections() == ()


HEALTH = (("RollingUpdateType", "Health"), ("RollingUpdateEnabled", "true"))
TIME = (("RollingUpdateType", "Time"), ("RollingUpdateEnabled", "true"))


@pytest.mark.parametrize(
    "updates",
    [
        (*HEALTH, ("MaxBatchSize", "2"), ("MinInstancesInService", "1")),
        (*HEALTH, ("MaxBatchSize", "2"), ("MinInstancesInService", "4")),
        (*TIME, ("MaxBatchSize", "1"), ("PauseTime", "PT7S")),
        (("RollingUpdateType", "Immutable"),),
        (("RollingUpdateEnabled", "false"),),
    ],
)
def test_the_very_same_moments_of_a_replacement(updates: tuple[tuple[str, str], ...]) -> None:
    done = execute(Trial(4, act="replace", updates=updates))
    assert done.moments == done.rehearsal.moments


def test_the_very_same_moments_up_to_the_end_of_parking() -> None:
    done = execute(Trial(2, "Immutable", parking=1))
    seen, planned = done.moments, done.rehearsal.moments
    assert seen == planned[: len(seen)]
    assert planned[-1].at_s >= 60.0
    assert (planned[-1].total, planned[-1].new) == (2, 2)


@pytest.mark.parametrize("bad", ["fails_staging", "fails_activating", "hangs", "sick"])
@pytest.mark.parametrize("policy", POLICIES)
def test_a_failure_ends_as_it_was_rehearsed(policy: str, bad: str) -> None:
    trial = Trial(2, policy, bad=bad)
    done = execute(trial)
    assert done.objections() == ()
    first = next(f for f in done.rehearsal.failures if f.point.number == 1)
    seen, last = done.moments[-1], first.moments[-1]
    assert (seen.old, seen.new, seen.total) == (last.old, last.new, last.total)
    assert not done.held


# With everything


@pytest.mark.parametrize("first", range(0, BLOCKS * BLOCK, BLOCK))
def test_seeds(first: int) -> None:
    for seed in range(first, first + BLOCK):
        trial = drawn(seed)
        objections = execute(trial).objections(len(trial.deaths))
        assert not objections, f"drawn({seed}): {objections[:3]}"


def test_the_seeds_have_everything_in_them() -> None:
    trials = [drawn(seed) for seed in range(120)]
    assert {(t.policy, t.act) for t in trials} >= {(p, a) for p in POLICIES for a in ACTS[:3]}
    assert {(t.policy, t.bad) for t in trials} >= {(p, b) for p in POLICIES for b in BADNESS}
    assert {dict(t.updates).get("RollingUpdateType") for t in trials if t.act == "replace"} == {
        None,
        "Time",
        "Health",
        "Immutable",
    }
    for trouble in ("deaths", "abort", "parking"):
        assert sum(bool(getattr(t, trouble)) for t in trials) > 12, trouble
    for fault in ("crash_share", "refuse_share", "half_share"):
        assert sum(getattr(t.faults, fault) > 0 for t in trials) > 24, fault


# Bugs planted between the rehearsal and the execution

Plant = Callable[[pytest.MonkeyPatch], None]


def changed(name: str, **facts: Any) -> Plant:
    """Return a bug that makes a policy take itself for another one."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        real = BY_NAME[name]
        patch.setitem(BY_NAME, name, lambda r, f, n: real(replace(r, **facts), f, n))

    return plant


def another_policy(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(BY_NAME, "Rolling", BY_NAME["AllAtOnce"])


def no_draining(patch: pytest.MonkeyPatch) -> None:
    def rolling(rollout: Rollout, fleet: Fleet, now: float) -> Step:
        return batches._in_batches(rollout, fleet, now, drain=False)

    patch.setitem(BY_NAME, "Rolling", rolling)


def success_on_half_a_fleet(patch: pytest.MonkeyPatch) -> None:
    real = BY_NAME["Rolling"]

    def rolling(rollout: Rollout, fleet: Fleet, now: float) -> Step:
        done = any(i.settled(rollout.target) for i in fleet)
        return Step(rollout.enter(Stage.SUCCEEDED, now)) if done else real(rollout, fleet, now)

    patch.setitem(BY_NAME, "Rolling", rolling)


def no_additional_batch(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(BY_NAME, "RollingWithAdditionalBatch", BY_NAME["Rolling"])


def one_too_many(patch: pytest.MonkeyPatch) -> None:
    def launch(count: int, *given: Any, **facts: Any) -> Launch:
        return Launch(count + 1, *given, **facts)

    patch.setattr(temporary, "Launch", launch)


def the_old_end_before_the_new_serve(patch: pytest.MonkeyPatch) -> None:
    real = BY_NAME["Immutable"]

    def early(rollout: Rollout, fleet: Fleet, now: float) -> Step:
        step = real(rollout, fleet, now)
        victims = fleet.of_group(MAIN).alive.first(rollout.stage is Stage.ADVANCING)
        return replace(step, acts=(*step.acts, *retire(victims)))

    patch.setitem(BY_NAME, "Immutable", early)


def an_even_share(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(traffic_splitting, "Weigh", lambda percent: Weigh(None))


def no_way_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Rollout, "give_up", lambda rollout, now: rollout.enter(Stage.FAILED, now))


BY_HEALTH = (*HEALTH, ("MaxBatchSize", "1"), ("MinInstancesInService", "3"))
PLANTED: dict[str, tuple[Plant, Trial]] = {
    "everybody at once": (changed("Rolling", batch_size=9), Trial(3)),
    "another policy": (another_policy, Trial(3)),
    "no draining": (no_draining, Trial(3)),
    "success on half a fleet": (success_on_half_a_fleet, Trial(3)),
    "no additional batch": (no_additional_batch, Trial(3, "RollingWithAdditionalBatch")),
    "no test instance": (changed("Immutable", proved=True), Trial(3, "Immutable")),
    "one too many": (one_too_many, Trial(2, "Immutable")),
    "the old end too early": (the_old_end_before_the_new_serve, Trial(3, "Immutable")),
    "no evaluation": (changed("TrafficSplitting", evaluate_s=0.0), Trial(2, "TrafficSplitting")),
    "an even share": (an_even_share, Trial(2, "TrafficSplitting")),
    "no way back, beside": (no_way_back, Trial(2, "Immutable", bad="sick")),
    "no way back, in place": (no_way_back, Trial(2, act="configure", bad="fails_activating")),
    "no surge": (changed("Replacement", surge=0), Trial(3, act="replace", updates=BY_HEALTH)),
    "no floor": (
        changed("Replacement", batch_size=9, floor=0),
        Trial(3, act="replace", updates=BY_HEALTH),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_outside(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, trial = PLANTED[name]
    assert execute(trial).objections() == ()
    assert execute(trial, lambda: plant(monkeypatch)).objections() != ()


HIDDEN = (
    "another policy",
    "no draining",
    "no test instance",
    "one too many",
    "no way back, beside",
)


@pytest.mark.parametrize("name", HIDDEN)
def test_a_planted_bug_is_outside_of_a_seed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What else goes wrong in the drawn trials hides no bug: the seeds prove something."""
    plant, _ = PLANTED[name]
    assert any(seen_in(drawn(seed), plant, monkeypatch) for seed in range(60))


def seen_in(trial: Trial, plant: Plant, monkeypatch: pytest.MonkeyPatch) -> bool:
    with monkeypatch.context() as patch:
        try:
            done = execute(trial, partial(plant, patch))
        except AssertionError:  # a rollout that is not possible
            return True
    return done.objections(len(trial.deaths)) != ()


def test_the_step_is_that_of_the_simulator() -> None:
    assert execute(Trial(1)).moments[1].at_s == STEP_S
