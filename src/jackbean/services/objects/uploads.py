"""Uploads in parts: begun, filled in any order and any number of times, then joined into one.

The parts' bytes are kept like any others. Completing reads them one after the other into one blob,
so that whoever uses an object finds one file, however it came.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from jackbean.core.errors import Fault
from jackbean.ports.buckets import (
    Admit,
    Buckets,
    Checksum,
    Cursor,
    ObjectRecord,
    Part,
    Refusal,
    Refused,
    Upload,
)
from jackbean.ports.clock import Clock, Ids
from jackbean.ports.objects import Blobs
from jackbean.services.objects import checksums, conditions, faults, limits, listing, names
from jackbean.services.objects.conditions import Conditions
from jackbean.services.objects.incoming import Incoming, Passing
from jackbean.services.objects.keeping import naming, settled, while_kept
from jackbean.services.objects.listing import ListQuery, Page
from jackbean.services.objects.reading import joined
from jackbean.services.objects.service import ANYWAY, Write


@dataclass(frozen=True)
class UploadName:
    """An upload is found only by all three."""

    bucket: str
    key: str
    id: str


@dataclass(frozen=True)
class PartName:
    """A part as the completing request names it; the ETag without quotes."""

    number: int
    etag: str
    checksum: Checksum | None = None


@dataclass(frozen=True)
class Completion:
    """What the finished object must be: `checksum` of all its bytes, `size` if it was said."""

    parts: tuple[PartName, ...]
    checksum: Checksum | None = None
    size: int | None = None
    conditions: Conditions = ANYWAY


@dataclass(frozen=True)
class PartsPage:
    upload: Upload
    parts: tuple[Part, ...]
    truncated: bool


class UploadService:
    def __init__(self, buckets: Buckets, blobs: Blobs, clock: Clock, ids: Ids) -> None:
        self._buckets = buckets
        self._blobs = blobs
        self._clock = clock
        self._ids = ids

    async def begin(self, write: Write, algorithm: str, kind: str) -> Upload:
        """Return a new upload. Its id begins with its instant: ids of one key sort by age."""
        names.check_key(write.key)
        names.check_description(write.description)
        kind = checksums.kind_of_upload(algorithm, kind)
        now = self._clock.now()
        name = f"{int(now * 1000):012x}{self._ids.secret()}"
        upload = Upload(
            name, write.bucket, write.key, now, write.description, algorithm.upper(), kind
        )
        await settled(self._buckets.add_upload(upload), write.bucket)
        return upload

    async def put_part(self, name: UploadName, number: int, incoming: Incoming) -> Part:
        """Keep a part, instead of what had its number."""
        if not 1 <= number <= limits.PART_NUMBER_MAX:
            raise faults.argument(
                f"Part number must be an integer between 1 and {limits.PART_NUMBER_MAX}, inclusive"
            )
        upload = await self.find(name)
        if upload.algorithm and incoming.algorithm not in ("", upload.algorithm):
            raise Fault(
                "InvalidRequest",
                "Checksum Type mismatch occurred, expected checksum Type: "
                f"{upload.algorithm.lower()}, actual checksum Type: {incoming.algorithm.lower()}",
            )
        body = Passing(incoming, upload.algorithm)
        blob = await self._blobs.put(body.chunks())
        now = self._clock.now()
        part = Part(name.id, number, blob.digest, blob.size, blob.md5, now, body.checksum)
        admit = while_kept(self._blobs, blob.digest)
        async with naming(self._buckets, blob.digest, now):
            await settled(self._buckets.put_part(part, admit), name.bucket)
        return part

    async def complete(self, name: UploadName, completion: Completion) -> ObjectRecord:
        """Join parts into an object. Completing again what was completed is answered alike."""
        try:
            upload = await self.find(name)
        except Fault:
            return await self._completed(name)
        present = await self._buckets.object(name.bucket, name.key)
        conditions.check_write(present, name.key, completion.conditions)
        parts = chosen(await self._all_parts(name.id), completion)
        record = await self._join(upload, parts, completion)
        admit = while_kept(self._blobs, record.digest, _conditional(record.key, completion))
        try:
            async with naming(self._buckets, record.digest, record.modified):
                await self._buckets.finish(record, admit)
        except Refused as refused:
            if refused.why is Refusal.UPLOAD_ABSENT:
                return await self._completed(name)
            raise faults.of_refusal(refused.why, name.bucket) from None
        return record

    async def abort(self, name: UploadName) -> None:
        await self.find(name)
        await settled(self._buckets.drop_upload(name.id, self._clock.now()), name.bucket)

    async def find(self, name: UploadName) -> Upload:
        """Return an upload, or raise the Fault NoSuchUpload."""
        found = await self._buckets.upload(name.id)
        if found is None or (found.bucket, found.key) != (name.bucket, name.key):
            raise faults.no_such_upload()
        return found

    async def parts(self, name: UploadName, after: int, limit: int) -> PartsPage:
        upload = await self.find(name)
        limit = min(limit, limits.PAGE_MAX)
        if limit < 0 or after < 0:
            raise faults.argument("max-parts and part-number-marker must not be negative.")
        found = await self._buckets.parts(name.id, after, limit + 1)
        return PartsPage(upload, tuple(found[:limit]), truncated=0 < limit < len(found))

    async def list(self, bucket: str, query: ListQuery) -> Page[Upload]:
        if await self._buckets.bucket(bucket) is None:
            raise faults.no_such_bucket(bucket)

        async def fetch(after: Cursor, limit: int) -> list[Upload]:
            return await self._buckets.uploads(bucket, query.prefix, after, limit)

        return await listing.page(fetch, lambda one: Cursor(one.key.encode(), one.id), query)

    # Within

    async def _all_parts(self, upload: str) -> Sequence[Part]:
        return await self._buckets.parts(upload, 0, limits.PART_NUMBER_MAX)

    async def _completed(self, name: UploadName) -> ObjectRecord:
        record = await self._buckets.object(name.bucket, name.key)
        if record is None or record.upload != name.id:
            raise faults.no_such_upload()
        return record

    async def _join(
        self, upload: Upload, parts: Sequence[Part], completion: Completion
    ) -> ObjectRecord:
        said = completion.checksum
        checksum: Checksum | None
        if upload.kind == checksums.COMPOSITE:
            checksum = checksums.composite(upload.algorithm, [part.checksum for part in parts])
            if said not in (None, checksum):
                raise faults.bad_digest(upload.algorithm)
            digest, _ = await self._bytes(parts, "", None)
        else:
            algorithm = upload.algorithm or (said.algorithm if said else "")
            digest, checksum = await self._bytes(parts, algorithm, said)
        return ObjectRecord(
            upload.bucket,
            upload.key,
            digest,
            sum(part.size for part in parts),
            etag(parts),
            self._clock.now(),
            upload.description,
            checksum,
            tuple(part.size for part in parts),
            upload.id,
        )

    async def _bytes(
        self, parts: Sequence[Part], algorithm: str, said: Checksum | None
    ) -> tuple[str, Checksum | None]:
        """Return the digest of the parts' bytes as one, and their checksum if it is wanted."""
        known = parts[0].checksum if algorithm else None
        if len(parts) == 1 and said is None and (known is not None or not algorithm):
            return parts[0].digest, known
        files = [(self._blobs.path(part.digest), part.size) for part in parts]
        body = Passing(Incoming(joined(files)), algorithm, said)
        blob = await self._blobs.put(body.chunks())
        return blob.digest, body.checksum


def _conditional(key: str, completion: Completion) -> Admit:
    def admit(present: ObjectRecord | None) -> None:
        conditions.check_write(present, key, completion.conditions)

    return admit


def etag(parts: Sequence[Part]) -> str:
    """Return the MD5 of the parts' MD5s and how many there are."""
    sums = b"".join(bytes.fromhex(part.etag) for part in parts)
    return f"{hashlib.md5(sums, usedforsecurity=False).hexdigest()}-{len(parts)}"


def chosen(present: Sequence[Part], completion: Completion) -> list[Part]:
    """Return the parts that a request names, or raise the Fault that says what is wrong."""
    named = completion.parts
    if not named:
        raise Fault("MalformedXML", "You must specify at least one part")
    if any(a.number >= b.number for a, b in pairwise(named)):
        raise Fault(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
        )
    there = {part.number: part for part in present}
    parts = [_matching(name, there.get(name.number)) for name in named]
    for part in parts[:-1]:
        if part.size < limits.PART_BYTES_MIN:
            raise Fault(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size: part "
                f"{part.number} has {part.size} bytes, and all but the last need "
                f"{limits.PART_BYTES_MIN}.",
            )
    _check_size(sum(part.size for part in parts), completion.size)
    return parts


def _matching(name: PartName, part: Part | None) -> Part:
    same = part is not None and part.etag == name.etag
    if part is not None and name.checksum is not None and part.checksum is not None:
        same = same and part.checksum.value == name.checksum.value
    if part is None or not same:
        raise Fault(
            "InvalidPart",
            f"One or more of the specified parts could not be found: part {name.number} may not "
            "have been uploaded, or its entity tag or checksum is another one.",
        )
    return part


def _check_size(size: int, said: int | None) -> None:
    if size > limits.OBJECT_BYTES_MAX:
        raise faults.too_large(limits.OBJECT_BYTES_MAX)
    if said is not None and said != size:
        raise Fault(
            "InvalidRequest",
            f"The provided 'x-amz-mp-object-size' header value {said} does not match what was "
            f"computed: {size}",
        )
