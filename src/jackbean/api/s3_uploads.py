"""Operations on uploads in parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.api import s3_shapes as shapes
from jackbean.api.s3_call import Answer, Call
from jackbean.api.s3_objects import source_of
from jackbean.core.errors import Fault
from jackbean.ports.buckets import Part
from jackbean.services.objects import (
    Completion,
    Conditions,
    Incoming,
    PartName,
    UploadName,
    Write,
    limits,
)
from jackbean.services.objects.access import Action
from jackbean.services.objects.ranges import Slice, of_copy
from jackbean.services.objects.reading import pieces


def _name(call: Call) -> UploadName:
    call.check(Action.PUT, call.bucket, call.key)
    return UploadName(call.bucket, call.key, call.text("UploadId"))


async def create_multipart_upload(call: Call) -> Answer:
    call.check(Action.PUT, call.bucket, call.key)
    write = Write(call.bucket, call.key, shapes.described(call))
    algorithm, kind = call.text("ChecksumAlgorithm"), call.text("ChecksumType")
    upload = await call.uploads.begin(write, algorithm, kind)
    return Answer(
        {
            "Bucket": upload.bucket,
            "Key": upload.key,
            "UploadId": upload.id,
            "ChecksumAlgorithm": upload.algorithm or None,
            "ChecksumType": upload.kind or None,
        }
    )


async def upload_part(call: Call) -> Answer:
    part = await call.uploads.put_part(_name(call), call.members["PartNumber"], call.receive())
    return Answer(
        {
            "ETag": shapes.quoted(part.etag),
            **shapes.checksum_members(part.checksum, typed=False),
        }
    )


async def upload_part_copy(call: Call) -> Answer:
    name, source = _name(call), await source_of(call)
    wanted = Slice(0, source.size, source.size)
    if call.text("CopySourceRange"):
        wanted = of_copy(call.text("CopySourceRange"), source.size)
    incoming = Incoming(pieces(call.objects.path(source), wanted))
    part = await call.uploads.put_part(name, call.members["PartNumber"], incoming)
    copied = {
        "ETag": shapes.quoted(part.etag),
        "LastModified": part.modified,
        **shapes.checksum_members(part.checksum, typed=False),
    }
    return Answer({"CopyPartResult": copied})


async def complete_multipart_upload(call: Call) -> Answer:
    members = call.members
    listed = (members.get("MultipartUpload") or {}).get("Parts") or []
    completion = Completion(
        tuple(_part_name(one) for one in listed),
        shapes.checksum(members),
        members.get("MpuObjectSize"),
        Conditions(call.text("IfMatch"), call.text("IfNoneMatch")),
    )
    record = await call.uploads.complete(_name(call), completion)
    host = call.http.headers.get("host", "")
    return Answer(
        {
            "Location": f"http://{host}{call.http.path}",
            "Bucket": record.bucket,
            "Key": record.key,
            "ETag": shapes.quoted(record.etag),
            **shapes.checksum_members(record.checksum),
        }
    )


def _part_name(one: Mapping[str, Any]) -> PartName:
    number, etag = one.get("PartNumber"), one.get("ETag")
    if number is None or etag is None:
        raise Fault("MalformedXML", "Each part needs its PartNumber and its ETag.")
    return PartName(number, str(etag).strip().strip('"'), shapes.checksum(one))


async def abort_multipart_upload(call: Call) -> Answer:
    await call.uploads.abort(_name(call))
    return Answer(status=204)


async def list_parts(call: Call) -> Answer:
    after = call.members.get("PartNumberMarker") or 0
    asked = call.members.get("MaxParts")
    most = limits.PAGE_MAX if asked is None else min(asked, limits.PAGE_MAX)
    page = await call.uploads.parts(_name(call), after, most)
    owner = shapes.owner(call)
    return Answer(
        {
            "Bucket": call.bucket,
            "Key": call.key,
            "UploadId": page.upload.id,
            "PartNumberMarker": after,
            "NextPartNumberMarker": page.parts[-1].number if page.parts else after,
            "MaxParts": most,
            "IsTruncated": page.truncated,
            "Parts": [_element(part) for part in page.parts],
            "Initiator": owner,
            "Owner": owner,
            "StorageClass": shapes.STORAGE_CLASS,
            "ChecksumAlgorithm": page.upload.algorithm or None,
            "ChecksumType": page.upload.kind or None,
        }
    )


def _element(part: Part) -> dict[str, Any]:
    return {
        "PartNumber": part.number,
        "LastModified": part.modified,
        "ETag": shapes.quoted(part.etag),
        "Size": part.size,
        **shapes.checksum_members(part.checksum, typed=False),
    }
