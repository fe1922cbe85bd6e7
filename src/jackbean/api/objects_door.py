"""The way in to object storage: who signed, and what they may do there.

Kept apart from the door for operations because bodies stream: only the head of a request is known
when its signature is checked, and the bytes are checked while they pass.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from jackbean.api import s3
from jackbean.api.authority import object_rights
from jackbean.api.callers import Callers
from jackbean.api.plant import Plant
from jackbean.wire.models import Models
from jackbean.wire.request import HttpRequest


class ObjectsDoor:
    def __init__(self, plant: Plant, callers: Callers, models: Models) -> None:
        self._plant = plant
        self._callers = callers
        self._models = models

    async def answer(self, request: Request, http: HttpRequest, request_id: str) -> Response:
        """Answer one request. Raises a WireFault where its head is signed as it may not be."""
        principal, verified = await self._callers.verified_url(http)
        address = request.client.host if request.client else ""
        context = s3.Context(
            model=self._models.get("s3"),
            objects=self._plant.objects,
            uploads=self._plant.uploads,
            may=await object_rights(self._plant, principal, address),
            caller=s3.Caller(principal, verified),
            request_id=request_id,
        )
        return await s3.handle(request, context)
