"""What a judgement is made from: the facts of each instance, and what they share.

Facts are observations with their durations already worked out, so that rules compare and never
remember.
"""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.core.environments import Environment
from jackbean.core.fleet import Instance, Machine, WorkState
from jackbean.core.health.causes import spell
from jackbean.core.health.metrics import EMPTY, UNSAID, Tally, Vitals
from jackbean.core.health.options import UNSET, HealthOptions
from jackbean.core.health.thresholds import DEFAULTS, Thresholds
from jackbean.core.operations import Kind, Operation


@dataclass(frozen=True, slots=True)
class Deployed:
    """What an instance says of its last deployment: `status` in the API's words, seconds."""

    release: int | None = None
    label: str = ""
    status: str = ""
    at: float = 0.0
    took_s: float = 0.0


NOTHING_DEPLOYED = Deployed()


@dataclass(frozen=True, slots=True)
class Said:
    """What an instance reported, made fit to be used. `hot_since` is when its CPU became busy."""

    application: str = ""
    complaints: tuple[str, ...] = ()
    deployed: Deployed = NOTHING_DEPLOYED
    tally: Tally = EMPTY
    vitals: Vitals = UNSAID
    hot_since: float | None = None

    @property
    def calm(self) -> bool:
        """Whether it says nothing at all against its application."""
        return self.application != "down" and not self.complaints and self.tally is EMPTY


NOTHING = Said()


@dataclass(frozen=True, slots=True)
class Facts:
    """One instance. Durations are in seconds, 0 where the thing is not so.

    `silent_s` is how long nothing was heard of it, `busy_s` how long it has been at its assignment,
    `failing_s` how long the load balancer has had no good look at it. `proven` is whether it has
    ever been seen passing. `unpolled_s` is how long a worker's instance that may take messages has
    not asked its queue for any. `said` is NOTHING where what it said is too old to mean anything.
    """

    instance: Instance
    busy: bool = False
    busy_s: float = 0.0
    silent_s: float = 0.0
    failing_s: float = 0.0
    proven: bool = False
    unpolled_s: float = 0.0
    said: Said = NOTHING

    @property
    def failed(self) -> bool:
        """Whether it has answered to its assignment, and could not do it."""
        sight = self.instance.sight
        return (
            sight.state is WorkState.FAILED
            and not self.busy
            and self.instance.member.assignment is not None
            and sight.machine is Machine.RUNNING
        )


@dataclass(frozen=True, slots=True)
class Queue:
    """A worker's queue as it was at an instant: messages waiting, and those given up."""

    waiting: int
    dead: int
    at: float


@dataclass(frozen=True, slots=True)
class Finished:
    """An operation that has ended: what it was called, when it ended, and how long it took."""

    what: str
    at: float
    took_s: float


@dataclass(frozen=True)
class Background:
    """What an environment is judged by, and what is known besides its record and its fleet."""

    options: HealthOptions = UNSET
    thresholds: Thresholds = DEFAULTS
    finished: Finished | None = None
    queue: Queue | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What the instances of one environment share.

    `expected` is the release that they should run, `label` its version. `operation` is the one
    under way; while it is, `batch` are those it works on, and `overdue` says that their time is up.
    """

    now: float
    expected: int | None
    label: str
    desired: int
    balanced: bool
    operation: Operation | None
    number: int
    batch: tuple[str, ...]
    overdue: bool
    timeout_s: float
    options: HealthOptions
    thresholds: Thresholds
    finished: Finished | None
    queue: Queue | None

    @classmethod
    def of(cls, environment: Environment, background: Background, now: float) -> Scene:
        operation = environment.operation
        rollout = operation.rollout if operation else None
        return cls(
            now=now,
            expected=environment.deployment,
            label=environment.version_label or "",
            desired=environment.desired,
            balanced=not environment.worker,
            operation=operation,
            number=operation.number if operation else 0,
            batch=rollout.batch if rollout else (),
            overdue=bool(rollout and rollout.batches and rollout.overdue(now)),
            timeout_s=rollout.timeout_s if rollout else background.options.timeout_s,
            options=background.options,
            thresholds=background.thresholds,
            finished=background.finished,
            queue=background.queue,
        )

    def shelters(self, facts: Facts) -> bool:
        """Whether failing checks of an instance do not count yet: an operation has time for it.

        An instance that was launched outside of an operation has the same time to begin passing.
        """
        member = facts.instance.member
        if self.operation is not None:
            worked_on = member.id in self.batch or member.launched_by == self.number
            return worked_on and not self.overdue
        return not facts.proven and self.now - member.launched_at <= self.timeout_s

    def ago(self, at: float) -> str:
        return spell(self.now - at)


def called(operation: Operation) -> str:
    """Return what an operation is called in causes."""
    if operation.kind is Kind.CREATE:
        return "Initialization"
    return "Configuration update" if operation.configuration_only else "Application update"
