"""What is remembered between two looks, so that `core.health` can judge: all of it may be lost.

The loop calls `judged` with every look; the API reads `environment_health` and `instances_health`,
which judge the last look again at their own time, so that "running for 31 seconds" is always right.

The verdict is part of the environment's record, so changing it is a durable commit and maybe an
event. It is replaced when its status changes (damped, see `core.health.damping`), and while
something is wrong also when the causes change in more than their numbers, at most every ten
seconds. After a restart nothing is remembered: bad news then waits for its three looks again, and
an instance that has not been heard yet is given the time that one has that fell silent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jackbean.core.environments import Environment, Verdict
from jackbean.core.fleet import Fleet, Instance, Sight
from jackbean.core.health.basic import GREY, RED, basic_color, passes
from jackbean.core.health.causes import essence
from jackbean.core.health.census import EnvironmentHealth, Patient, environment_health
from jackbean.core.health.damping import Checks, damped
from jackbean.core.health.instances import InstanceHealth, application_health, instance_health
from jackbean.core.health.metrics import Weighted
from jackbean.core.health.options import HealthOptions
from jackbean.core.health.scene import Background, Finished, Queue, Scene, called
from jackbean.core.health.shapes import environment_shape, instance_shape
from jackbean.core.health.statuses import HealthStatus, status_of
from jackbean.core.health.thresholds import DEFAULTS, Thresholds
from jackbean.core.health.tracks import Track
from jackbean.core.operations import Kind, Operation
from jackbean.core.options.settings import Settings
from jackbean.core.records import replace
from jackbean.ports.agents import Reports

REST_S = 5.0  # between two judgements while nothing has changed
CAUSES_S = 10.0  # between two saves of the same status for its causes' sake
UNSEEN = InstanceHealth(HealthStatus.UNKNOWN)

Seen = tuple[Environment, tuple[Instance, ...], Settings | None]


@dataclass
class Chart:
    """What is remembered of one environment.

    `looked` is when it was last looked at, `judged` when it was last judged, and `seen` what by:
    the environment as it was returned, its instances, its settings.
    """

    background: Background
    tracks: dict[str, Track] = field(default_factory=dict)
    checks: Checks = ()
    operation: Operation | None = None
    ended: bool = False  # the operation, with this look
    settings: Settings | None = None
    causes_at: float = 0.0
    failures: int = 0  # of basic health, in a row
    failed_at: float = -math.inf
    looked: float | None = None
    judged: float = 0.0
    seen: Seen | None = None

    def rests(self, seen: Seen, now: float) -> bool:
        """Whether a look shows nothing new and nothing is pending: time alone may wait a little."""
        if self.seen is None or now - self.judged >= REST_S or self.checks or self.failures:
            return False
        return seen[1:] == self.seen[1:] and _alike(seen[0], self.seen[0])

    def pass_on(self, environment: Environment, now: float) -> None:
        """Take in which operation is under way, and whether one has just ended."""
        before, self.operation = self.operation, environment.operation
        self.ended = before is not None and self.operation is None
        if before is None or not self.ended:
            return
        done = before.kind is Kind.CREATE or before.release == environment.release
        finished = Finished(called(before), now, now - before.began) if done else None
        self.background = replace(self.background, finished=finished)


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
            return _with(environment, _ended(environment.verdict, now))
        chart = self._chart(environment.id)
        seen = (environment, fleet.instances, settings)
        if chart.rests(seen, now) and not self._heard(chart):
            chart.looked = now
            return environment
        if settings is not None and settings is not chart.settings:
            chart.settings = settings
            chart.background = replace(chart.background, options=HealthOptions.of(settings))
        self._look(chart, environment, fleet, now)
        chart.pass_on(environment, now)
        judge = self._enhanced if chart.background.options.enhanced else self._basic
        judged = _with(environment, judge(chart, environment, now))
        chart.seen, chart.judged = (judged, *seen[1:]), now
        return judged

    def _heard(self, chart: Chart) -> bool:
        """Whether any instance has reported since the last judgement."""
        latest = self._reports.latest
        return any(track.news(latest(name)) for name, track in chart.tracks.items())

    def unfit(self, environment: Environment, worst: HealthStatus, now: float) -> frozenset[str]:
        """Return the instances whose applications do worse than `worst`, by their last reports.

        Only an operation asks.
        """
        chart = self._charts.get(environment.id)
        if environment.operation is None or chart is None or not chart.background.options.enhanced:
            return frozenset()
        troubled = [(name, track) for name, track in chart.tracks.items() if not track.said.calm]
        if not troubled:
            return frozenset()
        scene = Scene.of(environment, chart.background, now)
        return frozenset(
            name
            for name, track in troubled
            if application_health(track.facts(now, scene.thresholds), scene).rank > worst.rank
        )

    def queued(self, environment_id: str, waiting: int, dead: int, now: float) -> None:
        """Take in how many messages wait in a worker's queue, and how many are given up."""
        chart, queue = self._chart(environment_id), Queue(waiting, dead, now)
        chart.background, chart.seen = replace(chart.background, queue=queue), None

    def forget(self, environment_id: str) -> None:
        self._charts.pop(environment_id, None)

    def environment_health(self, environment: Environment, now: float) -> dict[str, Any]:
        """Return what DescribeEnvironmentHealth answers."""
        chart = self._remembered(environment, now)
        patients, scene = _judge(chart, environment, now)
        seen = environment_health(patients, scene)
        latencies = [pair for p in patients for pair in _latencies(chart, p)]
        window_s = self._thresholds.window_s
        return {
            **environment_shape(environment, seen, patients, latencies, window_s),
            "RefreshedAt": _refreshed(chart, now),
        }

    def instances_health(self, environment: Environment, now: float) -> dict[str, Any]:
        """Return what DescribeInstancesHealth answers: all instances that are not leaving."""
        chart = self._remembered(environment, now)
        patients, scene = _judge(chart, environment, now)
        arn = environment.platform_arn
        return {
            "InstanceHealthList": [
                instance_shape(p, scene, _latencies(chart, p), arn) for p in patients
            ],
            "RefreshedAt": _refreshed(chart, now),
        }

    def _chart(self, environment_id: str) -> Chart:
        chart = self._charts.get(environment_id)
        if chart is None:
            chart = Chart(Background(thresholds=self._thresholds))
            self._charts[environment_id] = chart
        return chart

    def _remembered(self, environment: Environment, now: float) -> Chart:
        """Return the chart brought up to date with the record; the one kept stays as it is."""
        kept = self._charts.get(environment.id)
        chart = kept or Chart(Background(thresholds=self._thresholds))
        tracks = {
            m.id: chart.tracks.get(m.id) or self._track(Instance(m, Sight()), now)
            for m in environment.members
            if m.counted
        }
        return replace(chart, tracks=tracks)

    def _track(self, instance: Instance, now: float) -> Track:
        track = Track(instance, now, self._thresholds.window_s)
        track.look(instance, now)
        return track

    def _look(self, chart: Chart, environment: Environment, fleet: Fleet, now: float) -> None:
        tracks = {}
        for instance in _staying(environment, fleet):
            name = instance.member.id
            track = chart.tracks.get(name) or Track(instance, now, self._thresholds.window_s)
            track.look(instance, now)
            if heard := self._reports.latest(name):
                track.hear(heard, self._thresholds)
            tracks[name] = track
        chart.tracks, chart.looked = tracks, now

    def _enhanced(self, chart: Chart, environment: Environment, now: float) -> Verdict:
        told = environment.verdict
        status = status_of(told.status)
        seen = environment_health(*_judge(chart, environment, now))
        accepted: EnvironmentHealth | None = seen
        if chart.ended or status is None or status is HealthStatus.SUSPENDED:
            chart.checks = ()
        else:
            chart.checks, accepted = damped(status, seen, chart.checks, now, self._thresholds)
        if accepted is None:
            return told
        if accepted.status is not status:
            return Verdict(accepted.color, str(accepted.status), accepted.causes, now)
        return _recaused(chart, told, accepted, now)

    def _basic(self, chart: Chart, environment: Environment, now: float) -> Verdict:
        told = environment.verdict
        instances = tuple(t.instance for t in chart.tracks.values())
        if environment.operation is not None:
            chart.failures, color = 0, GREY
        elif self._unattended(chart, environment, now):
            color = RED
        else:
            balanced = not environment.worker
            self._count(chart, now, passed=passes(instances, balanced=balanced))
            color = basic_color(told.color, chart.failures, self._thresholds)
        return told if (told.color, told.status) == (color, "") else Verdict(color, "", (), now)

    def _unattended(self, chart: Chart, environment: Environment, now: float) -> bool:
        """Whether there is nobody, or nobody has asked a worker's queue for too long."""
        if not environment.worker:
            return not chart.tracks
        longest_s = self._thresholds.unpolled_s
        facts = (track.facts(now, self._thresholds) for track in chart.tracks.values())
        return bool(environment.desired) and all(f.unpolled_s > longest_s for f in facts)

    def _count(self, chart: Chart, now: float, *, passed: bool) -> None:
        """Count failed checks in a row, those too near the one before left out."""
        if passed:
            chart.failures = 0
        elif now - chart.failed_at >= self._thresholds.check_s:
            chart.failures, chart.failed_at = chart.failures + 1, now


def _recaused(chart: Chart, told: Verdict, seen: EnvironmentHealth, now: float) -> Verdict:
    """Return `told` with new causes, where they are worth a save."""
    if seen.status.rank < HealthStatus.UNKNOWN.rank or seen.causes == told.causes:
        return told
    if min(now - told.since, now - chart.causes_at) < CAUSES_S:
        return told
    if essence(seen.causes) == essence(told.causes):
        return told
    chart.causes_at = now
    return replace(told, causes=seen.causes)


def _alike(one: Environment, other: Environment) -> bool:
    """Whether two records are the same as far as health goes."""
    return (
        one.operation == other.operation
        and one.verdict == other.verdict
        and one.members == other.members
        and one.release == other.release
        and one.deployment == other.deployment
        and one.desired == other.desired
    )


def _staying(environment: Environment, fleet: Fleet) -> Iterator[Instance]:
    """Return the instances that count, as they were seen, and as decided about since."""
    seen = {i.member.id: i for i in fleet.instances}
    for member in environment.members:
        if not member.counted:
            continue
        instance = seen.get(member.id)
        if instance is None:
            instance = Instance(member, Sight())
        elif instance.member is not member:
            instance = Instance(member, instance.sight, instance.gate)
        yield instance


def _judge(chart: Chart, environment: Environment, now: float) -> tuple[tuple[Patient, ...], Scene]:
    scene = Scene.of(environment, chart.background, now)
    facts = [track.facts(now, scene.thresholds) for track in chart.tracks.values()]
    if chart.looked is None:
        return tuple(Patient(f, UNSEEN) for f in facts), scene
    return tuple(Patient(f, instance_health(f, scene)) for f in facts), scene


def _latencies(chart: Chart, patient: Patient) -> list[Weighted]:
    return chart.tracks[patient.facts.instance.id].latencies(patient.facts)


def _refreshed(chart: Chart, now: float) -> float:
    """Return when the last look was; an instant to come would make clients ask without a pause."""
    return now if chart.looked is None else min(now, chart.looked)


def _ends(environment: Environment) -> bool:
    operation = environment.operation
    return operation is not None and operation.kind is Kind.TERMINATE


def _ended(told: Verdict, now: float) -> Verdict:
    """Return the verdict on an environment that ends: nobody watches it any more."""
    status = str(HealthStatus.SUSPENDED) if told.status else ""
    if (told.color, told.status) == (GREY, status):
        return told
    return Verdict(GREY, status, (), now)


def _with(environment: Environment, verdict: Verdict) -> Environment:
    return environment if verdict is environment.verdict else replace(environment, verdict=verdict)
