"""Rules between options: what two settings must not say together.

A rule is a function from a case to findings. It looks at what would hold, and is told of only where
the request in hand touches one of the options that it names: an environment that broke a rule
before must not be refused an unrelated change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jackbean.core.options.option import APPLICATION, NETWORK
from jackbean.core.options.resolve import (
    ASG,
    CLASSIC_CHECK,
    COMMAND,
    DEPLOYMENT,
    ENVIRONMENT,
    HEALTH_URL,
    PROCESS,
    UPDATE,
)
from jackbean.core.options.settings import Settings
from jackbean.core.options.views import Policy, balancer, single_instance, supported, worker

LAUNCH = "aws:autoscaling:launchconfiguration"
HEALTH = "aws:elasticbeanstalk:healthreporting:system"
MANAGED = "aws:elasticbeanstalk:managedactions"
PLATFORM = "aws:elasticbeanstalk:managedactions:platformupdate"
SCHEDULED = "aws:autoscaling:scheduledaction"
TRIGGER = "aws:autoscaling:trigger"
SHARED = ("aws:elbv2:loadbalancer", "SharedLoadBalancer")
SYSTEM = (HEALTH, "SystemType")
IOPS_PER_GB = 500
INTERVAL_AWS_MIN = 5
SCHEDULED_MAX = 120
DEDICATED_METRICS = frozenset({"HealthyHostCount", "UnhealthyHostCount", "TargetResponseTime"})
LAYER = {APPLICATION: ("HTTP", "HTTPS"), NETWORK: ("TCP", "TLS")}

Name = tuple[str, str]


@dataclass(frozen=True)
class Case:
    """What would hold: `given` without defaults, `settings` with all of them."""

    given: Settings
    settings: Settings


@dataclass(frozen=True)
class Finding:
    """`names` are the options involved, the one to blame first.

    A `mild` one is a warning. An `inheritable` one is a warning where the value was not asked for
    directly: what holds then is the nearest that the environment can do.
    """

    text: str
    names: tuple[Name, ...]
    mild: bool = False
    inheritable: bool = False


def findings(case: Case) -> Iterator[Finding]:
    for rule in RULES:
        yield from rule(case)


def _sizes(case: Case) -> Iterator[Finding]:
    least, most = _size(case, "MinSize", 1), _size(case, "MaxSize", 4)
    if least > most:
        text = f"MinSize {least} is greater than MaxSize {most}. Set both."
        yield Finding(text, ((ASG, "MinSize"), (ASG, "MaxSize")))
    if single_instance(case.settings) or (UPDATE, "MinInstancesInService") not in case.given:
        return
    kept = case.settings.number(UPDATE, "MinInstancesInService", 0)
    if kept >= max(1, most):
        text = f"MinInstancesInService {kept} must be less than MaxSize {most}."
        yield Finding(text, ((UPDATE, "MinInstancesInService"), (ASG, "MaxSize")))


def _batches(case: Case) -> Iterator[Finding]:
    size = case.settings.number(COMMAND, "BatchSize", 100)
    names = ((COMMAND, "BatchSize"), (COMMAND, "BatchSizeType"))
    most = _size(case, "MaxSize", 4)
    if case.settings.text(COMMAND, "BatchSizeType") != "Fixed":
        if size > 100:
            yield Finding(f"Value '{size}' is greater than 100 percent.", names)
    elif size > most:
        text = f"BatchSize {size} is more than MaxSize {most}: deployments have a single batch."
        yield Finding(text, names, mild=True)


def _policies(case: Case) -> Iterator[Finding]:
    named = case.given.text(COMMAND, "DeploymentPolicy", "")
    names = ((COMMAND, "DeploymentPolicy"),)
    if named in set(Policy) and not supported(Policy(named), case.settings):
        yield Finding(_unsupported(case, Policy(named)), names, inheritable=True)
    if case.given.flag(UPDATE, "RollingUpdateEnabled") and single_instance(case.settings):
        text = "An environment with a single instance has no rolling updates."
        yield Finding(text, ((UPDATE, "RollingUpdateEnabled"),), mild=True)


def _unsupported(case: Case, policy: Policy) -> str:
    have = balancer(case.settings)
    here = f"this one's is {have}" if have else "this environment has a single instance"
    if policy is Policy.TRAFFIC_SPLITTING:
        here = "a worker environment has none" if worker(case.settings) else here
        return f"TrafficSplitting needs an application load balancer; {here}."
    return f"{policy} needs a load-balanced environment; {here}. Use AllAtOnce or Immutable."


def _gate(case: Case) -> Iterator[Finding]:
    """Tell of a health gate that no batch can pass: its time is up before."""
    names = ((DEPLOYMENT, "HealthCheckCount"), (DEPLOYMENT, "HealthCheckInterval"))
    timeout = (COMMAND, "Timeout")
    if case.settings.flag(COMMAND, "IgnoreHealthCheck"):
        return
    count, every_ms = (case.settings.number(*name, 1) for name in names)
    needed_s, limit_s = (count - 1) * every_ms / 1000, case.settings.number(*timeout, 600)
    if needed_s >= limit_s:
        text = f"{count} checks take {needed_s:g} s, and a batch has Timeout {limit_s} s."
        yield Finding(text, (*names, timeout))


def _basic_health(case: Case) -> Iterator[Finding]:
    """Tell of what needs enhanced health, where that is turned off."""
    if case.settings.text(*SYSTEM) != "basic":
        return
    needs = (
        ((COMMAND, "DeploymentPolicy"), "Immutable"),
        ((UPDATE, "RollingUpdateType"), "Immutable"),
        ((MANAGED, "ManagedActionsEnabled"), "true"),
        ((PLATFORM, "InstanceRefreshEnabled"), "true"),
    )
    for (namespace, name), value in needs:
        if case.settings.text(namespace, name, "").lower() == value.lower():
            text = f"{name} {value} needs enhanced health: set SystemType to enhanced."
            yield Finding(text, ((namespace, name), SYSTEM))


def _targets(case: Case) -> Iterator[Finding]:
    target = (CLASSIC_CHECK, "Target")
    if case.given.text(*HEALTH_URL) and case.given.text(*target):
        yield Finding(
            "You cannot configure an Elastic Beanstalk environment with values for both the "
            "Elastic Load Balancing Target option and Application Healthcheck URL option",
            (target, HEALTH_URL),
        )


def _probes(case: Case) -> Iterator[Finding]:
    """Hold probes against their timeouts, where both were asked for.

    Shorter intervals than Elastic Beanstalk has are ours, and wait for the answer however long.
    """
    pairs = [(CLASSIC_CHECK, "Interval", "Timeout")]
    processes = sorted(ns for ns in case.given.namespaces() if ns.startswith(PROCESS))
    pairs += [(ns, "HealthCheckInterval", "HealthCheckTimeout") for ns in processes]
    for namespace, interval, timeout in pairs:
        every = case.given.number(namespace, interval, 0)
        limit = case.given.number(namespace, timeout, 0)
        if INTERVAL_AWS_MIN <= every <= limit:
            text = f"{interval} {every} must be greater than {timeout} {limit}."
            yield Finding(text, ((namespace, interval), (namespace, timeout)))


def _triggers(case: Case) -> Iterator[Finding]:
    names = tuple((TRIGGER, n) for n in ("BreachDuration", "Period", "EvaluationPeriods"))
    breach, period, count = (case.settings.number(*name, 1) for name in names)
    if all(name in case.given for name in names[:2]) and breach != period * count:
        text = (
            f"BreachDuration {breach} is not Period {period} times EvaluationPeriods {count}: "
            f"{period * count} is used."
        )
        yield Finding(text, names, mild=True)
    metric = case.given.text(TRIGGER, "MeasureName", "")
    if metric in DEDICATED_METRICS and case.settings.flag(ENVIRONMENT, "LoadBalancerIsShared"):
        text = f"{metric} cannot be measured with a shared load balancer."
        yield Finding(text, ((TRIGGER, "MeasureName"), (ENVIRONMENT, "LoadBalancerIsShared")))


def _managed(case: Case) -> Iterator[Finding]:
    enabled = (MANAGED, "ManagedActionsEnabled")
    needed = ((MANAGED, "PreferredStartTime"), (PLATFORM, "UpdateLevel"))
    if case.settings.flag(*enabled):
        missing = [name for namespace, name in needed if not case.settings.text(namespace, name)]
        if missing:
            yield Finding(f"Managed updates need {' and '.join(missing)} too.", (enabled, *needed))
    elif case.settings.flag(PLATFORM, "InstanceRefreshEnabled"):
        text = "InstanceRefreshEnabled needs ManagedActionsEnabled."
        yield Finding(text, ((PLATFORM, "InstanceRefreshEnabled"), enabled))


def _shared(case: Case) -> Iterator[Finding]:
    shared = (ENVIRONMENT, "LoadBalancerIsShared")
    if not case.settings.flag(*shared):
        return
    names = (shared, (ENVIRONMENT, "LoadBalancerType"), SHARED)
    if balancer(case.settings) != APPLICATION:
        yield Finding("Only an application load balancer can be shared.", names)
    if not case.settings.text(*SHARED):
        yield Finding(f"A shared load balancer needs its ARN in {SHARED[0]} {SHARED[1]}.", names)


def _volumes(case: Case) -> Iterator[Finding]:
    size, kind, rate = ((LAUNCH, f"RootVolume{end}") for end in ("Size", "Type", "IOPS"))
    gigabytes = case.settings.number(*size, 0)
    if case.settings.text(*kind) == "io1" and not gigabytes:
        yield Finding("RootVolumeType io1 needs RootVolumeSize.", (kind, size))
    if gigabytes and case.settings.number(*rate, 0) > IOPS_PER_GB * gigabytes:
        text = f"At most {IOPS_PER_GB} IOPS per gigabyte: {IOPS_PER_GB * gigabytes} here."
        yield Finding(text, (rate, size))


def _groups(case: Case) -> Iterator[Finding]:
    off, groups = (LAUNCH, "DisableDefaultEC2SecurityGroup"), (LAUNCH, "SecurityGroups")
    if case.settings.flag(*off) and not case.given.text(*groups):
        text = "Without the default security group SecurityGroups must name at least one."
        yield Finding(text, (off, groups))


def _protocols(case: Case) -> Iterator[Finding]:
    kind = balancer(case.settings)
    if kind not in LAYER:
        return
    for setting in case.given:
        fronted = setting.namespace.startswith((PROCESS, "aws:elbv2:listener:"))
        if fronted and setting.name == "Protocol" and setting.value not in LAYER[kind]:
            allowed = " or ".join(LAYER[kind])
            text = (
                f"With {'an' if kind == APPLICATION else 'a'} {kind} load balancer it is {allowed}."
            )
            yield Finding(text, ((setting.namespace, "Protocol"),))


def _scheduled(case: Case) -> Iterator[Finding]:
    actions = case.given.resources(SCHEDULED)
    if len(actions) > SCHEDULED_MAX:
        text = f"At most {SCHEDULED_MAX} scheduled actions are possible."
        yield Finding(text, _of_schedule("StartTime", "Recurrence", "MinSize", "MaxSize"))
    dates: dict[str, str] = {}
    for action, values in sorted(actions.items()):
        for name in ("StartTime", "EndTime"):
            other = dates.setdefault(values.get(name, ""), action)
            if values.get(name) and other != action:
                text = f"Scheduled actions '{other[:80]}' and '{action[:80]}' share a date."
                yield Finding(text, _of_schedule(name))
        least, most = values.get("MinSize", ""), values.get("MaxSize", "")
        if least.isdecimal() and most.isdecimal() and int(least) > int(most):
            text = f"MinSize is greater than MaxSize in scheduled action '{action[:80]}'."
            yield Finding(text, _of_schedule("MinSize", "MaxSize"))


def _of_schedule(*names: str) -> tuple[Name, ...]:
    return tuple((SCHEDULED, name) for name in names)


def _size(case: Case, name: str, default: int) -> int:
    return case.settings.number(ASG, name, default)


RULES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _sizes,
    _batches,
    _policies,
    _gate,
    _basic_health,
    _targets,
    _probes,
    _triggers,
    _managed,
    _shared,
    _volumes,
    _groups,
    _protocols,
    _scheduled,
)
