"""From what Envoy has of an environment to what the control plane is told of each instance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from jackbean.core.fleet import Service
from jackbean.ports.router import TargetSight
from jackbean.routing.looks import Host, Look
from jackbean.routing.projection import Lane
from jackbean.routing.shapes import is_apart


def sights(lane: Lane | None, look: Look, *, reached: bool) -> dict[str, TargetSight]:
    """Return the sight of every instance that is wanted or that Envoy has.

    Requests are counted in all of the environment's clusters, the rest is what those in use say,
    where there are two the more careful of them. Before the first publication they are not known;
    then it is any. As long as no route leads to the environment (`reached`) no instance of it
    counts as healthy: nobody could be served. It does count as in service, for the route may be
    there at any moment.
    """
    requests = Counter[str]()
    for hosts in look.values():
        for host in hosts:
            requests[host.instance] += host.requests
    known = {target.instance for target in lane.routes.targets} if lane else set()
    words: dict[str, list[Host]] = {}
    for cluster in _in_use(lane, look):
        for host in look.get(cluster, ()):
            words.setdefault(host.instance, []).append(host)
    return {
        name: _sight(words.get(name, ()), requests[name], reached=reached)
        for name in sorted(known | requests.keys())
    }


def under_way(lane: Lane | None, look: Look) -> Counter[str]:
    """Return the requests in flight by group."""
    groups = {t.instance: t.group for t in lane.routes.targets} if lane else {}
    active = Counter[str]()
    for hosts in look.values():
        for host in hosts:
            if host.instance in groups:
                active[groups[host.instance]] += host.requests
    return active


def _in_use(lane: Lane | None, look: Look) -> frozenset[str]:
    if lane is not None and lane.serving in look:
        return lane.in_use
    return frozenset({min(look, key=lambda name: (is_apart(name), name), default="")})


def _sight(words: Sequence[Host], requests: int, *, reached: bool) -> TargetSight:
    if not words:
        return TargetSight(Service.OUT, healthy=False, requests=requests)
    service = Service.DRAINING if all(host.draining for host in words) else Service.IN
    healthy = reached and all(host.healthy for host in words)
    return TargetSight(service, healthy, requests)
