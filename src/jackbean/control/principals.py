"""Who may do what: administrators everything, instances only look at what is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jackbean.control.credentials import Credentials
from jackbean.core.errors import Fault
from jackbean.core.installation import Installation

# What a program on an instance may call, by service. Operations that name an environment answer
# for its own one only, and those that list show nothing else: see `visible`.
INSTANCES_MAY: Mapping[str, frozenset[str]] = {
    "elasticbeanstalk": frozenset(
        {
            "CheckDNSAvailability",
            "DescribeAccountAttributes",
            "DescribeConfigurationOptions",
            "DescribeConfigurationSettings",
            "DescribeEnvironmentHealth",
            "DescribeEnvironmentResources",
            "DescribeEnvironments",
            "DescribeEvents",
            "DescribeInstancesHealth",
            "DescribePlatformVersion",
            "ListAvailableSolutionStacks",
            "ListPlatformBranches",
            "ListPlatformVersions",
            "ValidateConfigurationSettings",
        }
    ),
    "logs": frozenset(  # of the groups of its own environment
        {
            "CreateLogGroup",
            "CreateLogStream",
            "DescribeLogGroups",
            "DescribeLogStreams",
            "FilterLogEvents",
            "GetLogEvents",
            "PutLogEvents",
            "PutRetentionPolicy",
        }
    ),
    "sqs": frozenset(
        {
            "ChangeMessageVisibility",
            "ChangeMessageVisibilityBatch",
            "DeleteMessage",
            "DeleteMessageBatch",
            "GetQueueAttributes",
            "GetQueueUrl",
            "ReceiveMessage",
            "SendMessage",
            "SendMessageBatch",
        }
    ),
    "sts": frozenset({"GetCallerIdentity"}),
}


@dataclass(frozen=True)
class Administrator:
    """Somebody with one of the installation's own keys."""

    access_key: str


@dataclass(frozen=True)
class InstancePrincipal:
    """A program on an instance."""

    instance: str
    environment_id: str


@dataclass(frozen=True)
class Bearer:
    """Somebody who did not sign, and has something that only the right one has been given."""

    instance: str = "nobody"
    environment_id: str = "nothing"


Principal = Administrator | InstancePrincipal | Bearer

# What may be asked without a signature: links in notifications, which hold a secret.
BEARERS_MAY = frozenset({("sns", "ConfirmSubscription"), ("sns", "Unsubscribe")})


class Keys:
    """Every access key that is known, and the secret it signs with."""

    def __init__(self, administrators: Mapping[str, str], credentials: Credentials) -> None:
        self._administrators = dict(administrators)
        self._credentials = credentials

    def secret(self, access_key: str) -> str | None:
        """Return the secret of a key. An instance's exists for any id: see who it belongs to."""
        if access_key in self._administrators:
            return self._administrators[access_key]
        instance = Credentials.instance_of(access_key)
        return None if instance is None else self._credentials.access_key(instance)[1]

    def administrator(self, access_key: str) -> Administrator | None:
        return Administrator(access_key) if access_key in self._administrators else None


def authorise(
    principal: Principal, service: str, operation: str, installation: Installation
) -> None:
    """Raise the Fault for an operation that `principal` may not call."""
    if isinstance(principal, Administrator) or (service, operation) in BEARERS_MAY:
        return
    may = INSTANCES_MAY.get(service, frozenset())
    if isinstance(principal, InstancePrincipal) and operation in may:
        return
    who = installation.arn(f"assumed-role/instance/{principal.instance}", "sts")
    raise Fault(
        "AccessDenied",
        f"User: {who} is not authorized to perform: {service}:{operation}. "
        "An instance's key can look at its own environment, and use queues; use one of the "
        "installation's own keys.",
        403,
    )


def own_environment(principal: Principal) -> str:
    """Return the id of the one environment that `principal` may see; "" where it may see all."""
    return "" if isinstance(principal, Administrator) else principal.environment_id


def visible(principal: Principal, environment_id: str) -> bool:
    """Whether `principal` may see an environment."""
    return own_environment(principal) in {"", environment_id}
