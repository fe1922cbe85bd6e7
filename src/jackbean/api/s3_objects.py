"""Operations on objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from jackbean.api import s3_shapes as shapes
from jackbean.api.s3_call import Answer, Call
from jackbean.core.errors import Fault
from jackbean.ports.buckets import Description, ObjectRecord
from jackbean.services.objects import Conditions, NotModified, Write, faults, limits
from jackbean.services.objects.access import Action
from jackbean.services.objects.names import check_key
from jackbean.services.objects.ranges import Slice, of_header, of_part
from jackbean.services.objects.reading import pieces


async def put_object(call: Call) -> Answer:
    call.check(Action.PUT, call.bucket, call.key)
    write = Write(call.bucket, call.key, shapes.described(call), shapes.conditions(call.members))
    record = await call.objects.put(write, call.receive())
    return Answer({"ETag": shapes.quoted(record.etag), **shapes.checksum_members(record.checksum)})


# Reading


async def get_object(call: Call) -> Answer:
    call.check(Action.GET, call.bucket, call.key)
    try:
        record = await call.objects.get(call.bucket, call.key, shapes.conditions(call.members))
    except NotModified as found:
        return not_modified(found.record)
    part = _wanted(call, record)
    body = pieces(call.objects.path(record), part) if part.length else None
    headers = shapes.described_again(record, call.members)
    return Answer(_said(call, record, part), headers, _status(part), body)


async def head_object(call: Call) -> Answer:
    call.check(Action.GET, call.bucket, call.key)
    try:
        record = await call.objects.get(call.bucket, call.key, shapes.conditions(call.members))
    except NotModified as found:
        return not_modified(found.record)
    part = _wanted(call, record)
    headers = shapes.described_again(record, call.members)
    return Answer(_said(call, record, part), headers, _status(part))


def not_modified(record: ObjectRecord) -> Answer:
    said = {"ETag": shapes.quoted(record.etag), "LastModified": record.modified}
    return Answer(said, status=304)


def _wanted(call: Call, record: ObjectRecord) -> Slice:
    header, number = call.text("Range"), call.members.get("PartNumber")
    if number is not None:
        if header:
            raise Fault(
                "InvalidRequest", "Cannot specify both Range header and partNumber query parameter"
            )
        return of_part(number, record.parts, record.size)
    return of_header(header, record.size) if header else Slice(0, record.size, record.size)


def _status(part: Slice) -> int:
    return 206 if part.partial else 200


def _said(call: Call, record: ObjectRecord, part: Slice) -> dict[str, Any]:
    """Return the members that GetObject and HeadObject have in common."""
    said: dict[str, Any] = {
        "AcceptRanges": "bytes",
        "ETag": shapes.quoted(record.etag),
        "LastModified": record.modified,
        "ContentLength": part.length,
        "Metadata": dict(record.description.metadata),
        "TagCount": len(record.description.tags) or None,
    }
    if part.partial and part.length:
        said["ContentRange"] = part.content_range
    if call.members.get("PartNumber") is not None and record.parts:
        said["PartsCount"] = len(record.parts)
    if call.text("ChecksumMode").upper() == "ENABLED" and part.length == record.size:
        said |= shapes.checksum_members(record.checksum)
    return said


async def get_object_attributes(call: Call) -> Answer:
    call.check(Action.GET, call.bucket, call.key)
    record = await call.objects.get(call.bucket, call.key)
    every = {
        "ETag": record.etag,
        "Checksum": shapes.checksum_members(record.checksum) or None,
        "ObjectParts": {"TotalPartsCount": len(record.parts)} if record.parts else None,
        "StorageClass": shapes.STORAGE_CLASS,
        "ObjectSize": record.size,
    }
    asked = set(call.members["ObjectAttributes"])
    said = {name: value for name, value in every.items() if name in asked}
    return Answer({**said, "LastModified": record.modified})


# Copying


async def copy_object(call: Call) -> Answer:
    source = await source_of(call)
    call.check(Action.PUT, call.bucket, call.key)
    if _same(call, source) and call.text("MetadataDirective").upper() != "REPLACE":
        raise Fault(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself "
            "without changing the object's metadata.",
        )
    conditions = Conditions(call.text("IfMatch"), call.text("IfNoneMatch"))
    write = Write(call.bucket, call.key, _copied(call, source), conditions)
    record = await call.objects.copy(source, write, call.text("ChecksumAlgorithm"))
    return Answer({"CopyObjectResult": _copy_result(record)})


async def source_of(call: Call) -> ObjectRecord:
    """Return the object that x-amz-copy-source names, if the caller may read it."""
    source, _, version = call.text("CopySource").partition("?versionId=")
    bucket, slash, key = unquote(source).removeprefix("/").partition("/")
    if not slash or version not in ("", "null"):
        raise faults.argument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        )
    call.check(Action.GET, bucket, key)
    conditions = shapes.conditions(call.members, "CopySource")
    return await call.objects.get_to_copy(bucket, key, conditions)


def _same(call: Call, source: ObjectRecord) -> bool:
    return (source.bucket, source.key) == (call.bucket, call.key)


def _copied(call: Call, source: ObjectRecord) -> Description:
    """Return how a copy is described: like its source, but for what is to be replaced."""
    given, old = shapes.described(call), source.description
    replaced = given if call.text("MetadataDirective").upper() == "REPLACE" else old
    retagged = given if call.text("TaggingDirective").upper() == "REPLACE" else old
    return Description(replaced.headers, replaced.metadata, retagged.tags)


def _copy_result(record: ObjectRecord) -> dict[str, Any]:
    return {
        "ETag": shapes.quoted(record.etag),
        "LastModified": record.modified,
        **shapes.checksum_members(record.checksum),
    }


# Deleting


async def delete_object(call: Call) -> Answer:
    call.check(Action.DELETE, call.bucket, call.key)
    conditions = Conditions(if_match=call.text("IfMatch"))
    await call.objects.delete(call.bucket, call.key, conditions)
    return Answer(status=204)


async def delete_objects(call: Call) -> Answer:
    """Delete up to a thousand objects; those that may not go are told, and the others go."""
    wanted = call.members["Delete"]
    named = wanted["Objects"]
    if not 1 <= len(named) <= limits.PAGE_MAX:
        raise Fault("MalformedXML", f"Name 1 to {limits.PAGE_MAX} objects to delete.")
    await call.objects.bucket(call.bucket)
    plain, told, errors = [], [], []
    for one in named:
        key = str(one["Key"])
        try:
            if not await _deleted_on_condition(call, key, one):
                plain.append(key)
            told.append({"Key": key})
        except Fault as fault:
            errors.append({"Key": key, "Code": fault.code, "Message": fault.message})
    await call.objects.delete_all(call.bucket, plain)
    return Answer({"Deleted": [] if wanted.get("Quiet") else told, "Errors": errors})


async def _deleted_on_condition(call: Call, key: str, one: Mapping[str, Any]) -> bool:
    """Delete an object that has a condition of its own. Raises the Fault why it must stay."""
    if one.get("VersionId") not in (None, "", "null"):
        raise faults.no_such_version()
    call.check(Action.DELETE, call.bucket, key)
    check_key(key)
    if not one.get("ETag"):
        return False
    await call.objects.delete(call.bucket, key, Conditions(if_match=str(one["ETag"])))
    return True


# Tags and access lists


async def get_object_tagging(call: Call) -> Answer:
    call.check(Action.GET, call.bucket, call.key)
    record = await call.objects.get(call.bucket, call.key)
    tags = [{"Key": name, "Value": value} for name, value in record.description.tags]
    return Answer({"TagSet": tags})


async def put_object_tagging(call: Call) -> Answer:
    call.check(Action.PUT, call.bucket, call.key)
    given = call.members["Tagging"]["TagSet"]
    tags = tuple((str(tag["Key"]), str(tag["Value"])) for tag in given)
    await call.objects.tag(call.bucket, call.key, tags)
    return Answer()


async def delete_object_tagging(call: Call) -> Answer:
    call.check(Action.PUT, call.bucket, call.key)
    await call.objects.tag(call.bucket, call.key, ())
    return Answer(status=204)


async def get_object_acl(call: Call) -> Answer:
    call.check(Action.GET, call.bucket, call.key)
    await call.objects.get(call.bucket, call.key)
    return Answer(private(call))


async def put_object_acl(call: Call) -> Answer:
    call.check(Action.PUT, call.bucket, call.key)
    await call.objects.get(call.bucket, call.key)
    return Answer()


def private(call: Call) -> dict[str, Any]:
    """Return the one access list that there is: the account's own."""
    owner = shapes.owner(call)
    grant = {"Grantee": {**owner, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    return {"Owner": owner, "Grants": [grant]}
