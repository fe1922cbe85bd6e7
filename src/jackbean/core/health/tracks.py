"""What is remembered of one instance between two looks. Losing it costs time, never truth.

Reports come from instances and may hold anything; what makes no sense is dropped here, and texts
are cut, so that what follows can take them as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.core.fleet import Instance, Machine, Service
from jackbean.core.health.metrics import Vitals, Weighted, Window
from jackbean.core.health.scene import NOTHING, NOTHING_DEPLOYED, Deployed, Facts, Said
from jackbean.core.health.thresholds import Thresholds
from jackbean.core.protocol import Report

TEXT_MAX = 200  # characters kept of a complaint or a label
COMPLAINTS_MAX = 3


class Track:
    """What is remembered of one instance. Instants in seconds; None: the thing is not so."""

    __slots__ = (
        "busy",
        "busy_since",
        "failing_since",
        "first",
        "heard",
        "instance",
        "polled",
        "proven",
        "said",
        "serial",
        "window",
    )

    def __init__(self, instance: Instance, now: float, window_s: float) -> None:
        self.instance = instance
        self.first = now
        self.busy = False
        self.busy_since = now
        self.serial = 0
        self.failing_since: float | None = None
        self.proven = False
        self.polled = now
        self.heard: tuple[Report, float] | None = None
        self.said = NOTHING
        self.window = Window(window_s)

    def news(self, heard: tuple[Report, float] | None) -> bool:
        """Whether a report says anything that the last one did not."""
        if heard is None or self.heard is None:
            return heard is not self.heard
        (report, at), (before, then) = heard, self.heard
        if report is before:
            return False
        counted = at != then and bool(report.duration_s or report.requests)
        return counted or report != before

    def hear(self, heard: tuple[Report, float], thresholds: Thresholds) -> None:
        """Take in a report, once."""
        news, self.heard = self.news(heard), heard
        if not news:
            return
        report, at = heard
        if report.in_flight:
            self.polled = max(self.polled, at)
        elif report.polled_s is not None:
            self.polled = max(self.polled, at - max(0.0, report.polled_s))
        self.window.add(report)
        vitals = Vitals.of(report.system)
        hot = vitals.in_use >= thresholds.cpu
        began = at if self.said.hot_since is None else self.said.hot_since
        complaints = (" ".join(c[:TEXT_MAX].split()) for c in report.causes[:COMPLAINTS_MAX])
        self.said = Said(
            application=report.application,
            complaints=tuple(filter(None, complaints)),
            deployed=_deployed(report.deployed),
            tally=self.window.tally,
            vitals=vitals,
            hot_since=began if hot else None,
        )

    def look(self, instance: Instance, now: float) -> None:
        """Take in what is seen of it, whether or not it has reported."""
        sight, member = instance.sight, instance.member
        if sight.running != self.instance.sight.running:  # what it answered before says nothing now
            self.window.clear()
            self.said = NOTHING
        self.instance, self.busy = instance, instance.busy
        if member.service is not Service.IN or self.busy:
            self.polled = now  # it need not
        if sight.passes > 0:
            self.proven = True
        if sight.passes > 0 or self.busy:
            self.failing_since = None
        elif self.failing_since is None:
            self.failing_since = now
        wanted = member.assignment
        if wanted is not None and wanted.serial != self.serial:
            self.serial = wanted.serial
            self.busy_since = member.launched_at if wanted.serial == 1 else now

    def facts(self, now: float, thresholds: Thresholds) -> Facts:
        """Return what is known at `now`; what was reported too long ago says nothing."""
        silent_s = self._silent_s(now)
        failing = self.failing_since
        return Facts(
            self.instance,
            self.busy,
            now - self.busy_since if self.busy else 0.0,
            silent_s,
            0.0 if failing is None else now - failing,
            self.proven,
            max(0.0, now - self.polled),
            self.said if silent_s <= thresholds.unknown_s else NOTHING,
        )

    def latencies(self, facts: Facts) -> list[Weighted]:
        """Return the latencies that belong to `facts`."""
        return self.window.weighted() if facts.said is not NOTHING else []

    def _silent_s(self, now: float) -> float:
        if self.heard is not None:
            return max(0.0, now - self.heard[1])
        sight = self.instance.sight
        if sight.heard or sight.machine is not Machine.RUNNING:
            return 0.0
        return now - self.first


def _deployed(said: Mapping[str, Any]) -> Deployed:
    """Return what an instance says of its last deployment, as far as it makes sense."""
    release, label, status = said.get("release"), said.get("label"), said.get("status")
    if not isinstance(release, int) or isinstance(release, bool) or status not in STATUSES:
        return NOTHING_DEPLOYED
    return Deployed(
        release=release,
        label=label[:TEXT_MAX] if isinstance(label, str) else "",
        status=str(status),
        at=_seconds(said.get("at")),
        took_s=_seconds(said.get("seconds")),
    )


STATUSES = ("In Progress", "Deployed", "Failed")


def _seconds(value: object) -> float:
    """Return an instant or a duration, 0 for what is none; the year 2286 is late enough."""
    sane = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e10
    return float(value) if sane else 0.0  # type: ignore[arg-type]  # sane only if a number
