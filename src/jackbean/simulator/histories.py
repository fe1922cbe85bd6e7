"""Seeded histories: an environment's life with everything that can go wrong in it.

`life` is deterministic in its arguments. `random_life` draws them from a seed, so that the seed of
a failure replays it.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from jackbean.control import environments
from jackbean.control.applications import create_application
from jackbean.control.environments import Creation, Update
from jackbean.control.versions import create_version
from jackbean.core.applications import Application, Version
from jackbean.core.environments import Environment, Status
from jackbean.core.errors import Fault
from jackbean.core.options.settings import Setting
from jackbean.simulator.engine import Behaviour
from jackbean.simulator.invariants import (
    Chronicle,
    ViolationError,
    check_rest,
    check_uniform,
    require,
)
from jackbean.simulator.router import Traffic
from jackbean.simulator.universe import BRANCH, Crash, Faults, Universe

ASG, COMMAND = "aws:autoscaling:asg", "aws:elasticbeanstalk:command"
SPLITTING = "aws:elasticbeanstalk:trafficsplitting"
UPDATES = "aws:autoscaling:updatepolicy:rollingupdate"
TIMEOUT_S = 30
PATIENCE_S = 1500.0  # within which every operation must have ended
CALM_S = 15.0  # in which the steady state mends what faults have left
MOURNING_S = 60.0  # and longer where somebody died: those who died young are not replaced at once


ACTS = ("deploy", "deploy", "configure", "scale", "replace")
# How many batches a policy may have out of service at a time.
FLOORS = {"Rolling": 1, "RollingWithAdditionalBatch": 0, "Immutable": 0, "TrafficSplitting": 0}
POLICIES = ("AllAtOnce", *FLOORS)
BADNESS = ("fails_staging", "fails_activating", "hangs", "sick")


@dataclass(frozen=True)
class Life:
    """What happens. `acts` are "deploy", "configure", "scale", "replace" and "terminate"."""

    size: int = 3
    policy: str = "Rolling"
    batch: int = 1
    acts: tuple[str, ...] = ("deploy",)
    deaths: tuple[float, ...] = ()  # when an instance dies, in seconds from the start
    bad: str = ""  # how the second release is bad: a field of Behaviour, or not at all
    seed: int = 0


@dataclass
class Outcome:
    """`effects` is how many points there were to crash at."""

    effects: int = 0
    crashes: int = 0
    lowest: int = 0
    ends: list[str] = field(default_factory=list)


async def life(plan: Life, faults: Faults | None = None) -> Outcome:
    """Live it and check it. Raises a ViolationError where something does not hold."""
    faults = faults or Faults()
    chronicle = Chronicle()
    traffic = Traffic(apply_s=0.1, check_s=0.3, last_s=1.0)
    universe = Universe(plan.seed, _behaviour(plan.bad), traffic, faults, chronicle)
    return await Story(universe, plan).live()


def random_life(seed: int) -> tuple[Life, Faults]:
    """Return what a seed stands for: a life with everything that can go wrong in it."""
    draw = random.Random(seed)  # noqa: S311 - reproducible on purpose
    size = draw.randint(1, 5)
    acts = [draw.choice(ACTS) for _ in range(draw.randint(1, 4))]
    plan = Life(
        size=size,
        policy=draw.choice(POLICIES),
        batch=draw.randint(1, size),
        acts=tuple(acts) + (("terminate",) if draw.random() < 0.3 else ()),
        deaths=tuple(draw.uniform(0, 60) for _ in range(draw.choice((0, 0, 0, 1, 2)))),
        bad=draw.choice(("", "", "", *BADNESS)),
        seed=seed,
    )
    faults = Faults(
        crash_share=draw.choice((0.0, 0.01, 0.05)),
        refuse_share=draw.choice((0.0, 0.0, 0.05)),
        random=draw,
    )
    return plan, faults


def _behaviour(bad: str) -> Behaviour:
    """Return how instances behave when the second release is bad in that way."""
    second = frozenset({2})
    return Behaviour(
        fails_staging=second if bad == "fails_staging" else frozenset(),
        fails_activating=second if bad == "fails_activating" else frozenset(),
        hangs=second if bad == "hangs" else frozenset(),
        sick=second if bad == "sick" else frozenset(),
    )


class Story:
    """One life, told to a universe."""

    def __init__(self, universe: Universe, plan: Life) -> None:
        self._universe = universe
        self._plan = plan
        self._deaths = sorted(plan.deaths, reverse=True)
        self._began = universe.clock.now()
        self._random = random.Random(plan.seed)  # noqa: S311 - reproducible on purpose
        self._outcome = Outcome()
        self._requests = 0

    async def live(self) -> Outcome:
        await self._insist(self._create)
        await self._until_rest("create")
        self._universe.router.receivers(await self._id())
        for act in self._plan.acts:
            await self._insist(partial(self._act, act))
            await self._until_rest(act)
        outcome = self._outcome
        outcome.effects = self._universe.faults.effects
        await self._rest()
        outcome.crashes = self._universe.crashes
        return outcome

    async def _insist(self, request: Callable[[], Awaitable[None]]) -> None:
        """Ask like a client that repeats a request which got no answer."""
        for _ in range(100):
            try:
                await request()
                return
            except Crash:
                self._universe.crash()
            except Fault as fault:
                if "already exists" in fault.message or "No Environment" in fault.message:
                    return
                if "invalid state" not in fault.message:
                    raise
                await self._universe.step()
                if await self._under_way():
                    return
        raise ViolationError("a request was never accepted")

    async def _create(self) -> None:
        world = self._universe.world
        if not await world.store.applications(["app"]):
            await create_application(world, Application("app"), self._request())
        if not await world.store.versions("app", ["v2"]):
            await create_version(world, Version("app", "v2"), None, self._request())
        wanted = Creation(
            application="app",
            name="life-env",
            platform=world.platforms.catalogue.find(BRANCH),
            request_id=self._request(),
            settings=(
                Setting(ASG, "MinSize", str(self._plan.size)),
                Setting(ASG, "MaxSize", str(self._plan.size + 2)),
                Setting(COMMAND, "DeploymentPolicy", self._plan.policy),
                Setting(COMMAND, "BatchSizeType", "Fixed"),
                Setting(COMMAND, "BatchSize", str(self._plan.batch)),
                Setting(COMMAND, "Timeout", str(TIMEOUT_S)),
                Setting(UPDATES, "Timeout", "PT5M"),
                Setting(SPLITTING, "EvaluationTime", "3"),
                Setting("aws:elasticbeanstalk:environment", "LoadBalancerType", "application"),
            ),
        )
        await environments.create(world, wanted)

    async def _act(self, act: str) -> None:
        world, request_id = self._universe.world, self._request()
        if act == "terminate":
            await environments.terminate(world, "life-env", request_id)
            return
        properties = "aws:elasticbeanstalk:application:environment"
        wanted = {
            "deploy": Update(request_id, label="v2"),
            "configure": Update(request_id, settings=(Setting(properties, "COLOUR", act),)),
            "scale": Update(request_id, settings=(Setting(ASG, "MinSize", str(self._more())),)),
            "replace": Update(request_id, settings=(Setting(LAUNCH, "InstanceType", "t3.large"),)),
        }[act]
        await environments.update(world, "life-env", wanted)

    def _more(self) -> int:
        return self._plan.size + 1

    def _request(self) -> str:
        self._requests += 1
        return f"request-{self._requests}"

    async def _id(self) -> str:
        return (await self._universe.environments())[0].id

    async def _environment(self) -> Environment | None:
        found = await self._universe.environments()
        return found[0] if found else None

    async def _under_way(self) -> bool:
        environment = await self._environment()
        return environment is not None and environment.operation is not None

    async def _until_rest(self, what: str) -> None:
        deadline = self._universe.clock.now() + PATIENCE_S
        floor = await self._floor(what)
        while await self._under_way():
            require(self._universe.clock.now() < deadline, f"{what} never ended")
            await self._step()
            await self._check_floor(floor, what)
        self._outcome.ends.append(what)

    async def _step(self) -> None:
        now = self._universe.clock.now() - self._began
        while self._deaths and self._deaths[-1] <= now:
            self._deaths.pop()
            alive = [n for n, node in self._universe.engine.nodes.items() if not node.exited]
            if alive:
                self._universe.engine.kill(self._random.choice(alive))
        await self._universe.step()

    async def _floor(self, what: str) -> int:
        """Return how many instances must serve at every moment; 0 where nothing is promised."""
        plan = self._plan
        careful = plan.policy in FLOORS and what in {"deploy", "configure"}
        if not careful or plan.deaths or plan.bad:
            return 0
        return max(plan.size - plan.batch * FLOORS[plan.policy], 0)

    async def _check_floor(self, floor: int, what: str) -> None:
        environment = await self._environment()
        if floor and environment is not None:
            serving = len(self._universe.router.receivers(environment.id))
            require(serving >= floor, f"{serving} serve during {what}; at least {floor} must")

    async def _rest(self) -> None:
        """Let the dust settle with nothing going wrong any more, then check everything."""
        self._universe.faults.end()
        await self._universe.pass_time(MOURNING_S if self._plan.deaths else CALM_S)
        await check_rest(self._universe)
        environment = await self._environment()
        if environment is None:
            require(not self._universe.engine.nodes, "machines outlive their environment")
            return
        require(environment.status is Status.READY, f"it is {environment.status}")
        in_place = self._plan.policy in {"AllAtOnce", "Rolling", "RollingWithAdditionalBatch"}
        mixed = bool(self._plan.bad) and "deploy" in self._plan.acts
        if not (mixed and in_place):
            check_uniform(self._universe, environment)


LAUNCH = "aws:autoscaling:launchconfiguration"
