"""Updates that are rehearsed and then executed, in a simulated installation."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from jackbean.control import environments
from jackbean.control.aborting import abort
from jackbean.control.applications import create_application
from jackbean.control.environments import Creation, Update, current_release, wanted_release
from jackbean.control.rehearsal.cases import Case
from jackbean.control.rehearsal.doubles import Kind
from jackbean.control.rehearsal.endings import left
from jackbean.control.rehearsal.moments import Moment, changes, moment
from jackbean.control.rehearsal.pace import Pace
from jackbean.control.rehearsal.rehearse import Rehearsal, rehearse
from jackbean.control.releases import cut
from jackbean.control.versions import create_version
from jackbean.core.applications import Application, Version
from jackbean.core.environments import Environment
from jackbean.core.errors import Fault
from jackbean.core.options.settings import Setting
from jackbean.simulator.engine import Behaviour
from jackbean.simulator.faults import Crash, Faults
from jackbean.simulator.router import Traffic
from jackbean.simulator.universe import BRANCH, STEP_S, Universe

NAME = "rehearsed"
ASG, COMMAND = "aws:autoscaling:asg", "aws:elasticbeanstalk:command"
UPDATES = "aws:autoscaling:updatepolicy:rollingupdate"
DEPLOYMENT = "jackbean:deployment"
PROPERTIES = "aws:elasticbeanstalk:application:environment"
POLICIES = ("AllAtOnce", "Rolling", "RollingWithAdditionalBatch", "Immutable", "TrafficSplitting")
ACTS = ("deploy", "configure", "replace", "scale", "nothing")
BADNESS = {
    "fails_staging": Kind.PREPARING,
    "fails_activating": Kind.FINISHING,
    "hangs": Kind.SILENT,
    "sick": Kind.SICK,
}
BEHAVIOUR, TRAFFIC = Behaviour(), Traffic(apply_s=0.1, check_s=0.3, last_s=1.0)
PACE = Pace(
    launch_s=BEHAVIOUR.boot_s,
    stage_s=BEHAVIOUR.stage_s,
    activate_s=BEHAVIOUR.activate_s,
    route_s=TRAFFIC.apply_s,
    check_s=TRAFFIC.check_s,
    request_s=TRAFFIC.last_s,
    look_s=STEP_S,
)
PATIENCE_S = 3000.0
REST_S, MOURNING_S = 6.0, 40.0  # after the end of an operation; where somebody died


@dataclass(frozen=True)
class Trial:
    """An environment, one change of it, and what goes wrong; seconds from the request on."""

    size: int
    policy: str = "Rolling"
    batch: int = 1
    act: str = "deploy"
    updates: tuple[tuple[str, str], ...] = ()  # options of rolling updates
    parking: int = 0  # minutes
    bad: str = ""
    deaths: tuple[float, ...] = ()
    abort: float | None = None
    faults: Faults = field(default_factory=Faults)
    seed: int = 0

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What goes wrong, as a rehearsal calls it."""
        return (
            *([BADNESS[self.bad]] if self.bad else []),
            *([Kind.DYING] if self.deaths else []),
            *([Kind.ABORT] if self.abort is not None else []),
        )

    @property
    def settings(self) -> tuple[Setting, ...]:
        chosen = {
            (ASG, "MinSize"): self.size,
            (ASG, "MaxSize"): self.size + 2,
            (COMMAND, "DeploymentPolicy"): self.policy,
            (COMMAND, "BatchSizeType"): "Fixed",
            (COMMAND, "BatchSize"): self.batch,
            (COMMAND, "Timeout"): 30,
            (UPDATES, "Timeout"): "PT5M",
            ("aws:elasticbeanstalk:trafficsplitting", "EvaluationTime"): 3,
            ("aws:elasticbeanstalk:environment", "LoadBalancerType"): "application",
            (DEPLOYMENT, "ParkingTime"): self.parking,
            **{(UPDATES, name): value for name, value in self.updates},
        }
        return tuple(Setting(*key, str(value)) for key, value in chosen.items())

    @property
    def wanted(self) -> Update:
        launch = "aws:autoscaling:launchconfiguration"
        settings = {
            "configure": Setting(PROPERTIES, "COLOUR", "red"),
            "replace": Setting(launch, "InstanceType", "t3.large"),
            "scale": Setting(ASG, "MinSize", str(self.size + 1)),
            "nothing": Setting(COMMAND, "Timeout", "40"),
        }
        if self.act == "deploy":
            return Update("r-2", label="v2")
        return Update("r-2", settings=(settings[self.act],))


@dataclass(frozen=True)
class Executed:
    """What was rehearsed, and what was seen."""

    rehearsal: Rehearsal
    moments: tuple[Moment, ...]
    held: bool  # whether the environment is on the new release

    def objections(self, deaths: int = 0) -> tuple[str, ...]:
        last = self.moments[-1]
        end = (self.held, left(last.old, last.new))
        return self.rehearsal.envelope.objections(self.moments, end, deaths)


def drawn(seed: int) -> Trial:
    """Return what a seed stands for."""
    draw = random.Random(seed)
    size, trouble = draw.randint(1, 5), draw.choice(TROUBLES)
    deaths = draw.choice((1, 1, 2)) if trouble == "death" else 0
    return Trial(
        size=size,
        policy=draw.choice(POLICIES),
        batch=draw.randint(1, size),
        act=draw.choice(("deploy", "deploy", "configure", "replace", "replace", "scale")),
        updates=tuple(_updates(draw, size).items()),
        parking=draw.choice((0, 0, 1)),
        bad=draw.choice(tuple(BADNESS)) if "bad" in trouble else "",
        deaths=tuple(draw.uniform(0, 30) for _ in range(deaths)),
        abort=draw.uniform(0, 40) if "abort" in trouble else None,
        faults=Faults(
            crash_share=draw.choice((0.0, 0.0, 0.01, 0.03)),
            refuse_share=draw.choice((0.0, 0.0, 0.05)),
            half_share=draw.choice((0.0, 0.0, 0.05)),
            random=draw,
            crashes_max=5,
        ),
        seed=seed,
    )


TROUBLES = ("", "", "bad", "bad", "death", "abort", "bad abort")


def _updates(draw: random.Random, size: int) -> dict[str, str]:
    kind = draw.choice(("Time", "Health", "Immutable", ""))
    updates = {"RollingUpdateType": kind, "RollingUpdateEnabled": "true"} if kind else {}
    if kind in {"Time", "Health"}:
        updates["MaxBatchSize"] = str(draw.randint(1, size))
        updates["MinInstancesInService"] = str(draw.randint(0, size + 1))
    if kind == "Time":
        updates["PauseTime"] = draw.choice(("PT0S", "PT3S", "PT10S"))
    return updates


def execute(trial: Trial, between: Callable[[], None] = lambda: None) -> Executed:
    """Rehearse a trial, do `between`, and execute it."""
    return asyncio.run(_execute(trial, between))


async def _execute(trial: Trial, between: Callable[[], None]) -> Executed:
    bad = {trial.bad: frozenset({2})} if trial.bad else {}
    faults = Faults(random=trial.faults.random)
    universe = Universe(trial.seed, replace(BEHAVIOUR, **bad), TRAFFIC, faults)
    rehearsal, goal = await _rehearsed(universe, await _created(universe, trial), trial)
    between()
    vars(faults).update(vars(trial.faults))
    frames = await Stage(universe, trial, goal).play()
    (after,) = await universe.environments()
    return Executed(rehearsal, changes(frames), after.release == goal)


async def _created(universe: Universe, trial: Trial) -> Environment:
    world = universe.world
    await create_application(world, Application("app"), "r-1")
    for label in ("v1", "v2"):
        await create_version(world, Version("app", label), None, "r-1")
    platform = world.platforms.catalogue.find(BRANCH)
    wanted = Creation("app", NAME, platform, "r-1", label="v1", settings=trial.settings)
    await environments.create(world, wanted)
    for _ in range(200):
        await universe.step(STEP_S)
        (environment,) = await universe.environments()
        if environment.ready:
            await universe.pass_time(2.0)
            return environment
    raise AssertionError("it was never ready")


async def _rehearsed(
    universe: Universe, environment: Environment, trial: Trial
) -> tuple[Rehearsal, int]:
    world = universe.world
    old = await current_release(world, environment)
    wanted = await wanted_release(world, environment, old, trial.wanted)
    made = await cut(world, environment, wanted)
    case = Case(environment, old, made.release, universe.clock.now(), PACE)
    return rehearse(case, trial.kinds), made.release.number


class Stage:
    """Where a trial is executed."""

    def __init__(self, universe: Universe, trial: Trial, goal: int) -> None:
        self._universe = universe
        self._trial = trial
        self._goal = goal
        self._began = universe.clock.now()
        self._deaths = sorted(trial.deaths, reverse=True)
        self._abort = trial.abort
        self._random = random.Random(trial.seed)
        faults = trial.faults
        shares = faults.crash_share + faults.refuse_share + faults.half_share
        self.calm = not (trial.kinds or shares)

    @property
    def _now(self) -> float:
        return self._universe.clock.now() - self._began

    async def play(self) -> list[Moment]:
        await self._insist(environments.update(self._universe.world, NAME, self._trial.wanted))
        environment, frames, over = await self._environment(), [], None
        rest_s = MOURNING_S if self._trial.deaths else REST_S
        while over is None or self._now - over < rest_s:
            assert self._now < PATIENCE_S, "it never ended"
            await self._fate()
            frames.append(self._frame(environment))
            await (self._universe.step(STEP_S) if self.calm else self._universe.step())
            environment = await self._environment()
            if environment.operation is None and over is None:
                over = self._now
                self._universe.faults.end()
        return frames

    async def _insist(self, request: object) -> None:
        """Ask for an update; after a crash, again, unless it was taken down before."""
        try:
            await request  # type: ignore[misc]  # whichever coroutine it is
        except Crash:
            self._universe.crash()
            environment = await self._environment()
            if environment.operation is None:
                world = self._universe.world
                await self._insist(environments.update(world, NAME, self._trial.wanted))

    async def _fate(self) -> None:
        """Let happen what is due."""
        engine = self._universe.engine
        while self._deaths and self._deaths[-1] <= self._now:
            self._deaths.pop()
            alive = sorted(name for name, node in engine.nodes.items() if not node.exited)
            if alive:
                engine.kill(self._random.choice(alive))
        if self._abort is not None and self._abort <= self._now:
            self._abort = None
            try:
                await abort(self._universe.world, NAME, "r-3")
            except Crash:
                self._universe.crash()
            except Fault:  # it is over
                return

    async def _environment(self) -> Environment:
        (environment,) = await self._universe.environments()
        return environment

    def _frame(self, environment: Environment) -> Moment:
        running = {name: node.running for name, node in self._universe.engine.nodes.items()}
        receivers = self._universe.router.receivers(environment.id)
        return moment(self._now, environment, receivers, running, self._goal)
