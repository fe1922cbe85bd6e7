"""What is remembered between two looks, so that `core.health` can judge: all of it may be lost.

The loop calls `judged` with every look; the API reads `environment_health` and `instances_health`,
which judge the last look again at their own time, so that "running for 31 seconds" is always right.

The verdict is part of the environment's record, so changing it is a durable commit and maybe an
event. It is replaced when its status changes (damped, see `core.health.damping`), and while
something is wrong also when the causes change in more than their numbers, at most every ten seconds.
After a restart nothing is remembered: bad news then waits for its three looks again, and an instance
that has not been heard yet is given the time that one has that fell silent.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from jackbean.core.environments import Environment, Verdict
from jackbean.core.fleet import Fleet, Instance, Machine, Service
from jackbean.core.health.census import environment_health
from jackbean.core.health.damping import Checks
from jackbean.core.health.metrics import EMPTY, UNSAID, Vitals, Window, beside
from jackbean.core.health.options import HealthOptions
from jackbean.core.health.scene import (
    NOTHING_DEPLOYED,
    Facts,
    Finished,
    Queue,
)
from jackbean.core.health.shapes import (
    metrics_shape,
)
from jackbean.core.health.thresholds import DEFAULTS, Thresholds
from jackbean.core.operations import Operation
from jackbean.core.options.settings import Settings
from jackbean.core.protocol import Report
from jackbean.ports.agents import Reports

CAUSES_S = 10.0  # between two saves of the same status for its causes' sake
TEXT_MAX = 200  # characters kept of a complaint or a label
ENDED = Verdict("Grey", "Suspended")


class Track:
    """What is remembered of one instance. Instants in seconds; None: the thing is not so."""

    __slots__ = (
        "busy_serial",
        "busy_since",
        "complaints",
        "deployed",
        "failing_since",
        "first",
        "hot_since",
        "passed",
        "said",
        "vitals",
        "window",
    )

    def __init__(self, now: float, window_s: float) -> None:
        self.first = now
        self.busy_serial = 0
        self.busy_since = now
        self.failing_since: float | None = None
        self.hot_since: float | None = None
        self.passed = False
        self.said: tuple[Report, float] | None = None
        self.window = Window(window_s)
        self.complaints: tuple[str, ...] = ()
        self.deployed = NOTHING_DEPLOYED
        self.vitals = UNSAID

    def hear(self, said: tuple[Report, float], thresholds: Thresholds) -> None:
        """Take in a report, once."""
        report, at = said
        if self.said is not None and self.said[0] is report:
            return
        self.said = said
        self.window.add(report)
        self.vitals = Vitals.of(report.system)
        self.complaints = tuple(" ".join(c[:TEXT_MAX].split()) for c in report.causes[:10] if c)
        self.deployed = _deployed(report.deployed)
        if self.vitals.in_use < thresholds.cpu:
            self.hot_since = None
        elif self.hot_since is None:
            self.hot_since = at

    def look(self, instance: Instance, now: float) -> None:
        """Take in what is seen of it, where nothing has been reported as well."""
        sight, member = instance.sight, instance.member
        if sight.passes > 0:
            self.passed, self.failing_since = True, None
        elif self.failing_since is None:
            self.failing_since = member.since if member.service is Service.OUT else now
        assignment = member.assignment
        if assignment is not None and assignment.serial != self.busy_serial:
            first = assignment.serial == 1
            self.busy_serial = assignment.serial
            self.busy_since = member.launched_at if first else now

    def facts(self, instance: Instance, now: float, thresholds: Thresholds) -> Facts:
        busy, said = instance.busy, self.said
        silent_s = self._silent_s(instance, now)
        heard = said is not None and silent_s <= thresholds.unknown_s
        return Facts(
            instance,
            busy,
            now - self.busy_since if busy else 0.0,
            silent_s,
            now - self.failing_since if self.failing_since is not None else 0.0,
            now - self.hot_since if heard and self.hot_since is not None else 0.0,
            self.passed,
            said[0].application if said is not None and heard else "",
            self.complaints if heard else (),
            self.deployed,
            self.window.tally if heard else EMPTY,
            self.vitals if heard else UNSAID,
        )

    def _silent_s(self, instance: Instance, now: float) -> float:
        if self.said is not None:
            return max(0.0, now - self.said[1])
        if instance.sight.heard or instance.sight.machine is not Machine.RUNNING:
            return 0.0
        return now - self.first


@dataclass
class Chart:
    """What is remembered of one environment. `looked` is when it was last looked at."""

    tracks: dict[str, Track] = field(default_factory=dict)
    instances: tuple[Instance, ...] = ()
    checks: Checks = ()
    operation: Operation | None = None
    finished: Finished | None = None
    options: HealthOptions = HealthOptions()
    settings: Settings | None = None
    queue: tuple[Queue, float] | None = None
    causes_at: float = 0.0
    failures: int = 0  # of basic health, in a row
    failed_at: float = 0.0
    looked: float = 0.0


class Watch:
    """Judges environments from what is seen and heard of them."""

    def __init__(self, reports: Reports, thresholds: Thresholds = DEFAULTS) -> None:
        self._reports = reports
        self._thresholds = thresholds
        self._charts: dict[str, Chart] = {}

    def judged(
        self, environment: Environment, fleet: Fleet, now: float, settings: Settings | None = None
    ) -> Environment:
        """Return `environment` with its verdict as it is now; the same one if there is no news.

        `settings` are those of its release; without them the group's minimum is not known.
        """
        if environment.terminated or _ends(environment):
            self.forget(environment.id)
            return _with(environment, replace(ENDED, since=now))
        chart = self._charts.setdefault(environment.id, Chart())
        if settings is not None and settings is not chart.settings:
            chart.settings, chart.options = settings, HealthOptions.of(settings)
        self._look(chart, environment, fleet, now)
        ended = _passed_on(chart, environment, now)
        if not chart.options.enhanced:
            return _with(environment, self._basic(chart, environment, now))
        seen = environment_health(*self._scene(chart, environment, now))
        return _with(environment, self._enhanced(chart, environment.verdict, seen, ended, now))

    def queued(self, environment_id: str, queue: Queue, now: float) -> None:
        """Take in what a worker environment's queue holds."""
        self._charts.setdefault(environment_id, Chart()).queue = (queue, now)

    def forget(self, environment_id: str) -> None:
        self._charts.pop(environment_id, None)

    def environment_health(self, environment: Environment, now: float) -> dict[str, Any]:
        """Return DescribeEnvironmentHealth: the verdict that was told, for what is seen now."""
        chart = self._chart(environment, now)
        patients, scene = self._scene(chart, environment, now)
        seen = environment_health(patients, scene)
        told = environment.verdict
        causes = seen.causes if str(seen.status) == told.status else told.causes
        tallies = beside(p.facts.tally for p in patients)
        latencies = [w for p in patients for w in self._latencies(chart, p)]
        return {
            "EnvironmentName": environment.name,
            "HealthStatus": told.status,
            "Status": str(environment.status),
            "Color": told.color,
            "Causes": list(causes),
            "ApplicationMetrics": metrics_shape(tallies, latencies, self._thresholds.window_s),
            "InstancesHealth": seen.counts,
            "RefreshedAt": min(now, chart.looked or now),
        }
