"""The story of new instances beside the old ones: immutable, canaries, additional batches."""

from __future__ import annotations

from collections.abc import Iterator

from jackbean.core.environments import Environment
from jackbean.core.fleet import PARKED, TEMPORARY, Member
from jackbean.core.rollouts import Rollout, Stage

LAUNCHING = {
    "RollingWithAdditionalBatch": "Launching an additional batch with the new version.",
    "Immutable": (
        "Immutable deployment policy enabled. Launching one instance with the new settings to "
        "verify health."
    ),
    "TrafficSplitting": "Launching new instances with the new version beside the old ones.",
}
ENDING = {
    "RollingWithAdditionalBatch": "All have the new version. Ending the additional batch.",
    "Immutable": (
        "Deployment succeeded. Terminating old instances and temporary Auto Scaling group."
    ),
    "TrafficSplitting": "The new version stood the test and gets all requests.",
}
PARKING = "The old instances are kept at hand for {}: until then a rollback takes no time."
WITHDRAWING = "Terminating the new instances. The old ones were not touched."


def beside(before: Environment, after: Environment, was: Rollout, now: Rollout) -> Iterator[str]:
    """Yield what is worth telling of a rollout's own instances."""
    if now.policy not in LAUNCHING:
        return
    had, have = _in(TEMPORARY, before), _in(TEMPORARY, after)
    if have and not had and now.stage is Stage.ADVANCING:
        yield LAUNCHING[now.policy]
    if now.proved and not was.proved and now.size > 1:
        yield "Test instance passed health checks. Launching the remaining new instances."
    if now.evaluating and not was.evaluating:
        yield (
            f"Sending {now.percent}% of requests to the new version and evaluating its health for "
            f"{_minutes(now.evaluate_s)}."
        )
    if now.stage is not was.stage:
        yield from _turned(now)
    if _in(PARKED, after) and not _in(PARKED, before):
        yield PARKING.format(_minutes(now.park_s))


def _turned(now: Rollout) -> Iterator[str]:
    if now.stage is Stage.COMMITTED:
        ending = ENDING[now.policy]
        yield f"{ending.partition('.')[0]}." if now.park_s else ending
    if now.stage is Stage.REVERTING and now.policy != "RollingWithAdditionalBatch":
        yield WITHDRAWING


def _in(group: str, environment: Environment) -> list[Member]:
    return [m for m in environment.members if m.group == group and not m.leaving]


def _minutes(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:g} minute{'' if minutes == 1 else 's'}"
