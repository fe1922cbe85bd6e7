"""One turn for one environment: observe, decide, save, perform.

A tick that dies anywhere loses nothing. Before the save nothing has happened; after it, the next
tick sees what was saved and performs it. Two ticks at once cannot both save.
"""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.control import composing, counters
from jackbean.control.applications import finish_deletion
from jackbean.control.certifying import certified
from jackbean.control.decide import decide
from jackbean.control.gauge import Gauge
from jackbean.control.logs.health import tell_health, worth_telling
from jackbean.control.logs.taking import end_groups
from jackbean.control.noting import noted
from jackbean.control.observe import Look, Observer
from jackbean.control.perform import Means, ends, launching, perform
from jackbean.control.scene import Namer, Scene
from jackbean.control.stacks.doors import Doors
from jackbean.control.stacks.provisioning import realise
from jackbean.control.story.narration import narrate
from jackbean.control.swapping import partner_waits
from jackbean.control.terms import Terms
from jackbean.control.watch import Watch
from jackbean.control.world import World
from jackbean.core.environments import Environment
from jackbean.core.fleet import Service
from jackbean.core.records import replace
from jackbean.ports.store import AddEvent, PutEnvironment

STEADY_S = 2.0  # between two looks at an environment that wants nothing
WARM_S = 0.15  # between two looks while something is under way
FRESH_S = 0.05  # after a change: much of it is done sooner than one would think


@dataclass(frozen=True)
class Turn:
    """When to look again, in seconds; None: the environment has ended. `why` says what for."""

    again_s: float | None
    why: str = ""


class Ticker:
    """Takes turns. Everything it remembers may be lost."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._observer = Observer(world.engine, world.router, world.reports)
        self._watch = Watch(world.reports)
        self._gauge = Gauge(world.depths, world.installation)
        self._doors = Doors(world.installation)
        self._known: dict[tuple[str, int], Terms] = {}

    @property
    def watch(self) -> Watch:
        return self._watch

    async def tick(self, environment_id: str) -> Turn:
        """Take one turn. Raises PortError (try again) and Conflict (somebody else saved)."""
        environment = await self._world.store.environment(environment_id)
        if environment is None or environment.terminated:
            return await self._end(environment_id, environment)
        return await self._turn(environment)

    async def seen(self, environment_id: str) -> bool:
        """Look at an environment after a start, and route as saved. Returns whether it is known."""
        environment = await self._world.store.environment(environment_id)
        if environment is None or environment.terminated:
            return True
        terms, now = await self._terms(environment), self._world.clock.now()
        look = await self._observer.look(environment, terms.gate, now)
        if not self._observer.complete(look.fleet, environment.id, now):
            return False
        await perform(self._world, environment, await self._means(environment, terms, look))
        return True

    async def _turn(self, environment: Environment) -> Turn:
        world, now = self._world, self._world.clock.now()
        terms = await self._terms(environment)
        unfit = self._watch.unfit(environment, terms.gate.worst, now)
        look = await self._observer.look(environment, terms.gate, now, unfit)
        if not self._observer.complete(look.fleet, environment.id, now):
            return Turn(WARM_S, "waiting to hear from every instance")
        scene = await self._scene(environment, look, terms, now)
        decision = decide(scene, Namer(world.installation, world.ids))
        decision = noted(decision, await self._last(scene) if decision.ended else scene)
        after = self._watch.judged(decision.environment, look.fleet, now, terms.release.settings)
        changed = after is not environment and after != environment
        if changed:
            events = narrate(environment, after, decision.ended, scene)
            certificate = await certified(world, after, decision.ended, events)
            await world.store.commit([PutEnvironment(after), *certificate, *map(AddEvent, events)])
            await self._record_health(environment, after, terms)
        saved = replace(after, revision=after.revision + 1) if changed else after
        await perform(world, saved, await self._means(after, terms, look))
        self._forget(environment, after)
        if decision.ended:
            await composing.proceed(world)
        if not _warm(after, look):
            return Turn(STEADY_S, decision.why)
        return Turn(FRESH_S if changed else WARM_S, decision.why)

    async def _record_health(self, before: Environment, after: Environment, terms: Terms) -> None:
        settings = terms.release.settings
        if worth_telling(before, after, settings):
            health = self._watch.environment_health(after, self._world.clock.now())
            await tell_health(self._world, after, settings, health)

    async def _scene(self, environment: Environment, look: Look, terms: Terms, now: float) -> Scene:
        world, settings = self._world, terms.release.settings
        hostnames = () if environment.worker else await world.router.hostnames(environment.id)
        scene = Scene(
            environment=environment,
            fleet=look.fleet,
            release=terms.release,
            drain_s=terms.drain_s,
            now=now,
            hostnames=hostnames,
            sights=await realise(world.resources, environment),
            partner_waits=await partner_waits(world.store, environment),
        )
        reading = await self._gauge.look(environment, terms.release, now)
        if reading is None or reading.depth is None:
            return scene
        if reading.at == now:
            self._watch.queued(environment.id, reading.depth.waiting, reading.depth.dead, now)
        capacity = self._gauge.capacity(environment, settings, reading)
        return replace(scene, backlog=reading.depth.backlog, capacity=capacity)

    async def _last(self, scene: Scene) -> Scene:
        """Return the scene of an operation's end with the load balancer's last word on it."""
        world = self._world
        counts = await counters.read(world.router, world.reports, scene.environment)
        return replace(scene, fleet=replace(scene.fleet, counts=counts))

    async def _terms(self, environment: Environment) -> Terms:
        """Return those of the release that the environment is on its way to, or on."""
        operation = environment.operation
        number = (operation.release if operation else None) or environment.release
        if number is None:
            raise AssertionError(f"environment {environment.name} has no release")
        return await self._read(environment, number)

    async def _means(self, environment: Environment, terms: Terms, look: Look) -> Means:
        numbers = launching(environment)
        known = {n: (await self._read(environment, n)).release for n in numbers}
        openings = self._doors.of(environment, terms.release)
        return Means(terms, look, known, openings)

    async def _read(self, environment: Environment, number: int) -> Terms:
        known = self._known.get((environment.id, number))
        if known is None:
            release = await self._world.store.release(environment.id, number)
            if release is None:
                raise AssertionError(f"release {number} of {environment.name} is not in the store")
            known = self._known[environment.id, number] = Terms.of(release)
        return known

    def _forget(self, before: Environment, after: Environment) -> None:
        """Forget instances that have gone, and releases that nobody needs any more."""
        for gone in {m.id for m in before.members} - {m.id for m in after.members}:
            self._observer.forget_instance(gone)
            self._world.reports.forget(gone)
        if before.operation and not after.operation:
            used = {after.release, *launching(after)}
            for key in [k for k in self._known if k[0] == after.id and k[1] not in used]:
                del self._known[key]

    async def _end(self, environment_id: str, environment: Environment | None) -> Turn:
        await self._world.router.withdraw(environment_id)
        if environment is not None:
            self._observer.forget(environment)
            await end_groups(self._world, environment)
        self._gauge.forget(environment_id)
        self._doors.forget(environment_id)
        if environment is not None:
            await finish_deletion(self._world, environment.application)
            await composing.proceed(self._world)
        for key in [k for k in self._known if k[0] == environment_id]:
            del self._known[key]
        return Turn(None)


def _warm(environment: Environment, look: Look) -> bool:
    """Whether something is under way that the next look may find done."""
    if environment.operation is not None or ends(environment):
        return True
    moving = any(i.busy or i.member.service is not Service.IN or not i.healthy for i in look.fleet)
    return moving or len(look.fleet.counted) != environment.desired
