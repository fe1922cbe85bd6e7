"""A load balancer on virtual time: what it was told, and since when.

Nothing happens by itself. Whatever has become due is worked out when somebody looks, so a long
history costs no more than the looks at it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jackbean.core.fleet import Service
from jackbean.ports.clock import Clock
from jackbean.ports.router import Routes, TargetSight
from jackbean.simulator.engine import calm


@dataclass(frozen=True)
class Traffic:
    """How the balancer and its visitors behave."""

    apply_s: float = 0.0  # from publication to effect
    check_s: float = 0.0  # from there to the first verdict of the health check
    requests: int = 1  # in flight on each instance that serves
    last_s: float = 0.0  # how long the last of them take when it drains


@dataclass(frozen=True)
class Host:
    """One instance that the balancer knows. `left` requests were in flight as draining began."""

    since: float
    draining_since: float | None = None
    left: int = 0


class MemoryRouter:
    """ports.Router. `healthy` is the verdict on an instance, if asked now."""

    def __init__(
        self,
        clock: Clock,
        healthy: Callable[[str], bool],
        traffic: Traffic | None = None,
        effect: Callable[[str], None] = calm,
    ) -> None:
        self.traffic = traffic or Traffic()
        self._clock = clock
        self._healthy = healthy
        self._effect = effect
        self._opened = False
        self._wanted: dict[str, Routes] = {}
        self._due: dict[str, float] = {}  # environments told of, and when that takes effect
        self._hosts: dict[str, dict[str, Host]] = {}

    # ports.Router

    async def publish(self, routes: Routes) -> None:
        name = routes.environment_id
        self._effect(f"publish {name}")
        if self._wanted.get(name) != routes:
            self._settle()
            self._wanted[name] = routes
            self._tell(name)

    async def withdraw(self, environment_id: str) -> None:
        self._effect(f"withdraw {environment_id}")
        self._settle()
        if self._wanted.pop(environment_id, None):
            self._tell(environment_id)

    async def open(self) -> None:
        self._effect("open")
        if not self._opened:
            self._opened = True
            for name in self._wanted.keys() | self._hosts.keys():
                self._tell(name)

    async def observe(self, environment_id: str) -> Mapping[str, TargetSight]:
        self._effect(f"observe {environment_id}")
        self._settle()
        routes = self._wanted.get(environment_id)
        wanted = {target.instance for target in routes.targets} if routes else set()
        hosts = self._hosts.get(environment_id, {})
        return {name: self._sight(name, hosts.get(name)) for name in sorted(wanted | hosts.keys())}

    async def troubles(self) -> tuple[str, ...]:
        return ()

    def endpoint(self, slot: int) -> str:
        return f"127.200.{slot // 254}.{slot % 254 + 1}"

    # what a simulation does

    def restart(self) -> None:
        """Be told everything anew, as by a control plane that starts; keep on serving meanwhile."""
        self._settle()
        self._opened = False
        self._wanted.clear()
        self._due.clear()

    def receivers(self, environment_id: str) -> frozenset[str]:
        """Return the instances that a request may be sent to now."""
        self._settle()
        hosts = self._hosts.get(environment_id, {})
        return frozenset(name for name, host in hosts.items() if self._serves(name, host))

    def _tell(self, environment_id: str) -> None:
        if self._opened:
            self._due[environment_id] = self._clock.now() + self.traffic.apply_s

    def _settle(self) -> None:
        """Let everything take effect that is due."""
        now = self._clock.now()
        for name in [name for name, at in self._due.items() if at <= now]:
            self._apply(name, self._wanted.get(name), self._due.pop(name))

    def _apply(self, environment_id: str, routes: Routes | None, at: float) -> None:
        if routes is None:
            self._hosts.pop(environment_id, None)
            return
        before = self._hosts.get(environment_id, {})
        self._hosts[environment_id] = {
            target.instance: self._moved(target.instance, before, draining=target.draining, at=at)
            for target in routes.targets
        }

    def _moved(self, name: str, before: Mapping[str, Host], *, draining: bool, at: float) -> Host:
        host = before.get(name, Host(at))
        if draining is (host.draining_since is not None):
            return host
        if not draining:
            return Host(host.since)
        left = self.traffic.requests if self._serves(name, host) else 0
        return Host(host.since, draining_since=at, left=left)

    def _sight(self, name: str, host: Host | None) -> TargetSight:
        if host is None:
            return TargetSight(Service.OUT, healthy=False, requests=0)
        if host.draining_since is not None:
            return TargetSight(Service.DRAINING, self._well(name, host), self._left(host))
        requests = self.traffic.requests if self._well(name, host) else 0
        return TargetSight(Service.IN, self._well(name, host), requests)

    def _well(self, name: str, host: Host) -> bool:
        return self._clock.now() >= host.since + self.traffic.check_s and self._healthy(name)

    def _serves(self, name: str, host: Host) -> bool:
        return host.draining_since is None and self._well(name, host)

    def _left(self, host: Host) -> int:
        since = host.draining_since if host.draining_since is not None else host.since
        return host.left if self._clock.now() < since + self.traffic.last_s else 0
