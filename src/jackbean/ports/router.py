"""Load balancers: told what is wanted, asked only for health and requests in flight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from jackbean.core.fleet import Service
from jackbean.ports.engine import Address


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
    """One instance in a load balancer; those out of service are left out."""

    instance: str
    address: Address
    draining: bool = False


@dataclass(frozen=True)
class Routes:
    """One environment's load balancer, whole. `slot` numbers its loopback address."""

    environment_id: str
    slot: int
    hostnames: tuple[str, ...]  # without port
    targets: tuple[Target, ...]
    health: HealthCheck


@dataclass(frozen=True)
class TargetSight:
    """What the proxy says of one target.

    `service` is what it has confirmed to route by, OUT for one it no longer has; `requests` are
    in flight; `healthy` is the verdict of its own health check.
    """

    service: Service
    healthy: bool
    requests: int


class Router(Protocol):
    async def publish(self, routes: Routes) -> None:
        """Ensure these routes; held back until `open`, the newest per environment wins."""
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

    async def troubles(self) -> tuple[str, ...]:
        """Return what is wrong with routing right now, a sentence each; usually nothing."""
        ...

    def endpoint(self, slot: int) -> str:
        """Return `host:port` (or `host`, on port 80) of a load balancer's own address."""
        ...
