"""How each change is written: one function per kind, in SQL.

The rules and the words of refusal are those of `storage.claims`, which the store in memory follows
as well; the constraints of the schema stand behind them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from jackbean.core.environments import Environment
from jackbean.core.errors import Conflict
from jackbean.ports.store import (
    AddEvent,
    Change,
    DeleteApplication,
    DeleteVersion,
    PutApplication,
    PutCertificate,
    PutDocument,
    PutEnvironment,
    PutRelease,
    PutVersion,
)
from jackbean.storage.claims import claims, held, inhabited, orphaned, repeated, stale
from jackbean.storage.codec import dump

# Texts that need not be valid Unicode (what programs print, what clients send) are kept as bytes.
LENIENT = "surrogatepass"

Held = tuple[str, str, int] | None


class Commit:
    """One commit on its way, inside a transaction that its owner ends."""

    def __init__(self, connection: sqlite3.Connection, now: float) -> None:
        self.execute = connection.execute
        self.now_ms = int(now * 1000)
        self.moved: dict[str, tuple[Held, Environment]] = {}

    def apply(self, changes: Sequence[Change]) -> None:
        """Make all of `changes`, in order. Raises Conflict, sqlite3.Error."""
        for change in changes:
            WRITERS[type(change)](self, change)
        self._settle_claims()

    def there(self, query: str, *values: object) -> bool:
        return self.execute(query, values).fetchone() is not None

    def _settle_claims(self) -> None:
        """Move the claims of environments that were put; one that another holds is a Conflict."""
        moved = {id_: new for id_, (old, new) in self.moved.items() if old != held(new)}
        for id_ in moved:
            self.execute("DELETE FROM claims WHERE environment_id = ?", (id_,))
        for id_, new in moved.items():
            for claim, taken in claims(new).items():
                try:
                    self.execute("INSERT INTO claims VALUES (?, ?, ?)", (*claim, id_))
                except sqlite3.IntegrityError as error:
                    raise Conflict(taken) from error


def _put_application(commit: Commit, change: PutApplication) -> None:
    application = change.application
    commit.execute(
        "INSERT INTO applications (name, body) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET body = excluded.body",
        (application.name, dump(application)),
    )


def _delete_application(commit: Commit, change: DeleteApplication) -> None:
    living = commit.execute(
        "SELECT name FROM environments WHERE application = ? AND terminated_at IS NULL"
        " ORDER BY position",
        (change.name,),
    ).fetchall()
    if living:
        raise inhabited(change.name, [name for (name,) in living])
    commit.execute("DELETE FROM applications WHERE name = ?", (change.name,))


def _put_version(commit: Commit, change: PutVersion) -> None:
    version = change.version
    if not commit.there("SELECT 1 FROM applications WHERE name = ?", version.application):
        raise orphaned(version)
    commit.execute(
        "INSERT INTO versions (application, label, body) VALUES (?, ?, ?)"
        " ON CONFLICT (application, label) DO UPDATE SET body = excluded.body",
        (version.application, version.label, dump(version)),
    )


def _delete_version(commit: Commit, change: DeleteVersion) -> None:
    commit.execute(
        "DELETE FROM versions WHERE application = ? AND label = ?",
        (change.application, change.label),
    )


def _put_environment(commit: Commit, change: PutEnvironment) -> None:
    new = change.environment
    row = commit.execute(
        "SELECT revision, name, cname_prefix, slot, terminated_at FROM environments WHERE id = ?",
        (new.id,),
    ).fetchone()
    revision, name, prefix, slot, ended = row or (0, "", "", 0, 0.0)
    if revision != new.revision:
        raise stale(new, revision)
    old: Held = None if ended is not None else (name, prefix, slot)
    begins = old is None and not new.terminated
    if begins and not commit.there("SELECT 1 FROM applications WHERE name = ?", new.application):
        raise orphaned(new)
    first, _ = commit.moved.get(new.id, (old, new))
    commit.moved[new.id] = (first, new)
    commit.execute(UPDATE_ENVIRONMENT if row else INSERT_ENVIRONMENT, _environment_row(new))


INSERT_ENVIRONMENT = """
    INSERT INTO environments (revision, name, application, cname_prefix, slot, version_label,
                              terminated_at, body, id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
UPDATE_ENVIRONMENT = """
    UPDATE environments
    SET revision = ?, name = ?, application = ?, cname_prefix = ?, slot = ?, version_label = ?,
        terminated_at = ?, body = ?
    WHERE id = ?
"""


def _environment_row(environment: Environment) -> tuple[object, ...]:
    """Return the columns of the record as it is stored: at its next revision."""
    stored = replace(environment, revision=environment.revision + 1)
    return (
        stored.revision,
        stored.name,
        stored.application,
        stored.cname_prefix,
        stored.slot,
        stored.version_label,
        stored.updated if stored.terminated else None,
        dump(stored),
        stored.id,
    )


def _put_release(commit: Commit, change: PutRelease) -> None:
    release = change.release
    key = (release.environment_id, release.number)
    if not commit.there("SELECT 1 FROM environments WHERE id = ?", release.environment_id):
        raise orphaned(release)
    if commit.there("SELECT 1 FROM releases WHERE environment_id = ? AND number = ?", *key):
        raise repeated(release)
    commit.execute("INSERT INTO releases VALUES (?, ?, ?)", (*key, dump(release)))


def _put_certificate(commit: Commit, change: PutCertificate) -> None:
    certificate = change.certificate
    key = (certificate.environment_id, certificate.number)
    if not commit.there("SELECT 1 FROM environments WHERE id = ?", certificate.environment_id):
        raise orphaned(certificate)
    if commit.there("SELECT 1 FROM certificates WHERE environment_id = ? AND number = ?", *key):
        raise repeated(certificate)
    commit.execute("INSERT INTO certificates VALUES (?, ?, ?)", (*key, dump(certificate)))


def _add_event(commit: Commit, change: AddEvent) -> None:
    event = change.event
    row = commit.execute("SELECT last_ms FROM scopes WHERE scope = ?", (event.scope,)).fetchone()
    date_ms = max(commit.now_ms, row[0] + 1) if row else commit.now_ms
    commit.execute("INSERT OR REPLACE INTO scopes VALUES (?, ?)", (event.scope, date_ms))
    commit.execute(
        "INSERT INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            event.scope,
            date_ms,
            event.severity.level,
            event.severity,
            event.application,
            event.environment,
            event.environment_id,
            event.version_label,
            event.request_id,
            event.platform_arn,
            event.message.encode(errors=LENIENT),
        ),
    )


def _put_document(commit: Commit, change: PutDocument) -> None:
    if change.body is None:
        commit.execute(
            "DELETE FROM documents WHERE kind = ? AND key = ?", (change.kind, change.key)
        )
        return
    commit.execute(
        "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)",
        (change.kind, change.key, change.body.encode(errors=LENIENT)),
    )


WRITERS: dict[type[Change], Callable[[Commit, Any], None]] = {
    PutApplication: _put_application,
    DeleteApplication: _delete_application,
    PutVersion: _put_version,
    DeleteVersion: _delete_version,
    PutEnvironment: _put_environment,
    PutRelease: _put_release,
    PutCertificate: _put_certificate,
    AddEvent: _add_event,
    PutDocument: _put_document,
}
