"""Who sent a request: found by its access key, proven by its signature."""

from __future__ import annotations

from jackbean.api.plant import Plant
from jackbean.control.principals import Administrator, Bearer, Key, Keys, Principal
from jackbean.wire import sigv2, sigv4
from jackbean.wire.request import HttpRequest
from jackbean.wire.sigv4 import Credential, Verified


class Callers:
    def __init__(self, plant: Plant, keys: Keys) -> None:
        self._plant = plant
        self._keys = keys

    async def verified(self, http: HttpRequest) -> tuple[Principal, Verified]:
        """Return who signed. Raises the error that AWS has for everybody else."""
        credential = sigv4.find_credential(http)
        if credential is None:
            raise sigv4.unsigned(http)
        key = self._key(http, credential, sigv4.find_token(http))
        now = self._plant.world.clock.now()
        verified = sigv4.verify(http, key.secret, now, token=key.token)
        return await self._holder(http, credential, key), verified

    async def verified_url(self, http: HttpRequest) -> tuple[Principal, Verified]:
        """Like `verified`, for object storage.

        URLs signed the old way are taken, too, and who did not sign is somebody: a bucket may be
        open to everybody.
        """
        claim = sigv2.find_claim(http)
        if claim is None:
            if sigv4.find_credential(http) is None:
                return Bearer(), sigv4.anonymous(http)
            return await self.verified(http)
        credential = Credential(claim.access_key, "", "", "s3")
        key = self._key(http, credential, claim.token)
        verified = sigv2.verify(http, claim, key.secret, self._plant.world.clock.now())
        return await self._holder(http, credential, key), verified

    def _key(self, http: HttpRequest, credential: Credential, token: str | None) -> Key:
        key = self._keys.find(credential.access_key, token)
        if key is None:
            raise sigv4.unknown_key(http, credential)
        return key

    async def _holder(self, http: HttpRequest, credential: Credential, key: Key) -> Principal:
        """Return whose key it is. Raises for one that has ended, by time or with its instance."""
        if key.expires is not None and key.expires <= self._plant.world.clock.now():
            raise sigv4.expired_token(http, credential)
        if key.instance is None:
            return Administrator(credential.access_key)
        found = await self._plant.rights.principal(key.instance)
        if found is None:
            raise sigv4.unknown_key(http, credential)
        return found
