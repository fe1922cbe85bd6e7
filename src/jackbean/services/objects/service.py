"""Buckets and objects, as S3 has them: the use cases, without HTTP."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jackbean.core.errors import Fault
from jackbean.core.installation import Installation
from jackbean.core.policies import sound, unjudgeable
from jackbean.ports.buckets import (
    UNDESCRIBED,
    Bucket,
    Buckets,
    Checksum,
    Cursor,
    Description,
    ObjectRecord,
    Pairs,
)
from jackbean.ports.clock import Clock
from jackbean.ports.objects import Blobs
from jackbean.services.objects import conditions, faults, limits, listing, names
from jackbean.services.objects.checksums import FULL_OBJECT
from jackbean.services.objects.conditions import Conditions
from jackbean.services.objects.incoming import Incoming, Passing
from jackbean.services.objects.keeping import naming, settled, while_kept
from jackbean.services.objects.listing import ListQuery, Page
from jackbean.services.objects.reading import joined

ANYWAY = Conditions()

log = logging.getLogger("jackbean.objects")


@dataclass(frozen=True)
class Write:
    """What to write and where. `conditions` must hold of the object that is there."""

    bucket: str
    key: str
    description: Description = UNDESCRIBED
    conditions: Conditions = ANYWAY


class ObjectService:
    def __init__(
        self, buckets: Buckets, blobs: Blobs, clock: Clock, installation: Installation
    ) -> None:
        self._buckets = buckets
        self._blobs = blobs
        self._clock = clock
        self.installation = installation

    # Buckets

    async def buckets(self) -> list[Bucket]:
        return await self._buckets.buckets()

    async def bucket(self, name: str) -> Bucket:
        """Return a bucket, or raise the Fault NoSuchBucket."""
        found = await self._buckets.bucket(name)
        if found is None:
            raise faults.no_such_bucket(name)
        return found

    async def ensure_bucket(self, name: str) -> Bucket:
        """Return a bucket, made now if it is not there."""
        found = await self._buckets.bucket(name)
        if found is not None:
            return found
        try:
            return await self.create_bucket(name)
        except Fault as fault:
            if fault.code != "BucketAlreadyOwnedByYou":
                raise
            return await self.bucket(name)

    async def create_bucket(self, name: str) -> Bucket:
        names.check_bucket(name)
        if len(await self._buckets.buckets()) >= limits.BUCKETS_MAX:
            raise Fault("TooManyBuckets", f"There are {limits.BUCKETS_MAX} buckets; delete some.")
        bucket = Bucket(name, self._clock.now())
        await settled(self._buckets.add_bucket(bucket), name)
        return bucket

    async def set_policy(self, name: str, policy: str) -> None:
        """Replace a bucket's policy; "" takes it away."""
        names.check_policy(policy, name)
        bucket = await self.bucket(name)
        if strange := unjudgeable(sound(policy)):
            log.warning("the policy of bucket %s opens nothing by %s", name, ", ".join(strange))
        await settled(self._buckets.save_bucket(replace(bucket, policy=policy)), name)

    async def delete_bucket(self, name: str) -> None:
        await settled(self._buckets.drop_bucket(name, self._clock.now()), name)

    # Objects

    async def find(self, bucket: str, key: str) -> ObjectRecord | None:
        names.check_key(key)
        return await self._buckets.object(bucket, key)

    async def get(self, bucket: str, key: str, wanted: Conditions = ANYWAY) -> ObjectRecord:
        """Return an object. Raises NotModified, and Faults."""
        record = await self.find(bucket, key)
        if record is None:
            await self.bucket(bucket)
            raise faults.no_such_key(key)
        conditions.check_read(record, wanted)
        return record

    def path(self, record: ObjectRecord) -> Path:
        """Return the file that holds an object's bytes."""
        return self._blobs.path(record.digest)

    async def put(self, write: Write, incoming: Incoming) -> ObjectRecord:
        """Keep bytes, on disk, and name them."""
        await self._check(write)
        body = Passing(incoming)
        blob = await self._blobs.put(body.chunks())
        record = ObjectRecord(
            write.bucket,
            write.key,
            blob.digest,
            blob.size,
            blob.md5,
            self._clock.now(),
            write.description,
            body.checksum,
        )
        return await self._name(record, write.conditions)

    async def put_bytes(
        self,
        bucket: str,
        key: str,
        chunks: AsyncIterable[bytes],
        content_type: str = "application/octet-stream",
    ) -> ObjectRecord:
        """Keep bytes of the control plane's own: logs, saved configurations."""
        description = Description(headers=(("content-type", content_type),))
        return await self.put(Write(bucket, key, description), Incoming(chunks))

    async def get_to_copy(self, bucket: str, key: str, wanted: Conditions) -> ObjectRecord:
        """Return an object whose bytes are to be used again. Raises Faults."""
        record = await self.get(bucket, key)
        conditions.check_copy(record, wanted)
        return record

    async def copy(self, source: ObjectRecord, write: Write, algorithm: str = "") -> ObjectRecord:
        """Name the bytes of another object; `algorithm` is of the checksum that is wanted."""
        await self._check(write)
        record = ObjectRecord(
            write.bucket,
            write.key,
            source.digest,
            source.size,
            source.etag,
            self._clock.now(),
            write.description,
            await self._checksum(source, algorithm.upper()),
        )
        return await self._name(record, write.conditions)

    async def delete(self, bucket: str, key: str, wanted: Conditions = ANYWAY) -> None:
        """Remove an object; one that is absent is removed already."""
        names.check_key(key)

        def admit(present: ObjectRecord | None) -> None:
            conditions.check_delete(present, key, wanted)

        await self.bucket(bucket)
        await self._buckets.drop(bucket, (key,), self._clock.now(), admit)

    async def delete_all(self, bucket: str, keys: Sequence[str]) -> None:
        """Remove up to a page of objects."""
        await self.bucket(bucket)
        await self._buckets.drop(bucket, keys, self._clock.now())

    async def tag(self, bucket: str, key: str, tags: Pairs) -> None:
        """Replace an object's tags."""
        names.check_tags(tags)
        record = await self.get(bucket, key)
        tagged = replace(record, description=replace(record.description, tags=tags))

        def admit(present: ObjectRecord | None) -> None:
            if present != record:
                raise Fault("OperationAborted", "The object changed meanwhile; try again.", 409)

        await settled(self._buckets.put(tagged, admit), bucket)

    async def list(self, bucket: str, query: ListQuery) -> Page[ObjectRecord]:
        await self.bucket(bucket)

        async def fetch(after: Cursor, limit: int) -> list[ObjectRecord]:
            return await self._buckets.objects(bucket, query.prefix, after, limit)

        return await listing.page(fetch, lambda record: Cursor(record.key.encode()), query)

    # Within

    async def _check(self, write: Write) -> None:
        """Refuse what can be refused before a byte has come."""
        names.check_key(write.key)
        names.check_description(write.description)
        await self.bucket(write.bucket)
        if write.conditions != ANYWAY:
            present = await self._buckets.object(write.bucket, write.key)
            conditions.check_write(present, write.key, write.conditions)

    async def _checksum(self, source: ObjectRecord, wanted: str) -> Checksum | None:
        """Return a checksum of all bytes of an object, read again if it is not known."""
        known = source.checksum
        if known is None and not wanted:
            return None
        if known is not None and known.kind == FULL_OBJECT and wanted in ("", known.algorithm):
            return known
        algorithm = wanted or (known.algorithm if known else "")
        body = Passing(Incoming(joined([(self.path(source), source.size)])), algorithm)
        async for _ in body.chunks():
            pass
        return body.checksum

    async def _name(self, record: ObjectRecord, wanted: Conditions) -> ObjectRecord:
        def admit(present: ObjectRecord | None) -> None:
            conditions.check_write(present, record.key, wanted)

        admitted = while_kept(self._blobs, record.digest, admit)
        async with naming(self._buckets, record.digest, record.modified):
            await settled(self._buckets.put(record, admitted), record.bucket)
        return record
