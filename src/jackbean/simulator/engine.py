"""Machines and their agents, on virtual time.

One object is both the engine and what instances say, since here an instance is a few numbers: when
it will be up, what it was last told to do, and when it will have done it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from jackbean.core.fleet import Assignment, Machine, Member, Work
from jackbean.core.openings import Opening
from jackbean.core.protocol import Report
from jackbean.core.records import replace
from jackbean.ports.clock import Clock
from jackbean.ports.engine import Address, EngineDescription, LaunchSpec, MachineSight, Openings
from jackbean.simulator.daemons import Daemon, Polling

Assigned = Callable[[str], Assignment | None]
DIED, STOPPED = MachineSight(Machine.EXITED, exit="died"), MachineSight(Machine.STOPPED)


def calm(effect: str) -> None:
    """Let every effect happen: the point where a simulation may crash or fail it."""


def no_worker(_instance: str) -> None:
    """Tell no instance anything of a queue."""


@dataclass(frozen=True)
class Behaviour:
    """How instances behave: how long they take, and which releases are bad in which way."""

    boot_s: float = 1.0
    stage_s: float = 1.0
    activate_s: float = 1.0
    fails_staging: frozenset[int] = frozenset()
    fails_activating: frozenset[int] = frozenset()
    hangs: frozenset[int] = frozenset()  # never answers
    sick: frozenset[int] = frozenset()  # runs, but is never healthy
    message_s: float = 1.0  # how long a worker's daemon goes on after it was told to stop
    flaps: float = 0.0  # share of looks that find an instance ill for no reason
    seed: int = 0


@dataclass
class Node:
    """One machine, and the agent on it."""

    spec: LaunchSpec
    up_at: float
    sight: MachineSight  # while it runs
    serial: int = 0
    work: Assignment | None = None
    done_at: float = 0.0
    state: str = ""
    running: int | None = None
    staged: int | None = None
    exited: bool = False
    stopped: bool = False
    said: Report | None = None  # None: it has something new to say
    started: list[int] = field(default_factory=list)  # every release it ever ran
    daemon: Daemon | None = None  # of a worker
    admits: tuple[Opening, ...] = ()


class MemoryEngine:
    """ports.Engine and ports.Reports. Time moves outside; `advance` lets agents catch up."""

    def __init__(
        self,
        clock: Clock,
        behaviour: Behaviour | None = None,
        effect: Callable[[str], None] = calm,
    ) -> None:
        self.nodes: dict[str, Node] = {}
        self.launched: list[str] = []
        self.cut_off: list[str] = []  # of workers: ended while they held messages
        self.before_end: Callable[[str], None] = calm  # called with whose machine ends
        self.behaviour = behaviour or Behaviour()
        self._clock = clock
        self._effect = effect
        self._reports: dict[str, tuple[Report, float]] = {}
        self._random = Random(self.behaviour.seed)  # noqa: S311 - reproducible on purpose

    # ports.Engine

    def describe(self) -> EngineDescription:
        return EngineDescription("simulator", "memory", (), {}, frozenset())

    async def machines(self) -> Mapping[str, MachineSight]:
        return {name: sight(node) for name, node in self.nodes.items()}

    async def ensure(self, spec: LaunchSpec) -> None:
        self._effect(f"ensure {spec.instance}")
        node = self.nodes.get(spec.instance)
        if node is None:
            boot = self._clock.now() + self.behaviour.boot_s
            running = MachineSight(Machine.RUNNING, Address(spec.instance, 80))
            self.nodes[spec.instance] = Node(spec, boot, running)
            self.launched.append(spec.instance)
        elif node.stopped:
            node.stopped, node.up_at = False, self._clock.now() + self.behaviour.boot_s

    async def terminate(self, instance: str) -> None:
        self._effect(f"terminate {instance}")
        self.before_end(instance)
        node = self.nodes.pop(instance, None)
        daemon = node.daemon if node is not None and not node.exited else None
        if daemon is not None and daemon.holds(self._clock.now()):
            self.cut_off.append(instance)
        self._reports.pop(instance, None)

    async def admit(self, openings: Openings) -> None:
        for name, admits in openings.items():
            node = self.nodes.get(name)
            if node is not None and node.admits != admits:
                self._effect(f"admit {name}")
                node.admits = admits

    # ports.Reports

    def latest(self, instance: str) -> tuple[Report, float] | None:
        return self._reports.get(instance)

    def nudge(self, instance: str) -> None:
        """Do nothing: agents ask whenever time moves."""

    def forget(self, instance: str) -> None:
        self._reports.pop(instance, None)

    def processed(self, environment_id: str, deployed: int) -> None:
        """Tell nothing: messages are not counted here."""

    # what a simulation does

    def forget_reports(self) -> None:
        """Forget what everybody said, as a control plane that starts anew has."""
        self._reports.clear()

    def behave(self, behaviour: Behaviour) -> None:
        """Let instances behave otherwise from here on."""
        self.behaviour = behaviour
        self._random.seed(behaviour.seed)

    def calm_down(self) -> None:
        """Let nobody be found ill for no reason any more."""
        self.behaviour = replace(self.behaviour, flaps=0.0)

    def running(self) -> dict[str, int]:
        """Return the release that every instance runs which is not at work."""
        return {
            name: node.running
            for name, node in self.nodes.items()
            if node.running is not None and node.state != "working"
        }

    def kill(self, instance: str) -> None:
        """Let a machine die by itself."""
        self.nodes[instance].exited = True

    def changing(self) -> frozenset[str]:
        """Return those that exchange their application, and do not answer meanwhile."""
        return frozenset(name for name, node in self.nodes.items() if self._changing(node))

    def takers(self, instances: Iterable[str]) -> frozenset[str]:
        """Return those of `instances` that take messages from a queue."""
        daemons = ((name, self.nodes[name].daemon) for name in instances if name in self.nodes)
        return frozenset(name for name, daemon in daemons if daemon is not None and daemon.takes)

    def advance(self, assigned: Assigned, polling: Polling = no_worker) -> None:
        """Let every agent that is up take its assignment, work, and report."""
        now = self._clock.now()
        for name, node in self.nodes.items():
            if node.exited or node.stopped or now < node.up_at:
                continue
            self._work(node, assigned(name), now)
            report = node.said = node.said or self._report(name, node)
            may_poll = polling(name)
            if may_poll is not None:
                report = replace(report, **self._daemon(name, node, may_poll, now))
            self._reports[name] = (report, now)

    def due_s(self) -> float:
        """Return in how many seconds an instance comes up, or goes on with its work."""
        now = self._clock.now()
        return min((at - now for at in self._coming() if at > now), default=math.inf)

    def _coming(self) -> Iterator[float]:
        for node in self.nodes.values():
            if node.exited or node.stopped:
                continue
            yield node.up_at
            if node.state == "working":
                yield node.done_at - self.behaviour.activate_s
                yield node.done_at

    def healthy(self, instance: str) -> bool:
        """Whether a load balancer would find it well."""
        node = self.nodes.get(instance)
        return (
            node is not None
            and not node.exited
            and not node.stopped
            and self._clock.now() >= node.up_at
            and node.running is not None
            and node.running not in self.behaviour.sick
            and not self._changing(node)
            and not self._flaps()
        )

    def _daemon(self, name: str, node: Node, may_poll: bool, now: float) -> dict[str, Any]:  # noqa: FBT001 - an order
        """Let a worker's daemon do as it is told, and return what is reported of it."""
        daemon = node.daemon = node.daemon or Daemon()
        daemon.hear(may_poll, now, self.behaviour.message_s)
        runs = node.running is not None and not self._changing(node)
        return daemon.look(now, runs=runs, well=runs and self.healthy(name))

    def _flaps(self) -> bool:
        return self.behaviour.flaps > 0 and self._random.random() < self.behaviour.flaps

    def _changing(self, node: Node) -> bool:
        """Whether the old application has ended and the new one does not listen yet."""
        if node.state != "working" or node.work is None or node.work.work is Work.STAGE:
            return False
        return self._clock.now() >= node.done_at - self.behaviour.activate_s

    def _work(self, node: Node, wanted: Assignment | None, now: float) -> None:
        if wanted is not None and wanted.serial > node.serial:
            node.serial, node.work, node.state = wanted.serial, wanted, "working"
            node.said = None
            node.done_at = now + self._duration(node, wanted)
        if node.state == "working" and node.work is not None and now >= node.done_at:
            self._finish(node, node.work)

    def _duration(self, node: Node, work: Assignment) -> float:
        behaviour = self.behaviour
        if work.release in behaviour.hangs:
            return float("inf")
        staging = 0.0 if node.staged == work.release else behaviour.stage_s
        return staging if work.work is Work.STAGE else staging + behaviour.activate_s

    def _finish(self, node: Node, work: Assignment) -> None:
        behaviour, node.said = self.behaviour, None
        if work.release in behaviour.fails_staging:
            node.state = "failed"
            return
        node.staged = work.release
        if work.work is Work.STAGE:
            node.state = "done"
            return
        node.running = work.release
        node.started.append(work.release)
        node.state = "failed" if work.release in behaviour.fails_activating else "done"

    def _report(self, name: str, node: Node) -> Report:
        failure = {"step": "", "cause": "it is bad", "log": "", "tail": ""}
        return Report(
            instance=name,
            serial=node.serial,
            state=node.state,
            running=node.running,
            staged=node.staged,
            failure=failure if node.state == "failed" else None,
            application="up" if node.running else "",
        )


def sight(node: Node) -> MachineSight:
    """Return what an engine sees of a machine."""
    if node.exited:
        return DIED
    return STOPPED if node.stopped else node.sight


def assignments(members: Mapping[str, Member]) -> Assigned:
    """Return what agents are told, given who is a member: a stranger is told nothing."""

    def assigned(instance: str) -> Assignment | None:
        member = members.get(instance)
        return member.assignment if member else None

    return assigned
