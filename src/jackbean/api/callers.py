"""Who sent a request: found by its access key, proven by its signature."""

from __future__ import annotations

from jackbean.api.plant import Plant
from jackbean.control.principals import InstancePrincipal, Keys, Principal
from jackbean.wire import sigv2, sigv4
from jackbean.wire.request import HttpRequest
from jackbean.wire.sigv4 import Verified


class Callers:
    def __init__(self, plant: Plant, keys: Keys) -> None:
        self._plant = plant
        self._keys = keys

    async def verified(self, http: HttpRequest) -> tuple[Principal, Verified]:
        """Return who signed. Raises the error that AWS has for everybody else."""
        credential = sigv4.find_credential(http)
        if credential is None:
            raise sigv4.unsigned(http)
        secret = self._keys.secret(credential.access_key)
        if secret is None:
            raise sigv4.unknown_key(http, credential)
        verified = sigv4.verify(http, secret, self._plant.world.clock.now())
        principal = await self._holder(credential.access_key)
        if principal is None:
            raise sigv4.unknown_key(http, credential)
        return principal, verified

    async def verified_url(self, http: HttpRequest) -> tuple[Principal, Verified]:
        """Like `verified`, for object storage: URLs signed the old way are taken, too."""
        claim = sigv2.find_claim(http)
        if claim is None:
            return await self.verified(http)
        unknown = sigv4.unknown_key(http, sigv4.Credential(claim.access_key, "", "", "s3"))
        secret = self._keys.secret(claim.access_key)
        if secret is None:
            raise unknown
        verified = sigv2.verify(http, claim, secret, self._plant.world.clock.now())
        principal = await self._holder(claim.access_key)
        if principal is None:
            raise unknown
        return principal, verified

    async def _holder(self, access_key: str) -> Principal | None:
        """Return whose key it is; None for that of an instance which is no longer a member."""
        if administrator := self._keys.administrator(access_key):
            return administrator
        instance = self._plant.world.credentials.instance_of(access_key)
        home = await self._plant.roster.home(instance) if instance else None
        return InstancePrincipal(instance, home[0].id) if instance and home else None
