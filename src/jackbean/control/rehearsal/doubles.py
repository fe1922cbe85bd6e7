"""Made-up instances: what a machine, its agent and the load balancer do, as a few instants.

A Double is a frozen record, and time is an argument, so that a rehearsal can be stopped at any
moment and gone on with in several ways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from jackbean.control.observe import Passes, counted
from jackbean.control.rehearsal.pace import Pace
from jackbean.control.terms import Gate
from jackbean.core.fleet import (
    Assignment,
    Instance,
    Machine,
    Member,
    Service,
    Sight,
    Work,
    WorkState,
)
from jackbean.core.records import replace

NEVER = float("inf")
ALWAYS = -NEVER
UNCOUNTED = Passes()


class Kind(StrEnum):
    """What can go wrong."""

    PREPARING = "preparing"  # it cannot be staged
    STARTING = "starting"  # the application does not come up
    FINISHING = "finishing"  # it comes up, and then a hook fails
    SILENT = "silent"  # the instance never answers
    SICK = "sick"  # it runs, and its health check never passes
    ERRING = "erring"  # it is in service, and answers with errors: it is not well enough to pass
    DYING = "dying"  # the machine ends by itself
    ABORT = "abort"  # somebody aborts
    AWAY = "away"  # the control plane dies and comes back


@dataclass(frozen=True)
class Trouble:
    """What goes wrong, on which instances, with which release; None: with any."""

    kind: Kind
    ids: frozenset[str] = frozenset()
    release: int | None = None

    def strikes(self, instance: str, release: int | None) -> bool:
        """Whether it goes wrong with an instance that runs `release`, or is to."""
        concerned = release is not None and self.release in {None, release}
        return concerned and instance in self.ids


CALM = Trouble(Kind.AWAY)  # nothing goes wrong


@dataclass(frozen=True)
class Terms:
    """What holds for all instances at one moment."""

    now: float
    pace: Pace
    gate: Gate
    trouble: Trouble = CALM

    def struck(self, kind: Kind, double: Double, release: int | None) -> bool:
        return self.trouble.kind is kind and self.trouble.strikes(double.id, release)


@dataclass(frozen=True)
class Double:
    """One instance. `told` is what the balancer was told, `service` what is in effect there.

    `known` is since when the balancer knows it, `quiet` when its last request will have ended.
    """

    id: str
    up: float
    exited: bool = False
    serial: int = 0
    work: Assignment | None = None
    done: float = NEVER
    state: WorkState | None = None
    running: int | None = None
    staged: int | None = None
    told: Service = Service.OUT
    told_at: float = ALWAYS
    service: Service = Service.OUT
    known: float = ALWAYS
    quiet: float = ALWAYS
    passes: Passes = UNCOUNTED

    # the application

    def answers(self, terms: Terms) -> bool:
        """Whether a request that reaches it is answered."""
        return (
            not self.exited
            and terms.now >= self.up
            and self.running is not None
            and not self._changing(terms)
            and not terms.struck(Kind.SICK, self, self.running)
            and not terms.struck(Kind.STARTING, self, self.running)
        )

    def _changing(self, terms: Terms) -> bool:
        """Whether the old application has ended and the new one does not listen yet."""
        if self.state is not WorkState.WORKING or self.work is None:
            return False
        return self.work.work is not Work.STAGE and terms.now >= self.done - terms.pace.activate_s

    # the load balancer

    def serves(self, terms: Terms) -> bool:
        """Whether new requests are sent to it."""
        known = terms.now >= self.known + terms.pace.check_s
        return self.service is Service.IN and known and self.answers(terms)

    def route(self, service: Service, terms: Terms) -> Double:
        """Tell the balancer what is wanted of it."""
        if service is self.told:
            return self
        return replace(self, told=service, told_at=terms.now + terms.pace.route_s)

    def settle(self, terms: Terms) -> Double:
        """Let take effect what the balancer was told."""
        if self.told is self.service or terms.now < self.told_at:
            return self
        known = self.told_at if self.service is Service.OUT else self.known
        busy = self.told is Service.DRAINING and self.serves(terms)
        quiet = self.told_at + terms.pace.request_s if busy else ALWAYS
        return replace(self, service=self.told, known=known, quiet=quiet)

    # the agent

    def obey(self, wanted: Assignment | None, terms: Terms) -> Double:
        """Take work that is new, and finish what is done."""
        if self.exited or terms.now < self.up:
            return self
        one = self
        if wanted is not None and wanted.serial > self.serial:
            done = terms.now + self._duration(wanted, terms)
            one = replace(self, serial=wanted.serial, work=wanted, done=done)
            one = replace(one, state=WorkState.WORKING)
        if one.state is WorkState.WORKING and one.work is not None and terms.now >= one.done:
            return one.finish(one.work, terms)
        return one

    def _duration(self, work: Assignment, terms: Terms) -> float:
        if terms.struck(Kind.SILENT, self, work.release):
            return NEVER
        staging = 0.0 if self.staged == work.release else terms.pace.stage_s
        return staging if work.work is Work.STAGE else staging + terms.pace.activate_s

    def finish(self, work: Assignment, terms: Terms) -> Double:
        """Have done the work, well or badly."""
        if terms.struck(Kind.DYING, self, work.release):
            return replace(self, exited=True)
        if terms.struck(Kind.PREPARING, self, work.release):
            return replace(self, state=WorkState.FAILED, done=NEVER)
        one = replace(self, state=WorkState.DONE, staged=work.release, done=NEVER)
        if work.work is Work.STAGE:
            return one
        ruined = any(terms.struck(k, self, work.release) for k in (Kind.STARTING, Kind.FINISHING))
        state = WorkState.FAILED if ruined else WorkState.DONE
        return replace(one, running=work.release, state=state)

    # what is seen of it

    def look(self, member: Member, terms: Terms) -> tuple[Double, Instance]:
        """Return what an observer sees of it, and it with the looks counted."""
        seen = Instance(member, self._sight(member, terms), terms.gate.count)
        passes = counted(self.passes, seen, terms.gate, terms.now, well=seen.sight.reached)
        if terms.struck(Kind.ERRING, self, self.running):
            passes = replace(passes, count=min(passes.count, terms.gate.count - 1, 1))
        if passes.count == self.passes.count:
            return self, seen
        sight = replace(seen.sight, passes=passes.count)
        return replace(self, passes=passes), replace(seen, sight=sight)

    def _sight(self, member: Member, terms: Terms) -> Sight:
        up = terms.now >= self.up
        return Sight(
            machine=Machine.EXITED if self.exited else Machine.RUNNING,
            heard=up,
            serial=self.serial,
            state=self.state,
            running=None if self.exited else self.running,
            staged=self.staged,
            exit="died" if self.exited else "",
            passes=self.passes.count,
            requests=self._requests(member, terms),
            reached=self.serves(terms),
            down=terms.struck(Kind.STARTING, self, self.running),
        )

    def _requests(self, member: Member, terms: Terms) -> int | None:
        if self.service is Service.IN:
            return int(self.serves(terms)) if member.service is Service.IN else None
        return int(self.service is Service.DRAINING and terms.now < self.quiet)

    def instants(self, terms: Terms) -> Iterator[float]:
        """Yield when something about it may change by itself."""
        pace = terms.pace
        if self.exited:
            return
        yield self.up
        if self.state is WorkState.WORKING:
            yield self.done
            yield self.done - pace.activate_s
        if self.told is not self.service:
            yield self.told_at
        yield self.known + pace.check_s
        yield self.quiet
        if 0 < self.passes.count < terms.gate.count:
            yield self.passes.at + terms.gate.interval_s
