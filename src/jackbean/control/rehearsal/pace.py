"""How long things take, as far as a rehearsal must know.

What decides about an update is not modelled, it is run. What instances and a load balancer do is
modelled, and all that matters of it is how long it takes: measured where this environment has done
it before, else assumed. The gate and the longest a drain may last are settings, not paces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from jackbean.core.certificates import Certificate, End
from jackbean.core.fleet import Member

DONE = "Deployed"  # how an agent calls a deployment that went well
SECONDS_MAX = 86_400.0


@dataclass(frozen=True)
class Pace:
    """Durations in seconds, as they are assumed where nobody has measured them.

    `request_s` is how long the last request of a draining instance takes, `look_s` what passes
    between two looks of the control plane, `away_s` how long one that died is away.
    """

    launch_s: float = 2.0  # from the decision until the agent of a new instance takes its orders
    stage_s: float = 1.0  # fetch, unpack, dependencies, hooks: while the old release serves
    activate_s: float = 0.75  # from the end of the old application until the new one listens
    route_s: float = 0.1  # until the load balancer has taken up what it is told
    check_s: float = 0.1  # until its first health check of a newcomer has passed
    request_s: float = 0.5
    look_s: float = 0.125
    away_s: float = 10.0


ASSUMED = Pace()
# What the passages of a certificate are called, and which duration each of them is.
PASSAGES: Mapping[str, str] = {
    "launching": "launch_s",
    "staging": "stage_s",
    "activating": "activate_s",
    "draining": "request_s",
}
CERTIFICATES = 10  # the last ones tell how long things take


def measured(
    members: Iterable[Member],
    said: Mapping[str, Mapping[str, Any]],
    certificates: Sequence[Certificate] = (),
) -> tuple[Pace, frozenset[str]]:
    """Return the pace of an environment, and the names of those durations that are measured.

    `said` maps instances to what they say of their last deployment: {"status", "at", "seconds"}.
    What earlier deployments were certified to have taken counts for more: `certificates`, newest
    first.
    """
    durations = _of_instances(members, said) | _of_certificates(certificates)
    return replace(ASSUMED, **durations), frozenset(durations)


def _of_instances(
    members: Iterable[Member], said: Mapping[str, Mapping[str, Any]]
) -> dict[str, float]:
    """Return durations as the instances tell them.

    The first work of an instance is all of a deployment; whatever came later was prepared while it
    served, and is the change alone.
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
    return _medians(launches, wholes, changes)


def _medians(launches: list[float], wholes: list[float], changes: list[float]) -> dict[str, float]:
    found = {}
    plausible = [s for s in launches if 0 <= s <= SECONDS_MAX]
    if plausible:
        found["launch_s"] = round(median(plausible), 3)
    if changes:
        found["activate_s"] = round(median(changes), 3)
    if wholes:
        whole = median(wholes)
        change = min(found.get("activate_s", ASSUMED.activate_s), whole)
        found |= {"activate_s": round(change, 3), "stage_s": round(whole - change, 3)}
    return found


def _of_certificates(certificates: Sequence[Certificate]) -> dict[str, float]:
    """Return durations as the last deployments that went well took them, batch by batch."""
    well = [c for c in certificates if c.end is End.SUCCEEDED and c.previous is not None]
    taken: dict[str, list[float]] = {}
    for certificate in well[:CERTIFICATES]:
        for passage in certificate.tally.passages:
            if passage.moment.name in PASSAGES and 0 < passage.seconds <= SECONDS_MAX:
                taken.setdefault(PASSAGES[passage.moment.name], []).append(passage.seconds)
    found = {name: round(median(seconds), 3) for name, seconds in taken.items()}
    if "request_s" in found:
        found["request_s"] = max(round(found["request_s"] - ASSUMED.route_s, 3), 0.0)
    return found


def _number(value: object) -> float:
    """Return a number that an instance said; one that is none is beyond every bound."""
    return float(value) if isinstance(value, int | float) and value >= 0 else float("inf")
