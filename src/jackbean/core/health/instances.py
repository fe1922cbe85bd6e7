"""How one instance is: each rule finds one thing, and the worst thing found is its status.

While an operation works on an instance and still has time, nothing that fails there counts: it is
Pending. A machine that has died and work that has failed are no failing checks; they count at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from jackbean.core.fleet import Failure, Machine, Work
from jackbean.core.health.causes import InstanceCause, bounded, percent, spell
from jackbean.core.health.scene import NOTHING, Facts, Scene
from jackbean.core.health.statuses import HealthStatus
from jackbean.core.health.thresholds import Thresholds

SLACK = 1e-9  # of a request: shares are binary fractions, and 7 of 700 is one percent


class Reason(StrEnum):
    """What an instance's status is due to: environments count instances by it."""

    FINE = "fine"
    WORKING = "working"
    FAILED = "failed"
    ELB = "elb"
    VERSION = "version"
    SILENT = "silent"
    UNPOLLED = "unpolled"
    IMPAIRED = "impaired"


class Finding(NamedTuple):
    """One thing that a rule found."""

    status: HealthStatus
    cause: str
    reason: Reason = Reason.IMPAIRED


@dataclass(frozen=True, slots=True)
class InstanceHealth:
    """How one instance is; `reasons` are the kinds of its causes, the worst first."""

    status: HealthStatus
    causes: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()

    @property
    def color(self) -> str:
        return self.status.color

    @property
    def working(self) -> bool:
        """Whether an operation has it in hand, and nothing worse is the matter."""
        return bool(self.reasons) and self.reasons[0] is Reason.WORKING


WELL = InstanceHealth(HealthStatus.OK)
Rule = Callable[[Facts, Scene], Finding | None]


def instance_health(facts: Facts, scene: Scene) -> InstanceHealth:
    """Judge one instance."""
    hard = _found(HARD_RULES, facts, scene)
    if facts.busy and not hard and facts.busy_s <= scene.timeout_s:
        return _told([_performing(facts)])
    soft = _found(SEEN_RULES, facts, scene)
    if facts.said is not NOTHING:
        soft += _found(CALM_RULES if facts.said.calm else SAID_RULES, facts, scene)
    if not hard and not soft:
        return WELL
    if soft and scene.shelters(facts):
        soft = [_sheltered(found) for found in soft]
    return _told(hard + soft)


def _found(rules: tuple[Rule, ...], facts: Facts, scene: Scene) -> list[Finding]:
    return [found for rule in rules if (found := rule(facts, scene))]


def application_health(facts: Facts, scene: Scene) -> HealthStatus:
    """Judge only what an instance's application does, whatever a deployment makes of it.

    A busy processor is not its doing: it is the machine's, which all instances share.
    """
    if facts.said.calm:
        return HealthStatus.OK
    found = _found(APPLICATION_RULES, facts, scene)
    return max((one.status for one in found), key=lambda s: s.rank, default=HealthStatus.OK)


def _told(findings: list[Finding]) -> InstanceHealth:
    if len(findings) == 1:
        found = findings[0]
        return InstanceHealth(found.status, bounded((found.cause,)), (found.reason,))
    findings.sort(key=lambda f: -f.status.rank)
    causes = bounded(f.cause for f in findings)
    reasons = tuple(dict.fromkeys(f.reason for f in findings))
    return InstanceHealth(findings[0].status, causes, reasons)


def _sheltered(found: Finding) -> Finding:
    if found.status.rank <= HealthStatus.PENDING.rank:
        return found
    return Finding(HealthStatus.PENDING, found.cause, Reason.WORKING)


PERFORMING = {
    Work.STAGE: InstanceCause.DEPLOYING,
    Work.ACTIVATE: InstanceCause.DEPLOYING,
    Work.RESTART: InstanceCause.RESTARTING,
}


def _performing(facts: Facts) -> Finding:
    """Say what it is busy with; staging does not disturb what it serves."""
    assignment = facts.instance.member.assignment
    work = assignment.work if assignment else Work.ACTIVATE
    serving = work is Work.STAGE and facts.instance.sight.running is not None
    first = assignment is None or assignment.serial == 1
    text = InstanceCause.INITIALIZING if first else PERFORMING[work]
    status = HealthStatus.INFO if serving else HealthStatus.PENDING
    return Finding(status, text.format(length=spell(facts.busy_s)), Reason.WORKING)


def _exited(facts: Facts, _: Scene) -> Finding | None:
    sight = facts.instance.sight
    if sight.machine is not Machine.EXITED:
        return None
    text = InstanceCause.EXITED_HOW if sight.exit else InstanceCause.EXITED
    return Finding(HealthStatus.SEVERE, text.format(how=sight.exit.rstrip(".")))


def _failed(facts: Facts, scene: Scene) -> Finding | None:
    """Failed work counts unless it left the instance with the release that it should run."""
    if not facts.failed:
        return None
    member, sight = facts.instance.member, facts.instance.sight
    wanted = member.assignment.release if member.assignment else None
    if sight.running is not None and sight.running == scene.expected != wanted:
        return None
    failure = sight.failure or Failure("", "no reason was given")
    text = InstanceCause.FAILED.format(cause=" ".join(failure.cause.split()))
    return Finding(HealthStatus.DEGRADED, text, Reason.FAILED)


def _slow(facts: Facts, scene: Scene) -> Finding | None:
    if not facts.busy or facts.busy_s <= scene.timeout_s:
        return None
    return _performing(facts)._replace(status=HealthStatus.WARNING)


def _down(facts: Facts, _: Scene) -> Finding | None:
    return (
        Finding(HealthStatus.SEVERE, InstanceCause.DOWN)
        if facts.said.application == "down"
        else None
    )


def _elb(facts: Facts, scene: Scene) -> Finding | None:
    if not scene.balanced or facts.busy or facts.instance.sight.passes > 0:
        return None
    text = InstanceCause.ELB.format(length=spell(facts.failing_s))
    return Finding(HealthStatus.SEVERE, text, Reason.ELB)


def _unpolled(facts: Facts, scene: Scene) -> Finding | None:
    if scene.balanced or facts.unpolled_s <= scene.thresholds.unpolled_s:
        return None
    text = InstanceCause.UNPOLLED.format(length=spell(facts.unpolled_s))
    return Finding(HealthStatus.SEVERE, text, Reason.UNPOLLED)


def _silent(facts: Facts, scene: Scene) -> Finding | None:
    silent_s, thresholds = facts.silent_s, scene.thresholds
    if silent_s <= thresholds.unknown_s:
        return None
    heard = facts.instance.sight.heard
    text = InstanceCause.SILENT if heard else InstanceCause.UNHEARD
    late = silent_s > thresholds.no_data_s
    status = HealthStatus.NO_DATA if late else HealthStatus.UNKNOWN
    return Finding(status, text.format(age=spell(silent_s)), Reason.SILENT)


def _version(facts: Facts, scene: Scene) -> Finding | None:
    running = facts.instance.sight.running
    if running is None or scene.operation is not None or facts.busy:
        return None
    if scene.expected is None or running == scene.expected:
        return None
    named = facts.said.deployed.release == running and facts.said.deployed.label
    text = InstanceCause.VERSION if named else InstanceCause.VERSION_UNNAMED
    cause = text.format(
        found=facts.said.deployed.label, number=running, label=scene.label, expected=scene.expected
    )
    return Finding(HealthStatus.DEGRADED, cause, Reason.VERSION)


def _failing(facts: Facts, scene: Scene) -> Finding | None:
    status = failing_status(facts.said.tally.failing, facts.said.tally.total, scene.thresholds)
    if status is None:
        return None
    share = percent(facts.said.tally.failing, facts.said.tally.total)
    return Finding(status, InstanceCause.FAILING.format(percent=share))


def _erring(facts: Facts, scene: Scene) -> Finding | None:
    status = erring_status(facts.said.tally.erring, facts.said.tally.total, scene.thresholds)
    if status is None or not scene.options.erring:
        return None
    share = percent(facts.said.tally.erring, facts.said.tally.total)
    return Finding(status, InstanceCause.ERRING.format(percent=share))


def _cpu(facts: Facts, scene: Scene) -> Finding | None:
    since = facts.said.hot_since
    if since is None or scene.now - since < scene.thresholds.cpu_s:
        return None
    loaded = facts.said.vitals.load_per_cpu > scene.thresholds.load_per_cpu
    status = HealthStatus.DEGRADED if loaded else HealthStatus.WARNING
    return Finding(status, InstanceCause.CPU.format(percent=int(facts.said.vitals.in_use)))


def _complaining(facts: Facts, _: Scene) -> Finding | None:
    if not facts.said.complaints:
        return None
    return Finding(HealthStatus.WARNING, " ".join(facts.said.complaints))


def _completed(facts: Facts, scene: Scene) -> Finding | None:
    done = facts.said.deployed
    if done.status != "Deployed" or not 0 <= scene.now - done.at < scene.thresholds.completed_s:
        return None
    assignment = facts.instance.member.assignment
    first = assignment is None or assignment.serial == 1
    text = InstanceCause.INITIALIZED if first else InstanceCause.DEPLOYED
    cause = text.format(age=scene.ago(done.at), length=spell(done.took_s))
    return Finding(HealthStatus.OK, cause, Reason.FINE)


HARD_RULES: tuple[Rule, ...] = (_exited, _failed)
SEEN_RULES: tuple[Rule, ...] = (_elb, _unpolled, _silent, _version, _slow)
APPLICATION_RULES: tuple[Rule, ...] = (_down, _failing, _erring, _complaining)
CALM_RULES: tuple[Rule, ...] = (_cpu, _completed)
SAID_RULES: tuple[Rule, ...] = (*APPLICATION_RULES, *CALM_RULES)


def failing_status(part: int, whole: int, thresholds: Thresholds) -> HealthStatus | None:
    """Return what so many requests answered 5xx out of `whole` amount to."""
    levels = (
        (thresholds.failing_severe, HealthStatus.SEVERE),
        (thresholds.failing_degraded, HealthStatus.DEGRADED),
        (thresholds.failing_warning, HealthStatus.WARNING),
        (thresholds.failing_info, HealthStatus.INFO),
    )
    return _level(part, whole, levels) if whole >= thresholds.requests_min else None


def erring_status(part: int, whole: int, thresholds: Thresholds) -> HealthStatus | None:
    """Return what so many requests answered 4xx out of `whole` amount to."""
    levels = (
        (thresholds.erring_severe, HealthStatus.SEVERE),
        (thresholds.erring_degraded, HealthStatus.DEGRADED),
        (thresholds.erring_warning, HealthStatus.WARNING),
    )
    return _level(part, whole, levels) if whole >= thresholds.requests_min else None


def _level(
    part: int, whole: int, levels: tuple[tuple[float, HealthStatus], ...]
) -> HealthStatus | None:
    """Return the first level that the share reaches; none of nothing is no share."""
    return next((s for share, s in levels if part > 0 and part >= share * whole - SLACK), None)
