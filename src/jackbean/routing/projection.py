"""From what is wanted to what Envoy is told: pure, and the same bytes for the same input.

One Envoy serves every environment of an installation:

    127.0.0.1:PORT ── routes "main": by Host ──┐
                                               ├── cluster of the environment ── its instances
    127.x.y.z:PORT ── routes "ENVIRONMENT" ────┘
    (one address per load balancer: any Host)

A cluster's name carries a hash of its settings (`e-abc-1f2e3d4c`). A changed health check is thus
another cluster, which is made, becomes healthy, takes over and only then replaces the old one; and
requests that are still in flight through the old one stay visible until they end.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jackbean.ports.router import Routes
from jackbean.routing.resources import Kind, Resource, Snapshot
from jackbean.routing.shapes import (
    MAIN,
    cluster,
    endpoints,
    listener,
    routes_by_host,
    routes_of,
)
from jackbean.routing.templates import IDLE_TIMEOUT_S

# Blocks of 127/8 for load balancers; what is below is left to instances.
BLOCK_FIRST, BLOCKS = 192, 48
SLOT_MAX = 65_000 - 1


@dataclass(frozen=True)
class Facts:
    """What is the same for all environments. `identity` tells this installation from others."""

    identity: str
    http_port: int
    access_log: str
    idle_timeout_s: float = IDLE_TIMEOUT_S

    def host(self, slot: int) -> str:
        """Return a load balancer's own loopback address, in this installation's block.

        Two installations may have the same block (one pair in 48). Their ports, which are never
        the same on one machine, still tell them apart.
        """
        if not 0 <= slot <= SLOT_MAX:
            raise ValueError(f"slot {slot} is not within 0..{SLOT_MAX}: there is no such address")
        block = hashlib.sha256(self.identity.encode()).digest()[0] % BLOCKS
        return f"127.{BLOCK_FIRST + block}.{slot // 254}.{slot % 254 + 1}"

    def endpoint(self, slot: int) -> str:
        """Return `host:port` (or `host`, on port 80) of a load balancer."""
        host = self.host(slot)
        return host if self.http_port == 80 else f"{host}:{self.http_port}"

    def listener(self, name: str, host: str) -> Resource:
        return listener(name, (host, self.http_port), self.access_log, self.idle_timeout_s)


@dataclass(frozen=True)
class Lane:
    """An environment's routes and the clusters that carry its requests.

    `clusters` are its generations, the newest last; `serving` names the one in use; `held` are
    those known by name only, from before the control plane started. `since` is when the newest was
    first wanted.
    """

    routes: Routes
    clusters: tuple[Resource, ...]
    serving: str
    held: frozenset[str] = frozenset()
    since: float = 0.0

    @property
    def wanted(self) -> Resource:
        return self.clusters[-1]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(c.name for c in self.clusters) | self.held


def fresh(routes: Routes) -> Lane:
    """Return the lane of an environment without a past."""
    only = cluster(routes.environment_id, routes.health)
    return Lane(routes, (only,), only.name)


def resources_of(lane: Lane, facts: Facts) -> tuple[Resource, ...]:
    """Return the resources of one environment alone."""
    routes = lane.routes
    name = routes.environment_id
    return (
        *lane.clusters,
        *(endpoints(one, routes.targets) for one in sorted(lane.names)),
        facts.listener(name, facts.host(routes.slot)),
        routes_of(name, lane.serving, facts.http_port),
    )


Hosts = tuple[tuple[str, str, tuple[str, ...]], ...]  # environment id, its cluster, its hostnames


def hosts(lanes: Mapping[str, Lane], owners: Mapping[str, str]) -> Hosts:
    """Return where names lead; `owners` is environment by hostname."""
    names = defaultdict(list)
    for hostname in sorted(owners):
        names[owners[hostname]].append(hostname)
    return tuple((i, lanes[i].serving, tuple(names[i])) for i in sorted(names) if i in lanes)


def shared(by_host: Hosts, facts: Facts) -> tuple[Resource, ...]:
    """Return the resources of all environments together."""
    return (facts.listener(MAIN, "127.0.0.1"), routes_by_host(by_host, facts.http_port))


def project(lanes: Mapping[str, Lane], owners: Mapping[str, str], facts: Facts) -> Snapshot:
    """Return the snapshot of all environments, from nothing."""
    parts = (resources_of(lanes[i], facts) for i in sorted(lanes))
    return assemble([shared(hosts(lanes, owners), facts), *parts], lanes)


def assemble(parts: Iterable[Iterable[Resource]], lanes: Mapping[str, Lane]) -> Snapshot:
    """Return the snapshot made of parts that were projected before."""
    resources: dict[Kind, dict[str, Resource]] = {kind: {} for kind in Kind}
    for part in parts:
        for resource in part:
            resources[resource.kind][resource.name] = resource
    return Snapshot(resources, frozenset[str]().union(*(lane.held for lane in lanes.values())))
