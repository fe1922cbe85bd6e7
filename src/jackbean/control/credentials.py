"""Secrets of instances, derived and never stored: one key of the installation makes them all.

A derived secret needs no row, cannot be read out of the store, and ends with its instance, since
whoever presents it must also name an instance that is still a member.
"""

from __future__ import annotations

import hashlib
import hmac

ACCESS_KEY_PREFIX = "JBIK"


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

    def access_key(self, instance: str) -> tuple[str, str]:
        """Return the AWS access key id and secret that requests of `instance` are signed with."""
        key = ACCESS_KEY_PREFIX + instance.removeprefix("i-").upper()
        return key, self._derive("aws", instance)

    @staticmethod
    def instance_of(access_key: str) -> str | None:
        """Return the instance whose access key id this would be."""
        if not access_key.startswith(ACCESS_KEY_PREFIX):
            return None
        return "i-" + access_key.removeprefix(ACCESS_KEY_PREFIX).lower()

    def _derive(self, purpose: str, name: str) -> str:
        message = f"{purpose}/{name}".encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()
