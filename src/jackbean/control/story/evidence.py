"""The story of a canary's trial by its errors: what it can show, and what it has shown."""

from __future__ import annotations

from collections.abc import Iterator

from jackbean.control.scene import Scene
from jackbean.core.events import Severity
from jackbean.core.evidence import Counts, smallest_visible_effect
from jackbean.core.options.views import sticky_s
from jackbean.core.rollouts import Rollout, Stage
from jackbean.core.tallies import Tally
from jackbean.core.trials import Trial
from jackbean.rollouts.traffic_splitting import HOLD_TIMES

STICKY = (
    "Visitors stick to their instances here, so the errors of the two versions cannot be compared: "
    "the health of the new instances decides alone."
)
RATE_S_MIN = 1.0  # what is shorter says nothing of how many requests come

Line = tuple[str, Severity]


def trial_begins(was: Rollout, now: Rollout, scene: Scene) -> Iterator[Line]:
    """Yield what the comparison of old and new can show, as it begins."""
    if now.evaluating and not was.evaluating:
        yield _begin(now, scene), Severity.INFO


def evidence(was: Rollout, now: Rollout, scene: Scene) -> Iterator[Line]:
    """Yield what the comparison of old and new has shown."""
    trial = now.trial
    if trial is None or not was.evaluating or was.trial is None:
        return
    if trial.holding and not was.trial.holding:
        yield f"{trial.evidence.explain()} Holding until more is known.", Severity.WARN
    if was.stage is Stage.ADVANCING and now.stage is not was.stage:
        yield from _end(was, now, trial, scene)


def _begin(now: Rollout, scene: Scene) -> str:
    trial = now.trial
    if trial is None:
        sticks = sticky_s(scene.release.settings) is not None
        return STICKY if sticks else "The errors of the two versions are not compared."
    operation = scene.environment.operation
    tally = operation.tally if operation else Tally()
    watched_s = max(0.0, (tally.at or scene.now) - (operation.began if operation else scene.now))
    return (
        "The errors of the two versions are compared from now on: of new versions that are no "
        f"worse at most {100 * trial.level:g} % are taken back by mistake. "
        f"{_visible(now, trial, tally, watched_s)}"
    )


def _visible(now: Rollout, trial: Trial, tally: Tally, watched_s: float) -> str:
    """Say what could be seen if as many requests come as have come so far."""
    minutes = f"{now.evaluate_s / 60:g} minutes"
    if watched_s < RATE_S_MIN or not tally.requests:
        return f"How small a difference shows in {minutes} depends on the requests: none came yet."
    rate = tally.requests / watched_s
    new = round(rate * now.evaluate_s * now.percent / 100)
    old = round(rate * now.evaluate_s) - new
    errors = min(old, round(old * tally.harmed / tally.requests))
    effect = smallest_visible_effect(Counts(old, errors), new, trial.evidence.level)
    if effect is None:
        return f"At {rate:,.1f} requests a second no difference can show in {minutes}."
    points = f"{100 * effect:.2g}"
    return (
        f"At {rate:,.1f} requests a second, as now, a rise by {points} percentage points can be "
        f"seen in {minutes}."
    )


def _end(was: Rollout, now: Rollout, trial: Trial, scene: Scene) -> Iterator[Line]:
    told = trial.evidence.explain()
    if trial.worse:
        yield f"{told} Taking it back.", Severity.ERROR
    elif now.stage is Stage.COMMITTED:
        yield told, Severity.INFO
    elif scene.now - was.since >= HOLD_TIMES * was.evaluate_s:
        yield f"{told} It was waited for long enough: taking it back.", Severity.ERROR
