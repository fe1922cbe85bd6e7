"""How an environment passes from one cluster to the next without a failed or forgotten request.

    want     a changed health check makes another cluster, and a split a second one beside the main
             one; routes still lead where they led
    switch   routes lead to the new one, once it finds healthy what the old one does, or once it has
             had as long as an instance is given to fail
    drop     what no route leads to goes when the last request through it has ended

Pure: what Envoy has is an argument. One of these steps is taken at a time.
"""

from __future__ import annotations

from dataclasses import replace

from jackbean.ports.router import HealthCheck, Routes
from jackbean.routing.looks import Look
from jackbean.routing.projection import Lane, wanted_clusters
from jackbean.routing.shapes import environment_of, is_apart


def want(lane: Lane, routes: Routes, now: float) -> Lane:
    """Return the lane with these routes, with other clusters where they ask for them.

    A split that has ended leads nowhere any more at once: the main cluster knows everybody.
    """
    newest = wanted_clusters(routes)
    names = {c.name for c in newest}
    older = tuple(c for c in lane.clusters if c.name not in names)
    after = replace(
        lane,
        routes=routes,
        clusters=(*older, *newest),
        apart=lane.apart if newest[1:] else "",
        held=lane.held - names,
    )
    same = (after.wanted.name, after.wanted_apart) == (lane.wanted.name, lane.wanted_apart)
    return after if same else replace(after, since=now)


def reunite(lane: Lane, known: frozenset[str], now: float) -> Lane:
    """Return the lane for an Envoy that has just connected and has the clusters `known`.

    Where it has none of the environment's there is nothing to pass on from. Where it has some that
    are not ours, they are from before this control plane, and one or two of them serve.
    """
    name = lane.routes.environment_id
    theirs = frozenset(one for one in known if environment_of(one) == name)
    wanted = (lane.wanted.name, lane.wanted_apart)
    clusters = tuple(c for c in lane.clusters if c.name in theirs or c.name in wanted)
    if not theirs:
        serving, apart = wanted
        return replace(lane, clusters=clusters, serving=serving, apart=apart, held=frozenset())
    main = frozenset(one for one in theirs if not is_apart(one))
    apart = _resumed((lane.apart, lane.wanted_apart), theirs - main)
    return replace(
        lane,
        clusters=clusters,
        serving=_resumed((lane.serving, lane.wanted.name), main or theirs),
        apart=apart if lane.apart else "",
        held=theirs - {c.name for c in clusters},
        since=now,
    )


def _resumed(ours: tuple[str, ...], theirs: frozenset[str]) -> str:
    """Return what goes on serving: of ours the first that Envoy has, else one of its own."""
    return next((name for name in ours if name in theirs), min(theirs, default=""))


def settled(lane: Lane) -> bool:
    return lane.names == lane.in_use and _serves_wanted(lane)


def step(lane: Lane, look: Look, now: float) -> Lane:
    """Return the lane after the next step, as far as it may be taken."""
    return drop(lane, look) if _serves_wanted(lane) else switch(lane, look, now)


def _serves_wanted(lane: Lane) -> bool:
    return (lane.serving, lane.apart) == (lane.wanted.name, lane.wanted_apart)


def switch(lane: Lane, look: Look, now: float) -> Lane:
    """Return the lane with the newest clusters serving, as far as they are ready to."""
    serving, apart = lane.wanted.name, lane.wanted_apart
    return replace(
        lane,
        serving=serving if _ready(serving, lane, look, now) else lane.serving,
        apart=apart if apart and _ready(apart, lane, look, now) else lane.apart,
    )


def _ready(name: str, lane: Lane, look: Look, now: float) -> bool:
    if name not in look:
        return False
    ready = {host.instance for host in look[name] if host.healthy}
    needed = {h.instance for h in look.get(lane.serving, ()) if h.healthy and not h.draining}
    return needed <= ready or now - lane.since > patience_s(lane.routes.health)


def drop(lane: Lane, look: Look) -> Lane:
    """Return the lane without those clusters that nothing leads to and nothing goes through."""
    quiet = {
        name
        for name in lane.names - lane.in_use - {lane.wanted.name, lane.wanted_apart}
        if not any(host.requests for host in look.get(name, ()))
    }
    clusters = tuple(c for c in lane.clusters if c.name not in quiet)
    return replace(lane, clusters=clusters, held=lane.held - quiet)


def patience_s(health: HealthCheck) -> float:
    """Return how long an instance may fail its check before it counts as unhealthy."""
    return health.interval_s * health.unhealthy_threshold + health.timeout_s
