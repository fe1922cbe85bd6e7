"""Listeners that are to speak TLS: they are recorded, and load balancers here do not serve them."""

from __future__ import annotations

from collections.abc import Iterator

from jackbean.core.environments import WORKER
from jackbean.core.options.settings import Settings

PROTOCOLS = {"aws:elbv2:listener": "Protocol", "aws:elb:listener": "ListenerProtocol"}
SECURE = frozenset({"HTTPS", "TLS", "SSL"})
CLASSIC = ("aws:elb:loadbalancer", "LoadBalancerHTTPSPort")


def unserved(settings: Settings, before: Settings | None, tier: str) -> tuple[str, ...]:
    """Return what to tell of listeners that nobody will hear on, unless it was told `before`."""
    if tier == WORKER:
        return ()
    told = () if before is None else tuple(_listeners(before))
    return tuple(
        f"{where}: load balancers do not serve {protocol} yet, so nothing listens there; the "
        "environment is reached by HTTP."
        for where, protocol in _listeners(settings)
        if (where, protocol) not in told
    )


def _listeners(settings: Settings) -> Iterator[tuple[str, str]]:
    for namespace in sorted(settings.namespaces()):
        name = PROTOCOLS.get(namespace.rsplit(":", 1)[0]) or PROTOCOLS.get(namespace)
        protocol = settings.text(namespace, name, "") if name else ""
        if protocol in SECURE and settings.text(namespace, "ListenerEnabled", "true") != "false":
            yield namespace, protocol
    if settings.text(*CLASSIC, "OFF") != "OFF":
        yield ": ".join(CLASSIC), "HTTPS"
