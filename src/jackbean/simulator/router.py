"""A load balancer on virtual time: what it was told, and since when.

Nothing happens by itself. Whatever has become due is worked out when somebody looks, so a long
history costs no more than the looks at it. That goes for visitors too: how many have come since the
last look is a multiplication, whom they met is dealt out in turn, and how many of them met an error
is one draw for each instance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import sqrt
from random import Random

from jackbean.core.fleet import Service
from jackbean.core.records import replace
from jackbean.ports.clock import Clock
from jackbean.ports.router import (
    MAIN_GROUP,
    NOBODY,
    Counted,
    HealthCheck,
    Names,
    Probe,
    Routes,
    TargetSight,
)
from jackbean.simulator.engine import calm

SIGHTS_KEPT_MAX = 100
FEW = 50  # chances that are tried one by one; more are drawn together


def no_errors(instance: str) -> float:
    return 0.0


@dataclass(frozen=True)
class Traffic:
    """How the balancer and its visitors behave.

    `errors` is the share of an instance's answers that are a 500, drawn with `seed`; visitors come
    `per_s` to each environment and are counted.
    """

    apply_s: float = 0.0  # from publication to effect
    check_s: float = 0.0  # from there to the first verdict of the health check
    every_s: float = 0.0  # from one verdict to the next
    requests: int = 1  # in flight on each instance that serves
    last_s: float = 0.0  # how long the last of them take when it drains
    per_s: float = 0.0
    errors: Callable[[str], float] = no_errors
    seed: int = 0


@dataclass(frozen=True)
class Host:
    """One instance that the balancer knows. `left` requests were in flight as draining began."""

    since: float
    draining_since: float | None = None
    left: int = 0
    group: str = MAIN_GROUP


@dataclass
class Tally:
    """The visitors of one environment: how many came until when, and what came of them by group."""

    until: float
    come: float = 0.0  # the next one may be on his way
    requests: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    unmet: int = 0


NO_TALLY = Tally(0.0)


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
        self._revisions: dict[str, int] = {}
        self._due: dict[str, float] = {}  # environments told of, and when that takes effect
        self._routes: dict[str, Routes] = {}  # in effect
        self._hosts: dict[str, dict[str, Host]] = {}
        self._tallies: dict[str, Tally] = {}
        self._verdicts: dict[str, tuple[tuple[float, int], bool]] = {}  # by check, of instances
        self.cut_off: list[str] = []  # who was let go of while it had requests
        self._random = Random(self.traffic.seed)  # noqa: S311 - a simulation, to be repeated
        self._epoch = 1

    # ports.Router

    async def publish(self, routes: Routes) -> None:
        await self.publish_all([routes])

    async def publish_all(self, routes: Sequence[Routes]) -> None:
        self._effect(f"publish {' '.join(one.environment_id for one in routes)}")
        heard = [one for one in routes if one.revision >= self._revision(one.environment_id)]
        changed = [one for one in heard if self._wanted.get(one.environment_id) != one]
        self._revisions |= {one.environment_id: one.revision for one in heard}
        if changed:
            self._settle()
        for one in changed:
            self._wanted[one.environment_id] = one
            self._tell(one.environment_id)

    async def rename(self, names: Sequence[Names]) -> None:
        known = [(one, self._wanted.get(one.environment_id)) for one in names]
        await self.publish_all(
            [
                replace(routes, hostnames=one.hostnames, revision=one.revision)
                for one, routes in known
                if routes
            ]
        )

    async def hostnames(self, environment_id: str) -> tuple[str, ...]:
        self._settle()
        routes = self._routes.get(environment_id)
        return routes.hostnames if routes == self._wanted.get(environment_id) and routes else ()

    async def withdraw(self, environment_id: str) -> None:
        self._effect(f"withdraw {environment_id}")
        self._settle()
        self._revisions.pop(environment_id, None)
        if self._wanted.pop(environment_id, None):
            self._tell(environment_id)

    async def open(self) -> None:
        self._effect("open")
        if not self._opened:
            self._opened = True
            for name in sorted(self._wanted.keys() | self._hosts.keys()):
                self._tell(name)

    async def observe(self, environment_id: str) -> Mapping[str, TargetSight]:
        self._effect(f"observe {environment_id}")
        self._settle()
        self._receive(environment_id, self._clock.now())
        return self._sights(environment_id)

    async def check(self, health: HealthCheck, probes: Collection[Probe]) -> frozenset[str]:
        return frozenset(one.instance for one in probes if self._healthy(one.instance))

    async def counters(self, environment_id: str) -> Mapping[str, Counted]:
        self._effect(f"counters {environment_id}")
        self._settle()
        self._receive(environment_id, self._clock.now())
        active: dict[str, int] = {}
        for name, host in self._hosts.get(environment_id, {}).items():
            active[host.group] = active.get(host.group, 0) + self._sight(name, host).requests
        tally = self._tallies.get(environment_id, NO_TALLY)
        routes = self._wanted.get(environment_id)
        groups = {target.group for target in routes.targets} if routes else set()
        epoch, unmet = f"epoch {self._epoch}", tally.unmet
        known = {
            group: Counted(
                epoch=epoch,
                requests=tally.requests[group],
                errors_5xx=tally.errors[group],
                active=active.get(group, 0),
            )
            for group in sorted(groups | active.keys() | tally.requests.keys())
        }
        return {**known, NOBODY: Counted(epoch, unmet, failed=unmet)} if unmet else known

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

    def reboot(self) -> None:
        """Lose everything that a balancer has, and be told it again if there is somebody to."""
        self._epoch += 1
        for lost in (self._hosts, self._routes, self._tallies):
            lost.clear()
        for name in self._wanted:
            self._tell(name)

    def lose(self, instance: str) -> None:
        """Lose an instance whose machine ends, and whatever requests it has."""
        self._settle()
        hosts = [known[instance] for known in self._hosts.values() if instance in known]
        self.cut_off += [instance for host in hosts if self._cuts_off(instance, host)]

    def receivers(self, environment_id: str, group: str | None = None) -> frozenset[str]:
        """Return the instances that a request may be sent to now; those of one group, if given."""
        self._settle()
        hosts = self._hosts.get(environment_id, {})
        return frozenset(
            name
            for side, _ in self._sides(environment_id)
            for name in side
            if group in {None, hosts[name].group}
        )

    def visited(self, environment_id: str) -> dict[str, tuple[int, int]]:
        """Return by group how many visitors came since the last reboot, and who met an error."""
        self._settle()
        self._receive(environment_id, self._clock.now())
        tally = self._tallies.get(environment_id, Tally(0.0))
        return {group: (n, tally.errors[group]) for group, n in tally.requests.items()}

    def owner(self, hostname: str) -> str | None:
        """Return the environment that a hostname leads to now; the newest claim wins."""
        self._settle()
        claims = [i for i, routes in self._routes.items() if hostname in routes.hostnames]
        return claims[-1] if claims else None

    # telling

    def _revision(self, environment_id: str) -> int:
        return self._revisions.get(environment_id, 0)

    def _tell(self, environment_id: str) -> None:
        if self._opened:
            self._due[environment_id] = self._clock.now() + self.traffic.apply_s

    def _settle(self) -> None:
        """Let everything take effect that is due."""
        if not self._due:
            return
        now = self._clock.now()
        for name in [name for name, at in self._due.items() if at <= now]:
            self._apply(name, self._wanted.get(name), self._due.pop(name))

    def _apply(self, environment_id: str, routes: Routes | None, at: float) -> None:
        self._receive(environment_id, at)
        self._routes.pop(environment_id, None)
        before = self._hosts.get(environment_id, {})
        staying = {target.instance for target in routes.targets} if routes else set()
        gone = {name: host for name, host in before.items() if name not in staying}
        self.cut_off += [name for name, host in gone.items() if self._cuts_off(name, host)]
        if routes is None:
            self._hosts.pop(environment_id, None)
            return
        self._routes[environment_id] = routes
        self._hosts[environment_id] = {
            target.instance: replace(
                self._moved(target.instance, before, draining=target.draining, at=at),
                group=target.group,
            )
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

    # looking

    def _sights(self, environment_id: str) -> dict[str, TargetSight]:
        routes = self._wanted.get(environment_id)
        wanted = {target.instance for target in routes.targets} if routes else set()
        hosts = self._hosts.get(environment_id, {})
        return {name: self._sight(name, hosts.get(name)) for name in sorted(wanted | hosts.keys())}

    def _sight(self, name: str, host: Host | None) -> TargetSight:
        if host is None:
            return sight(Service.OUT, healthy=False, requests=0)
        well = self._well(name, host)
        if host.draining_since is not None:
            return sight(Service.DRAINING, healthy=well, requests=self._left(host))
        return sight(Service.IN, healthy=well, requests=self.traffic.requests if well else 0)

    def _cuts_off(self, name: str, host: Host) -> bool:
        """Whether requests that it would answer are lost with it."""
        return self._sight(name, host).requests > 0 and self._healthy(name)

    def _well(self, name: str, host: Host) -> bool:
        """Whether it was well when it was last checked: what is known is as old as that."""
        checked_s = self._clock.now() - host.since - self.traffic.check_s
        if checked_s < 0 or not self.traffic.every_s:
            return checked_s >= 0 and self._healthy(name)
        check = (host.since, int(checked_s / self.traffic.every_s))
        verdict = self._verdicts.get(name)
        if verdict is None or verdict[0] != check:
            verdict = self._verdicts[name] = (check, self._healthy(name))
        return verdict[1]

    def _serves(self, name: str, host: Host) -> bool:
        return host.draining_since is None and self._well(name, host)

    def _left(self, host: Host) -> int:
        since = host.draining_since if host.draining_since is not None else host.since
        return host.left if self._clock.now() < since + self.traffic.last_s else 0

    # visitors

    def _receive(self, environment_id: str, until: float) -> None:
        """Deal out the visitors who have come since the last look."""
        if not self.traffic.per_s:
            return
        tally = self._tallies.setdefault(environment_id, Tally(until))
        first = whole(tally.come)
        tally.come += max(0.0, until - tally.until) * self.traffic.per_s
        tally.until = max(until, tally.until)
        last = whole(tally.come)
        hosts = self._hosts.get(environment_id, {})
        sides = self._sides(environment_id)
        if environment_id in self._routes and not any(side for side, _ in sides):
            tally.unmet += last - first
        for side, begin, end in shared_out(sides, first, last):
            for name, count in dealt(side, begin, end):
                tally.requests[hosts[name].group] += count
                tally.errors[hosts[name].group] += self._drawn(count, self.traffic.errors(name))

    def _sides(self, environment_id: str) -> list[tuple[list[str], int]]:
        """Return who serves, in up to two parts with a share of a hundred each."""
        hosts = self._hosts.get(environment_id, {})
        serving = [name for name, host in sorted(hosts.items()) if self._serves(name, host)]
        routes = self._routes.get(environment_id)
        split = routes.split if routes else None
        if split is None:
            return [(serving, 100)]
        apart = [name for name in serving if hosts[name].group == split.group]
        others = [name for name in serving if hosts[name].group != split.group]
        if not apart or not others:
            return [(serving, 100)]
        return [
            (side, n) for side, n in ((apart, split.percent), (others, 100 - split.percent)) if n
        ]

    def _drawn(self, count: int, share: float) -> int:
        """Return how many of `count` chances of `share` come true."""
        if count <= FEW:
            return sum(self._random.random() < share for _ in range(count)) if share > 0 else 0
        spread = sqrt(count * share * (1 - share)) if 0 < share < 1 else 0.0
        return min(count, max(0, round(self._random.gauss(count * share, spread))))


@lru_cache(maxsize=SIGHTS_KEPT_MAX)
def sight(service: Service, *, healthy: bool, requests: int) -> TargetSight:
    """Return what is seen of a target: the same value each time, which is soon compared."""
    return TargetSight(service, healthy, requests)


def whole(visitors: float) -> int:
    """Return how many have come; sums of seconds are a little less than they should be."""
    return int(visitors + 1e-6)


def shared_out(
    sides: Sequence[tuple[list[str], int]], first: int, last: int
) -> Iterator[tuple[list[str], int, int]]:
    """Yield each side with its part of the visitors from `first` to `last`, numbered anew."""
    gone = 0
    for side, percent in sides:
        begin, end = (n * (gone + percent) // 100 - n * gone // 100 for n in (first, last))
        gone += percent
        yield side, begin, end


def dealt(names: Sequence[str], first: int, last: int) -> Iterator[tuple[str, int]]:
    """Yield how many of the visitors from `first` to `last` each meets who take turns."""
    turns = len(names)
    for place, name in enumerate(names):
        yield name, (last - place + turns - 1) // turns - (first - place + turns - 1) // turns
