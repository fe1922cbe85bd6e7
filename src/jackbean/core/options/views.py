"""Effective settings read as what they mean: one frozen record per subject.

Settings have been validated when they were given; whatever is still unreadable counts as not set.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from jackbean.core.options.domains import DECIMAL, code_ranges, seconds
from jackbean.core.options.option import APPLICATION, CLASSIC, NETWORK
from jackbean.core.options.resolve import (
    ASG,
    CLASSIC_CHECK,
    COMMAND,
    DEPLOYMENT,
    ENVIRONMENT,
    HEALTH_URL,
    PROCESS,
    SQSD,
    UPDATE,
    health_path,
)
from jackbean.core.options.settings import Settings

PROPERTIES = "aws:elasticbeanstalk:application:environment"
SECRETS = "aws:elasticbeanstalk:application:environmentsecrets"
SPLITTING = "aws:elasticbeanstalk:trafficsplitting"
DEFAULT_PROCESS = PROCESS + "default"
POLICIES = "aws:elb:policies"
INTERVAL_S, TIMEOUT_S, DRAIN_S = 1, 2, 20
USUAL_IDLE_S, IDLE_S_MAX = 60, 4_000
STICKY_S, STICKY_S_MAX, CLASSIC_STICKY_S_MAX = 86_400, 604_800, 1_000_000


class Policy(StrEnum):
    """How a new version reaches the instances."""

    ALL_AT_ONCE = "AllAtOnce"
    ROLLING = "Rolling"
    ROLLING_WITH_ADDITIONAL_BATCH = "RollingWithAdditionalBatch"
    IMMUTABLE = "Immutable"
    TRAFFIC_SPLITTING = "TrafficSplitting"


class Update(StrEnum):
    """How instances are replaced when a configuration change requires it."""

    DISABLED = "Disabled"
    TIME = "Time"
    HEALTH = "Health"
    IMMUTABLE = "Immutable"


IN_ANY_ENVIRONMENT = frozenset({Policy.ALL_AT_ONCE, Policy.IMMUTABLE})


def single_instance(settings: Settings) -> bool:
    return settings.text(ENVIRONMENT, "EnvironmentType") == "SingleInstance"


def worker(settings: Settings) -> bool:
    """Return whether they are a worker's: nobody else has options of the daemon."""
    return settings.text(SQSD, "HttpPath") is not None


def balancer(settings: Settings) -> str:
    """Return the load balancer type, "" for a single instance and for workers: they have none."""
    if single_instance(settings) or worker(settings):
        return ""
    kind = settings.text(ENVIRONMENT, "LoadBalancerType", CLASSIC)
    return kind if kind in {APPLICATION, NETWORK} else CLASSIC


def supported(policy: Policy, settings: Settings) -> bool:
    """Return whether such an environment can deploy by `policy`."""
    if policy is Policy.TRAFFIC_SPLITTING:
        return balancer(settings) == APPLICATION
    return policy in IN_ANY_ENVIRONMENT or not single_instance(settings)


@dataclass(frozen=True)
class DeploymentOptions:
    """`batch_type` is Percentage or Fixed. The gate: so many passing checks, so far apart."""

    policy: Policy
    batch_type: str
    batch_size: int
    timeout_s: int
    ignore_health_check: bool
    gate_checks: int
    gate_interval_s: float
    success_threshold: str = "Ok"
    parking_s: float = 0.0

    @classmethod
    def of(cls, settings: Settings) -> DeploymentOptions:
        """Read them; a policy that the environment cannot have (inherited) is AllAtOnce."""
        named = settings.text(COMMAND, "DeploymentPolicy", "")
        policy = Policy(named) if named in set(Policy) else Policy.ALL_AT_ONCE
        return cls(
            policy=policy if supported(policy, settings) else Policy.ALL_AT_ONCE,
            batch_type=settings.text(COMMAND, "BatchSizeType", "Percentage"),
            batch_size=max(1, settings.number(COMMAND, "BatchSize", 100)),
            timeout_s=settings.number(COMMAND, "Timeout", 600),
            ignore_health_check=settings.flag(COMMAND, "IgnoreHealthCheck"),
            gate_checks=settings.number(DEPLOYMENT, "HealthCheckCount", 3),
            gate_interval_s=settings.number(DEPLOYMENT, "HealthCheckInterval", 150) / 1000,
            success_threshold=settings.text(
                "aws:elasticbeanstalk:healthreporting:system", "HealthCheckSuccessThreshold", "Ok"
            ),
            parking_s=_parking_s(settings),
        )

    @property
    def gate_s(self) -> float:
        """How long an instance must look good, look after look."""
        return self.gate_checks * self.gate_interval_s

    def batch_for(self, count: int) -> int:
        """Return how many of `count` instances are worked on at a time; at least one."""
        if self.batch_type == "Fixed":
            return max(1, min(self.batch_size, count))
        return max(1, math.ceil(min(100, self.batch_size) * count / 100))


@dataclass(frozen=True)
class TrafficOptions:
    """How a canary is judged: its share of requests, and for how long."""

    percent: int
    evaluation_s: int

    @classmethod
    def of(cls, settings: Settings) -> TrafficOptions:
        return cls(
            percent=settings.number(SPLITTING, "NewVersionPercent", 10),
            evaluation_s=60 * settings.number(SPLITTING, "EvaluationTime", 5),
        )


@dataclass(frozen=True)
class EvidenceOptions:
    """How a canary's errors are judged: shares from 0 to 1. `hold`: not without evidence."""

    compare: bool
    level: float
    effect: float
    hold: bool

    @classmethod
    def of(cls, settings: Settings) -> EvidenceOptions:
        """Read them; visitors that stick to their instances cannot be compared."""
        wanted = settings.flag(DEPLOYMENT, "Evidence", default=True)
        return cls(
            compare=wanted and sticky_s(settings) is None,
            level=_share(settings, "EvidenceLevel", 5.0),
            effect=_share(settings, "EvidenceEffect", 5.0),
            hold=settings.text(DEPLOYMENT, "Inconclusive") == "hold",
        )


@dataclass(frozen=True)
class CapacityOptions:
    minimum: int
    maximum: int
    single_instance: bool

    @classmethod
    def of(cls, settings: Settings) -> CapacityOptions:
        if single_instance(settings):
            return cls(1, 1, single_instance=True)
        minimum = max(0, settings.number(ASG, "MinSize", 1))
        maximum = settings.number(ASG, "MaxSize", 4)
        return cls(minimum, max(minimum, maximum), single_instance=False)

    def clamp(self, desired: int) -> int:
        """Return the nearest capacity that is allowed."""
        return max(self.minimum, min(desired, self.maximum))


@dataclass(frozen=True)
class UpdateOptions:
    """Replacement of instances: its pace, batches, and what must stay in service meanwhile.

    `maximum` is how many instances there may be at a time.
    """

    kind: Update
    batch_max: int
    in_service_min: int
    pause_s: int
    timeout_s: int
    maximum: int

    @classmethod
    def of(cls, settings: Settings) -> UpdateOptions:
        """Read them; by default a third goes at a time, and as many stay as there must be."""
        capacity = CapacityOptions.of(settings)
        low, stay = capacity.minimum, min(capacity.minimum, capacity.maximum - 1)
        return cls(
            kind=_update(settings),
            batch_max=max(1, settings.number(UPDATE, "MaxBatchSize", math.ceil(low / 3))),
            in_service_min=max(0, settings.number(UPDATE, "MinInstancesInService", stay)),
            pause_s=_seconds(settings.text(UPDATE, "PauseTime", ""), 10),
            timeout_s=_seconds(settings.text(UPDATE, "Timeout", ""), 1800),
            maximum=capacity.maximum,
        )

    @property
    def floor(self) -> int:
        """How many instances must stay in service."""
        return 0 if self.kind is Update.DISABLED else self.in_service_min

    def batch_for(self, desired: int) -> int:
        """Return how many of `desired` instances are replaced at a time; at least one."""
        batch = desired if self.kind is Update.DISABLED else min(self.batch_max, desired)
        return max(1, batch)

    def surge_for(self, desired: int) -> int:
        """Return how many new instances must come before old ones may go, as there is room."""
        missing = self.batch_for(desired) - max(0, desired - self.floor)
        return max(0, min(missing, self.maximum - desired))


@dataclass(frozen=True)
class HealthCheckOptions:
    """How the load balancer judges an instance. `path` None is a TCP check; codes are ranges."""

    path: str | None
    interval_s: int
    timeout_s: int
    healthy_threshold: int
    unhealthy_threshold: int
    codes: tuple[tuple[int, int], ...]
    deregistration_delay_s: int

    @classmethod
    def of(cls, settings: Settings) -> HealthCheckOptions:
        kind = balancer(settings)
        return _by_process(settings, kind) if kind in {APPLICATION, NETWORK} else _classic(settings)


def sticky_s(settings: Settings) -> int | None:
    """Return for how long visitors are kept at their instance, in seconds; None: they are not.

    0, which a classic load balancer can be told, is for as long as a browser is open.
    """
    kind = balancer(settings)
    if kind == APPLICATION and settings.flag(DEFAULT_PROCESS, "StickinessEnabled"):
        chosen = settings.number(DEFAULT_PROCESS, "StickinessLBCookieDuration", STICKY_S)
        return max(1, min(chosen, STICKY_S_MAX))
    if kind == CLASSIC and settings.flag(POLICIES, "Stickiness Policy"):
        chosen = settings.number(POLICIES, "Stickiness Cookie Expiration", 0)
        return max(0, min(chosen, CLASSIC_STICKY_S_MAX))
    return None


def idle_s(settings: Settings) -> int | None:
    """Return after how many silent seconds a request is given up; None: as is usual (60)."""
    found = {
        APPLICATION: settings.number("aws:elbv2:loadbalancer", "IdleTimeout", USUAL_IDLE_S),
        CLASSIC: settings.number(POLICIES, "ConnectionSettingIdleTimeout", USUAL_IDLE_S),
    }.get(balancer(settings), USUAL_IDLE_S)
    return None if found == USUAL_IDLE_S else max(1, min(found, IDLE_S_MAX))


def environment_properties(settings: Settings) -> dict[str, str]:
    """Return what the application finds in its environment, without secrets kept elsewhere."""
    return settings.namespace(PROPERTIES)


def environment_secrets(settings: Settings) -> dict[str, str]:
    """Return the names of properties whose values are secrets, and where each is kept (an ARN)."""
    return settings.namespace(SECRETS)


def application_port(settings: Settings, default: int) -> int:
    """Return the port that the proxy forwards to: the property PORT, or the platform's."""
    port = settings.number(PROPERTIES, "PORT", default)
    return port if 1 <= port <= 65_535 else default


def _update(settings: Settings) -> Update:
    named = settings.text(UPDATE, "RollingUpdateType", "Time")
    kind = Update(named) if named in set(Update) else Update.TIME
    if kind is Update.IMMUTABLE:  # needs no switching on
        return kind
    on = settings.flag(UPDATE, "RollingUpdateEnabled") and not single_instance(settings)
    return kind if on else Update.DISABLED


def _by_process(settings: Settings, kind: str) -> HealthCheckOptions:
    def number(name: str, default: int) -> int:
        return settings.number(DEFAULT_PROCESS, name, default)

    path = settings.text(DEFAULT_PROCESS, "HealthCheckPath", "/" if kind == APPLICATION else "")
    drain = settings.number(DEPLOYMENT, "DrainTimeout", DRAIN_S)
    return HealthCheckOptions(
        path=path or None,
        interval_s=number("HealthCheckInterval", INTERVAL_S),
        timeout_s=number("HealthCheckTimeout", TIMEOUT_S),
        healthy_threshold=number("HealthyThresholdCount", 3),
        unhealthy_threshold=number("UnhealthyThresholdCount", 5),
        codes=code_ranges(settings.text(DEFAULT_PROCESS, "MatcherHTTPCode", "200"))
        or ((200, 200),),
        deregistration_delay_s=number("DeregistrationDelay", drain),
    )


def _classic(settings: Settings) -> HealthCheckOptions:
    """Read a classic balancer's; an environment without one is looked at in the same way."""

    def number(name: str, process_name: str, default: int) -> int:
        other = settings.number(DEFAULT_PROCESS, process_name, default)
        return settings.number(CLASSIC_CHECK, name, other)

    url = settings.text(*HEALTH_URL, "") or settings.text(CLASSIC_CHECK, "Target", "")
    path = health_path(url) or settings.text(DEFAULT_PROCESS, "HealthCheckPath", "")
    return HealthCheckOptions(
        path=path or None,
        interval_s=number("Interval", "HealthCheckInterval", INTERVAL_S),
        timeout_s=number("Timeout", "HealthCheckTimeout", TIMEOUT_S),
        healthy_threshold=number("HealthyThreshold", "HealthyThresholdCount", 3),
        unhealthy_threshold=number("UnhealthyThreshold", "UnhealthyThresholdCount", 5),
        codes=((200, 200),),
        deregistration_delay_s=_classic_drain(settings),
    )


def _classic_drain(settings: Settings) -> int:
    if worker(settings):
        return settings.number(DEPLOYMENT, "DrainTimeout", DRAIN_S)
    if not settings.flag(POLICIES, "ConnectionDrainingEnabled", default=True):
        return 0
    usual = settings.number(DEPLOYMENT, "DrainTimeout", DRAIN_S)
    usual = settings.number(DEFAULT_PROCESS, "DeregistrationDelay", usual)
    return settings.number(POLICIES, "ConnectionDrainingTimeout", usual)


def _parking_s(settings: Settings) -> float:
    """Return how long the release before is kept; a worker's would take messages or do nothing."""
    return 0.0 if worker(settings) else 60.0 * settings.number(DEPLOYMENT, "ParkingTime", 0)


def _share(settings: Settings, name: str, default: float) -> float:
    """Return a percentage as a share of one."""
    percent = settings.text(DEPLOYMENT, name, "")
    return (float(percent) if DECIMAL.fullmatch(percent) else default) / 100


def _seconds(duration: str, default: int) -> int:
    length = seconds(duration)
    return default if length is None else length
