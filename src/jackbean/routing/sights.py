"""From what Envoy has of an environment to what the control plane is told of each instance."""

from __future__ import annotations

from collections import Counter

from jackbean.core.fleet import Service
from jackbean.ports.router import TargetSight
from jackbean.routing.looks import Host, Look
from jackbean.routing.projection import Lane


def sights(lane: Lane | None, look: Look, *, reached: bool) -> dict[str, TargetSight]:
    """Return the sight of every instance that is wanted or that Envoy has.

    Requests are counted in all of the environment's clusters, the rest is what the serving one
    says. Before the first publication the serving one is not known; then it is any. As long as no
    route leads to the environment (`reached`) no instance of it counts as healthy: nobody could be
    served. It does count as in service, for the route may be there at any moment.
    """
    requests = Counter[str]()
    for hosts in look.values():
        for host in hosts:
            requests[host.instance] += host.requests
    known = {target.instance for target in lane.routes.targets} if lane else set()
    serving = {host.instance: host for host in look.get(_serving(lane, look), ())}
    return {
        name: _sight(serving.get(name), requests[name], reached=reached)
        for name in sorted(known | requests.keys())
    }


def _serving(lane: Lane | None, look: Look) -> str:
    if lane is not None and lane.serving in look:
        return lane.serving
    return min(look, default="")


def _sight(host: Host | None, requests: int, *, reached: bool) -> TargetSight:
    if host is None:
        return TargetSight(Service.OUT, healthy=False, requests=requests)
    service = Service.DRAINING if host.draining else Service.IN
    return TargetSight(service, host.healthy and reached, requests)
