"""One row of the option table: what an option is called, takes, defaults to and changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from jackbean.core.options.domains import (
    TEXT,
    Boolean,
    Choice,
    Codes,
    Decimal,
    Domain,
    Items,
    Json,
    Pairs,
    Text,
    Whole,
)


class Apply(StrEnum):
    """What a change does to an environment that runs."""

    REPLACE = "replace"  # instances are replaced
    ON_INSTANCE = "on_instance"  # instances reconfigure: a configuration deployment
    RESOURCE = "resource"  # a resource beside the instances changes
    CONTROL_PLANE = "control_plane"  # only what we do from now on
    DATABASE = "database"
    CREATE_ONLY = "create_only"  # cannot be changed


class ChangeSeverity(StrEnum):
    """How the API words it."""

    NO_INTERRUPTION = "NoInterruption"
    RESTART_ENVIRONMENT = "RestartEnvironment"
    RESTART_APPLICATION_SERVER = "RestartApplicationServer"
    RESTART_DATABASE = "RestartDatabase"
    UNKNOWN = "Unknown"


SEVERITY = {
    Apply.REPLACE: ChangeSeverity.RESTART_ENVIRONMENT,
    Apply.ON_INSTANCE: ChangeSeverity.RESTART_APPLICATION_SERVER,
    Apply.RESOURCE: ChangeSeverity.NO_INTERRUPTION,
    Apply.CONTROL_PLANE: ChangeSeverity.NO_INTERRUPTION,
    Apply.DATABASE: ChangeSeverity.UNKNOWN,
    Apply.CREATE_ONLY: ChangeSeverity.UNKNOWN,
}

# Where a row counts: nowhere named means everywhere.
CLASSIC, APPLICATION, NETWORK = "classic", "application", "network"
SINGLE, WORKER, COUPLED = "single", "worker", "coupled database"


@dataclass(frozen=True, slots=True)
class Option:
    """One row.

    A namespace in the form `a:b:<c>` takes any suffix; the name `*` any name that `name_pattern`
    matches. `default_aws` is the default of Elastic Beanstalk where ours is another. An `implied`
    default is what the platform does when the option is not set, not a setting. `where` lists the
    load balancer types (or other kinds of environment) that the row is for. `checked` rows are held
    against their domain; the others are recorded as they come. A `secret`'s value is never told. A
    `legacy` option is one that only retired platforms had. `alias_of` is the option that this one
    is another name of.
    """

    namespace: str
    name: str
    description: str
    domain: Domain = TEXT
    default: str | None = None
    apply: Apply = Apply.RESOURCE
    checked: bool = False
    where: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    resource_name: str = ""
    unit: str = ""
    default_aws: str | None = None
    implied: bool = False
    user_defined: bool = False
    secret: bool = False
    legacy: bool = False
    name_pattern: str = ""
    severity: ChangeSeverity | None = None
    alias_of: tuple[str, str] | None = None

    @property
    def change_severity(self) -> ChangeSeverity:
        return self.severity or SEVERITY[self.apply]

    @property
    def value_type(self) -> str:
        """Return the word that the API has for it."""
        match self.domain:
            case Boolean():
                return "Boolean"
            case Items() | Codes():
                return "List"
            case Json():
                return "Json"
            case Pairs():
                return "KeyValueList"
            case _:
                return "Scalar"

    @property
    def value_options(self) -> tuple[str, ...]:
        match self.domain:
            case Boolean():
                return ("true", "false")
            case Choice(values=values) | Items(each=Choice(values=values)):
                return values
            case _:
                return ()

    @property
    def minimum(self) -> int | float | None:
        return self.domain.minimum if isinstance(self.domain, Whole | Decimal | Codes) else None

    @property
    def maximum(self) -> int | float | None:
        return self.domain.maximum if isinstance(self.domain, Whole | Decimal | Codes) else None

    @property
    def length_max(self) -> int | None:
        return self.domain.length_max if isinstance(self.domain, Text) else None

    @property
    def pattern(self) -> str:
        return self.domain.pattern if isinstance(self.domain, Text) else ""

    @property
    def variable(self) -> bool:
        """Whether the row stands for more than one option."""
        return self.name == "*" or self.namespace.endswith(">")

    def named(self, namespace: str, name: str) -> Option:
        """Return the row for one of the options that it stands for."""
        return replace(self, namespace=namespace, name=name) if self.variable else self
