"""Histories: an environment's life with everything that can go wrong in it, lived and checked.

`life` is deterministic in its arguments; `lives.random_life` draws them from a seed.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from jackbean.control import environments
from jackbean.control.aborting import abort
from jackbean.control.applications import create_application
from jackbean.control.environments import WEB, Creation, Update
from jackbean.control.returning import roll_back
from jackbean.control.swapping import swap
from jackbean.control.versions import Bundle, create_version
from jackbean.core.applications import Application, Location, Version
from jackbean.core.environments import Environment, Status, Tier
from jackbean.core.errors import Fault, PortError
from jackbean.core.options.settings import Setting
from jackbean.simulator.blobs import MemoryBlobs
from jackbean.simulator.bundles import bundle
from jackbean.simulator.engine import Behaviour
from jackbean.simulator.faults import Crash, Faults
from jackbean.simulator.invariants import (
    ViolationError,
    check_names,
    check_rest,
    check_uniform,
    require,
)
from jackbean.simulator.lives import Life, behaviour
from jackbean.simulator.moulds import Mould
from jackbean.simulator.returns import WayBack
from jackbean.simulator.router import Traffic
from jackbean.simulator.stacks import check_stacks, check_tidy
from jackbean.simulator.universe import BRANCH, STEP_MAX_S, Universe
from jackbean.simulator.witness import Witness

ASG, COMMAND = "aws:autoscaling:asg", "aws:elasticbeanstalk:command"
SPLITTING = "aws:elasticbeanstalk:trafficsplitting"
UPDATES = "aws:autoscaling:updatepolicy:rollingupdate"
LAUNCH = "aws:autoscaling:launchconfiguration"
REPORTING = "aws:elasticbeanstalk:healthreporting:system"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
WORKER = Tier("Worker", "SQS/HTTP", "2.3")
NAME, PARTNER = "life-env", "partner-env"
TIMEOUT_S = 30
STEP_MIN_S = 0.01  # a clock of large numbers cannot take steps of any size
PATIENCE_S = 1500.0  # for every operation to end, from when it or the control plane began
CHECK_S = 30.0  # between two looks of the load balancer at an instance
CALM_S = 15.0  # in which the steady state mends what faults have left
MOURNING_S = 60.0  # and longer where somebody died: those who died young are not replaced at once
PROMPT = Behaviour(boot_s=0.0, stage_s=0.0, activate_s=0.0)  # where nothing is tried yet
MOULDS_MAX = 2000  # shapes of lives whose beginnings are kept, all there are; some 200 kB each
REFUSALS = ("already exists", "No Environment", "none to go back to", "Must be Updating")


@dataclass
class Outcome:
    """`effects` is how many points there were to crash at."""

    effects: int = 0
    crashes: int = 0
    ends: list[str] = field(default_factory=list)


async def life(plan: Life, faults: Faults | None = None) -> Outcome:
    """Live it and check it. Raises a ViolationError where something does not hold."""
    faults = faults or Faults()
    story = await _settled(plan, faults) if plan.settled else Story(plan, faults)
    with TemporaryDirectory() if "restack" in plan.acts else nullcontext("/nonexistent") as folder:
        story.keep_blobs(MemoryBlobs(Path(folder)))
        outcome = await story.live()
    await story.check_resources()
    story.end()
    return outcome


async def _settled(plan: Life, faults: Faults) -> Story:
    """Return a life whose environments are there: those that are alike begin as copies of one."""
    shape = plan.shape
    mould = MOULDS.get(shape)
    if mould is None:
        calm = Faults()
        model = Story(shape, calm, PROMPT)
        await model.begin()
        while len(MOULDS) >= MOULDS_MAX:
            del MOULDS[next(iter(MOULDS))]
        mould = MOULDS[shape] = Mould(model, calm)
        model.end()
    story = mould.cast(faults)
    story.go_on_as(plan)
    return story


class Story:
    """One life in a universe of its own."""

    def __init__(self, plan: Life, faults: Faults, usual: Behaviour | None = None) -> None:
        self._witness = Witness()
        usual = usual or behaviour(plan)
        self._universe = Universe(plan.seed, usual, None, faults, self._witness)
        self._universe.quiet_steps = 0  # few looks show what many do where nothing happens
        self._begun = False
        self._outcome = Outcome()
        self._requests = 0
        self._colours = 0
        self._names: frozenset[str] = frozenset()
        self._way_back = WayBack()
        self._follow(plan)

    def _follow(self, plan: Life) -> None:
        self._plan = plan
        # What flaps shows that at each look, and not only when it is checked.
        every_s = 0.0 if plan.flaps else CHECK_S
        traffic = Traffic(apply_s=0.1, check_s=0.3, every_s=every_s, last_s=1.0)
        self._universe.router.traffic = traffic
        self._deaths = sorted(plan.deaths, reverse=True)
        self._began = self._universe.clock.now()
        self._random = random.Random(plan.seed)  # noqa: S311 - reproducible on purpose

    def go_on_as(self, plan: Life) -> None:
        """Go on from here as another life, whose beginning was like that of this one."""
        self._follow(plan)
        self._universe.reseed(plan.seed, behaviour(plan))

    def keep_blobs(self, blobs: MemoryBlobs) -> None:
        self._universe.world = replace(self._universe.world, blobs=blobs)

    def end(self) -> None:
        self._universe.dissolve()

    async def check_resources(self) -> None:
        """Raise a ViolationError unless what stacks are made of is what records say."""
        found = await self._universe.environments()
        check_stacks(self._universe.resources, found, self._witness.custody)
        for environment in found:
            if self._witness.chronicle.won.get(environment.id) and not self._plan.parking:
                check_tidy(environment)

    async def live(self) -> Outcome:
        if not self._begun:
            await self.begin()
        acts = [*enumerate(self._plan.acts)]
        for position, act in acts:
            last = position == len(acts) - 1
            await self._insist(partial(self._act, act))
            interruption = self._plan.ends if last else None
            await self._until_rest(act, self._plan.abort_after(position), interruption)
        outcome = self._outcome
        outcome.effects = self._universe.faults.effects
        await self._rest()
        outcome.crashes = self._universe.crashes
        return outcome

    async def begin(self) -> None:
        """Let there be environments."""
        await self._insist(partial(self._create, NAME))
        if "swap" in self._plan.acts:
            await self._insist(partial(self._create, PARTNER))
        await self._until_rest("create")
        self._names = frozenset(e.cname_prefix for e in await self._universe.environments())
        self._begun = True

    async def _insist(self, request: Callable[[], Awaitable[object]]) -> None:
        """Ask like a client that repeats a request which got no answer."""
        for _ in range(100):
            try:
                await request()
                return
            except Crash:
                self._universe.crash()
            except Fault as fault:
                if any(text in fault.message for text in REFUSALS):
                    return
                if "invalid state" not in fault.message:
                    raise
                await self._universe.step()
                if await self._under_way():
                    return
            except PortError:
                await self._universe.step()
        raise ViolationError("a request was never accepted")

    async def _create(self, name: str) -> None:
        world = self._universe.world
        if not await world.store.applications(["app"]):
            await create_application(world, Application("app"), self._request())
        if not await world.store.versions("app", ["v2"]):
            await create_version(world, Version("app", "v2"), None, self._request())
        wanted = Creation(
            application="app",
            name=name,
            platform=world.platforms.catalogue.find(BRANCH),
            request_id=self._request(),
            settings=self._settings(1 if name == PARTNER else self._plan.size),
            tier=WORKER if self._plan.worker else WEB,
        )
        await environments.create(world, wanted)

    def _settings(self, size: int) -> tuple[Setting, ...]:
        plan = self._plan
        paced = (
            Setting(UPDATES, "RollingUpdateEnabled", "true"),
            Setting(UPDATES, "RollingUpdateType", plan.pace),
            Setting(UPDATES, "MaxBatchSize", str(plan.batch)),
        )
        return (
            Setting(ASG, "MinSize", str(size)),
            Setting(ASG, "MaxSize", str(size + 2)),
            Setting(COMMAND, "DeploymentPolicy", plan.policy),
            Setting(COMMAND, "BatchSizeType", "Fixed"),
            Setting(COMMAND, "BatchSize", str(plan.batch)),
            Setting(COMMAND, "Timeout", str(TIMEOUT_S)),
            Setting(UPDATES, "Timeout", "PT5M"),
            Setting(SPLITTING, "EvaluationTime", "3"),
            Setting("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
            *((Setting("jackbean:deployment", "ParkingTime", "5"),) if plan.parking else ()),
            *((Setting(REPORTING, "SystemType", "basic"),) if plan.basic else ()),
            *(paced if plan.pace else ()),
        )

    async def _act(self, act: str) -> None:
        world, request_id = self._universe.world, self._request()
        match act:
            case "terminate":
                await environments.terminate(world, NAME, request_id)
            case "rollback":
                if environment := await self._environment():
                    self._way_back.ask(environment, self._universe.engine.running())
                await roll_back(world, NAME, request_id)
            case "swap":
                await swap(world, NAME, PARTNER, request_id)
            case "restack":
                label = await self._restacked()
                await environments.update(world, NAME, Update(request_id, label=label))
            case _:
                await environments.update(world, NAME, self._update(act, request_id))

    async def _restacked(self) -> str:
        """Make a version that brings other resources, and return its label."""
        world, self._colours = self._universe.world, self._colours + 1
        label = f"s{self._colours}"

        async def content() -> AsyncIterator[bytes]:
            yield bundle(self._plan.seed * 10 + self._colours)

        made = Bundle(Location("bucket", label), (await world.blobs.put(content())).digest)
        await create_version(world, Version("app", label), made, self._request())
        return label

    def _update(self, act: str, request_id: str) -> Update:
        self._colours += 1
        if act == "deploy":
            return Update(request_id, label="v2")
        setting = {
            "configure": Setting(PROPERTIES, "COLOUR", str(self._colours)),
            "scale": Setting(ASG, "MinSize", str(self._plan.size + 1)),
            "replace": Setting(LAUNCH, "InstanceType", TYPES[self._colours % len(TYPES)]),
        }[act]
        return Update(request_id, settings=(setting,))

    def _request(self) -> str:
        self._requests += 1
        return f"request-{self._requests}"

    async def _environment(self) -> Environment | None:
        found = await self._universe.environments()
        return next((e for e in found if e.name == NAME), None)

    async def _under_way(self) -> bool:
        environment = await self._environment()
        return environment is not None and environment.operation is not None

    async def _until_rest(
        self, what: str, aborted_s: float | None = None, ended_s: float | None = None
    ) -> None:
        began = self._universe.clock.now()
        promised = self._plan.floor(what, upgrades=self._universe.faults.upgrades)
        floor = 0 if ended_s is not None else min(promised, await self._serving())
        meant = aborted_s is None and ended_s is None
        while await self._moving():
            now = self._universe.clock.now()
            age, watched = now - began, now - max(began, self._universe.crashed_at)
            require(watched < PATIENCE_S, f"{what} never ended")  # a restart restarts all clocks
            if aborted_s is not None and age >= aborted_s:
                aborted_s = None
                await self._insist(partial(abort, self._universe.world, NAME, self._request()))
            if ended_s is not None and age >= ended_s:
                ended_s = None
                await self._insist(partial(self._act, "terminate"))
            asked = [at - age for at in (aborted_s, ended_s) if at is not None]
            await self._step(min(asked, default=STEP_MAX_S))
            await self._check_service(floor, what)
        self._outcome.ends.append(what)
        if meant:
            await self._check_won(what)
        await self._check_parked(what)
        await self._check_way_back()

    async def _moving(self) -> bool:
        """Whether anything is under way anywhere."""
        return any(e.operation is not None for e in await self._universe.environments())

    async def _step(self, most_s: float) -> None:
        """Go on, at most until somebody dies or asks for something."""
        now = self._universe.clock.now() - self._began
        while self._deaths and self._deaths[-1] <= now:
            self._deaths.pop()
            alive = [n for n, node in self._universe.engine.nodes.items() if not node.exited]
            if alive:
                self._universe.engine.kill(self._random.choice(alive))
        death_s = self._deaths[-1] - now if self._deaths else STEP_MAX_S
        await self._universe.step(max(min(most_s, death_s), STEP_MIN_S))

    async def _serving(self) -> int:
        environment = await self._environment()
        return len(self._universe.serving(environment)) if environment else 0

    async def _check_service(self, floor: int, what: str) -> None:
        """Raise a ViolationError where too few serve, or one is sent requests while it changes."""
        environment = await self._environment()
        if environment is None:
            return
        if floor:
            serving = len(self._universe.serving(environment))
            require(serving >= floor, f"{serving} serve during {what}; at least {floor} must")
        if not self._plan.flaps and self._plan.policy != "AllAtOnce":  # which drains nobody
            disturbed = self._universe.disturbed(environment)
            require(not disturbed, f"changed in service during {what}: {sorted(disturbed)}")

    async def _check_won(self, what: str) -> None:
        """Raise a ViolationError where something failed that nothing was wrong with."""
        environment = await self._environment()
        if environment and self._plan.calm and what in {"deploy", "configure"}:
            won = self._witness.chronicle.won[environment.id]
            require(won, f"{what} has failed, and nothing was wrong")

    async def _check_parked(self, what: str) -> None:
        """Raise a ViolationError unless a deployment has left what it was told to keep."""
        plan, environment = self._plan, await self._environment()
        keeps = plan.parking and plan.calm and plan.policy in {"Immutable", "TrafficSplitting"}
        if not environment or not keeps or what != "deploy" or self._forgot:
            return
        if self._witness.chronicle.won[environment.id]:
            require(environment.parked is not None, "nothing was parked")

    async def _check_way_back(self) -> None:
        """Raise a ViolationError where a rollback has not led to what there was before."""
        environment = await self._environment()
        if environment and not self._forgot:
            won, store = self._witness.chronicle.won, self._universe.store
            await self._way_back.rest(environment, store, won=won.get(environment.id, False))

    @property
    def _forgot(self) -> bool:
        """Whether an older program has left records, which knew of no way back."""
        return self._universe.faults.upgrades and self._universe.crashes > 0

    async def _rest(self) -> None:
        """Let the dust settle with nothing going wrong any more, then check everything."""
        universe = self._universe
        universe.faults.end()
        universe.engine.calm_down()
        was = universe.engine.running()
        environment = await self._environment()
        kept = min(await self._serving(), environment.desired) if environment else 0
        look = partial(self._check_service, kept if self._plan.restful else 0, "rest")
        await universe.pass_time(MOURNING_S if self._plan.deaths else CALM_S, look)
        await check_rest(universe)
        cut_off = universe.router.cut_off
        require(not cut_off, f"left service with requests in flight: {cut_off}")
        check_names(universe, await universe.environments(), self._names)
        environment = await self._environment()
        if environment is None:
            require(len(universe.engine.nodes) <= 1, "machines outlive their environment")
            return
        require(environment.status is Status.READY, f"it is {environment.status}")
        if self._witness.chronicle.uniform[environment.id]:
            check_uniform(universe, environment)
        else:
            now = universe.engine.running()
            changed = [n for n in was.keys() & now.keys() if was[n] != now[n]]
            require(not changed, f"a mixed fleet was touched: {changed}")


TYPES = ("t3.micro", "t3.large", "t3.medium")
MOULDS: dict[Life, Mould[Story]] = {}
