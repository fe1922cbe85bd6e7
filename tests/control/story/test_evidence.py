"""What is told of a canary's trial: what it can show, and what it has shown."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tests.control.scenes import NOW, environment, operation, release, rollout, scene
from tests.core.fleets import NEW, many

from jackbean.control.story.evidence import STICKY, evidence, trial_begins
from jackbean.core.events import Severity
from jackbean.core.evidence import Counts, Evidence
from jackbean.core.operations import Roll
from jackbean.core.options.settings import Setting
from jackbean.core.rollouts import Rollout, Stage
from jackbean.core.tallies import Served, Tally
from jackbean.core.trials import Trial

PROCESS = "aws:elasticbeanstalk:environment:process:default"
BEFORE = rollout(
    policy="TrafficSplitting", reverts=True, percent=10, evaluate_s=300.0, trial=Trial()
)
EVALUATED = replace(BEFORE, evaluating=True)


def begins(now: Rollout, tally: Tally | None = None, *settings: Setting) -> str:
    under_way = operation(Roll(BEFORE), **({"tally": tally} if tally else {}))
    record = environment(many(2), operation=under_way)
    told = list(trial_begins(BEFORE, now, scene(record, many(2), release(NEW, *settings))))
    assert [severity for _, severity in told] == [Severity.INFO]
    return told[0][0]


def test_the_level_and_what_can_be_seen_are_told() -> None:
    tally = Tally(at=NOW + 10, served=(Served(1, 1000, 10),))
    told = begins(EVALUATED, tally)
    assert "at most 5 % are taken back by mistake" in told
    assert "At 100.0 requests a second, as now, a rise by 0.64 percentage points" in told
    assert told.endswith("can be seen in 5 minutes.")


def test_without_requests_nothing_can_be_said() -> None:
    assert begins(EVALUATED).endswith("depends on the requests: none came yet.")
    some = Tally(at=NOW + 1000, served=(Served(1, 10),))
    assert begins(EVALUATED, some).endswith("no difference can show in 5 minutes.")


def test_another_level_is_told() -> None:
    chosen = replace(EVALUATED, trial=Trial(level=0.005))
    assert "at most 0.5 % are taken back" in begins(chosen)


def test_who_is_not_compared_is_told_why() -> None:
    blind = replace(EVALUATED, trial=None)
    sticky = (
        Setting("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
        Setting(PROCESS, "StickinessEnabled", "true"),
    )
    assert begins(blind, None, *sticky) == STICKY
    assert begins(blind) == "The errors of the two versions are not compared."


def shown(old: Counts, new: Counts, **facts: Any) -> Trial:
    known = Evidence()
    for _ in range(10):
        known = known.observe(old, new)
    return Trial(saved=json.dumps(known.to_json()), **facts)


def told_of(trial: Trial | None, stage: Stage, after_s: float = 10.0) -> list[tuple[str, Severity]]:
    """Return what is told as a trial's stage or record changes."""
    was = replace(EVALUATED, trial=trial and replace(trial, holding=False))
    now = replace(was, stage=stage, trial=trial)
    record = environment(many(2), operation=operation(Roll(was)))
    return list(evidence(was, now, scene(record, many(2), now=NOW + after_s)))


WORSE = shown(Counts(90, 1), Counts(10, 5))
ALIKE = shown(Counts(900, 9), Counts(100, 1))


def test_harm_is_told_with_its_counts_rates_and_level() -> None:
    ((text, severity),) = told_of(WORSE, Stage.REVERTING)
    assert severity is Severity.ERROR
    assert text.startswith(
        "The new version fails more often: 50 % of 100 requests to it failed, 1.1 % of 900 to the "
        "old one; evidence "
    )
    assert "20 to 1 decides (level 5 %). Taking it back." in text


def test_what_is_let_through_is_told_with_what_was_seen() -> None:
    ((text, severity),) = told_of(ALIKE, Stage.COMMITTED)
    assert severity is Severity.INFO
    assert "is not shown to fail more often" in text
    assert "percentage points cannot be told from chance" in text


def test_holding_is_told_once_and_its_end_too() -> None:
    held = replace(ALIKE, hold=True, holding=True)
    ((text, severity),) = told_of(held, Stage.ADVANCING)
    assert (severity, text.endswith("Holding until more is known.")) == (Severity.WARN, True)
    was = replace(EVALUATED, trial=held)
    later = scene(environment(many(2), operation=operation(Roll(was))), many(2), now=NOW + 900)
    assert list(evidence(was, was, later)) == []
    ((text, severity),) = evidence(was, replace(was, stage=Stage.REVERTING), later)
    assert severity is Severity.ERROR
    assert text.endswith("It was waited for long enough: taking it back.")


def test_what_is_given_up_for_another_reason_says_nothing_of_errors() -> None:
    assert told_of(ALIKE, Stage.REVERTING) == []
    assert told_of(None, Stage.REVERTING) == []
    before = replace(BEFORE, stage=Stage.REVERTING)
    record = environment(many(2), operation=operation(Roll(BEFORE)))
    assert list(evidence(BEFORE, before, scene(record, many(2)))) == []
