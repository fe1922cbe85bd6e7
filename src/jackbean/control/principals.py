"""Who asks: administrators, programs on instances, and those who hold a link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jackbean.control.credentials import Credentials
from jackbean.core.resources import Resource

DEFAULT_ROLE = "aws-elasticbeanstalk-ec2-role"


@dataclass(frozen=True)
class Administrator:
    """Somebody with one of the installation's own keys."""

    access_key: str


@dataclass(frozen=True)
class InstancePrincipal:
    """A program on an instance. `role` is its environment's, `resources` are what it may use."""

    instance: str
    environment_id: str
    role: str = DEFAULT_ROLE
    resources: tuple[Resource, ...] = ()


@dataclass(frozen=True)
class Bearer:
    """Somebody who did not sign, and has something that only the right one has been given."""

    instance: str = "nobody"
    environment_id: str = "nothing"


Principal = Administrator | InstancePrincipal | Bearer

# What may be asked without a signature: links in notifications, which hold a secret.
BEARERS_MAY = frozenset({("sns", "ConfirmSubscription"), ("sns", "Unsubscribe")})


@dataclass(frozen=True)
class Key:
    """What a request is verified with, and who signs with it: an administrator or an instance.

    `expires` in seconds since the epoch; None: never.
    """

    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires: int | None = None
    instance: str | None = None


class Keys:
    """Every access key that is known."""

    def __init__(self, administrators: Mapping[str, str], credentials: Credentials) -> None:
        self._administrators = dict(administrators)
        self._credentials = credentials

    def find(self, access_key: str, token: str | None) -> Key | None:
        """Return what a request with this key, and this session token, has to be signed with.

        An instance's exists for any id: see whether there is such an instance.
        """
        if access_key in self._administrators:
            return Key(self._administrators[access_key])
        found = self._credentials.presented(access_key, token or "")
        if found is None:
            return None
        return Key(found.secret, found.token, found.expires, found.instance)


def own_environment(principal: Principal) -> str:
    """Return the id of the one environment that `principal` may see; "" where it may see all."""
    return "" if isinstance(principal, Administrator) else principal.environment_id


def visible(principal: Principal, environment_id: str) -> bool:
    """Whether `principal` may see an environment."""
    return own_environment(principal) in {"", environment_id}
