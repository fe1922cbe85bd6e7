"""What a release's settings mean for the loop, read once per release."""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.core.health.statuses import HealthStatus, status_of
from jackbean.core.options.option import APPLICATION, CLASSIC
from jackbean.core.options.views import (
    DeploymentOptions,
    HealthCheckOptions,
    balancer,
    idle_s,
    sticky_s,
    worker,
)
from jackbean.core.releases import Release
from jackbean.ports.router import HealthCheck, Sticky

ENDING_S = 5.0  # for a daemon that has waited as long as it may, to give back what it has
COOKIES = {APPLICATION: "AWSALB", CLASSIC: "AWSELB"}  # as each kind of load balancer calls it


@dataclass(frozen=True)
class Gate:
    """`count` good looks in a row, at least `interval_s` apart, make an instance healthy.

    A look is no good where the application does worse than `worst` (enhanced health). `check` is
    how an instance is asked itself that runs something new; None where no load balancer asks.
    """

    count: int
    interval_s: float
    worst: HealthStatus = HealthStatus.INFO
    check: HealthCheck | None = None


@dataclass(frozen=True)
class Terms:
    """A release, and how its instances are drained, judged and let through."""

    release: Release
    gate: Gate
    drain_s: float
    health: HealthCheck
    sticky: Sticky | None = None
    idle_s: int | None = None

    @classmethod
    def of(cls, release: Release) -> Terms:
        deployment = DeploymentOptions.of(release.settings)
        check = HealthCheckOptions.of(release.settings)
        health = HealthCheck(
            path=check.path,
            interval_s=check.interval_s,
            timeout_s=check.timeout_s,
            healthy_threshold=check.healthy_threshold,
            unhealthy_threshold=check.unhealthy_threshold,
            codes=check.codes,
        )
        return cls(
            release=release,
            gate=Gate(
                deployment.gate_checks,
                deployment.gate_interval_s,
                worst=_worst(deployment.success_threshold),
                check=None if worker(release.settings) else health,
            ),
            drain_s=check.deregistration_delay_s + (ENDING_S if worker(release.settings) else 0),
            health=health,
            sticky=_sticky(release),
            idle_s=idle_s(release.settings),
        )


def _sticky(release: Release) -> Sticky | None:
    seconds = sticky_s(release.settings)
    return None if seconds is None else Sticky(COOKIES[balancer(release.settings)], seconds)


def _worst(threshold: str) -> HealthStatus:
    """Return the worst status that passes; Info counts like Ok."""
    return max(status_of(threshold) or HealthStatus.INFO, HealthStatus.INFO, key=lambda s: s.rank)
