"""Basic health: a colour, no status, no causes.

Green while the last check passed, Yellow after two failed checks in a row, Red after three, or when
something that must be there is not; Grey while the environment is made or changed. A check passes
if the load balancer can send requests to at least one instance; an environment without one has only
its machines to look at. A worker whose queue nobody has asked for three minutes is Red.
"""

from __future__ import annotations

from jackbean.core.fleet import Instance, Machine
from jackbean.core.health.thresholds import Thresholds

GREY, GREEN, YELLOW, RED = "Grey", "Green", "Yellow", "Red"


def passes(instances: tuple[Instance, ...], *, balanced: bool) -> bool:
    """Whether one check of an environment passes."""
    if balanced:
        return any(i.serving for i in instances)
    return any(i.sight.machine is Machine.RUNNING for i in instances)


def basic_color(before: str, failures: int, thresholds: Thresholds) -> str:
    """Return the colour after so many failed checks in a row."""
    if failures >= thresholds.basic_red:
        return RED
    if failures >= thresholds.basic_yellow:
        return YELLOW
    if failures == 0:
        return GREEN
    return before  # a single failure says nothing yet
