"""The Operation: everything one request does to one environment, as one record.

An update can be a change of resources, a replacement of instances and a deployment at once, under
one RequestId, with one abort. Its phases run in order; each is a frozen record that a pure function
advances. All later work extends this record rather than adding a second one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from jackbean.core.records import replace
from jackbean.core.resources import Resource
from jackbean.core.rollouts import Rollout, Stage
from jackbean.core.tallies import UNTOUCHED, Tally


class Kind(StrEnum):
    CREATE = "create"
    UPDATE = "update"  # a new version, or settings, or both
    SWAP = "swap"  # of two environments' CNAMEs
    TERMINATE = "terminate"


class Abort(StrEnum):
    """What AbortEnvironmentUpdate does to an operation."""

    STOP = "stop"  # in-place application deployments: stop where they are, versions mixed
    REVERT = "revert"  # everything else that can be aborted: back to the previous release


@dataclass(frozen=True)
class Provision:
    """Make the environment's resources those of `release`'s template.

    `before` are those that it began with, None before it has begun, `since` when anything was last
    done about one (s). What could not be done is told as `failure`; `blamed` is the logical id.
    """

    release: int
    before: tuple[Resource, ...] | None = None
    since: float = 0.0
    failure: str = ""
    blamed: str = ""


@dataclass(frozen=True)
class Undo:
    """Make the environment's resources again what they were before the operation."""

    before: tuple[Resource, ...]
    since: float = 0.0


@dataclass(frozen=True)
class Tidy:
    """End the resources that others have taken the place of, and those that are not wanted now."""

    since: float = 0.0


@dataclass(frozen=True)
class Roll:
    """Bring the fleet to a release by a policy."""

    rollout: Rollout


@dataclass(frozen=True)
class Settle:
    """Wait until the steady state has the desired capacity, at most `timeout_s` seconds."""

    since: float
    timeout_s: float = 600.0


@dataclass(frozen=True)
class Exchange:
    """Wait until requests for the CNAME taken over from environment `other` arrive here.

    `cname` is that CNAME and `endpoint` where it leads to then, as they are told. Of the two
    environments that swap one `leads`: it tells the end of the story.
    """

    other: str
    cname: str
    endpoint: str
    leads: bool


@dataclass(frozen=True)
class Empty:
    """Drain and end every instance."""


@dataclass(frozen=True)
class Deprovision:
    """Delete the environment's resources."""

    since: float = 0.0


Phase = Provision | Roll | Settle | Exchange | Empty | Deprovision | Undo | Tidy


@dataclass(frozen=True)
class Operation:
    """`number` counts from 1 per environment; `release` is the one it leads to.

    `position` is the index of the phase under way; phases before it are over, and it only rises.
    `abort` says what an abort would do, None that there is none; `aborted` that one was asked for.
    """

    number: int
    kind: Kind
    request_id: str
    began: float
    phases: tuple[Phase, ...]
    release: int | None = None
    previous: int | None = None
    position: int = 0
    abort: Abort | None = None
    aborted: bool = False
    configuration_only: bool = False
    tally: Tally = UNTOUCHED  # what is noted for its certificate

    @property
    def phase(self) -> Phase | None:
        """The phase under way; None when all are over."""
        return self.phases[self.position] if self.position < len(self.phases) else None

    @property
    def rollout(self) -> Rollout | None:
        """The last rollout that has begun, or the one that will."""
        for phase in reversed(self.phases):
            if isinstance(phase, Roll):
                return phase.rollout
        return None

    @property
    def provision(self) -> Provision | None:
        """The last one: an environment may be launched before all of its resources are there."""
        found = (p for p in reversed(self.phases) if isinstance(p, Provision))
        return next(found, None)

    @property
    def undoing(self) -> bool:
        """Whether its resources go back to what they were, or have gone back."""
        return isinstance(self.phases[-1], Undo)

    @property
    def abortable(self) -> bool:
        """Whether it is an update that may still be cancelled."""
        return self.abort is not None and self.revocable

    @property
    def revocable(self) -> bool:
        """Whether an abort would end it sooner: it has not reached its point of no return."""
        rollout = self.rollout
        advancing = rollout is None or rollout.stage is Stage.ADVANCING
        under_way = advancing and not self.undoing and not isinstance(self.phase, Tidy)
        return self.kind in {Kind.CREATE, Kind.UPDATE} and under_way and not self.aborted

    @property
    def failed(self) -> bool:
        rollout = self.rollout
        lost = rollout is not None and rollout.stage in {Stage.FAILED, Stage.REVERTED}
        return lost or self.undoing

    @property
    def reverted(self) -> bool:
        """Whether everything is as it was before: instances went back, or got nothing of it."""
        rollout = self.rollout
        back = self.undoing or (rollout is not None and rollout.stage is Stage.REVERTED)
        return back and self.kind is not Kind.CREATE  # there was nothing before

    def with_phase(self, phase: Phase) -> Operation:
        """Return it with the phase under way replaced by its next state."""
        if phase == self.phase:
            return self
        phases = (*self.phases[: self.position], phase, *self.phases[self.position + 1 :])
        return replace(self, phases=phases)

    def next(self) -> Operation:
        return replace(self, position=self.position + 1)

    def then(self, phase: Phase) -> Operation:
        """Return it with `phase` as what is left to do."""
        phases = (*self.phases, phase)
        return replace(self, phases=phases, position=len(phases) - 1)

    def over(self) -> Operation:
        """Return it with nothing left to do."""
        return replace(self, position=len(self.phases))

    def resume(self, now: float) -> Operation:
        """Let what is under way count its time from now: timeouts count time observed."""
        match self.phase:
            case Roll(rollout=rollout):
                return self.with_phase(Roll(rollout.resume(now)))
            case Settle() | Provision() | Undo() | Tidy() | Deprovision() as phase:
                return self.with_phase(replace(phase, since=now))
            case _:
                return self
