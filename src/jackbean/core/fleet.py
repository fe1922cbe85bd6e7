"""Members (what we want of each instance), sights (what we see of it), and both as a Fleet.

A Member is intent and is saved; a Sight is an observation and lives in memory. Policies read the
two together as an `Instance` and never ask which half a fact came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from jackbean.core.records import replace
from jackbean.core.traffic import Count

MAIN = "main"
TEMPORARY = "temporary"  # what a rollout launches beside the main group, to join it or to end
PARKED = "parked"  # what ran the previous release: it gets no requests, and can have them all again


class Service(StrEnum):
    """Whether the load balancer sends requests to an instance."""

    OUT = "out"
    IN = "in"
    DRAINING = "draining"  # no new requests; the ones in flight may end


class Machine(StrEnum):
    """What the engine sees of an instance."""

    ABSENT = "absent"  # never started, or terminated
    STOPPED = "stopped"  # its disk is there, nobody runs (a reboot, or `jackbean down`)
    RUNNING = "running"
    EXITED = "exited"  # it ran and died by itself; its disk is kept until it is terminated


class Work(StrEnum):
    """What an assignment asks for."""

    STAGE = "stage"  # everything that does not disturb the running release
    ACTIVATE = "activate"  # make the staged release the running one (staging it first if needed)
    RESTART = "restart"  # restart proxy and application of the running release


class WorkState(StrEnum):
    WORKING = "working"
    DONE = "done"
    FAILED = "failed"


ANSWERED = frozenset({WorkState.DONE, WorkState.FAILED})


@dataclass(frozen=True)
class Assignment:
    """What a member is to do. `serial` only rises; an agent refuses a lower one."""

    serial: int
    work: Work
    release: int
    leader: bool = False


@dataclass(frozen=True)
class Member:
    """What an environment wants of one instance. `since` is when `service` last changed."""

    id: str
    template: str  # fingerprint of the launch template it was launched from
    launched_by: int = 0  # number of the operation that launched it; 0: the steady state
    launched_at: float = 0.0
    group: str = MAIN
    service: Service = Service.OUT
    since: float = 0.0
    leaving: bool = False
    assignment: Assignment | None = None

    @property
    def counted(self) -> bool:
        """Whether it belongs to the capacity: it is neither leaving nor parked."""
        return not self.leaving and self.group != PARKED

    def assign(self, work: Work, release: int, *, leader: bool = False) -> Member:
        """Return this member with that work assigned, or unchanged if it is assigned already."""
        last = self.assignment
        if last and (last.work, last.release) == (work, release):
            return self
        serial = last.serial + 1 if last else 1
        return replace(self, assignment=Assignment(serial, work, release, leader))

    def move(self, service: Service, now: float) -> Member:
        return self if service is self.service else replace(self, service=service, since=now)


@dataclass(frozen=True)
class Failure:
    """Why an assignment failed: the step, a sentence, the log it is in, and that log's end."""

    step: str
    cause: str
    log: str = ""
    tail: str = ""


@dataclass(frozen=True)
class Sight:
    """What was last seen of one instance.

    `heard` is False until its agent has reported since the control plane started: silence is not
    death. `passes` counts consecutive good looks at it in the load balancer. `requests` is how
    many are in flight; None while the router has not yet confirmed the member's service state.
    `down` says that it runs a release whose application takes no requests, `trouble` what its agent
    says is wrong; `reached` that the load balancer sends it requests and finds what it runs well.
    """

    machine: Machine = Machine.ABSENT
    heard: bool = False
    serial: int = 0  # of the assignment that `state` speaks of
    state: WorkState | None = None
    running: int | None = None  # the release that serves
    staged: int | None = None
    failure: Failure | None = None
    exit: str = ""  # how the machine ended, where it did by itself
    passes: int = 0
    requests: int | None = None
    down: bool = False
    trouble: str = ""
    reached: bool = False


@dataclass(frozen=True)
class Instance:
    """A member and what is seen of it. `gate` is how many passes make it healthy."""

    member: Member
    sight: Sight
    gate: int = 1

    @property
    def id(self) -> str:
        return self.member.id

    @property
    def alive(self) -> bool:
        """Whether it counts as capacity: it is not leaving and has not died."""
        return not self.member.leaving and self.sight.machine is not Machine.EXITED

    @property
    def busy(self) -> bool:
        """Whether it has yet to answer to its assignment."""
        wanted = self.member.assignment
        if wanted is None:
            return False
        sight = self.sight
        return sight.machine is not Machine.RUNNING or not (
            sight.serial == wanted.serial and sight.state in ANSWERED
        )

    def failed(self, release: int) -> bool:
        """Whether it tried `release` and could not."""
        wanted = self.member.assignment
        return (
            wanted is not None
            and wanted.release == release
            and not self.busy
            and self.sight.state is WorkState.FAILED
        )

    @property
    def healthy(self) -> bool:
        return self.sight.passes >= self.gate and self.sight.machine is Machine.RUNNING

    @property
    def serving(self) -> bool:
        return self.member.service is Service.IN and self.sight.passes > 0

    def runs(self, release: int) -> bool:
        return self.sight.running == release and not self.busy

    def settled(self, release: int) -> bool:
        """Whether it serves `release`, in service, idle and through the health gate."""
        return (
            self.member.service is Service.IN
            and self.healthy
            and self.alive
            and self.runs(release)
            and not self.failed(release)
        )


@dataclass(frozen=True)
class Fleet:
    """An environment's instances at one moment, in the order in which they were launched.

    `counts` are the load balancer's counters by release; None where they are not known.
    """

    instances: tuple[Instance, ...] = ()
    counts: tuple[Count, ...] | None = None

    def __iter__(self) -> Iterator[Instance]:
        return iter(self.instances)

    def __len__(self) -> int:
        return len(self.instances)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(i.id for i in self)

    def where(self, test: Callable[[Instance], bool]) -> Fleet:
        found = tuple(filter(test, self.instances))
        return self if len(found) == len(self.instances) else Fleet(found, self.counts)

    def of_group(self, group: str) -> Fleet:
        return self.where(lambda i: i.member.group == group)

    @property
    def parked(self) -> Fleet:
        return self.of_group(PARKED)

    @property
    def counted(self) -> Fleet:
        """Those that make up the capacity, or are to: all but the parked."""
        return self.where(lambda i: i.member.group != PARKED)

    def meant_for(self, release: int) -> Fleet:
        """Those whose last assignment is `release`."""
        return self.where(
            lambda i: i.member.assignment is not None and i.member.assignment.release == release
        )

    @property
    def alive(self) -> Fleet:
        return self.where(lambda i: i.alive)

    @property
    def dead(self) -> Fleet:
        """Those that died by themselves and are still counted on."""
        return self.where(lambda i: not i.member.leaving and not i.alive)

    @property
    def busy(self) -> Fleet:
        return self.where(lambda i: i.busy)

    def unsettled(self, release: int) -> Fleet:
        return self.where(lambda i: not i.settled(release))

    def failed(self, release: int) -> Fleet:
        return self.where(lambda i: i.failed(release))

    def launched_from(self, template: str) -> Fleet:
        """Those launched from that launch template."""
        return self.where(lambda i: i.member.template == template)

    def named(self, ids: Iterable[str]) -> Fleet:
        wanted = frozenset(ids)
        return self.where(lambda i: i.id in wanted)

    def without(self, ids: Iterable[str]) -> Fleet:
        unwanted = frozenset(ids)
        return self.where(lambda i: i.id not in unwanted)

    def weakest_first(self) -> Fleet:
        """Put those not serving first: what is out of service already is worked on first."""
        return replace(self, instances=tuple(sorted(self, key=lambda i: i.serving)))

    def first(self, count: int) -> Fleet:
        return replace(self, instances=self.instances[:count])
