"""The only source of truth: records behind reads per noun, and one way to change them.

A change is data. `commit` applies a list of changes in one transaction, durable when it returns, so
that what belongs together (a status, its event, its membership) can never be seen apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from jackbean.core.applications import Application, Version
from jackbean.core.certificates import Certificate
from jackbean.core.environments import Environment
from jackbean.core.events import Event, Severity
from jackbean.core.releases import Release


@dataclass(frozen=True)
class PutApplication:
    application: Application


@dataclass(frozen=True)
class DeleteApplication:
    """Its versions go with it."""

    name: str


@dataclass(frozen=True)
class PutVersion:
    version: Version


@dataclass(frozen=True)
class DeleteVersion:
    application: str
    label: str


@dataclass(frozen=True)
class PutEnvironment:
    """Save a record read at `environment.revision`; it is stored with the next revision.

    Revision 0 means a new one: its id, and its name and CNAME prefix among those not terminated,
    must be free. A record saved by somebody else meanwhile is a Conflict.
    """

    environment: Environment


@dataclass(frozen=True)
class PutRelease:
    """Releases are never changed; putting the same number twice is a Conflict."""

    release: Release


@dataclass(frozen=True)
class PutCertificate:
    """Certificates are never changed; putting the same number twice is a Conflict."""

    certificate: Certificate


@dataclass(frozen=True)
class AddEvent:
    """Append; the store sets `date_ms` to the present, or one more than the last of its scope."""

    event: Event


@dataclass(frozen=True)
class PutDocument:
    """A small record of any other kind: keys, tokens, requests for logs. None deletes it."""

    kind: str
    key: str
    body: str | None


Change = (
    PutApplication
    | DeleteApplication
    | PutVersion
    | DeleteVersion
    | PutEnvironment
    | PutRelease
    | PutCertificate
    | AddEvent
    | PutDocument
)


@dataclass(frozen=True)
class EventQuery:
    """All given members must match. Newest first, `limit` at most; `severity` means at least."""

    application: str = ""
    environment: str = ""
    environment_id: str = ""
    version_label: str = ""
    request_id: str = ""
    platform_arn: str = ""
    severity: Severity | None = None
    start_ms: int | None = None  # inclusive
    end_ms: int | None = None  # exclusive
    offset: int = 0
    limit: int = 1000


@dataclass(frozen=True)
class EnvironmentQuery:
    """All given members must match. In order of creation.

    Terminated ones are left out unless they ended at or after `terminated_since` (seconds).
    """

    application: str = ""
    version_label: str = ""
    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    cname_prefix: str = ""
    terminated_since: float | None = None


class Store(Protocol):
    async def commit(self, changes: Sequence[Change]) -> None:
        """Apply all of `changes` or none. Raises Conflict, else PortError."""
        ...

    async def applications(self, names: Sequence[str] = ()) -> list[Application]:
        """Return those named, or all, in order of creation."""
        ...

    async def versions(self, application: str = "", labels: Sequence[str] = ()) -> list[Version]:
        """Return versions, newest first."""
        ...

    async def environment(self, id: str) -> Environment | None:  # noqa: A002 - the record's own word
        ...

    async def environments(self, query: EnvironmentQuery) -> list[Environment]: ...

    async def slots(self) -> frozenset[int]:
        """Return the slots taken by environments that are not terminated."""
        ...

    async def release(self, environment_id: str, number: int) -> Release | None: ...

    async def certificates(
        self, environment_id: str, number: int | None = None, limit: int = 1000
    ) -> list[Certificate]:
        """Return those of an environment, or the one of that number, newest first."""
        ...

    async def events(self, query: EventQuery) -> list[Event]: ...

    async def document(self, kind: str, key: str) -> str | None: ...

    async def documents(self, kind: str) -> dict[str, str]: ...
