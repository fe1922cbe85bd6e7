"""Operations on buckets, and lists of what is in them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jackbean.api import s3_shapes as shapes
from jackbean.api.s3_call import Answer, Call
from jackbean.api.s3_objects import private
from jackbean.core.errors import Fault
from jackbean.ports.buckets import Upload
from jackbean.services.objects import ListQuery, faults, limits
from jackbean.services.objects.access import Action


async def list_buckets(call: Call) -> Answer:
    call.check(Action.MANAGE, "")
    prefix, after = call.text("Prefix"), _resumed(call.text("ContinuationToken"))
    found = [
        bucket
        for bucket in await call.objects.buckets()
        if bucket.name.startswith(prefix) and bucket.name > after
    ]
    most = call.members.get("MaxBuckets") or limits.BUCKETS_MAX
    if most < 1:
        raise faults.argument("max-buckets must be 1 or more.")
    shown = found[:most]
    return Answer(
        {
            "Owner": shapes.owner(call),
            "Buckets": [{"Name": one.name, "CreationDate": one.created} for one in shown],
            "Prefix": prefix or None,
            "ContinuationToken": _token(shown[-1].name) if len(found) > len(shown) else None,
        }
    )


async def create_bucket(call: Call) -> Answer:
    call.check(Action.MANAGE, call.bucket)
    await call.objects.create_bucket(call.bucket)
    return Answer({"Location": f"/{call.bucket}"})


async def head_bucket(call: Call) -> Answer:
    call.check(Action.LIST, call.bucket)
    await call.objects.bucket(call.bucket)
    return Answer({"BucketRegion": call.objects.installation.region})


async def delete_bucket(call: Call) -> Answer:
    call.check(Action.MANAGE, call.bucket)
    await call.objects.delete_bucket(call.bucket)
    return Answer(status=204)


async def get_bucket_location(call: Call) -> Answer:
    call.check(Action.LIST, call.bucket)
    await call.objects.bucket(call.bucket)
    region = call.objects.installation.region
    return Answer({"LocationConstraint": "" if region == "us-east-1" else region})


async def get_bucket_versioning(call: Call) -> Answer:
    """Answer that no version but the present one is kept."""
    call.check(Action.LIST, call.bucket)
    await call.objects.bucket(call.bucket)
    return Answer()


async def get_bucket_acl(call: Call) -> Answer:
    call.check(Action.MANAGE, call.bucket)
    await call.objects.bucket(call.bucket)
    return Answer(private(call))


async def put_bucket_acl(call: Call) -> Answer:
    call.check(Action.MANAGE, call.bucket)
    await call.objects.bucket(call.bucket)
    return Answer()


# Policies


async def get_bucket_policy(call: Call) -> Answer:
    call.check(Action.MANAGE, call.bucket)
    bucket = await call.objects.bucket(call.bucket)
    if not bucket.policy:
        raise Fault("NoSuchBucketPolicy", "The bucket policy does not exist", 404)
    return Answer({"Policy": bucket.policy})


async def put_bucket_policy(call: Call) -> Answer:
    call.check(Action.MANAGE, call.bucket)
    policy = call.text("Policy")
    if not policy:
        raise faults.malformed_policy("It is empty.")
    await call.objects.set_policy(call.bucket, policy)
    return Answer(status=204)


async def delete_bucket_policy(call: Call) -> Answer:
    call.check(Action.MANAGE, call.bucket)
    await call.objects.set_policy(call.bucket, "")
    return Answer(status=204)


# Lists


async def list_objects(call: Call) -> Answer:
    call.check(Action.LIST, call.bucket)
    query = replace(_query(call, "MaxKeys"), after=call.text("Marker"))
    page = await call.objects.list(call.bucket, query)
    encode, owner = shapes.encoding(call.text("EncodingType")), shapes.owner(call)
    told = _told(call, query, "MaxKeys") | {
        "IsTruncated": page.truncated,
        "Marker": encode(query.after),
        "Contents": [shapes.element(record, encode, owner) for record in page.items],
        "CommonPrefixes": [{"Prefix": encode(prefix)} for prefix in page.prefixes],
    }
    if page.truncated and query.delimiter:
        told["NextMarker"] = encode(page.last)
    return Answer(told)


async def list_objects_v2(call: Call) -> Answer:
    call.check(Action.LIST, call.bucket)
    token, start = call.text("ContinuationToken"), call.text("StartAfter")
    query = replace(_query(call, "MaxKeys"), after=_resumed(token) or start)
    page = await call.objects.list(call.bucket, query)
    encode = shapes.encoding(call.text("EncodingType"))
    owner = shapes.owner(call) if call.members.get("FetchOwner") else None
    told = _told(call, query, "MaxKeys") | {
        "IsTruncated": page.truncated,
        "KeyCount": len(page.items) + len(page.prefixes),
        "Contents": [shapes.element(record, encode, owner) for record in page.items],
        "CommonPrefixes": [{"Prefix": encode(prefix)} for prefix in page.prefixes],
        "ContinuationToken": token or None,
        "StartAfter": encode(start) if start else None,
        "NextContinuationToken": _token(page.last) if page.truncated else None,
    }
    return Answer(told)


async def list_multipart_uploads(call: Call) -> Answer:
    call.check(Action.LIST, call.bucket)
    after, after_id = call.text("KeyMarker"), call.text("UploadIdMarker")
    query = replace(_query(call, "MaxUploads"), after=after)
    if after and after_id:
        query = replace(query, after_id=after_id)
    page = await call.uploads.list(call.bucket, query)
    encode, owner = shapes.encoding(call.text("EncodingType")), shapes.owner(call)
    told = _told(call, query, "MaxUploads", "Bucket") | {
        "IsTruncated": page.truncated,
        "KeyMarker": encode(after),
        "UploadIdMarker": after_id,
        "Uploads": [_upload(upload, encode, owner) for upload in page.items],
        "CommonPrefixes": [{"Prefix": encode(prefix)} for prefix in page.prefixes],
    }
    if page.truncated:
        last_is_key = bool(page.items) and page.items[-1].key == page.last
        told["NextKeyMarker"] = encode(page.last)
        told["NextUploadIdMarker"] = page.items[-1].id if last_is_key else ""
    return Answer(told)


def _upload(upload: Upload, encode: shapes.Encode, owner: Mapping[str, str]) -> dict[str, Any]:
    """Return an unfinished upload as an element of a list."""
    return {
        "UploadId": upload.id,
        "Key": encode(upload.key),
        "Initiated": upload.initiated,
        "StorageClass": shapes.STORAGE_CLASS,
        "Owner": owner,
        "Initiator": owner,
        "ChecksumAlgorithm": upload.algorithm or None,
        "ChecksumType": upload.kind or None,
    }


def _query(call: Call, most: str) -> ListQuery:
    limit = call.members.get(most)
    limit = limits.PAGE_MAX if limit is None else min(limit, limits.PAGE_MAX)
    return ListQuery(call.text("Prefix"), call.text("Delimiter"), limit=limit)


def _told(call: Call, query: ListQuery, most: str, name: str = "Name") -> dict[str, Any]:
    """Return what a list says of the request that it answers."""
    encode = shapes.encoding(call.text("EncodingType"))
    return {
        name: call.bucket,
        "Prefix": encode(query.prefix),
        "Delimiter": encode(query.delimiter) if query.delimiter else None,
        most: query.limit,
        "EncodingType": call.text("EncodingType") or None,
    }


def _token(last: str) -> str:
    """Return what goes on after an entry; opaque to clients, and safe in a URL."""
    return base64.urlsafe_b64encode(last.encode()).decode()


def _resumed(token: str) -> str:
    """Return the entry that a token stands for, "" without one."""
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except ValueError:  # not base64, or no UTF-8 in it
        raise faults.argument("The continuation token provided is incorrect") from None
