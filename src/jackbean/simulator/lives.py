"""What happens in a history: drawn from a seed, so that the seed of a failure replays it."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from jackbean.simulator.engine import Behaviour
from jackbean.simulator.faults import Faults

ACTS = ("deploy", "deploy", "deploy", "configure", "scale", "replace", "rollback", "swap")
# How many batches a policy may have out of service at a time.
FLOORS = {"Rolling": 1, "RollingWithAdditionalBatch": 0, "Immutable": 0, "TrafficSplitting": 0}
POLICIES = ("AllAtOnce", *FLOORS)
BADNESS = ("fails_staging", "fails_activating", "hangs", "sick")
PACES = ("", "Time", "Health", "Immutable")
AGES = (0.0, 0.5, 2.0, 5.0, 20.0, 200.0)  # of an operation that is aborted or ended
# Of histories in which nothing goes wrong before the environment is there. Creation comes first in
# each: it would have four of five crashes for itself, and be the one thing that is tried well.
# Where environments are alike they begin as copies of one.
SETTLED_SHARE = 0.75


@dataclass(frozen=True)
class Life:
    """What happens.

    `acts` are "deploy", "configure", "scale", "replace", "rollback", "swap", "terminate", and
    "restack", which deploys a bundle with other resources;
    `aborts` says of each how many seconds after it an abort is asked for, None for never; `ends` is
    how many seconds after the last act the environment is terminated in the middle of it.
    `pace` is the RollingUpdateType, "" for none; `parking` keeps the release before at hand.
    """

    size: int = 3
    policy: str = "Rolling"
    batch: int = 1
    acts: tuple[str, ...] = ("deploy",)
    aborts: tuple[float | None, ...] = ()
    ends: float | None = None
    deaths: tuple[float, ...] = ()  # when an instance dies, in seconds from where things go wrong
    bad: str = ""  # how the second release is bad: a field of Behaviour, or not at all
    flaps: float = 0.0  # share of the looks at an instance that find it ill for no reason
    pace: str = ""
    parking: bool = False
    worker: bool = False  # its instances take messages: nothing of what load balancers do
    settled: bool = False  # nothing goes wrong before it is created
    basic: bool = False  # its health is reported by a colour alone
    seed: int = 0

    def abort_after(self, position: int) -> float | None:
        return self.aborts[position] if position < len(self.aborts) else None

    @property
    def shape(self) -> Life:
        """What its beginning depends on, where nothing goes wrong in it."""
        acts = ("swap",) if "swap" in self.acts else ()
        return replace(self, acts=acts, aborts=(), ends=None, deaths=(), bad="", flaps=0.0, seed=0)

    @property
    def calm(self) -> bool:
        """Whether nothing happens that may take an instance out of service by itself."""
        return not (self.deaths or self.bad or self.flaps)

    @property
    def restful(self) -> bool:
        """Whether those that serve when all has ended go on to.

        AllAtOnce changes instances in service: what it has begun when it is stopped, they end.
        """
        stopped = self.policy == "AllAtOnce" and any(at is not None for at in self.aborts)
        return self.calm and not stopped

    def floor(self, what: str, *, upgrades: bool) -> int:
        """Return how many instances must serve at every moment; 0 where nothing is promised."""
        if not self.calm:
            return 0
        if what == "replace":
            return self.size if self.pace and not upgrades else 0
        if self.policy not in FLOORS:
            return 0
        floor = max(self.size - self.batch * FLOORS[self.policy], 0)
        if what == "rollback" and "replace" not in self.acts:
            return min(floor, 1) if self.parking else floor  # fewer may be parked than serve now
        return floor if what in {"deploy", "configure"} else 0


def random_life(seed: int) -> tuple[Life, Faults]:
    """Return what a seed stands for: a life with everything that can go wrong in it."""
    draw = random.Random(seed)  # noqa: S311 - reproducible on purpose
    size = draw.choice((1, 2, 2, 3, 3, 4, 5))
    acts = tuple(draw.choice(ACTS) for _ in range(draw.choice((1, 1, 2, 2, 3))))
    aborts = tuple(draw.choice(AGES) if draw.random() < 0.3 else None for _ in acts)
    plan = Life(
        size=size,
        policy=draw.choice(POLICIES),
        batch=draw.randint(1, size),
        acts=acts + (("terminate",) if draw.random() < 0.2 else ()),
        aborts=aborts,
        ends=draw.choice(AGES) if draw.random() < 0.1 else None,
        deaths=tuple(draw.uniform(0, 60) for _ in range(draw.choice((0, 0, 0, 1, 2)))),
        bad=draw.choice(("", "", "", *BADNESS)),
        flaps=draw.choice((0.0, 0.0, 0.02, 0.1)),
        pace=draw.choice(PACES),
        parking=draw.random() < 0.3,
        settled=draw.random() < SETTLED_SHARE,
        seed=seed,
    )
    faults = Faults(
        crash_share=draw.choice((0.0, 0.015, 0.07)),
        refuse_share=draw.choice((0.0, 0.0, 0.07)),
        half_share=draw.choice((0.0, 0.0, 0.07)),
        upgrades=draw.random() < 0.5,
        random=draw,
        crashes_max=draw.choice((1, 3, 8)),
    )
    may_be_basic = "Immutable" not in {plan.policy, plan.pace}  # which needs enhanced health
    return replace(plan, basic=may_be_basic and draw.random() < 0.5), faults


def random_worker(seed: int) -> tuple[Life, Faults]:
    """Return what a seed stands for where the environment is a worker."""
    plan, faults = random_life(seed)
    policy = "Rolling" if plan.policy == "TrafficSplitting" else plan.policy
    acts = tuple("deploy" if act == "swap" else act for act in plan.acts)
    return replace(plan, worker=True, policy=policy, acts=acts, parking=False), faults


def random_stacks(seed: int) -> tuple[Life, Faults]:
    """Return what a seed stands for where every bundle brings resources."""
    plan, faults = random_life(seed)
    acts = tuple("restack" if act == "deploy" else act for act in plan.acts if act != "swap")
    return replace(plan, acts=("restack", *acts)), faults


def behaviour(plan: Life) -> Behaviour:
    """Return how instances behave in a life: the second release may be bad in one way."""
    usual = Behaviour(flaps=plan.flaps, seed=plan.seed)
    bad: dict[str, Any] = {plan.bad: frozenset({2})} if plan.bad else {}
    return replace(usual, **bad)
