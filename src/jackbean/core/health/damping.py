"""Which change of an environment's status is worth telling.

Bad news waits, good news does not. A worse status is told once three looks within a minute, each
two seconds or more after the one before, were at least that bad: what is told is the mildest of the
worst three, with its causes. A blip, such as an instance that died and was replaced at once, is
never told. A better status is told at once and wipes the slate: falling again takes three looks
anew, so an environment that flaps is told of twice per three failing looks, not at every look.

What an operation does to an environment (Info, Pending) is no failure and is told at once, both
ways. The look after an operation's end is told whatever it shows: it is the operation's result.
"""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.core.health.census import EnvironmentHealth
from jackbean.core.health.statuses import HealthStatus
from jackbean.core.health.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Check:
    """A look that was worse than what was told, at an instant in seconds."""

    at: float
    health: EnvironmentHealth


Checks = tuple[Check, ...]


def damped(
    told: HealthStatus,
    seen: EnvironmentHealth,
    checks: Checks,
    now: float,
    thresholds: Thresholds,
) -> tuple[Checks, EnvironmentHealth | None]:
    """Return the checks to remember, and what to tell; None while it is not yet worth it."""
    recent = tuple(c for c in checks if 0 <= now - c.at <= thresholds.checks_s)
    if seen.status is told:
        return recent, seen
    expected = seen.operating and seen.status.rank <= HealthStatus.PENDING.rank
    if seen.status.rank < told.rank or expected:
        return (), seen
    recent = _noted(recent, Check(now, seen), thresholds.check_s)
    worse = [c for c in recent if c.health.status.rank > told.rank]
    if len(worse) < thresholds.checks:
        return recent, None
    worse.sort(key=lambda c: (-c.health.status.rank, -c.at))
    return recent, worse[int(thresholds.checks) - 1].health


def _noted(checks: Checks, check: Check, apart_s: float) -> Checks:
    """Return `checks` with `check`; two that are too near count as one, the worse."""
    if not checks or check.at - checks[-1].at >= apart_s:
        return (*checks, check)
    last = checks[-1]
    if check.health.status.rank <= last.health.status.rank:
        return checks
    return (*checks[:-1], Check(last.at, check.health))
