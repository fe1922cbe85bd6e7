"""What is seen of an environment, put beside what is wanted of it.

Looks at machines (engine), reports (agents) and targets (where the work comes from) become Sights.
The only memory is how often in a row each instance looked good, and what it ran when it was asked
itself; both are allowed to be lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jackbean.control.counters import Counters
from jackbean.control.intake import Intake
from jackbean.control.proofs import Proofs
from jackbean.control.terms import Gate
from jackbean.core.environments import Environment
from jackbean.core.fleet import (
    Failure,
    Fleet,
    Instance,
    Machine,
    Member,
    Service,
    Sight,
    WorkState,
)
from jackbean.core.protocol import Report
from jackbean.core.records import replace
from jackbean.ports.agents import Reports
from jackbean.ports.engine import Address, Engine, MachineSight
from jackbean.ports.router import Router, TargetSight

SILENCE_S = 15.0  # how long after a start an agent is waited for before its silence counts
NO_MACHINE = MachineSight(Machine.ABSENT)
NO_TARGET = TargetSight(Service.OUT, healthy=False, requests=0)
STATES = frozenset(WorkState)
TEXT_MAX = 4000  # characters kept of what an instance says of a failure


@dataclass(frozen=True)
class Look:
    """A fleet, and where its machines are reached."""

    fleet: Fleet
    addresses: Mapping[str, Address]


@dataclass(frozen=True, slots=True)
class Made:
    """An instance, and what it was made of: as long as that stays the same, so does it."""

    of: tuple[Member, MachineSight, Report | None, TargetSight, int, bool]
    instance: Instance


@dataclass(frozen=True)
class Passes:
    """Good looks in a row, and when the last of them was."""

    count: int = 0
    at: float = 0.0


NO_PASSES = Passes()


class Observer:
    """Looks at fleets. Complete once every running member has been heard, or was given the time."""

    def __init__(self, engine: Engine, router: Router, reports: Reports) -> None:
        self._engine = engine
        self._intake = Intake(router, reports)
        self._reports = reports
        self._counters = Counters(router, reports)
        self._proofs = Proofs(router, reports)
        self._passes: dict[str, Passes] = {}
        self._made: dict[str, Made] = {}
        self._first: dict[str, float] = {}
        self._complete: set[str] = set()

    async def look(
        self,
        environment: Environment,
        gate: Gate,
        now: float,
        unfit: frozenset[str] = frozenset(),
    ) -> Look:
        """Look at an environment. The `unfit` take requests, and do not pass the gate."""
        machines = await self._engine.machines()
        targets = await self._intake.observe(environment, now)
        if gate.check is not None:
            await self._proofs.ask(gate.check, environment.members, machines, targets)
        instances = tuple(
            self._instance(member, machines, targets, gate, now) for member in environment.members
        )
        instances = tuple(self._held(i, gate) if i.id in unfit else i for i in instances)
        addresses = {name: m.address for name, m in machines.items() if m.address is not None}
        return Look(Fleet(instances, await self._counters.look(environment, now)), addresses)

    def complete(self, fleet: Fleet, environment_id: str, now: float) -> bool:
        """Whether enough was seen of it to act: silence after a start is not death."""
        if environment_id not in self._complete:
            running = fleet.where(lambda i: i.sight.machine is Machine.RUNNING)
            since = self._first.setdefault(environment_id, now)
            if all(i.sight.heard for i in running) or now - since > SILENCE_S:
                self._complete.add(environment_id)
        return environment_id in self._complete

    def forget(self, environment: Environment) -> None:
        """Forget an environment that has ended."""
        self._first.pop(environment.id, None)
        self._complete.discard(environment.id)
        self._counters.forget(environment.id)

    def forget_instance(self, instance: str) -> None:
        self._passes.pop(instance, None)
        self._proofs.forget(instance)
        self._made.pop(instance, None)

    def _instance(
        self,
        member: Member,
        machines: Mapping[str, MachineSight],
        targets: Mapping[str, TargetSight],
        gate: Gate,
        now: float,
    ) -> Instance:
        machine = machines.get(member.id, NO_MACHINE)
        said = self._reports.latest(member.id)
        report = said[0] if said else None
        target = targets.get(member.id, NO_TARGET)
        proven = gate.check is None or self._proofs.holds(member)
        of, made = (member, machine, report, target, gate.count, proven), self._made.get(member.id)
        if made is None or made.of != of:
            found = target if proven else replace(target, healthy=False)
            sight = _sight(member, machine, report, found)
            made = Made(of, Instance(member, sight, gate.count))
        instance = made.instance
        passes = self._look(instance, gate, now)
        if passes != instance.sight.passes:
            sight = replace(instance.sight, passes=passes)
            made = Made(of, Instance(member, sight, gate.count))
        self._made[member.id] = made
        return made.instance

    def _held(self, instance: Instance, gate: Gate) -> Instance:
        """Let an instance begin anew with its good looks: one bad look resets the count."""
        passes = min(instance.sight.passes, gate.count - 1, 1)
        self._passes[instance.id] = replace(self._passes[instance.id], count=passes)
        return replace(instance, sight=replace(instance.sight, passes=passes))

    def _look(self, instance: Instance, gate: Gate, now: float) -> int:
        before = self._passes.get(instance.id, NO_PASSES)
        after = counted(before, instance, gate, now, well=instance.sight.reached)
        self._passes[instance.id] = after
        return after.count


def running(reports: Reports, environment: Environment) -> dict[str, int]:
    """Return the release that each instance says that it runs; who says nothing is left out."""
    heard = {m.id: reports.latest(m.id) for m in environment.members}
    said = {name: latest[0].running for name, latest in heard.items() if latest}
    return {name: release for name, release in said.items() if release is not None}


def counted(before: Passes, instance: Instance, gate: Gate, now: float, *, well: bool) -> Passes:
    """Return how often in a row an instance has looked good, with this look; `well` to requests."""
    if not well or instance.busy:
        return NO_PASSES
    if before.count == 0 or now - before.at >= gate.interval_s:
        return Passes(min(before.count + 1, gate.count), now)
    return before


def _requests(member: Member, target: TargetSight) -> int | None:
    """Return the requests in flight, None while more may come: it is still routed to."""
    confirmed = target.service is not Service.IN or member.service is Service.IN
    return target.requests if confirmed else None


def _sight(
    member: Member, machine: MachineSight, report: Report | None, target: TargetSight
) -> Sight:
    routed = Sight(
        machine=machine.machine,
        exit=machine.exit,
        requests=_requests(member, target),
        reached=target.healthy and target.service is Service.IN,
    )
    if report is None:
        return routed
    running = machine.machine is Machine.RUNNING
    return replace(
        routed,
        heard=True,
        serial=report.serial,
        state=WorkState(report.state) if report.state in STATES else None,
        running=report.running if running else None,
        staged=report.staged,
        failure=_failure(report.failure),
        down=running and report.running is not None and report.application in ABSENT,
        trouble=report.causes[0][:TROUBLE_MAX] if running and report.causes else "",
    )


TROUBLE_MAX = 500
ABSENT = frozenset({"", "down"})  # what an agent says of an application that takes no requests


def _failure(said: Mapping[str, str] | None) -> Failure | None:
    if said is None:
        return None
    return Failure(**{name: said.get(name, "")[-TEXT_MAX:] for name in FAILURE_MEMBERS})


FAILURE_MEMBERS = ("step", "cause", "log", "tail")
