"""One request to object storage, on its way through the API, and its answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jackbean.services.objects import Incoming, ObjectService, UploadService
from jackbean.services.objects.access import Action
from jackbean.services.objects.faults import denied
from jackbean.wire.models import Model
from jackbean.wire.request import HttpRequest
from jackbean.wire.sigv4 import Verified

May = Callable[[Action, str, str], bool]


@dataclass(frozen=True)
class Caller:
    """Who sent a request, and the signature that proves it and covers the body to come."""

    principal: Any
    verified: Verified


@dataclass(frozen=True)
class Context:
    """What a request is answered with. `model` is the wire's model of S3."""

    model: Model
    objects: ObjectService
    uploads: UploadService
    may: May
    caller: Caller
    request_id: str


@dataclass(frozen=True)
class Call:
    """`members` are typed by the model; `receive` returns the body where it is bytes to keep."""

    operation: str
    members: Mapping[str, Any]
    http: HttpRequest
    receive: Callable[[], Incoming]
    context: Context

    @property
    def objects(self) -> ObjectService:
        return self.context.objects

    @property
    def uploads(self) -> UploadService:
        return self.context.uploads

    @property
    def bucket(self) -> str:
        return str(self.members["Bucket"])

    @property
    def key(self) -> str:
        return str(self.members["Key"])

    def text(self, member: str) -> str:
        """Return a member that is text, "" where it was left out."""
        return str(self.members.get(member) or "")

    def check(self, action: Action, bucket: str, key: str = "") -> None:
        """Raise the Fault AccessDenied unless the caller may do this."""
        if not self.context.may(action, bucket, key):
            raise denied(action, bucket, key)


@dataclass(frozen=True)
class Answer:
    """`result` is written as the model has it; `headers` go beside it; `body` is streamed."""

    result: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    body: AsyncIterator[bytes] | None = None
