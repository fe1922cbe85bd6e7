"""Object storage as S3 speaks: which operation, whether it may, and what is answered.

The caller of `handle` has found out that a request is S3's and who signed its head. The body is
checked here, while it streams by.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from jackbean.api import s3_buckets, s3_objects, s3_uploads
from jackbean.api.s3_body import Body
from jackbean.api.s3_call import Answer, Call, Caller, Context
from jackbean.core.errors import Fault, PortError
from jackbean.services.objects import faults
from jackbean.services.objects.access import Action
from jackbean.wire import restxml
from jackbean.wire.errors import WireFault
from jackbean.wire.request import HttpRequest
from jackbean.wire.route import bucket_in_host

__all__ = ["Caller", "Context", "handle"]

Handler = Callable[[Call], Awaitable[Answer]]

log = logging.getLogger("jackbean.api")

OPERATIONS: Mapping[str, Handler] = MappingProxyType(
    {
        "AbortMultipartUpload": s3_uploads.abort_multipart_upload,
        "CompleteMultipartUpload": s3_uploads.complete_multipart_upload,
        "CopyObject": s3_objects.copy_object,
        "CreateBucket": s3_buckets.create_bucket,
        "CreateMultipartUpload": s3_uploads.create_multipart_upload,
        "DeleteBucket": s3_buckets.delete_bucket,
        "DeleteBucketPolicy": s3_buckets.delete_bucket_policy,
        "DeleteObject": s3_objects.delete_object,
        "DeleteObjectTagging": s3_objects.delete_object_tagging,
        "DeleteObjects": s3_objects.delete_objects,
        "GetBucketAcl": s3_buckets.get_bucket_acl,
        "GetBucketLocation": s3_buckets.get_bucket_location,
        "GetBucketPolicy": s3_buckets.get_bucket_policy,
        "GetBucketVersioning": s3_buckets.get_bucket_versioning,
        "GetObject": s3_objects.get_object,
        "GetObjectAcl": s3_objects.get_object_acl,
        "GetObjectAttributes": s3_objects.get_object_attributes,
        "GetObjectTagging": s3_objects.get_object_tagging,
        "HeadBucket": s3_buckets.head_bucket,
        "HeadObject": s3_objects.head_object,
        "ListBuckets": s3_buckets.list_buckets,
        "ListMultipartUploads": s3_buckets.list_multipart_uploads,
        "ListObjects": s3_buckets.list_objects,
        "ListObjectsV2": s3_buckets.list_objects_v2,
        "ListParts": s3_uploads.list_parts,
        "PutBucketAcl": s3_buckets.put_bucket_acl,
        "PutBucketPolicy": s3_buckets.put_bucket_policy,
        "PutObject": s3_objects.put_object,
        "PutObjectAcl": s3_objects.put_object_acl,
        "PutObjectTagging": s3_objects.put_object_tagging,
        "UploadPart": s3_uploads.upload_part,
        "UploadPartCopy": s3_uploads.upload_part_copy,
    }
)

STREAMED = frozenset(("PutObject", "UploadPart"))
ABOUT_OBJECTS = frozenset(("CompleteMultipartUpload",))  # checksums in the head are not the body's

# What no bucket here has, and what S3 says of a bucket that has none.
ABSENT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "GetBucketCors": ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
        "GetBucketEncryption": (
            "ServerSideEncryptionConfigurationNotFoundError",
            "The server side encryption configuration was not found",
        ),
        "GetBucketLifecycleConfiguration": (
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
        ),
        "GetBucketOwnershipControls": (
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
        ),
        "GetBucketTagging": ("NoSuchTagSet", "The TagSet does not exist"),
        "GetBucketWebsite": (
            "NoSuchWebsiteConfiguration",
            "The specified bucket does not have a website configuration",
        ),
        "GetPublicAccessBlock": (
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        ),
    }
)

# Members that would change what happens, and what they ask for that is not here. Those that S3
# takes and we can leave out without anybody noticing (storage classes, payers) are not listed.
REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "AccessControlPolicy": "An access control list",
        "CopySourceSSECustomerAlgorithm": "Encryption with a customer's key",
        "GrantFullControl": "An access control list",
        "GrantRead": "An access control list",
        "GrantReadACP": "An access control list",
        "GrantWrite": "An access control list",
        "GrantWriteACP": "An access control list",
        "IfMatchLastModifiedTime": "Deleting on the condition of a date",
        "IfMatchSize": "Deleting on the condition of a size",
        "ObjectLockEnabledForBucket": "Object lock",
        "ObjectLockLegalHoldStatus": "Object lock",
        "ObjectLockMode": "Object lock",
        "ObjectLockRetainUntilDate": "Object lock",
        "SSECustomerAlgorithm": "Encryption with a customer's key",
        "ServerSideEncryption": "Server-side encryption",
        "WebsiteRedirectLocation": "A website's redirect",
        "WriteOffsetBytes": "Appending to an object",
    }
)
PRIVATE = frozenset(("", "private", "bucket-owner-full-control", "bucket-owner-read"))


async def handle(request: Request, context: Context) -> Response:
    """Answer one request. Raises ClientDisconnect only."""
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    target = (raw, request.scope["query_string"])
    http = HttpRequest.received(request.method, target, request.scope["headers"], None)
    if bucket := bucket_in_host(http):
        http = replace(http, path=f"/{bucket}{http.path}")
    body = Body(request, http, context.caller.verified)
    try:
        return await _answered(http, body, context)
    except ClientDisconnect:
        raise
    except Exception as error:
        fault = _told(error, http, context.request_id)
        return _refused(fault, http, context.request_id, keep_alive=await body.drained())


async def _answered(http: HttpRequest, body: Body, context: Context) -> Response:
    operation = restxml.resolve(context.model, http)
    handler = _absent if operation in ABSENT else OPERATIONS.get(operation)
    if handler is None:
        raise faults.not_implemented(f"The operation {operation}")
    whole = None
    if operation not in STREAMED:
        whole = await body.document(speaks_of_itself=operation not in ABOUT_OBJECTS)
    members = restxml.parse(context.model, operation, replace(http, body=whole)).members
    call = Call(operation, members, http, body.incoming, context)
    _check(call)
    answer = await handler(call)
    return _response(answer, call)


async def _absent(call: Call) -> Answer:
    call.check(Action.LIST, call.bucket)
    await call.objects.bucket(call.bucket)
    code, message = ABSENT[call.operation]
    raise Fault(code, message, 404)


def _check(call: Call) -> None:
    """Refuse what would be taken for done if it were ignored."""
    for member in call.members.keys() & REFUSED.keys():
        raise faults.not_implemented(f"{REFUSED[member]} ({member})")
    if call.text("ACL") not in PRIVATE:
        raise faults.not_implemented(f"The access control list {call.text('ACL')[:40]!r}")
    if call.text("VersionId") not in ("", "null"):
        raise faults.no_such_version()
    owner = call.text("ExpectedBucketOwner")
    if owner and owner != call.objects.installation.account:
        raise Fault("AccessDenied", "The bucket belongs to another account than expected.", 403)


def _response(answer: Answer, call: Call) -> Response:
    request_id = call.context.request_id
    written = restxml.serialize(call.context.model, call.operation, answer.result, request_id)
    headers = {name: value.strip() for name, value in written.headers}
    for name, value in answer.headers.items():
        headers[name] = restxml.header_value(value).strip()
    status = answer.status or written.status
    if answer.body is not None:
        return StreamingResponse(answer.body, status, headers)
    return Response(written.body, status, headers)


# What goes wrong


def _told(error: Exception, http: HttpRequest, request_id: str) -> WireFault:
    """Return the fault that an error is answered with; what is not the caller's is logged."""
    extras = {"Resource": http.path[:1024]}
    match error:
        case WireFault():
            return WireFault(error.code, error.message, error.status, extras=extras)
        case Fault():
            return WireFault(error.code, error.message, error.status, extras=extras)
        case PortError():
            log.warning("request %s: %s", request_id, error)
            return WireFault("ServiceUnavailable", f"Try again: {error}", 503, extras=extras)
        case _:
            log.exception("request %s failed", request_id, exc_info=error)
            message = f"We encountered an internal error; the log has it as {request_id}."
            return WireFault("InternalError", message, 500, extras=extras)


def _refused(fault: WireFault, http: HttpRequest, request_id: str, *, keep_alive: bool) -> Response:
    headers = {"x-amz-request-id": request_id}
    if not keep_alive:
        headers["connection"] = "close"
    if http.method == "HEAD":
        return Response(b"", fault.status, headers)
    content = restxml.error(fault, request_id)
    return Response(content, fault.status, headers, media_type="application/xml")
