"""How long things take, as far as a rehearsal must know.

What decides about an update is not modelled, it is run. What instances and a load balancer do is
modelled, and all that matters of it is how long it takes: measured where this environment has done
it before, else assumed. The gate and the longest a drain may last are settings, not paces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from jackbean.core.fleet import Member

DONE = "Deployed"  # how an agent calls a deployment that went well
SECONDS_MAX = 86_400.0


@dataclass(frozen=True)
class Pace:
    """Durations in seconds; `measured` names those that were seen, the others are assumed.

    `request_s` is how long the last request of a draining instance takes, `look_s` what passes
    between two looks of the control plane, `away_s` how long one that died is away.
    """

    launch_s: float = 2.0  # from the decision until the agent of a new instance takes its orders
    stage_s: float = 1.0  # fetch, unpack, dependencies, hooks: while the old release serves
    activate_s: float = 0.75  # from the end of the old application until the new one listens
    route_s: float = 0.1  # until the load balancer has taken up what it is told
    check_s: float = 0.1  # until its first health check of a newcomer has passed
    request_s: float = 0.5
    look_s: float = 0.25
    away_s: float = 10.0
    measured: frozenset[str] = frozenset()


ASSUMED = Pace()


def measured(members: Iterable[Member], said: Mapping[str, Mapping[str, Any]]) -> Pace:
    """Return the pace of an environment, from what its instances say of their last deployment.

    `said` maps instances to {"status", "at", "seconds"}. The first work of an instance is all of a
    deployment; whatever came later was prepared while it served, and is the change alone.
    """
    launches, wholes, changes = [], [], []
    for member in members:
        told = said.get(member.id, {})
        at, seconds = _number(told.get("at")), _number(told.get("seconds"))
        if told.get("status") != DONE or member.assignment is None or seconds > SECONDS_MAX:
            continue
        if member.assignment.serial > 1:
            changes.append(seconds)
        else:
            wholes.append(seconds)
            launches.append(at - seconds - member.launched_at)
    return _paced(launches, wholes, changes)


def _paced(launches: list[float], wholes: list[float], changes: list[float]) -> Pace:
    pace = ASSUMED
    plausible = [s for s in launches if 0 <= s <= SECONDS_MAX]
    if plausible:
        pace = _known(pace, launch_s=median(plausible))
    if changes:
        pace = _known(pace, activate_s=median(changes))
    if wholes:
        whole = median(wholes)
        activate_s = min(pace.activate_s, whole)
        pace = _known(pace, stage_s=whole - activate_s)
        pace = replace(pace, activate_s=activate_s)
    return pace


def _known(pace: Pace, **durations: float) -> Pace:
    rounded = {name: round(seconds, 3) for name, seconds in durations.items()}
    return replace(pace, measured=pace.measured | rounded.keys(), **rounded)


def _number(value: object) -> float:
    """Return a number that an instance said; one that is none is beyond every bound."""
    return float(value) if isinstance(value, int | float) and value >= 0 else float("inf")
