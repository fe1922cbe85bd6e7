"""How an environment passes from one cluster to the next without a failed or forgotten request.

    want     a changed health check makes another cluster; routes still lead to the old one
    switch   routes lead to the new one, once it finds healthy what the old one does, or once it has
             had as long as an instance is given to fail
    drop     the old one goes when the last request through it has ended

Pure: what Envoy has is an argument. One of these steps is taken at a time.
"""

from __future__ import annotations

from dataclasses import replace

from jackbean.ports.router import HealthCheck, Routes
from jackbean.routing.looks import Look
from jackbean.routing.projection import Lane
from jackbean.routing.shapes import cluster, environment_of


def want(lane: Lane, routes: Routes, now: float) -> Lane:
    """Return the lane with these routes, with another cluster where they ask for one."""
    newest = cluster(routes.environment_id, routes.health)
    if newest == lane.wanted:
        return replace(lane, routes=routes)
    older = tuple(c for c in lane.clusters if c.name != newest.name)
    held = lane.held - {newest.name}
    return replace(lane, routes=routes, clusters=(*older, newest), held=held, since=now)


def reunite(lane: Lane, known: frozenset[str], now: float) -> Lane:
    """Return the lane for an Envoy that has just connected and has the clusters `known`.

    Where it has none of the environment's there is nothing to pass on from. Where it has some that
    are not ours, they are from before this control plane, and one of them serves.
    """
    name = lane.routes.environment_id
    theirs = frozenset(one for one in known if environment_of(one) == name)
    clusters = tuple(c for c in lane.clusters if c.name in theirs or c is lane.wanted)
    if not theirs:
        return replace(lane, clusters=clusters, serving=lane.wanted.name, held=frozenset())
    held = theirs - {c.name for c in clusters}
    serving = lane.serving
    if serving not in theirs:
        serving = lane.wanted.name if lane.wanted.name in theirs else min(theirs)
    return replace(lane, clusters=clusters, serving=serving, held=held, since=now)


def settled(lane: Lane) -> bool:
    return lane.names == {lane.serving} == {lane.wanted.name}


def switch(lane: Lane, look: Look, now: float) -> Lane:
    """Return the lane with the newest cluster serving, if it is ready to."""
    newest = lane.wanted.name
    if newest == lane.serving or newest not in look:
        return lane
    ready = {host.instance for host in look[newest] if host.healthy}
    needed = {h.instance for h in look.get(lane.serving, ()) if h.healthy and not h.draining}
    if needed <= ready or now - lane.since > patience_s(lane.routes.health):
        return replace(lane, serving=newest)
    return lane


def drop(lane: Lane, look: Look) -> Lane:
    """Return the lane without those clusters that nothing leads to and nothing goes through."""
    quiet = {
        name
        for name in lane.names - {lane.serving, lane.wanted.name}
        if not any(host.requests for host in look.get(name, ()))
    }
    clusters = tuple(c for c in lane.clusters if c.name not in quiet)
    return replace(lane, clusters=clusters, held=lane.held - quiet)


def patience_s(health: HealthCheck) -> float:
    """Return how long an instance may fail its check before it counts as unhealthy."""
    return health.interval_s * health.unhealthy_threshold + health.timeout_s
