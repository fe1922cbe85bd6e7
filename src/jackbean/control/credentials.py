"""Secrets of instances, derived and never stored: one key of the installation makes them all.

A derived secret needs no row, cannot be read out of the store, and ends with its instance, since
whoever presents it must also name an instance that is still a member. AWS keys are temporary as
well: their session token carries when they end, under a mark that nobody else can make.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field

ACCESS_KEY_PREFIX = "JBIK"
SECRET_CHARS = 40
SESSION = re.compile(r"(i-[0-9a-z]{1,32})\.([0-9]{1,12})\.([0-9a-f]{64})")
# How long keys live: those of a role are asked for again, those in variables stay as they are for
# as long as a process runs.
ROLE_S = 6 * 3600
VARIABLES_S = 365 * 24 * 3600


@dataclass(frozen=True)
class TemporaryKeys:
    """AWS keys of a program on an instance; `expires` in whole seconds since the epoch."""

    instance: str
    access_key: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    expires: int


class Credentials:
    """What instances prove themselves with. `secret` is the installation's own, 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("an installation's secret has at least 32 bytes")
        self._secret = secret

    def token(self, instance: str) -> str:
        """Return what `instance`'s agent authenticates with."""
        return f"{instance}.{self._derive('agent', instance)}"

    def holder(self, token: str) -> str | None:
        """Return the instance that `token` belongs to, or None if it is not one of ours."""
        instance, _, mark = token.partition(".")
        genuine = hmac.compare_digest(mark.encode(), self._derive("agent", instance).encode())
        return instance if genuine else None

    def temporary(self, instance: str, expires: int) -> TemporaryKeys:
        """Return the keys that requests of `instance` are signed with until `expires`."""
        session = f"{instance}.{expires}"
        return TemporaryKeys(
            instance=instance,
            access_key=access_key_of(instance),
            secret=self._derive("aws", session)[:SECRET_CHARS],
            token=f"{session}.{self._derive('session', session)}",
            expires=expires,
        )

    def presented(self, access_key: str, token: str) -> TemporaryKeys | None:
        """Return the keys that a session token stands for; None if they are not ours.

        They may have expired, and their instance may be gone.
        """
        found = SESSION.fullmatch(token)
        if found is None:
            return None
        keys = self.temporary(found[1], int(found[2]))
        same = hmac.compare_digest(keys.token.encode(), token.encode())
        return keys if same and access_key == keys.access_key else None

    def signature(self, handle: str) -> str:
        """Return what the URL of a wait condition handle carries: who has it may signal there."""
        return self._derive("signal", handle)

    def _derive(self, purpose: str, name: str) -> str:
        message = f"{purpose}/{name}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()


def access_key_of(instance: str) -> str:
    return ACCESS_KEY_PREFIX + instance.removeprefix("i-").upper()
