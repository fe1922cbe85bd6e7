"""From what is wanted to what Envoy is told: pure, and the same bytes for the same input.

One Envoy serves every environment of an installation:

    127.0.0.1:PORT ── routes "main": by Host ──┐
                                               ├── cluster of the environment ── its instances
    127.x.y.z:PORT ── routes "ENVIRONMENT" ────┘
    (one address per load balancer: any Host)

With a split there are two clusters of it, and routes draw lots between them:

    cluster "e-abc-HASH"        all others first, then the split's group
    cluster "e-abc+apart-HASH"  the split's group first, then all others

Each knows and checks every instance of the environment, and Envoy goes on to the second ones by
itself, at the same moment, when none of the first is healthy or an attempt at one of them died.
That is why an instance changes groups without any gap: it is known and healthy in both clusters
before, and only changes its rank in them. A cluster of the group's instances alone would have to
find each one healthy anew, and an empty one would have nobody to fall back on before the control
plane knew of it. The price is that instances are checked twice while there is a split.

A cluster's name carries a hash of its settings (`e-abc-1f2e3d4c`). A changed health check is thus
another cluster, which is made, becomes healthy, takes over and only then replaces the old one; and
requests that are still in flight through the old one stay visible until they end.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jackbean.ports.router import Routes, Split, Target
from jackbean.routing.resources import Kind, Resource, Snapshot
from jackbean.routing.shapes import (
    HOSTNAME,
    MAIN,
    cluster,
    endpoints,
    is_apart,
    listener,
    named,
)
from jackbean.routing.templates import IDLE_TIMEOUT_S
from jackbean.routing.ways import Way, routes_by_host, routes_of

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

    `clusters` are its generations, those wanted last, and the main one of them last of all. Of the
    two that a split takes `serving` names the main one in use and `apart` the other; it is empty
    without a split, and until one of those may serve. `held` are those known by name only, from
    before the control plane started. `since` is when the newest was first wanted.
    """

    routes: Routes
    clusters: tuple[Resource, ...]
    serving: str
    held: frozenset[str] = frozenset()
    since: float = 0.0
    apart: str = ""

    @property
    def wanted(self) -> Resource:
        return self.clusters[-1]

    @property
    def wanted_apart(self) -> str:
        return self.clusters[-2].name if parting(self.routes) else ""

    @property
    def in_use(self) -> frozenset[str]:
        return frozenset({self.serving, self.apart}) - {""}

    @property
    def names(self) -> frozenset[str]:
        return frozenset(c.name for c in self.clusters) | self.held


def parting(routes: Routes) -> Split | None:
    """Return the split of routes that has targets on both sides."""
    split = routes.split
    if split is None:
        return None
    return split if {t.group == split.group for t in routes.targets} == {True, False} else None


def wanted_clusters(routes: Routes) -> tuple[Resource, ...]:
    """Return the clusters that these routes ask for, the main one last."""
    main = cluster(routes)
    return (cluster(routes, apart=True), main) if parting(routes) else (main,)


def fresh(routes: Routes) -> Lane:
    """Return the lane of an environment without a past."""
    wanted = wanted_clusters(routes)
    return Lane(routes, wanted, wanted[-1].name, apart=wanted[0].name if wanted[1:] else "")


def resources_of(lane: Lane, facts: Facts) -> tuple[Resource, ...]:
    """Return the resources of one environment alone. Raises ValueError."""
    routes = lane.routes
    for hostname in routes.hostnames:  # here, where it is nobody's misfortune but its own
        named(HOSTNAME, "hostname", hostname)
    name = routes.environment_id
    return (
        *lane.clusters,
        *(members(one, routes) for one in sorted(lane.names)),
        facts.listener(name, facts.host(routes.slot)),
        routes_of(name, way(lane), facts.http_port),
    )


def members(cluster_name: str, routes: Routes) -> Resource:
    """Return the instances of a cluster: all there are, in the order of its side of the split."""
    split = parting(routes)
    if split is None:
        return endpoints(cluster_name, routes.targets)
    sides: dict[bool, list[Target]] = {True: [], False: []}
    for target in routes.targets:
        sides[(target.group == split.group) is is_apart(cluster_name)].append(target)
    # Nobody is kept on a side that was given nothing.
    kept = routes.sticky is None or 0 < split.percent < 100
    return endpoints(cluster_name, sides[True], sides[False], kept=kept)


def way(lane: Lane) -> Way:
    """Return where the routes of an environment lead."""
    routes = lane.routes
    return Way(lane.serving, lane.apart, parting(routes), routes.sticky, routes.idle_s)


Hosts = tuple[tuple[str, Way, tuple[str, ...]], ...]  # environment id, its way, its hostnames


def hosts(lanes: Mapping[str, Lane], owners: Mapping[str, str]) -> Hosts:
    """Return where names lead; `owners` is environment by hostname."""
    names = defaultdict(list)
    for hostname in sorted(owners):
        names[owners[hostname]].append(hostname)
    return tuple((i, way(lanes[i]), tuple(names[i])) for i in sorted(names) if i in lanes)


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
