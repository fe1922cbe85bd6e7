"""How an environment is: what its instances amount to, and what concerns it as a whole.

Instances are weighed by their share (`share_status`), so that one sick instance of many is a
warning and not an outage. While an operation runs, what concerns the whole fleet (too few
instances, none in service) is that operation's business and is not held against the environment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jackbean.core.fleet import Machine, Service
from jackbean.core.health.causes import EnvironmentCause, bounded, percent, spell
from jackbean.core.health.instances import (
    SLACK,
    InstanceHealth,
    Reason,
    erring_status,
    failing_status,
)
from jackbean.core.health.metrics import EMPTY, Tally, beside
from jackbean.core.health.scene import Facts, Scene, called
from jackbean.core.health.statuses import COUNTED, HealthStatus
from jackbean.core.health.thresholds import Thresholds
from jackbean.core.operations import Kind

Finding = tuple[HealthStatus, str]


@dataclass(frozen=True, slots=True)
class Patient:
    """One instance: what is known of it, and what it was judged."""

    facts: Facts
    health: InstanceHealth


@dataclass(frozen=True, slots=True)
class EnvironmentHealth:
    """How an environment is; `numbers` counts its instances in the order of `COUNTED`.

    `operating` is whether an operation runs on it or on an instance of it.
    """

    status: HealthStatus
    causes: tuple[str, ...] = ()
    numbers: tuple[int, ...] = (0,) * len(COUNTED)
    operating: bool = False

    @property
    def color(self) -> str:
        return self.status.color

    @property
    def counts(self) -> dict[str, int]:
        """Instances by status, as the API has it."""
        return {str(s): n for s, n in zip(COUNTED, self.numbers, strict=True)}


def environment_health(patients: tuple[Patient, ...], scene: Scene) -> EnvironmentHealth:
    """Judge an environment by its instances, those that are leaving it left out."""
    found = [finding for rule in RULES for finding in rule(patients, scene)]
    found.sort(key=lambda f: -f[0].rank)
    status = found[0][0] if found else HealthStatus.OK
    operating = scene.operation is not None or _working(patients) > 0
    causes = bounded(cause for _, cause in found)
    return EnvironmentHealth(status, causes, _numbers(patients), operating)


def _numbers(patients: tuple[Patient, ...]) -> tuple[int, ...]:
    numbers = [0] * len(COUNTED)
    for patient in patients:
        numbers[patient.health.status.rank] += 1
    return tuple(numbers)


def share_status(ranks: list[int], thresholds: Thresholds) -> HealthStatus:
    """Return what instances of these ranks amount to."""
    total = len(ranks)
    unknown, ill, bad, dire = (sum(r >= s.rank for r in ranks) for s in _STEPS)
    if not unknown:
        return HealthStatus.OK
    if dire >= thresholds.severe_share * total - SLACK:
        return HealthStatus.SEVERE
    if bad >= thresholds.degraded_share * total - SLACK:
        return HealthStatus.DEGRADED
    if bad or ill >= thresholds.warning_share * total - SLACK:
        return HealthStatus.WARNING
    return HealthStatus.UNKNOWN if unknown == total else HealthStatus.INFO


_STEPS = (
    HealthStatus.UNKNOWN,
    HealthStatus.WARNING,
    HealthStatus.DEGRADED,
    HealthStatus.NO_DATA,
)


def _commands(patients: tuple[Patient, ...], scene: Scene) -> Iterator[Finding]:
    count = _working(patients)
    if count and not _creates(scene):
        texts = EnvironmentCause.COMMAND, EnvironmentCause.COMMAND_ALL
        yield HealthStatus.INFO, _counted(texts, count, patients, scene)


def _working(patients: tuple[Patient, ...]) -> int:
    return sum(p.health.working for p in patients)


def _creates(scene: Scene) -> bool:
    return scene.operation is not None and scene.operation.kind is Kind.CREATE


def _operation(patients: tuple[Patient, ...], scene: Scene) -> Iterator[Finding]:
    operation = scene.operation
    if operation is None:
        return
    length = scene.ago(operation.began)
    if operation.kind is Kind.CREATE:
        yield HealthStatus.PENDING, EnvironmentCause.INITIALIZING.format(length=length)
    elif scene.batch and patients:
        target = operation.rollout.target if operation.rollout else None
        done = sum(p.facts.instance.sight.running == target for p in patients)
        batch = f"{len(scene.batch)} instance{'' if len(scene.batch) == 1 else 's'}"
        yield (
            HealthStatus.INFO,
            EnvironmentCause.BATCH.format(
                what=called(operation), batch=batch, done=done, total=len(patients), length=length
            ),
        )
    else:
        text = EnvironmentCause.UPDATING.format(what=called(operation), length=length)
        yield HealthStatus.INFO, text


def _none(patients: tuple[Patient, ...], scene: Scene) -> Iterator[Finding]:
    if patients or (scene.desired == 0 and not scene.balanced):
        return
    if scene.operation is not None:
        status = HealthStatus.PENDING if _creates(scene) else HealthStatus.INFO
        yield status, EnvironmentCause.NONE
    else:
        yield HealthStatus.SEVERE, EnvironmentCause.NONE
        yield HealthStatus.SEVERE, EnvironmentCause.DESIRED.format(desired=scene.desired)


def _shares(patients: tuple[Patient, ...], scene: Scene) -> Iterator[Finding]:
    """Weigh the instances, and say of how many what is wrong, the worst kind first."""
    sick = [p for p in patients if p.health.status.rank >= HealthStatus.UNKNOWN.rank]
    if not sick:
        return
    status = share_status([p.health.status.rank for p in patients], scene.thresholds)
    sick.sort(key=lambda p: -p.health.status.rank)
    for reason, count in Counter(r for p in sick for r in _kinds(p)).items():
        yield status, _counted(TEXTS[reason], count, patients, scene)


def _kinds(patient: Patient) -> tuple[Reason, ...]:
    """Return what is wrong with an instance, by the sentences that there are."""
    known = tuple(r for r in patient.health.reasons if r in TEXTS)
    return known or (Reason.IMPAIRED,)


Texts = tuple[EnvironmentCause, EnvironmentCause]  # of some instances, of all

TEXTS: dict[Reason, Texts] = {
    Reason.FAILED: (EnvironmentCause.FAILED, EnvironmentCause.FAILED_ALL),
    Reason.ELB: (EnvironmentCause.ELB, EnvironmentCause.ELB_ALL),
    Reason.VERSION: (EnvironmentCause.VERSION, EnvironmentCause.VERSION_ALL),
    Reason.UNPOLLED: (EnvironmentCause.UNPOLLED, EnvironmentCause.UNPOLLED_ALL),
    Reason.SILENT: (EnvironmentCause.SILENT, EnvironmentCause.SILENT_ALL),
    Reason.IMPAIRED: (EnvironmentCause.IMPAIRED, EnvironmentCause.IMPAIRED_ALL),
}


def _counted(texts: Texts, count: int, patients: tuple[Patient, ...], scene: Scene) -> str:
    total = len(patients)
    return texts[count == total].format(
        count=count, total=total, label=scene.label, expected=scene.expected
    )


def _minimum(patients: tuple[Patient, ...], scene: Scene) -> Iterator[Finding]:
    minimum = scene.options.minimum
    if scene.operation is not None or minimum is None or not patients:
        return
    active = sum(_active(p.facts, scene) for p in patients)
    if active < minimum:
        text = EnvironmentCause.MINIMUM.format(active=active, minimum=minimum)
        yield HealthStatus.DEGRADED, text


def _active(facts: Facts, scene: Scene) -> bool:
    """Whether an instance counts as capacity: it runs, and serves where there is what it serves."""
    instance = facts.instance
    if instance.sight.machine is not Machine.RUNNING:
        return False
    return instance.member.service is Service.IN or not scene.balanced


def _unserved(patients: tuple[Patient, ...], scene: Scene) -> Iterator[Finding]:
    if scene.operation is not None or not scene.balanced or not patients:
        return
    if not any(p.facts.instance.sight.passes > 0 for p in patients):
        yield HealthStatus.SEVERE, EnvironmentCause.ELB_ALL


def _requests(patients: tuple[Patient, ...], scene: Scene) -> Iterator[Finding]:
    """Judge the requests of all instances together, but of those that are being worked on."""
    counted = [
        p.facts.said.tally
        for p in patients
        if p.facts.said.tally is not EMPTY and not p.health.working
    ]
    if not counted:
        return
    whole: Tally = beside(counted)
    if status := failing_status(whole.failing, whole.total, scene.thresholds):
        share = percent(whole.failing, whole.total)
        yield status, EnvironmentCause.FAILING.format(percent=share)
    erring = erring_status(whole.erring, whole.total, scene.thresholds)
    if erring and scene.options.erring:
        share = percent(whole.erring, whole.total)
        yield erring, EnvironmentCause.ERRING.format(percent=share)


def _queue(_: tuple[Patient, ...], scene: Scene) -> Iterator[Finding]:
    queue = scene.queue
    if queue is None:
        return
    age = scene.ago(queue.at)
    if queue.dead >= scene.thresholds.dead_warning:
        yield HealthStatus.WARNING, EnvironmentCause.DEAD.format(count=queue.dead, age=age)
    if queue.waiting >= scene.thresholds.waiting_info:
        yield HealthStatus.INFO, EnvironmentCause.WAITING.format(count=queue.waiting, age=age)


def _completed(_: tuple[Patient, ...], scene: Scene) -> Iterator[Finding]:
    done = scene.finished
    if done is None or scene.operation is not None:
        return
    if 0 <= scene.now - done.at < scene.thresholds.completed_s:
        length, age = spell(done.took_s), scene.ago(done.at)
        text = EnvironmentCause.COMPLETED.format(what=done.what, age=age, length=length)
        yield HealthStatus.OK, text


RULES: tuple[Callable[[tuple[Patient, ...], Scene], Iterator[Finding]], ...] = (
    _requests,
    _shares,
    _minimum,
    _unserved,
    _queue,
    _commands,
    _operation,
    _none,
    _completed,
)
