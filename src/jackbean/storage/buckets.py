"""Names for bytes on SQLite, in a database of their own: uploads must not wait for deployments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Self, TypeVar

from jackbean.ports.buckets import (
    Admit,
    Bucket,
    Cursor,
    ObjectRecord,
    Part,
    Refusal,
    Refused,
    Upload,
    anything,
)
from jackbean.storage.codec import dump, load
from jackbean.storage.database import Database
from jackbean.storage.schema import scripts

BEYOND = b"\xff"  # in no UTF-8, so after every key that begins with what is before it

Record = TypeVar("Record", Bucket, ObjectRecord, Upload, Part)


class SqliteBuckets:
    """`ports.buckets.Buckets` in a SQLite file. Several tasks may use it at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the database, making it or bringing it up to date. Blocks. Raises PortError."""
        return cls(Database.open(path, scripts("objects")))

    async def close(self) -> None:
        await self._database.close()

    # Reading

    async def buckets(self) -> list[Bucket]:
        return await self._records(Bucket, "SELECT body FROM buckets ORDER BY name")

    async def bucket(self, name: str) -> Bucket | None:
        return await self._record(Bucket, "SELECT body FROM buckets WHERE name = ?", name)

    async def object(self, bucket: str, key: str) -> ObjectRecord | None:
        return await self._record(ObjectRecord, OBJECT, bucket, key.encode())

    async def objects(
        self, bucket: str, prefix: str, after: Cursor, limit: int
    ) -> list[ObjectRecord]:
        least = prefix.encode()
        values = (bucket, least, least + BEYOND, after.key, limit)
        return await self._records(ObjectRecord, OBJECTS, *values)

    async def upload(self, id: str) -> Upload | None:  # noqa: A002 - the port's word
        return await self._record(Upload, "SELECT body FROM uploads WHERE id = ?", id)

    async def uploads(self, bucket: str, prefix: str, after: Cursor, limit: int) -> list[Upload]:
        least = prefix.encode()
        values = (bucket, least, least + BEYOND, after.key, after.id, limit)
        return await self._records(Upload, UPLOADS, *values)

    async def stale_uploads(self, before: float, limit: int) -> list[Upload]:
        sql = "SELECT body FROM uploads WHERE initiated < ? ORDER BY initiated LIMIT ?"
        return await self._records(Upload, sql, before, limit)

    async def parts(self, upload: str, after: int, limit: int) -> list[Part]:
        sql = "SELECT body FROM parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?"
        return await self._records(Part, sql, upload, after, limit)

    # Changing

    async def add_bucket(self, bucket: Bucket) -> None:
        await self._database.write(partial(_add_bucket, bucket))

    async def save_bucket(self, bucket: Bucket) -> None:
        await self._database.write(partial(_save_bucket, bucket))

    async def drop_bucket(self, name: str, now: float) -> None:
        await self._database.write(partial(_drop_bucket, name, now))

    async def put(self, record: ObjectRecord, admit: Admit = anything) -> None:
        await self._database.write(partial(_put, record, admit))

    async def drop(
        self, bucket: str, keys: Sequence[str], now: float, admit: Admit = anything
    ) -> None:
        await self._database.write(partial(_drop, (bucket, tuple(keys)), now, admit))

    async def add_upload(self, upload: Upload) -> None:
        await self._database.write(partial(_add_upload, upload))

    async def drop_upload(self, id: str, now: float) -> None:  # noqa: A002 - the port's word
        await self._database.write(partial(_drop_upload, id, now))

    async def put_part(self, part: Part, admit: Admit = anything) -> None:
        await self._database.write(partial(_put_part, part, admit))

    async def finish(self, record: ObjectRecord, admit: Admit = anything) -> None:
        await self._database.write(partial(_finish, record, admit))

    async def disown(self, digest: str, now: float) -> None:
        sql = "INSERT OR IGNORE INTO blobs (digest, orphaned) VALUES (?, ?)"
        await self._database.write(lambda connection: connection.execute(sql, (digest, now)))

    async def condemn(self, used: Collection[str], before: float, limit: int) -> list[str]:
        return await self._database.write(partial(_condemn, frozenset(used), before, limit))

    async def bury(self, digests: Collection[str]) -> None:
        await self._database.write(partial(_bury, tuple(digests)))

    # Within

    async def _records(self, kind: type[Record], sql: str, *values: Any) -> list[Record]:
        def work(connection: Connection) -> list[Record]:
            return [_loaded(kind, body) for (body,) in connection.execute(sql, values)]

        return await self._database.read(work)

    async def _record(self, kind: type[Record], sql: str, *values: Any) -> Record | None:
        rows = await self._records(kind, sql, *values)
        return rows[0] if rows else None


OBJECT = "SELECT body FROM objects WHERE bucket = ? AND key = ?"
OBJECTS = """
    SELECT body FROM objects
    WHERE bucket = ? AND key >= ? AND key < ? AND key > ? ORDER BY key LIMIT ?
"""
UPLOADS = """
    SELECT body FROM uploads
    WHERE bucket = ? AND key >= ? AND key < ? AND (key, id) > (?, ?) ORDER BY key, id LIMIT ?
"""
ORPHAN = """
    UPDATE blobs SET orphaned = :now
    WHERE digest = :digest AND orphaned IS NULL
      AND NOT EXISTS (SELECT 1 FROM objects WHERE digest = :digest)
      AND NOT EXISTS (SELECT 1 FROM parts WHERE digest = :digest)
"""
ORPHANS = """
    SELECT digest FROM blobs WHERE orphaned <= ? AND NOT condemned ORDER BY orphaned, digest
"""


def _loaded(kind: type[Record], body: str) -> Record:
    return load(kind, body, f"a {kind.__name__}")


def _there(connection: Connection, sql: str, *values: object) -> bool:
    return connection.execute(sql, values).fetchone() is not None


def _require_bucket(connection: Connection, name: str) -> None:
    if not _there(connection, "SELECT 1 FROM buckets WHERE name = ?", name):
        raise Refused(Refusal.BUCKET_ABSENT)


def _require_upload(connection: Connection, id_: str) -> None:
    if not _there(connection, "SELECT 1 FROM uploads WHERE id = ?", id_):
        raise Refused(Refusal.UPLOAD_ABSENT)


def _present(connection: Connection, bucket: str, key: str) -> ObjectRecord | None:
    row = connection.execute(OBJECT, (bucket, key.encode())).fetchone()
    return _loaded(ObjectRecord, row[0]) if row else None


# References to bytes


def _refer(connection: Connection, digest: str) -> None:
    """Count one more who refers to bytes."""
    if _there(connection, "SELECT 1 FROM blobs WHERE digest = ? AND condemned", digest):
        raise Refused(Refusal.BYTES_CONDEMNED)
    connection.execute(
        "INSERT INTO blobs (digest) VALUES (?) ON CONFLICT (digest) DO UPDATE SET orphaned = NULL",
        (digest,),
    )


def _released(connection: Connection, digests: Iterable[str], now: float) -> None:
    """Remember those of `digests` that nobody refers to any more."""
    connection.executemany(ORPHAN, [{"digest": digest, "now": now} for digest in digests])


def _condemn(used: frozenset[str], before: float, limit: int, connection: Connection) -> list[str]:
    rows: list[Any] = connection.execute("SELECT digest FROM blobs WHERE condemned").fetchall()
    found = [digest for (digest,) in rows]
    for (digest,) in connection.execute(ORPHANS, (before,)).fetchall():
        if len(found) >= limit:
            break
        if digest not in used:
            found.append(digest)
    connection.executemany(
        "UPDATE blobs SET condemned = 1 WHERE digest = ?", [(digest,) for digest in found]
    )
    return found


def _bury(digests: tuple[str, ...], connection: Connection) -> None:
    connection.executemany(
        "DELETE FROM blobs WHERE digest = ? AND condemned", [(digest,) for digest in digests]
    )


# Buckets and objects


def _add_bucket(bucket: Bucket, connection: Connection) -> None:
    if _there(connection, "SELECT 1 FROM buckets WHERE name = ?", bucket.name):
        raise Refused(Refusal.BUCKET_TAKEN)
    connection.execute("INSERT INTO buckets VALUES (?, ?)", (bucket.name, dump(bucket)))


def _save_bucket(bucket: Bucket, connection: Connection) -> None:
    _require_bucket(connection, bucket.name)
    connection.execute("UPDATE buckets SET body = ? WHERE name = ?", (dump(bucket), bucket.name))


def _drop_bucket(name: str, now: float, connection: Connection) -> None:
    _require_bucket(connection, name)
    if _there(connection, "SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", name):
        raise Refused(Refusal.BUCKET_FULL)
    rows = connection.execute("SELECT id FROM uploads WHERE bucket = ?", (name,)).fetchall()
    for (upload,) in rows:
        _drop_upload(upload, now, connection)
    connection.execute("DELETE FROM buckets WHERE name = ?", (name,))


def _put(record: ObjectRecord, admit: Admit, connection: Connection) -> None:
    _require_bucket(connection, record.bucket)
    present = _present(connection, record.bucket, record.key)
    admit(present)
    _refer(connection, record.digest)
    connection.execute(
        "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)",
        (record.bucket, record.key.encode(), record.digest, dump(record)),
    )
    if present is not None:
        _released(connection, (present.digest,), record.modified)


def _drop(
    named: tuple[str, tuple[str, ...]], now: float, admit: Admit, connection: Connection
) -> None:
    bucket, keys = named
    for key in keys:
        present = _present(connection, bucket, key)
        admit(present)
        if present is not None:
            where = (bucket, key.encode())
            connection.execute("DELETE FROM objects WHERE bucket = ? AND key = ?", where)
            _released(connection, (present.digest,), now)


# Uploads in parts


def _add_upload(upload: Upload, connection: Connection) -> None:
    _require_bucket(connection, upload.bucket)
    connection.execute(
        "INSERT INTO uploads VALUES (?, ?, ?, ?, ?)",
        (upload.id, upload.bucket, upload.key.encode(), upload.initiated, dump(upload)),
    )


def _drop_upload(id_: str, now: float, connection: Connection) -> None:
    _require_upload(connection, id_)
    rows = connection.execute("SELECT DISTINCT digest FROM parts WHERE upload = ?", (id_,))
    digests = [digest for (digest,) in rows.fetchall()]
    connection.execute("DELETE FROM uploads WHERE id = ?", (id_,))
    _released(connection, digests, now)


def _put_part(part: Part, admit: Admit, connection: Connection) -> None:
    _require_upload(connection, part.upload)
    admit(None)
    _refer(connection, part.digest)
    where = (part.upload, part.number)
    sql = "SELECT digest FROM parts WHERE upload = ? AND number = ?"
    replaced = [digest for (digest,) in connection.execute(sql, where).fetchall()]
    connection.execute(
        "INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)", (*where, part.digest, dump(part))
    )
    _released(connection, replaced, part.modified)


def _finish(record: ObjectRecord, admit: Admit, connection: Connection) -> None:
    _require_upload(connection, record.upload)
    _put(record, admit, connection)
    _drop_upload(record.upload, record.modified, connection)
