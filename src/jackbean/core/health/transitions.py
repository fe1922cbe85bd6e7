"""A change of verdict as an event: what clients read when health gets better or worse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jackbean.core.environments import Verdict
from jackbean.core.events import Severity
from jackbean.core.health.basic import GREEN, GREY
from jackbean.core.health.statuses import HealthStatus, status_of

NEVER_TOLD = Verdict()
BAD = frozenset({"Warning", "Degraded", "Severe", "NoData"})


@dataclass(frozen=True)
class Transition:
    message: str
    severity: Severity


def transition(before: Verdict, after: Verdict) -> Transition | None:
    """Return what to tell of the change from one verdict to the next, None where it is nothing.

    Only a change of status is told (with basic health: of colour), never one of causes alone.
    Monitoring that stops because the environment ends is told by the end itself.
    """
    if not after.status:
        return _of_colors(before, after)
    now, was = status_of(after.status), status_of(before.status)
    if now is None or now is was or now is HealthStatus.SUSPENDED:
        return None
    first = was is None or was is HealthStatus.SUSPENDED or before == NEVER_TOLD
    origin = "" if first or was is None else f" from {was.words}"
    better = not first and was is not None and now.rank < was.rank
    bad = after.status in BAD and not better
    return Transition(
        f"Environment health has transitioned{origin} to {now.words}.{_told(after.causes)}",
        Severity.WARN if bad else Severity.INFO,
    )


def _told(causes: Iterable[str]) -> str:
    return "".join(f" {cause}" if cause.endswith(".") else f" {cause}." for cause in causes)


def _of_colors(before: Verdict, after: Verdict) -> Transition | None:
    """Word a change of basic health; Grey says that checks rest, which is no news."""
    if after.color in {before.color, GREY}:
        return None
    severity = Severity.INFO if after.color == GREEN else Severity.WARN
    color = after.color.upper()
    if before.color == GREY:
        return Transition(f"Environment health has been set to {color}", severity)
    change = f"from {before.color.upper()} to {color}"
    return Transition(f"Environment health has transitioned {change}", severity)
