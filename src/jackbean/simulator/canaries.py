"""Canaries on virtual time: visitors, two releases that fail at rates of their own, one verdict.

The whole control plane is at work here, from the request to deploy to the certificate; only
instances, the load balancer and its visitors are made up. What the balancer really did is known, so
a certificate can be held against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf

from jackbean.control import environments
from jackbean.control.applications import create_application
from jackbean.control.environments import Creation, Update
from jackbean.control.versions import create_version
from jackbean.core.applications import Application, Version
from jackbean.core.certificates import Certificate
from jackbean.core.environments import Environment
from jackbean.core.options.settings import Setting
from jackbean.core.traffic import group_of
from jackbean.ports.store import EventQuery
from jackbean.simulator.faults import Crash, Faults
from jackbean.simulator.router import Traffic
from jackbean.simulator.universe import BRANCH, Universe

ASG, COMMAND = "aws:autoscaling:asg", "aws:elasticbeanstalk:command"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
SPLITTING = "aws:elasticbeanstalk:trafficsplitting"
NAME = "canary-env"
OLD, NEW = 1, 2
CALM_S = 20.0
PATIENCE_S = 3000.0


@dataclass(frozen=True)
class Canary:
    """`old` and `new` are shares of requests that are answered with a 500; `per_s` visitors come.

    `reboots` are the seconds after the deployment began at which the load balancer starts anew.
    """

    old: float = 0.01
    new: float = 0.01
    per_s: float = 50.0
    percent: int = 10
    minutes: int = 3
    size: int = 2
    policy: str = "TrafficSplitting"
    settings: tuple[Setting, ...] = ()
    reboots: tuple[float, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Verdict:
    """What came of it: its certificate, and how many requests there were meanwhile, by release."""

    certificate: Certificate
    environment: Environment
    story: tuple[str, ...]
    requests: Mapping[int, int]
    errors: Mapping[int, int]
    crashes: int


async def judged(plan: Canary, faults: Faults | None = None) -> Verdict:
    """Deploy the second release and return what came of it."""
    traffic = Traffic(apply_s=0.1, check_s=0.3, last_s=1.0, per_s=plan.per_s, seed=plan.seed)
    universe = Universe(plan.seed, traffic=traffic)
    engine, rates = universe.engine, {OLD: plan.old, NEW: plan.new}
    universe.router.traffic = replace(
        traffic, errors=lambda name: rates.get(engine.nodes[name].running or OLD, 0.0)
    )
    return await _Trial(universe, plan).live(faults)


class _Trial:
    def __init__(self, universe: Universe, plan: Canary) -> None:
        self._universe = universe
        self._plan = plan
        self._reboots = sorted(plan.reboots, reverse=True)
        self._lost = Counter[tuple[str, int]]()  # what the balancer had counted before a reboot

    async def live(self, faults: Faults | None) -> Verdict:
        await self._create()
        await self._rest(inf)
        await self._universe.pass_time(CALM_S)
        id_ = (await self._environment()).id
        before, began = self._truth(id_), self._universe.clock.now()
        self._universe.faults.__dict__.update(vars(faults or Faults()))
        while not await self._deploying():
            pass
        await self._rest(began)
        self._universe.faults.end()
        return await self._verdict(id_, before)

    async def _verdict(self, id_: str, before: Counter[tuple[str, int]]) -> Verdict:
        universe, came = self._universe, self._truth(id_)
        came.subtract(before)
        (certificate, *_) = await universe.store.certificates(id_)
        told = await universe.store.events(EventQuery(environment_id=id_))
        return Verdict(
            certificate=certificate,
            environment=await self._environment(),
            story=tuple(e.message for e in reversed(told)),
            requests={release: came[group_of(release), 0] for release in (OLD, NEW)},
            errors={release: came[group_of(release), 1] for release in (OLD, NEW)},
            crashes=universe.crashes,
        )

    async def _create(self) -> None:
        world, plan = self._universe.world, self._plan
        await create_application(world, Application("app"), "request-1")
        await create_version(world, Version("app", "v2"), None, "request-2")
        wanted = Creation(
            application="app",
            name=NAME,
            platform=world.platforms.catalogue.find(BRANCH),
            request_id="request-3",
            settings=(
                Setting(ASG, "MinSize", str(plan.size)),
                Setting(ASG, "MaxSize", str(plan.size)),
                Setting(ENVIRONMENT, "LoadBalancerType", "application"),
                Setting(COMMAND, "DeploymentPolicy", plan.policy),
                Setting(SPLITTING, "NewVersionPercent", str(plan.percent)),
                Setting(SPLITTING, "EvaluationTime", str(plan.minutes)),
                *plan.settings,
            ),
        )
        await environments.create(world, wanted)

    async def _deploying(self) -> bool:
        """Ask for the deployment, once more where the control plane died of it."""
        if not (await self._environment()).ready:
            return True
        try:
            await environments.update(self._universe.world, NAME, Update("deploy", label="v2"))
        except Crash:
            self._universe.crash()
            return False
        return True

    async def _rest(self, began: float) -> None:
        """Let time pass until nothing is under way; the balancer has its accidents meanwhile."""
        deadline = self._universe.clock.now() + PATIENCE_S
        while (await self._environment()).operation is not None:
            if self._universe.clock.now() > deadline:
                raise AssertionError("a canary was never judged")
            if self._reboots and self._universe.clock.now() - began >= self._reboots[-1]:
                self._reboots.pop()
                self._lost = self._truth((await self._environment()).id)
                self._universe.router.reboot()
            await self._universe.step()

    async def _environment(self) -> Environment:
        (found,) = await self._universe.environments()
        return found

    def _truth(self, id_: str) -> Counter[tuple[str, int]]:
        """Return how many visitors there were in all: by group, 0 for those and 1 for errors."""
        came = Counter(self._lost)
        for group, numbers in self._universe.router.visited(id_).items():
            for kind, number in enumerate(numbers):
                came[group, kind] += number
        return came
