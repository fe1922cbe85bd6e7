"""What holds in the end: four ranks of settings, and the defaults that depend on other settings.

    direct   what a request asked for: stored with the environment
    saved    what a saved configuration held: stored with the environment
    bundle   .ebextensions of the version that is deployed
    default  of the platform and of the service

A higher rank wins, option by option. An environment keeps the first two as one set, in which what
came later has replaced what was there: applying a saved configuration to a running environment
overwrites earlier direct values. Those of the bundle are read anew at each deployment, so they
never stick.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from jackbean.core.options.domains import Text, Variable
from jackbean.core.options.option import (
    APPLICATION,
    CLASSIC,
    COUPLED,
    NETWORK,
    SINGLE,
    WORKER,
    Apply,
    Option,
)
from jackbean.core.options.settings import RESOURCE_BOUND, Key, Setting, Settings, key
from jackbean.core.options.table import OptionTable

ASG = "aws:autoscaling:asg"
UPDATE = "aws:autoscaling:updatepolicy:rollingupdate"
COMMAND = "aws:elasticbeanstalk:command"
ENVIRONMENT = "aws:elasticbeanstalk:environment"
PROCESS = "aws:elasticbeanstalk:environment:process:"
HEALTH_URL = ("aws:elasticbeanstalk:application", "Application Healthcheck URL")
CLASSIC_CHECK = "aws:elb:healthcheck"
DEPLOYMENT = "jackbean:deployment"
SQSD = "aws:elasticbeanstalk:sqsd"
WORKER_DRAIN_S_MAX = 300
NOTHING = Settings()
DEFAULTS_KEPT_MAX = 64  # sets of them: one for each kind of environment that is in use
EFFECTIVE_KEPT_MAX = 64  # a request resolves the same layers several times


class Origin(StrEnum):
    """Where a value comes from. COMPUTED ones follow from other settings."""

    DIRECT = "direct"
    SAVED = "saved"
    BUNDLE = "bundle"
    DEFAULT = "default"
    COMPUTED = "computed"


@dataclass(frozen=True)
class Layers:
    """The ranks that somebody chose. What an environment has stored can be given as `direct`."""

    direct: Settings = NOTHING
    saved: Settings = NOTHING
    bundle: Settings = NOTHING


@dataclass(frozen=True)
class Resolved:
    """Every option that has a value, and where each value comes from."""

    settings: Settings
    origins: Mapping[Key, Origin]


@lru_cache(maxsize=EFFECTIVE_KEPT_MAX)
def effective(layers: Layers, table: OptionTable, tier: str = "WebServer") -> Settings:
    """Return what holds for an environment of `tier` on the platform of `table`."""
    explicit = _merged(_ranked(layers, table))
    base = _defaults(table, explicit, tier).with_(explicit)
    return base.with_(Settings(_computed(explicit, base)))


def resolve(layers: Layers, table: OptionTable, tier: str = "WebServer") -> Resolved:
    """Like `effective`, and tell the origin of each value."""
    ranked = _ranked(layers, table)
    explicit = _merged(ranked)
    defaults = _defaults(table, explicit, tier)
    computed = Settings(_computed(explicit, defaults.with_(explicit)))
    origins = dict.fromkeys(defaults.keys(), Origin.DEFAULT)
    for origin, settings in ranked:
        origins.update(dict.fromkeys(settings.keys(), origin))
    origins.update(dict.fromkeys(computed.keys(), Origin.COMPUTED))
    return Resolved(defaults.with_(explicit).with_(computed), origins)


def asked_for(layers: Layers, table: OptionTable) -> Settings:
    """Return what somebody chose, merged, without any default."""
    return _merged(_ranked(layers, table))


def stored(
    current: Settings,
    table: OptionTable,
    *,
    template: Settings = NOTHING,
    changes: Settings = NOTHING,
    removals: Iterable[Key | tuple[str, str]] = (),
) -> Settings:
    """Return what an environment stores after a request: template, then removals, then changes."""
    gone = [canonical(key(*removal), table) for removal in removals]
    return current.with_(chosen(template, table)).without(gone).with_(chosen(changes, table))


def fixed_at_creation(settings: Settings, table: OptionTable) -> Settings:
    """Return what must be stored at creation, so that no later bundle can change it."""
    rows = ((key, table.row(*key[:2])) for key, _ in settings.to_pairs())
    fixed = {key for key, row in rows if row and row.apply is Apply.CREATE_ONLY}
    return settings.without(settings.keys() - fixed)


def canonical(wanted: Key, table: OptionTable) -> Key:
    """Return the key an option is stored under: its own, or that of what it is an alias of."""
    namespace, name, resource = wanted
    row = table.row(namespace, name)
    return (*row.alias_of, "") if row and row.alias_of else (namespace, name, resource)


def chosen(settings: Settings, table: OptionTable) -> Settings:
    """Return settings under canonical names, without those that choose nothing.

    An option without a value chooses nothing, and neither does an empty one where only text can be
    empty: clients send both for fields left blank.
    """
    aliases: list[Setting] = []
    gone: list[Key] = []
    for wanted, value in settings.to_pairs():
        row = table.row(*wanted[:2])
        if value is None or (row and not value and not _takes_empty(row)):
            gone.append(wanted)
        elif row and row.alias_of:
            gone.append(wanted)
            aliases.append(Setting(*row.alias_of, value))
    plain = settings.without(gone) if gone else settings
    return Settings(aliases).with_(plain) if aliases else plain


def kinds(settings: Settings, tier: str = "WebServer") -> frozenset[str]:
    """Return what kind of environment settings make, in the words of `Option.where`."""
    found = {_kind(settings, tier)}
    if settings.flag("aws:rds:dbinstance", "HasCoupledDatabase"):
        found.add(COUPLED)
    return frozenset(found)


def applies(row: Option, wanted: frozenset[str]) -> bool:
    return not row.where or not wanted.isdisjoint(row.where)


Ranked = list[tuple[Origin, Settings]]


def _ranked(layers: Layers, table: OptionTable) -> Ranked:
    """Return the ranks, the lowest first."""
    return [
        (Origin.BUNDLE, chosen(layers.bundle, table)),
        (Origin.SAVED, chosen(layers.saved, table)),
        (Origin.DIRECT, chosen(layers.direct, table)),
    ]


def _merged(ranked: Ranked) -> Settings:
    merged = NOTHING
    for _, settings in ranked:
        merged = merged.with_(settings)
    return merged


def _kind(settings: Settings, tier: str) -> str:
    if tier == "Worker":
        return WORKER
    if settings.text(ENVIRONMENT, "EnvironmentType", "LoadBalanced") == "SingleInstance":
        return SINGLE
    balancer = settings.text(ENVIRONMENT, "LoadBalancerType", CLASSIC)
    return balancer if balancer in {APPLICATION, NETWORK} else CLASSIC


def _takes_empty(row: Option) -> bool:
    return isinstance(row.domain, Text | Variable) and row.user_defined


def concrete(table: OptionTable, settings: Settings) -> Iterator[Option]:
    """Yield the rows that can be listed by name: variable namespaces as `settings` use them."""
    return _concrete(table, settings.namespaces())


def _concrete(table: OptionTable, namespaces: frozenset[str]) -> Iterator[Option]:
    used: dict[str, list[str]] = {}
    for namespace in sorted(namespaces):
        used.setdefault(table.pattern_of(namespace), []).append(namespace)
    for row in table:
        if _unlisted(row) or (row.platforms and not table.platform):
            continue
        if row.variable:
            yield from (row.named(ns, row.name) for ns in used.get(row.namespace, ()))
        else:
            yield row


def _unlisted(row: Option) -> bool:
    anonymous = row.name == "*" or row.namespace in RESOURCE_BOUND
    return anonymous or row.legacy or row.alias_of is not None


def _defaults(table: OptionTable, explicit: Settings, tier: str) -> Settings:
    """Return the defaults of the rows: they depend on no more than the kind of environment."""
    named = frozenset([ns for ns in explicit.namespaces() if table.pattern_of(ns).endswith(">")])
    return _defaults_of(table, named, kinds(explicit, tier))


@lru_cache(maxsize=DEFAULTS_KEPT_MAX)
def _defaults_of(
    table: OptionTable, namespaces: frozenset[str], wanted: frozenset[str]
) -> Settings:
    return Settings(
        Setting(row.namespace, row.name, row.default)
        for row in _concrete(table, namespaces)
        if row.default is not None and not row.implied and applies(row, wanted)
    )


def _computed(explicit: Settings, base: Settings) -> Iterator[Setting]:
    """Yield the defaults that depend on other settings, and the sizes of a single instance."""
    single = base.text(ENVIRONMENT, "EnvironmentType") == "SingleInstance"
    if single:
        yield from (Setting(ASG, name, "1") for name in ("MinSize", "MaxSize"))
    for namespace, name, compute in _rules(base):
        value = None if (namespace, name) in explicit else compute(explicit, base)
        if value is not None:
            yield Setting(namespace, name, value)


Compute = Callable[[Settings, Settings], str | None]


def _rules(base: Settings) -> Iterator[tuple[str, str, Compute]]:
    yield from FIXED_RULES
    for namespace in sorted(base.namespaces()):
        if namespace.startswith(PROCESS):
            yield (namespace, "DeregistrationDelay", _drain)
            yield (namespace, "Protocol", _on_network("TCP"))
            yield (namespace, "HealthyThresholdCount", _on_network("5"))
        if namespace.startswith("aws:elbv2:listener:"):
            yield (namespace, "Protocol", _on_network("TCP"))
        if namespace.startswith("aws:elb:listener"):
            yield (namespace, "InstanceProtocol", _same_layer(namespace))
        if namespace.startswith("aws:elb:listener:"):
            yield (namespace, "InstancePort", _always(namespace.rpartition(":")[2]))


def _always(value: str) -> Compute:
    return lambda _explicit, _base: value


def _on_network(value: str) -> Compute:
    def compute(_: Settings, base: Settings) -> str | None:
        return value if base.text(ENVIRONMENT, "LoadBalancerType") == NETWORK else None

    return compute


def _from_process(name: str) -> Compute:
    """Return what the default process has set: a classic balancer heeds it too."""

    def compute(explicit: Settings, base: Settings) -> str | None:
        if CLASSIC_CHECK not in base.namespaces():
            return None
        return explicit.text(PROCESS + "default", name)

    return compute


def _drain_worker(_: Settings, base: Settings) -> str | None:
    """Let an instance finish what it works on, as long as its application may take to answer."""
    if SQSD not in base.namespaces():
        return None
    return str(min(base.number(SQSD, "InactivityTimeout", 299), WORKER_DRAIN_S_MAX))


def _drain(_: Settings, base: Settings) -> str | None:
    return base.text(DEPLOYMENT, "DrainTimeout")


def _drain_classic(explicit: Settings, base: Settings) -> str | None:
    if CLASSIC_CHECK not in base.namespaces():
        return None
    return explicit.text(PROCESS + "default", "DeregistrationDelay") or _drain(explicit, base)


def _same_layer(namespace: str) -> Compute:
    def compute(_: Settings, base: Settings) -> str | None:
        listener = base.text(namespace, "ListenerProtocol", "HTTP")
        return "TCP" if listener in {"TCP", "SSL"} else "HTTP"

    return compute


def _health_path(_: Settings, base: Settings) -> str | None:
    if PROCESS + "default" not in base.namespaces():
        return None
    return health_path(base.text(*HEALTH_URL, "")) or None


def health_path(url: str) -> str:
    """Return the path in an Application Healthcheck URL; "" for a TCP check."""
    scheme, _, rest = url.partition(":")
    if url.startswith("/"):
        return url
    if scheme not in {"HTTP", "HTTPS"}:
        return ""
    return "/" + rest.partition("/")[2]


def _policy(explicit: Settings, base: Settings) -> str | None:
    """Return Rolling where a batch was asked for and no policy: the EB CLI means it so."""
    if base.text(ENVIRONMENT, "EnvironmentType") != "LoadBalanced":
        return None
    percentage = explicit.text(COMMAND, "BatchSizeType", "Percentage") == "Percentage"
    if percentage and explicit.number(COMMAND, "BatchSize", 100) == 100:
        return None
    return "Rolling" if (COMMAND, "BatchSize") in explicit else None


def _updates_enabled(explicit: Settings, _: Settings) -> str | None:
    names = ("MaxBatchSize", "MinInstancesInService", "PauseTime")
    return "true" if any((UPDATE, name) in explicit for name in names) else None


def _updates(explicit: Settings, base: Settings) -> bool:
    return base.flag(UPDATE, "RollingUpdateEnabled") or bool(
        (UPDATE, "RollingUpdateEnabled") not in explicit and _updates_enabled(explicit, base)
    )


def _batch(explicit: Settings, base: Settings) -> str | None:
    if not _updates(explicit, base):
        return None
    return str(max(1, math.ceil(base.number(ASG, "MinSize", 1) / 3)))


def _in_service(explicit: Settings, base: Settings) -> str | None:
    if not _updates(explicit, base):
        return None
    single = base.text(ENVIRONMENT, "EnvironmentType") == "SingleInstance"
    smallest = 1 if single else base.number(ASG, "MinSize", 1)
    largest = 1 if single else base.number(ASG, "MaxSize", 4)
    return str(max(0, min(smallest, largest - 1)))


def _on_demand(_: Settings, base: Settings) -> str | None:
    return "0" if base.text(ENVIRONMENT, "EnvironmentType") == "SingleInstance" else None


FIXED_RULES: tuple[tuple[str, str, Compute], ...] = (
    (DEPLOYMENT, "DrainTimeout", _drain_worker),
    (COMMAND, "DeploymentPolicy", _policy),
    (UPDATE, "RollingUpdateEnabled", _updates_enabled),
    (UPDATE, "MaxBatchSize", _batch),
    (UPDATE, "MinInstancesInService", _in_service),
    ("aws:ec2:instances", "SpotFleetOnDemandAboveBasePercentage", _on_demand),
    (PROCESS + "default", "HealthCheckPath", _health_path),
    ("aws:elb:policies", "ConnectionDrainingTimeout", _drain_classic),
    (CLASSIC_CHECK, "Interval", _from_process("HealthCheckInterval")),
    (CLASSIC_CHECK, "Timeout", _from_process("HealthCheckTimeout")),
    (CLASSIC_CHECK, "HealthyThreshold", _from_process("HealthyThresholdCount")),
    (CLASSIC_CHECK, "UnhealthyThreshold", _from_process("UnhealthyThresholdCount")),
)
