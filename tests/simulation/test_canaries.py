"""Canaries by their errors: good ones stay, bad ones harm few, and certificates tell the truth."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterator
from dataclasses import replace
from statistics import median

import pytest
from bench.canary import Traffic
from tests.core.fleets import NEW, OLD, fleet, many, updated

from jackbean.core.certificates import End
from jackbean.core.fleet import TEMPORARY
from jackbean.core.options.settings import Setting
from jackbean.core.rollouts import Rollout, Stage
from jackbean.core.tallies import SAVE_S
from jackbean.core.traffic import Count
from jackbean.core.trials import Trial
from jackbean.rollouts.policies import next_step
from jackbean.simulator.canaries import Canary, Verdict, judged
from jackbean.simulator.faults import Faults

RUNS, FEW = 2000, 250
LEVEL = 0.05
EVALUATE_S = 180
OURS = "jackbean:deployment"
EVALUATED = Rollout(
    policy="TrafficSplitting",
    goal=NEW,
    previous=OLD,
    size=2,
    template="t-old",
    previous_template="t-old",
    reverts=True,
    percent=10,
    evaluate_s=EVALUATE_S,
    evaluating=True,
    trial=Trial(level=LEVEL),
)
SERVING = fleet(*many(2), updated("i-8", group=TEMPORARY), updated("i-9", group=TEMPORARY))

# The policy alone, looked at once a second --------------------------------------------------------


def looks(traffic: Traffic, seed: int) -> Iterator[tuple[int, tuple[Count, ...]]]:
    """Yield how many requests came until each second, and the counters then."""
    sums = {OLD: [0, 0], NEW: [0, 0]}
    for old, new in traffic.looks(random.Random(seed)):
        for release, more in ((OLD, old), (NEW, new)):
            sums[release][0] += more.requests
            sums[release][1] += more.errors
        counts = tuple(Count(release, "e", *two) for release, two in sums.items())
        yield sums[OLD][0] + sums[NEW][0], counts


def promised(runs: int) -> float:
    """Return the share of good releases that may be taken back, and three standard errors."""
    return LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / runs)


def judge(traffic: Traffic, seed: int, step_s: float = 1.0) -> tuple[Stage, int]:
    """Return how the policy ends the evaluation, and after how many requests."""
    nothing, rollout = (Count(OLD, "e"), Count(NEW, "e")), EVALUATED
    rollout = next_step(rollout, replace(SERVING, counts=nothing), 0.0).rollout
    came = 0
    for number, (total, counts) in enumerate(looks(traffic, seed), 1):
        rollout = next_step(rollout, replace(SERVING, counts=counts), step_s * number).rollout
        came = total
        if rollout.stage is not Stage.ADVANCING:
            break
    return rollout.stage, came


@pytest.mark.parametrize(
    ("look", "runs"), [(150, FEW), pytest.param(50, RUNS, marks=pytest.mark.slow)]
)
def test_good_releases_stay(look: int, runs: int) -> None:
    """9,000 requests each; `tests/core/evidence` has thousands of the evidence alone."""
    traffic = Traffic(0.01, 0.01, look=look, horizon=EVALUATE_S * 50)
    ends = [judge(traffic, seed, look / 50)[0] for seed in range(runs)]
    assert set(ends) <= {Stage.COMMITTED, Stage.REVERTING}
    assert ends.count(Stage.REVERTING) / runs <= promised(runs)


def test_bad_releases_are_found_soon() -> None:
    traffic = Traffic(0.01, 0.05, look=50, horizon=EVALUATE_S * 50)
    ends = [judge(traffic, seed) for seed in range(100)]
    found = [total for stage, total in ends if stage is Stage.REVERTING]
    assert len(found) > 0.99 * len(ends)
    assert median(found) <= 1500


def test_looks_that_were_lost_are_made_up_for() -> None:
    """Whoever looks again after a while goes on from what was saved."""
    traffic = Traffic(0.01, 0.05, look=50, horizon=EVALUATE_S * 50)
    rollout, at = EVALUATED, 0
    for second, (total, counts) in enumerate(looks(traffic, 1), 1):
        if second % 7 == 0:
            rollout = next_step(rollout, replace(SERVING, counts=counts), float(second)).rollout
            at = total
        if rollout.stage is not Stage.ADVANCING:
            break
    assert rollout.stage is Stage.REVERTING
    assert rollout.trial is not None
    evidence = rollout.trial.evidence
    assert evidence.old.requests + evidence.new.requests == at - 350  # all but before the first


# The whole control plane --------------------------------------------------------------------------


REFUSED_S = 8.0  # until the next look, where one was refused


def lived(plan: Canary, faults: Faults | None = None) -> Verdict:
    verdict = asyncio.run(judged(plan, faults))
    tell_the_truth(plan, verdict, unseen_s=REFUSED_S if faults and faults.refuse_share else 2.0)
    return verdict


def tell_the_truth(plan: Canary, verdict: Verdict, unseen_s: float) -> None:
    """Hold a certificate against what the load balancer really did.

    `unseen_s` is how long it may be to the first look and from the last one.
    """
    certificate = verdict.certificate
    slack = math.ceil(unseen_s * plan.per_s)
    told = {one.release: one for one in certificate.tally.served}
    for release in (OLD, NEW):
        requests = told[release].requests if release in told else 0
        harmed = told[release].harmed if release in told else 0
        assert requests <= verdict.requests[release]
        assert harmed <= verdict.errors[release]
        lost = (SAVE_S + 2) * plan.per_s * len(plan.reboots)
        assert requests >= verdict.requests[release] - slack - lost
        assert certificate.tally.partial or not plan.reboots
    assert sum(m.startswith("Deployment 2: ") for m in verdict.story) == 1
    assert verdict.story[-1 if certificate.end is not End.SUCCEEDED else -2].startswith(
        ("Failed to deploy", "New application version was deployed")
    )


@pytest.mark.parametrize("bad", [0.05, 0.2, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_bad_release_is_taken_back_and_harms_few(bad: float, seed: int) -> None:
    verdict = lived(Canary(old=0.005, new=bad, per_s=100.0, seed=seed))
    certificate = verdict.certificate
    assert certificate.end is End.REVERTED
    assert verdict.environment.deployment == OLD
    assert certificate.seconds < 120
    assert "fails more often" in certificate.reasons[0]
    evaluated = next(p for p in certificate.tally.passages if p.moment.name == "evaluation")
    share = verdict.requests[NEW] / (100.0 * (evaluated.seconds + 2))
    assert share <= 2 * 0.10
    assert certificate.tally.lowest == 2


def test_good_releases_are_let_through() -> None:
    verdicts = [lived(Canary(per_s=100.0, seed=seed)) for seed in range(8)]
    back = [v for v in verdicts if v.certificate.end is not End.SUCCEEDED]
    assert len(back) <= 3  # of eight, with a share of 5 %: more comes in four of ten thousand
    assert any("can be seen in 3 minutes" in m for m in verdicts[0].story)
    assert any("is not shown to fail more often" in m for m in verdicts[0].story)


@pytest.mark.parametrize("crash_at", range(60, 200, 20))
def test_a_crash_loses_no_request_and_counts_none_twice(crash_at: int) -> None:
    verdict = lived(Canary(new=0.05, per_s=50.0, seed=3), Faults(crash_at=crash_at))
    assert verdict.crashes == 1
    assert not verdict.certificate.tally.partial
    assert verdict.certificate.tally.away_s > 0
    assert verdict.certificate.end is End.REVERTED


@pytest.mark.parametrize("seed", range(4))
def test_a_balancer_that_starts_anew_is_told_of(seed: int) -> None:
    verdict = lived(Canary(new=0.1, per_s=20.0, reboots=(12.0, 20.0), seed=seed))
    assert verdict.certificate.tally.partial
    assert ": at least " in next(m for m in verdict.story if m.startswith("Deployment 2"))
    assert verdict.certificate.end is End.REVERTED


def test_refusals_are_made_up_for() -> None:
    faults = Faults(refuse_share=0.2, random=random.Random(1))
    verdict = lived(Canary(new=0.1, per_s=50.0, seed=5), faults)
    assert verdict.certificate.end is End.REVERTED


@pytest.mark.parametrize("policy", ["AllAtOnce", "Rolling", "Immutable"])
def test_every_policy_is_certified(policy: str) -> None:
    verdict = lived(Canary(policy=policy, size=3))
    certificate = verdict.certificate
    assert (certificate.policy, certificate.end) == (policy, End.SUCCEEDED)
    assert [(label.release, label.version) for label in certificate.labels] == [
        (OLD, "Sample Application"),
        (NEW, "v2"),
    ]
    assert certificate.tally.lowest == (3 if policy == "Immutable" else 0)  # one batch of all
    assert abs(sum(p.seconds for p in certificate.tally.passages) - certificate.seconds) < 2


# For want of evidence -----------------------------------------------------------------------------

HOLD = (Setting(OURS, "Inconclusive", "hold"),)


def test_without_requests_health_decides() -> None:
    verdict = lived(Canary(new=1.0, per_s=0.0))
    assert verdict.certificate.end is End.SUCCEEDED
    assert any("none came yet" in m for m in verdict.story)


def test_who_holds_waits_for_evidence_and_not_for_ever() -> None:
    verdict = lived(Canary(per_s=0.0, settings=HOLD))
    assert verdict.certificate.end is End.REVERTED
    assert 3 * EVALUATE_S <= verdict.certificate.seconds <= 3 * EVALUATE_S + 60
    assert any("Holding until more is known" in m for m in verdict.story)
    assert "waited for long enough" in verdict.certificate.reasons[0]


def test_who_holds_goes_on_when_enough_is_known() -> None:
    verdict = lived(Canary(per_s=3.0, settings=HOLD))
    assert verdict.certificate.end is End.SUCCEEDED
    assert EVALUATE_S + 20 < verdict.certificate.seconds < 3 * EVALUATE_S


def test_where_visitors_stick_errors_are_not_compared() -> None:
    process = "aws:elasticbeanstalk:environment:process:default"
    verdict = lived(Canary(new=1.0, settings=(Setting(process, "StickinessEnabled", "true"),)))
    assert verdict.certificate.end is End.SUCCEEDED
    assert any(m.startswith("Visitors stick to their instances") for m in verdict.story)


def test_who_wants_no_comparison_has_none() -> None:
    verdict = lived(Canary(new=1.0, settings=(Setting(OURS, "Evidence", "false"),)))
    assert verdict.certificate.end is End.SUCCEEDED
    assert verdict.certificate.tally.harmed > 500
