"""The Operation: everything one request does to one environment, as one record.

An update can be a change of resources, a replacement of instances and a deployment at once, under
one RequestId, with one abort. Its phases run in order; each is a frozen record that a pure function
advances. All later work extends this record rather than adding a second one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from jackbean.core.records import replace
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
    """Make the environment's resources those of `release`'s template."""

    release: int


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


Phase = Provision | Roll | Settle | Exchange | Empty | Deprovision


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
    def abortable(self) -> bool:
        """Whether it is an update that may still be cancelled."""
        return self.abort is not None and self.revocable

    @property
    def revocable(self) -> bool:
        """Whether an abort would end it sooner: it has not reached its point of no return."""
        rollout = self.rollout
        advancing = rollout is None or rollout.stage is Stage.ADVANCING
        return self.kind in {Kind.CREATE, Kind.UPDATE} and advancing and not self.aborted

    @property
    def failed(self) -> bool:
        rollout = self.rollout
        return rollout is not None and rollout.stage in {Stage.FAILED, Stage.REVERTED}

    def with_phase(self, phase: Phase) -> Operation:
        """Return it with the phase under way replaced by its next state."""
        if phase == self.phase:
            return self
        phases = (*self.phases[: self.position], phase, *self.phases[self.position + 1 :])
        return replace(self, phases=phases)

    def next(self) -> Operation:
        return replace(self, position=self.position + 1)

    def resume(self, now: float) -> Operation:
        """Let what is under way count its time from now: timeouts count time observed."""
        phase = self.phase
        if isinstance(phase, Roll):
            return self.with_phase(Roll(phase.rollout.resume(now)))
        if isinstance(phase, Settle):
            return self.with_phase(replace(phase, since=now))
        return self
