"""Options of our own: how deployments are paced on machines that start in a second."""

from __future__ import annotations

from functools import partial

from jackbean.core.options.domains import Whole
from jackbean.core.options.option import Apply, Option

_deployment = partial(Option, "jackbean:deployment", apply=Apply.CONTROL_PLANE, checked=True)

JACKBEAN: tuple[Option, ...] = (
    _deployment(
        "HealthCheckCount",
        "Consecutive passing health observations an instance needs before it counts as settled",
        Whole(1, 100),
        "3",
    ),
    _deployment(
        "HealthCheckInterval",
        "Milliseconds between two health observations of a deployment",
        Whole(50, 60_000),
        "150",
        unit="ms",
    ),
    _deployment(
        "DrainTimeout",
        "Seconds to wait for requests in flight where no deregistration delay is set",
        Whole(0, 3600),
        "20",
        unit="s",
    ),
)
