"""Names for bytes in memory, under the same rules as on disk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

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


@dataclass
class _Blob:
    orphaned: float | None = None
    condemned: bool = False


class MemoryBuckets:
    """`ports.buckets.Buckets` for simulated histories. Nothing waits, so every change is atomic."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}
        self._objects: dict[tuple[str, str], ObjectRecord] = {}
        self._uploads: dict[str, Upload] = {}
        self._parts: dict[tuple[str, int], Part] = {}
        self._blobs: dict[str, _Blob] = {}

    # Reading

    async def buckets(self) -> list[Bucket]:
        return sorted(self._buckets.values(), key=lambda bucket: bucket.name)

    async def bucket(self, name: str) -> Bucket | None:
        return self._buckets.get(name)

    async def object(self, bucket: str, key: str) -> ObjectRecord | None:
        return self._objects.get((bucket, key))

    async def objects(
        self, bucket: str, prefix: str, after: Cursor, limit: int
    ) -> list[ObjectRecord]:
        found = [
            record
            for record in self._objects.values()
            if _within(record, bucket, prefix) and record.key.encode() > after.key
        ]
        return sorted(found, key=lambda record: record.key)[:limit]

    async def upload(self, id: str) -> Upload | None:  # noqa: A002 - the port's word
        return self._uploads.get(id)

    async def uploads(self, bucket: str, prefix: str, after: Cursor, limit: int) -> list[Upload]:
        found = [
            upload
            for upload in self._uploads.values()
            if _within(upload, bucket, prefix) and (upload.key.encode(), upload.id) > after
        ]
        return sorted(found, key=lambda upload: (upload.key, upload.id))[:limit]

    async def stale_uploads(self, before: float, limit: int) -> list[Upload]:
        found = [upload for upload in self._uploads.values() if upload.initiated < before]
        return sorted(found, key=lambda upload: upload.initiated)[:limit]

    async def parts(self, upload: str, after: int, limit: int) -> list[Part]:
        found = [
            part for part in self._parts.values() if part.upload == upload and part.number > after
        ]
        return sorted(found, key=lambda part: part.number)[:limit]

    # Changing: what may be refused comes first, then the change

    async def add_bucket(self, bucket: Bucket) -> None:
        if bucket.name in self._buckets:
            raise Refused(Refusal.BUCKET_TAKEN)
        self._buckets[bucket.name] = bucket

    async def save_bucket(self, bucket: Bucket) -> None:
        self._require_bucket(bucket.name)
        self._buckets[bucket.name] = bucket

    async def drop_bucket(self, name: str, now: float) -> None:
        self._require_bucket(name)
        if any(bucket == name for bucket, _ in self._objects):
            raise Refused(Refusal.BUCKET_FULL)
        for upload in [one.id for one in self._uploads.values() if one.bucket == name]:
            await self.drop_upload(upload, now)
        del self._buckets[name]

    async def put(self, record: ObjectRecord, admit: Admit = anything) -> None:
        self._require_bucket(record.bucket)
        present = self._objects.get((record.bucket, record.key))
        admit(present)
        self._refer(record.digest)
        self._objects[record.bucket, record.key] = record
        if present is not None:
            self._release((present.digest,), record.modified)

    async def drop(
        self, bucket: str, keys: Sequence[str], now: float, admit: Admit = anything
    ) -> None:
        present = {key: self._objects.get((bucket, key)) for key in keys}
        for record in present.values():
            admit(record)
        for record in present.values():
            if record is not None:
                del self._objects[bucket, record.key]
                self._release((record.digest,), now)

    async def add_upload(self, upload: Upload) -> None:
        self._require_bucket(upload.bucket)
        self._uploads[upload.id] = upload

    async def drop_upload(self, id: str, now: float) -> None:  # noqa: A002 - the port's word
        self._require_upload(id)
        del self._uploads[id]
        parts = [part for part in self._parts.values() if part.upload == id]
        for part in parts:
            del self._parts[id, part.number]
        self._release((part.digest for part in parts), now)

    async def put_part(self, part: Part, admit: Admit = anything) -> None:
        self._require_upload(part.upload)
        admit(None)
        self._refer(part.digest)
        replaced = self._parts.get((part.upload, part.number))
        self._parts[part.upload, part.number] = part
        if replaced is not None:
            self._release((replaced.digest,), part.modified)

    async def finish(self, record: ObjectRecord, admit: Admit = anything) -> None:
        self._require_upload(record.upload)
        await self.put(record, admit)
        await self.drop_upload(record.upload, record.modified)

    async def disown(self, digest: str, now: float) -> None:
        self._blobs.setdefault(digest, _Blob(orphaned=now))

    async def condemn(self, used: Collection[str], before: float, limit: int) -> list[str]:
        found = [digest for digest, blob in self._blobs.items() if blob.condemned]
        orphans = sorted(
            (blob.orphaned, digest)
            for digest, blob in self._blobs.items()
            if blob.orphaned is not None and blob.orphaned <= before and not blob.condemned
        )
        doomed = [digest for _, digest in orphans if digest not in used]
        found.extend(doomed[: max(0, limit - len(found))])
        for digest in found:
            self._blobs[digest].condemned = True
        return found

    async def bury(self, digests: Collection[str]) -> None:
        for digest in digests:
            if digest in self._blobs and self._blobs[digest].condemned:
                del self._blobs[digest]

    # Within

    def _require_bucket(self, name: str) -> None:
        if name not in self._buckets:
            raise Refused(Refusal.BUCKET_ABSENT)

    def _require_upload(self, upload: str) -> None:
        if upload not in self._uploads:
            raise Refused(Refusal.UPLOAD_ABSENT)

    def _refer(self, digest: str) -> None:
        blob = self._blobs.setdefault(digest, _Blob())
        if blob.condemned:
            raise Refused(Refusal.BYTES_CONDEMNED)
        blob.orphaned = None

    def _release(self, digests: Iterable[str], now: float) -> None:
        named = {record.digest for record in self._objects.values()}
        named |= {part.digest for part in self._parts.values()}
        for digest in digests:
            blob = self._blobs[digest]
            if digest not in named and blob.orphaned is None:
                blob.orphaned = now


def _within(one: ObjectRecord | Upload, bucket: str, prefix: str) -> bool:
    return one.bucket == bucket and one.key.startswith(prefix)
