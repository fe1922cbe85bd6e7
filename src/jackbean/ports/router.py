"""Load balancers: told what is wanted, asked only for health, requests in flight and counts.

Instances of an environment may be parted into groups, which share its name, its address and its
health check. A deployment that launches new instances beside the old ones makes them a group: with
a Split only a share of the requests goes there, without one all groups serve alike. An instance
that is moved from one group to another goes on serving; nothing about its health begins anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from jackbean.core.fleet import Service
from jackbean.ports.engine import Address

MAIN_GROUP = "main"
NOBODY = "-"  # the group, in counts only, of requests that met no instance
STICKY_SECONDS_MAX = 1_000_000  # as a classic load balancer; others less


@dataclass(frozen=True)
class HealthCheck:
    """`path` None is a TCP check. Codes are inclusive ranges of HTTP statuses."""

    path: str | None
    interval_s: float
    timeout_s: float
    healthy_threshold: int
    unhealthy_threshold: int
    codes: tuple[tuple[int, int], ...] = ((200, 200),)


@dataclass(frozen=True)
class Target:
    """One instance in a load balancer; those out of service are left out.

    `group` is lower case letters, digits and inner hyphens. Counts are kept by it, and visitors
    are remembered by it, so one of its own for each deployment keeps deployments apart.
    """

    instance: str
    address: Address
    draining: bool = False
    group: str = MAIN_GROUP


@dataclass(frozen=True)
class Split:
    """`percent` of the requests go to the targets of `group`, the rest to all others.

    Where one side has no healthy target its share goes to the other: a split decides who serves,
    never whether somebody does. A group without any target takes no share.
    """

    group: str
    percent: int

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise ValueError(f"{self.percent} is no share of a hundred requests: give 0 to 100")


@dataclass(frozen=True)
class Sticky:
    """A visitor keeps its instance while that serves, by a cookie of that many seconds.

    0 is a cookie without an end of its own, which a browser forgets when it is closed.
    """

    cookie: str
    seconds: int

    def __post_init__(self) -> None:
        if not 0 <= self.seconds <= STICKY_SECONDS_MAX:
            raise ValueError(
                f"a cookie cannot last {self.seconds} s: give 0 to {STICKY_SECONDS_MAX}"
            )


@dataclass(frozen=True)
class Routes:
    """One environment's load balancer, whole. `slot` numbers its loopback address.

    A request on which nobody says anything for `idle_s` seconds is given up; None: after 60.
    `revision` is that of the record which it follows from. Whoever publishes what follows from an
    older one than was published before is late, and is not heard.
    """

    environment_id: str
    slot: int
    hostnames: tuple[str, ...]  # without port
    targets: tuple[Target, ...]
    health: HealthCheck
    split: Split | None = None
    sticky: Sticky | None = None
    idle_s: int | None = None
    revision: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Names:
    """The hostnames of an environment, as a record of that revision has them."""

    environment_id: str
    hostnames: tuple[str, ...]
    revision: int = 0


@dataclass(frozen=True)
class TargetSight:
    """What the proxy says of one target.

    `service` is what it has confirmed to route by, OUT for one it no longer has; `requests` are
    in flight; `healthy` is the verdict of its own health check.
    """

    service: Service
    healthy: bool
    requests: int


@dataclass(frozen=True)
class Probe:
    """An instance that is to be checked at once; another `mark` asks for another check."""

    instance: str
    address: Address
    mark: str


@dataclass(frozen=True)
class Counted:
    """What was asked of the instances of one group, and what came of it, since `epoch` began.

    Each attempt counts once it has ended, for the group that its instance is in then: a request
    that is tried on two instances is two. `errors_5xx` are an instance's own answers. `failed` are
    those that got no answer, or not all of it: no connection, a reset, silence. `retried` of them
    were tried again, on whichever instance, so `failed - retried` is what visitors saw.

    A request that met no instance, as none was in service and healthy, is one that failed for
    NOBODY.
    """

    epoch: str
    requests: int = 0
    errors_5xx: int = 0
    failed: int = 0
    retried: int = 0
    active: int = 0

    def since(self, before: Counted | None) -> Counted:
        """Return what was added since an earlier look, or all of it where counting began anew."""
        if before is None or before.epoch != self.epoch or before.requests > self.requests:
            return self
        return replace(
            self,
            requests=self.requests - before.requests,
            errors_5xx=max(0, self.errors_5xx - before.errors_5xx),
            failed=max(0, self.failed - before.failed),
            retried=max(0, self.retried - before.retried),
        )


class Router(Protocol):
    async def publish(self, routes: Routes) -> None:
        """Ensure these routes; held back until `open`, the newest per environment wins."""
        ...

    async def publish_all(self, routes: Sequence[Routes]) -> None:
        """Ensure all of these at one moment, as where two environments swap their hostnames."""
        ...

    async def rename(self, names: Sequence[Names]) -> None:
        """Give environments other hostnames at one moment; those never published are left out."""
        ...

    async def hostnames(self, environment_id: str) -> tuple[str, ...]:
        """Return those that lead to an environment; none before what was published last does.

        Raises PortError while the proxy does not answer.
        """
        ...

    async def withdraw(self, environment_id: str) -> None:
        """Ensure that the environment has no routes."""
        ...

    async def open(self) -> None:
        """Let routes out: every environment has been observed and published once."""
        ...

    async def observe(self, environment_id: str) -> Mapping[str, TargetSight]:
        """Return what the proxy has, by instance id. Raises PortError while it does not answer."""
        ...

    async def check(self, health: HealthCheck, probes: Collection[Probe]) -> frozenset[str]:
        """Return those that pass the health check now.

        What `observe` says of one that has stayed in service is as old as its last check. Who takes
        long to answer is waited for in the background, and passes at a later call.
        """
        ...

    async def counters(self, environment_id: str) -> Mapping[str, Counted]:
        """Return what each group has done, by its name; of those routed to and those counted.

        Among them NOBODY, once a request met no instance.

        They belong to the proxy: a control plane that starts anew finds them as they are, and a
        proxy that does begins a new epoch. For some times a second during a deployment. Raises
        PortError.
        """
        ...

    async def troubles(self) -> tuple[str, ...]:
        """Return what is wrong with routing right now, a sentence each; usually nothing."""
        ...

    def endpoint(self, slot: int) -> str:
        """Return `host:port` (or `host`, on port 80) of a load balancer's own address."""
        ...
