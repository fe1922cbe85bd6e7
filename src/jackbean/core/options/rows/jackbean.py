"""Options of our own: how deployments are paced on machines that start in a second."""

from __future__ import annotations

from functools import partial

from jackbean.core.options.domains import Boolean, Choice, Decimal, Whole
from jackbean.core.options.option import WORKER, Apply, Option

_deployment = partial(Option, "jackbean:deployment", apply=Apply.CONTROL_PLANE, checked=True)
_scaling = partial(
    Option, "jackbean:scaling", apply=Apply.CONTROL_PLANE, checked=True, where=(WORKER,)
)

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
    _deployment(
        "Evidence",
        "Compare the errors of new and old instances while traffic is split, and roll back where "
        "the new fail more often",
        Boolean(),
        "true",
    ),
    _deployment(
        "EvidenceLevel",
        "Share of good releases that may be rolled back by mistake",
        Decimal(0.1, 50),
        "5",
        unit="%",
    ),
    _deployment(
        "EvidenceEffect",
        "Rise of the share of errors, in percentage points, that must have been visible for the "
        "comparison to be conclusive",
        Decimal(0.01, 100),
        "5",
        unit="%",
    ),
    _deployment(
        "Inconclusive",
        "What to do with healthy instances at the end of EvaluationTime when too few requests came "
        "to compare: proceed, or hold for up to three times as long and then roll back",
        Choice(("proceed", "hold")),
        "proceed",
    ),
    _deployment(
        "ParkingTime",
        "Minutes for which Immutable and TrafficSplitting keep the instances of the release before "
        "at hand, so that a rollback takes no time; 0: not at all",
        Whole(0, 1440),
        "0",
        unit="min",
    ),
    _scaling(
        "BacklogPerInstance",
        "Messages, waiting or worked on, that are aimed at for each instance: MinSize to MaxSize "
        "instances run as the queue fills and empties. Not set: as many as there are",
        Whole(1, 1_000_000),
    ),
    _scaling(
        "ScaleOutCooldown",
        "Seconds after a change of the capacity before instances are added",
        Whole(0, 3600),
        "15",
        unit="s",
    ),
    _scaling(
        "ScaleInCooldown",
        "Seconds for which fewer instances must have been enough before one goes",
        Whole(10, 3600),
        "60",
        unit="s",
    ),
)
