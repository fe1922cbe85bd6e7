"""A whole installation on virtual time: the real use cases and loop over in-memory ports.

Only three things happen by themselves here: time, agents at work, and faults. A *crash* stops the
control plane at an effect, and it comes back with nothing but its store; a *refusal* is a port that
does not do what it was asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from jackbean.control.bell import Bell
from jackbean.control.credentials import Credentials
from jackbean.control.loop import restart_clocks
from jackbean.control.platforms import Platforms
from jackbean.control.tick import Ticker
from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.core.errors import Conflict, PortError
from jackbean.core.installation import Installation
from jackbean.core.platforms.catalogue import Catalogue
from jackbean.core.records import replace
from jackbean.core.tallies import UNTOUCHED
from jackbean.ports.store import Change, EnvironmentQuery, PutEnvironment
from jackbean.simulator.blobs import MemoryBlobs
from jackbean.simulator.clock import SeededIds, VirtualClock
from jackbean.simulator.daemons import polling
from jackbean.simulator.depths import MemoryDepths
from jackbean.simulator.engine import Behaviour, MemoryEngine, assignments
from jackbean.simulator.faults import Crash, Faults, Halfway
from jackbean.simulator.logs import MemoryLogs
from jackbean.simulator.resources import MemoryResources
from jackbean.simulator.router import MemoryRouter, Traffic
from jackbean.simulator.store import MemoryStore
from jackbean.simulator.upgrade import older

BRANCH = "Python 3.11 running on 64bit Amazon Linux 2023"
EVERYTHING = EnvironmentQuery()
STEP_S = 0.5
QUIET_STEPS = 4  # before time moves faster, where looks themselves are what matters
STEP_MAX_S = 8.0  # while nothing changes


class Universe:
    """`watch` is called with the changes of every commit, after it took effect."""

    def __init__(
        self,
        seed: int,
        behaviour: Behaviour | None = None,
        traffic: Traffic | None = None,
        faults: Faults | None = None,
        watch: Callable[[Sequence[Change]], None] = lambda changes: None,
    ) -> None:
        self.clock = VirtualClock()
        self._ids = SeededIds(seed)
        self.faults = faults or Faults()
        self._watch = watch
        effect = self.faults.effect
        self.engine = MemoryEngine(self.clock, behaviour, effect)
        self.router = MemoryRouter(self.clock, self.engine.healthy, traffic, effect)
        self.engine.before_end = self.router.lose
        self.store = MemoryStore(
            self.clock, before_commit=self._before_commit, after_commit=self._after_commit
        )
        self.resources = MemoryResources(effect)
        self.depths = MemoryDepths()
        self.world = self._world()
        self.crashes, self.crashed_at = 0, 0.0
        self._ticker = Ticker(self.world)
        self._due: dict[str, float] = {}
        self._adopted = False
        self._eventful = False
        self.quiet_steps = QUIET_STEPS
        self._quiet = 0
        self._known: dict[str, Environment] = {}  # as saved, but for what is only noted

    def _world(self) -> World:
        """Return what the control plane has: ports that may do a thing and not say so."""
        return World(
            installation=Installation("us-east-1", "123456789012"),
            store=self.store,
            engine=cast(Any, Halfway(self.engine, self.faults)),
            router=cast(Any, Halfway(self.router, self.faults)),
            reports=self.engine,
            logs=MemoryLogs(),
            blobs=MemoryBlobs(Path("/nonexistent")),
            resources=cast(Any, Halfway(self.resources, self.faults)),
            depths=self.depths,
            clock=self.clock,
            ids=self._ids,
            credentials=Credentials(b"simulated" * 4),
            platforms=Platforms(_catalogue(), {"Python": "0" * 64}),
            bell=Bell(),
        )

    def reseed(self, seed: int, behaviour: Behaviour) -> None:
        """Draw from another seed from here on, and let instances behave otherwise."""
        self._ids.reseed(seed)
        self.engine.behave(behaviour)

    async def pass_time(
        self, seconds: float, look: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Let the installation run, and `look` after every step."""
        end = self.clock.now() + seconds
        while (left := end - self.clock.now()) > 0:
            await self.step(left)
            if look is not None:
                await look()

    async def step(self, most_s: float = STEP_MAX_S) -> None:
        """Take every turn that is due, let agents work, and move time, at most that far."""
        try:
            await self._turns()
        except Crash:
            self.crash()
        environments = await self.environments()
        members = {m.id: m for e in environments for m in e.members}
        self.engine.advance(assignments(members), polling(environments))
        self.clock.advance(min(self._stride(), most_s))

    def _stride(self) -> float:
        """Return how far time moves: further and further while nothing new is saved.

        It does not pass what an instance is about to do: there is something to see of that.
        """
        quiet, self._eventful = not self._eventful, False
        self._quiet = self._quiet + 1 if quiet else 0
        most_s = min(STEP_S * 2.0 ** max(self._quiet - self.quiet_steps, 0), STEP_MAX_S)
        return most_s if most_s <= STEP_S else max(STEP_S, min(most_s, self.engine.due_s()))

    def dissolve(self) -> None:
        """Let go of what refers back to it: then nobody has to search for what is left of it."""
        for part in (self.store, self.router, self.engine, self.resources, self):
            vars(part).clear()

    def serving(self, environment: Environment) -> frozenset[str]:
        """Return the instances that a request may be sent to now, or that take messages."""
        if environment.worker:
            return self.engine.takers(m.id for m in environment.members)
        return self.router.receivers(environment.id)

    def disturbed(self, environment: Environment) -> frozenset[str]:
        """Return the instances that requests are sent to while their application is exchanged."""
        changing = self.engine.changing()
        return changing & self.router.receivers(environment.id) if changing else changing

    async def environments(self) -> list[Environment]:
        return await self.store.environments(EVERYTHING)

    def crash(self) -> None:
        """Start the control plane anew: everything that it only remembered is gone."""
        self.crashes, self.crashed_at = self.crashes + 1, self.clock.now()
        self._ticker = Ticker(self.world)
        self._due.clear()
        self._adopted = False
        self.engine.forget_reports()
        self.router.restart()
        if self.faults.upgrades:
            self.store.rewrite(older)

    async def _turns(self) -> None:
        if not self._adopted:
            self._adopted = await self._adopt()
            return
        now = self.clock.now()
        for environment_id in sorted(self.world.bell.take()):
            self._due[environment_id] = now
        for environment in await self.environments():
            self._due.setdefault(environment.id, now)
        for environment_id in [e for e, at in self._due.items() if at <= now]:
            await self._turn(environment_id)

    async def _adopt(self) -> bool:
        try:
            await restart_clocks(self.world)
            known = [await self._ticker.seen(e.id) for e in await self.environments()]
            if all(known):
                await self.world.router.open()
            return all(known)
        except PortError:
            return False

    async def _turn(self, environment_id: str) -> None:
        try:
            turn = await self._ticker.tick(environment_id)
        except (Conflict, PortError):
            self._due[environment_id] = self.clock.now()
            self._eventful = True  # whoever was refused asks again soon
            return
        if turn.again_s is None:
            del self._due[environment_id]
        else:
            self._due[environment_id] = self.clock.now() + turn.again_s

    def _before_commit(self, changes: Sequence[Change]) -> None:
        self.faults.effect("commit")

    def _after_commit(self, changes: Sequence[Change]) -> None:
        news = [self._news(change) for change in changes]
        self._eventful = self._eventful or any(news)
        self._watch(changes)
        self.faults.effect("committed")

    def _news(self, change: Change) -> bool:
        """Whether a change is more than what is noted of an operation every few seconds."""
        if not isinstance(change, PutEnvironment):
            return True
        record, before = change.environment, self._known.get(change.environment.id)
        operation = record.operation
        if operation is not None:
            operation = replace(operation, tally=UNTOUCHED)
        known = self._known[record.id] = replace(record, revision=0, operation=operation)
        return known != before


@cache
def _catalogue() -> Catalogue:
    """Return what every universe has: it is costly to set up, and never changes."""
    return Catalogue("us-east-1", frozenset({BRANCH}))
