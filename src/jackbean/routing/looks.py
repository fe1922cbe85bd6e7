"""What Envoy has, as it says itself: hosts by cluster, from its admin pages.

Observers who ask at about the same time share one look. It always begins after they asked, so
nobody is ever told of a past in which what he has published meanwhile is still missing.

An instance whose last request has ended is stopped, so that number is told with care:

- The workers, which send the requests, learn of a DRAINING host after the main thread, which
  answers here. A look that finds such a host lets every worker pass a rendezvous, and only then
  counts: from then on nobody is sent there any more.
- What is in flight to it then can only go from waiting for a connection to active to ended. Envoy
  reads the two numbers one after the other, and a request that changes over in between is in
  neither. So a host is without requests when two looks in a row say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from jackbean.core.errors import PortError
from jackbean.routing.admin import Admin
from jackbean.routing.shapes import clusters_pattern, environment_of

_CLUSTERS = "/clusters?format=json&filter="


@dataclass(frozen=True)
class Host:
    """One endpoint of one cluster."""

    instance: str
    draining: bool
    healthy: bool
    requests: int


Hosts = tuple[Host, ...]
Look = Mapping[str, Hosts]  # one environment's hosts, by cluster


@dataclass
class _Round:
    asked: set[str]
    looks: asyncio.Task[Mapping[str, Look]]


class Observer:
    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._next: _Round | None = None
        self._turn = asyncio.Lock()

    async def look(self, environment_id: str) -> Look:
        """Return what Envoy has of one environment. Raises PortError."""
        if self._next is None:
            asked = set[str]()
            self._next = _Round(asked, asyncio.ensure_future(self._round(asked)))
        coming = self._next
        coming.asked.add(environment_id)
        looks = await asyncio.shield(coming.looks)
        return looks.get(environment_id, {})

    async def _round(self, asked: set[str]) -> Mapping[str, Look]:
        async with self._turn:
            self._next = None
            page = _CLUSTERS + quote(clusters_pattern(asked))
            clusters = await self._clusters(page)
            if any(host.draining for hosts in clusters.values() for host in hosts):
                await self._admin.rendezvous()
                counted = await self._clusters(page)
                clusters = confirmed(clusters, counted, await self._clusters(page))
        looks: dict[str, dict[str, Hosts]] = {}
        for cluster, hosts in clusters.items():
            looks.setdefault(environment_of(cluster), {})[cluster] = hosts
        return looks

    async def _clusters(self, page: str) -> Look:
        return parse_clusters(await self._admin.json(page))


def confirmed(before: Look, counted: Look, now: Look) -> Look:
    """Return `now` with what may be believed of it.

    Those hosts drain that did so before the workers' rendezvous, which lies after `before`. Their
    requests have ended when they had in `counted` too.
    """
    draining = {
        (c, host.instance) for c, hosts in before.items() for host in hosts if host.draining
    }
    requests = {(c, host.instance): host.requests for c, hosts in counted.items() for host in hosts}
    return {
        cluster: tuple(
            replace(
                host,
                draining=host.draining and (cluster, host.instance) in draining,
                requests=host.requests or requests.get((cluster, host.instance), 0),
            )
            for host in hosts
        )
        for cluster, hosts in now.items()
    }


def parse_clusters(document: Any) -> dict[str, Hosts]:
    """Read Envoy's page of clusters."""
    try:
        return {
            cluster["name"]: tuple(_host(host) for host in cluster.get("host_statuses", []))
            for cluster in document.get("cluster_statuses", [])
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PortError(f"Envoy's page of clusters has an unknown shape: {error!r}") from error


def _host(status: Any) -> Host:
    health = status["health_status"]
    stats = {one["name"]: one.get("value", 0) for one in status["stats"]}
    if "rq_pending_active" not in stats:
        raise PortError("this Envoy does not count waiting requests: 1.40 or newer is needed")
    return Host(
        instance=status["hostname"],
        draining=health.get("eds_health_status") == "DRAINING",
        healthy=not any(health.get(flag) for flag in _UNHEALTHY),
        requests=int(stats["rq_active"]) + int(stats["rq_pending_active"]),
    )


_UNHEALTHY = ("failed_active_health_check", "pending_active_hc", "excluded_via_immediate_hc_fail")
