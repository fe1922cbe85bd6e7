"""The store in memory: all the rules of the real one, at the speed of dictionaries.

A commit applies its changes one by one and notes what each replaced; one that must not be is undone
from those notes. So nothing is ever copied, and thousands of histories run in seconds.

It shares the rules of a commit (`storage.claims`) with the stores that keep things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter, itemgetter
from typing import Any, Generic, TypeVar

from jackbean.core.applications import Application, Version
from jackbean.core.certificates import Certificate
from jackbean.core.environments import Environment
from jackbean.core.errors import Conflict
from jackbean.core.events import Event
from jackbean.core.records import replace
from jackbean.core.releases import Release
from jackbean.ports.clock import Clock
from jackbean.ports.store import (
    AddEvent,
    Change,
    DeleteApplication,
    DeleteVersion,
    EnvironmentQuery,
    EventQuery,
    PutApplication,
    PutCertificate,
    PutDocument,
    PutEnvironment,
    PutRelease,
    PutVersion,
)
from jackbean.storage.claims import (
    Claim,
    claims,
    held,
    inhabited,
    orphaned,
    repeated,
    stale,
)
from jackbean.storage.retention import CERTIFICATES_KEPT_MAX, events_kept_since_ms

Key = TypeVar("Key")
Row = TypeVar("Row")
Hook = Callable[[Sequence[Change]], None]
EVERYTHING = EnvironmentQuery()
EXACT = (
    "application",
    "environment",
    "environment_id",
    "version_label",
    "request_id",
    "platform_arn",
)


def ignore(changes: Sequence[Change]) -> None:
    """Do nothing at this point of a commit."""


class Journal:
    """What to put back, latest last, if the commit under way must not be."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def note(self, undo: Callable[[], None]) -> None:
        self._undo.append(undo)

    def clear(self) -> None:
        self._undo.clear()

    def undo(self) -> None:
        while self._undo:
            self._undo.pop()()


class Table(Generic[Key, Row]):
    """Rows in order of creation. Whatever is done to them is noted in the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._rows: dict[Key, tuple[int, Row]] = {}
        self._created = 0

    def __contains__(self, key: Key) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return map(itemgetter(1), self._rows.values())

    def items(self) -> Iterator[tuple[Key, Row]]:
        return ((key, row) for key, (_, row) in self._rows.items())

    def get(self, key: Key) -> Row | None:
        found = self._rows.get(key)
        return found[1] if found else None

    def put(self, key: Key, row: Row) -> None:
        old = self._rows.get(key)
        if old is None:
            self._created += 1
            self._journal.note(lambda: self._forget(key))
            self._rows[key] = (self._created, row)
        else:
            self._journal.note(lambda: self._restore(key, old))
            self._rows[key] = (old[0], row)

    def drop(self, key: Key) -> None:
        old = self._rows.pop(key, None)
        if old is not None:
            self._journal.note(lambda: self._reinsert(key, old))

    def _forget(self, key: Key) -> None:
        del self._rows[key]

    def _restore(self, key: Key, old: tuple[int, Row]) -> None:
        self._rows[key] = old

    def _reinsert(self, key: Key, old: tuple[int, Row]) -> None:
        self._rows[key] = old
        self._rows = dict(sorted(self._rows.items(), key=lambda item: item[1][0]))


class MemoryStore:
    """`ports.store.Store` in memory.

    `before_commit` is called before a commit takes effect, `after_commit` when it has and has not
    yet returned: raising there is a crash at that point. A refused commit reaches the first only.
    """

    def __init__(
        self, clock: Clock, *, before_commit: Hook = ignore, after_commit: Hook = ignore
    ) -> None:
        self._clock = clock
        self._before = before_commit
        self._after = after_commit
        self._journal = journal = Journal()
        self._applications: Table[str, Application] = Table(journal)
        self._versions: Table[tuple[str, str], Version] = Table(journal)
        self._environments: Table[str, Environment] = Table(journal)
        self._claims: Table[Claim, str] = Table(journal)
        self._releases: Table[tuple[str, int], Release] = Table(journal)
        self._certificates: Table[tuple[str, int], Certificate] = Table(journal)
        self._events: Table[int, Event] = Table(journal)
        self._numbered = 0
        self._last_ms: Table[str, int] = Table(journal)
        self._documents: dict[str, Table[str, str]] = {}
        self._touched: dict[str, Environment | None] = {}
        self._apply: dict[type[Change], Callable[[Any], None]] = {
            PutApplication: self._put_application,
            DeleteApplication: self._delete_application,
            PutVersion: self._put_version,
            DeleteVersion: self._delete_version,
            PutEnvironment: self._put_environment,
            PutRelease: self._put_release,
            PutCertificate: self._put_certificate,
            AddEvent: self._add_event,
            PutDocument: self._put_document,
        }

    async def commit(self, changes: Sequence[Change]) -> None:
        self._before(changes)
        self._touched.clear()
        try:
            for change in changes:
                self._apply[type(change)](change)
            if self._touched:
                self._settle_claims()
        except BaseException:
            self._journal.undo()
            raise
        self._journal.clear()
        self._after(changes)

    def rewrite(self, change: Callable[[Environment], Environment]) -> None:
        """Let every environment be stored as `change` makes it, without anybody having saved it."""
        for key, record in list(self._environments.items()):
            self._environments.put(key, change(record))
        self._journal.clear()

    async def applications(self, names: Sequence[str] = ()) -> list[Application]:
        wanted = frozenset(names)
        return [a for a in self._applications if not wanted or a.name in wanted]

    async def versions(self, application: str = "", labels: Sequence[str] = ()) -> list[Version]:
        wanted = frozenset(labels)
        found = [
            v
            for v in self._versions
            if application in {"", v.application} and (not wanted or v.label in wanted)
        ]
        return found[::-1]

    async def environment(self, id: str) -> Environment | None:  # noqa: A002 - the port's word
        return self._environments.get(id)

    async def environments(self, query: EnvironmentQuery) -> list[Environment]:
        if query is EVERYTHING:
            return [e for e in self._environments if not e.terminated]
        return [e for e in self._environments if _environment_matches(query, e)]

    async def slots(self) -> frozenset[int]:
        return frozenset(e.slot for e in self._environments if e.slot and not e.terminated)

    async def release(self, environment_id: str, number: int) -> Release | None:
        return self._releases.get((environment_id, number))

    async def certificates(
        self, environment_id: str, number: int | None = None, limit: int = 1000
    ) -> list[Certificate]:
        found = [
            c
            for c in self._certificates
            if c.environment_id == environment_id and number in {None, c.number}
        ]
        found.sort(key=attrgetter("number"), reverse=True)
        return found[: max(limit, 0)]

    async def events(self, query: EventQuery) -> list[Event]:
        exact = [(attrgetter(name), getattr(query, name)) for name in EXACT if getattr(query, name)]
        found = [
            event
            for event in self._events
            if all(get(event) == value for get, value in exact) and _event_matches(query, event)
        ]
        found.sort(key=attrgetter("date_ms"))  # stable: the later of two of one date stays later
        found.reverse()
        offset = max(query.offset, 0)
        return found[offset : offset + max(query.limit, 0)]

    async def document(self, kind: str, key: str) -> str | None:
        table = self._documents.get(kind)
        return table.get(key) if table else None

    async def documents(self, kind: str) -> dict[str, str]:
        table = self._documents.get(kind)
        return dict(sorted(table.items())) if table else {}

    async def prune(self, now: float) -> int:
        """Forget events and certificates past their retention, and return how many."""
        since = events_kept_since_ms(now)
        old = [number for number, event in self._events.items() if event.date_ms < since]
        for number in old:
            self._events.drop(number)
        spent = [key for key, _ in self._certificates.items() if self._spent(key, since / 1000)]
        for key in spent:
            self._certificates.drop(key)
        self._journal.clear()
        return len(old) + len(spent)

    def _spent(self, key: tuple[str, int], since: float) -> bool:
        environment_id, number = key
        environment = self._environments.get(environment_id)
        ended = environment is not None and environment.terminated and environment.updated < since
        newer = sum(
            id_ == environment_id and n > number for (id_, n), _ in self._certificates.items()
        )
        return ended or newer >= CERTIFICATES_KEPT_MAX

    def _put_application(self, change: PutApplication) -> None:
        self._applications.put(change.application.name, change.application)

    def _delete_application(self, change: DeleteApplication) -> None:
        living = [
            e.name for e in self._environments if e.application == change.name and not e.terminated
        ]
        if living:
            raise inhabited(change.name, living)
        self._applications.drop(change.name)
        for key in [k for k, _ in self._versions.items() if k[0] == change.name]:
            self._versions.drop(key)

    def _put_version(self, change: PutVersion) -> None:
        version = change.version
        if version.application not in self._applications:
            raise orphaned(version)
        self._versions.put((version.application, version.label), version)

    def _delete_version(self, change: DeleteVersion) -> None:
        self._versions.drop((change.application, change.label))

    def _put_environment(self, change: PutEnvironment) -> None:
        new = change.environment
        old = self._environments.get(new.id)
        have = old.revision if old else 0
        if have != new.revision:
            raise stale(new, have)
        begins = not new.terminated and (old is None or old.terminated)
        if begins and new.application not in self._applications:
            raise orphaned(new)
        self._touched.setdefault(new.id, old)
        self._environments.put(new.id, replace(new, revision=have + 1))

    def _put_release(self, change: PutRelease) -> None:
        release = change.release
        key = (release.environment_id, release.number)
        if release.environment_id not in self._environments:
            raise orphaned(release)
        if key in self._releases:
            raise repeated(release)
        self._releases.put(key, release)

    def _put_certificate(self, change: PutCertificate) -> None:
        certificate = change.certificate
        key = (certificate.environment_id, certificate.number)
        if certificate.environment_id not in self._environments:
            raise orphaned(certificate)
        if key in self._certificates:
            raise repeated(certificate)
        self._certificates.put(key, certificate)

    def _add_event(self, change: AddEvent) -> None:
        scope = change.event.scope
        last = self._last_ms.get(scope)
        now_ms = int(self._clock.now() * 1000)
        date_ms = now_ms if last is None else max(now_ms, last + 1)
        self._last_ms.put(scope, date_ms)
        self._numbered += 1
        self._events.put(self._numbered, replace(change.event, date_ms=date_ms))

    def _put_document(self, change: PutDocument) -> None:
        table = self._documents.get(change.kind)
        if table is None:
            table = self._documents[change.kind] = Table(self._journal)
        if change.body is None:
            table.drop(change.key)
        else:
            table.put(change.key, change.body)

    def _settle_claims(self) -> None:
        """Move the claims of the environments this commit put; one that is held is a Conflict."""
        pairs = [(old, self._environments.get(id_)) for id_, old in self._touched.items()]
        moved = [(old, new) for old, new in pairs if held(old) != held(new)]
        for old, _ in moved:
            for claim in claims(old):
                self._claims.drop(claim)
        for _, new in moved:
            for claim, taken in claims(new).items():
                if claim in self._claims:
                    raise Conflict(taken)
                self._claims.put(claim, new.id if new else "")


def _environment_matches(query: EnvironmentQuery, environment: Environment) -> bool:
    e = environment
    if e.terminated and (query.terminated_since is None or e.updated < query.terminated_since):
        return False
    return (
        query.application in {"", e.application}
        and query.version_label in {"", e.version_label}
        and query.cname_prefix in {"", e.cname_prefix}
        and (not query.ids or e.id in query.ids)
        and (not query.names or e.name in query.names)
    )


def _event_matches(query: EventQuery, event: Event) -> bool:
    return (
        (query.severity is None or event.severity.level >= query.severity.level)
        and (query.start_ms is None or event.date_ms >= query.start_ms)
        and (query.end_ms is None or event.date_ms < query.end_ms)
    )
