"""Which service and operation a request is for: one endpoint serves them all.

The signature's scope names the service; two services that share a name (the classic load
balancers and their successors) are told apart by their API version. Without a signature the
version, the JSON target or the path decide: presigned and anonymous paths are S3's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_plus

from jackbean.wire import services, sigv4
from jackbean.wire.request import HttpRequest

QUERY, EC2, JSON, CBOR, REST = "query", "ec2", "json", "cbor", "rest-xml"

_NAME_CHARS_MAX = 128
_ACTION = re.compile(rb"(?:^|&)(?:Action|Operation)=([^&]*)")
_VERSION = re.compile(rb"(?:^|&)Version=([^&]*)")
_BUCKET_HOST = re.compile(
    r"([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.s3(?:\.dualstack)?(?:[.-][a-z0-9-]{1,30})?"
    r"\.amazonaws\.com(?::\d{1,5})?"
)
_RPC_PATH = re.compile(r"/service/([^/]{1,128})/operation/([^/]{1,128})")


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is for.

    `service` is botocore's name, or the name in the signature when botocore may not have it.
    `operation` is `None` for REST (see `restxml.resolve`) and when the request names none.
    """

    service: str
    operation: str | None
    version: str | None
    protocol: str


def identify(request: HttpRequest) -> Target:
    """Return what a request is for; raises a `WireFault` for a signature that cannot be read."""
    credential = sigv4.find_credential(request)
    signing_name = credential.service if credential else ""
    rpc = _RPC_PATH.fullmatch(request.path)
    if rpc and "smithy-protocol" in request.headers:
        return _named(signing_name, rpc[1], rpc[2], CBOR)
    target = request.headers.get("x-amz-target")
    if target is not None:
        prefix, _, operation = target[: 2 * _NAME_CHARS_MAX].rpartition(".")
        return _named(signing_name, prefix, operation, JSON)
    if signing_name == "s3":
        return Target("s3", None, None, REST)
    return _form_target(request, signing_name)


def is_object(request: HttpRequest) -> bool:
    """Return whether a request is S3's, by its head alone: its body can be huge, so stream it.

    Read the body of any other request, within the limits, before it is identified.
    """
    credential = sigv4.find_credential(request)
    if credential is not None:
        return credential.service == "s3"
    is_rpc = "x-amz-target" in request.headers or "smithy-protocol" in request.headers
    return not is_rpc and (request.path not in ("", "/") or bool(bucket_in_host(request)))


def bucket_in_host(request: HttpRequest) -> str:
    """Return the bucket that the host of a request names, as AWS has it; "" where it names none."""
    found = _BUCKET_HOST.fullmatch(request.headers.get("host", "").lower())
    return found[1] if found else ""


def _named(signing_name: str, prefix: str, operation: str, protocol: str) -> Target:
    by_name = services.BY_SIGNING_NAME.get(signing_name, signing_name)
    service = services.BY_TARGET_PREFIX.get(prefix, by_name)
    if signing_name and service != by_name:
        service = by_name  # what was signed for outweighs what a header says
    return Target(service, operation or None, None, protocol)


def _form_target(request: HttpRequest, signing_name: str) -> Target:
    """Return the target of a form, else S3: anything with a path of its own is an object's."""
    form = _form(request)
    operation, version = _parameter(_ACTION, form), _parameter(_VERSION, form)
    if not signing_name and (operation is None or request.path not in ("", "/")):
        return Target("s3", None, None, REST)
    service = _by_version(signing_name, version or "")
    protocol = EC2 if service in services.EC2_STYLE else QUERY
    return Target(service, operation, version, protocol)


def _by_version(signing_name: str, version: str) -> str:
    if not signing_name:
        return services.BY_VERSION.get(version, "")
    exact = services.BY_SIGNING_NAME_AND_VERSION.get((signing_name, version))
    return exact or services.BY_SIGNING_NAME.get(signing_name, signing_name)


def _form(request: HttpRequest) -> bytes:
    """Return the body when it is a form, else the query."""
    in_query = request.query.encode("latin-1", "replace")
    content_type = request.headers.get("content-type", "application/x-www-form-urlencoded")
    is_form = content_type.lower().startswith("application/x-www-form-urlencoded")
    if request.body and is_form and not _ACTION.search(in_query):
        return request.body
    return in_query


def _parameter(pattern: re.Pattern[bytes], form: bytes) -> str | None:
    found = pattern.search(form)
    if found is None:
        return None
    return unquote_plus(found[1][:_NAME_CHARS_MAX].decode("latin-1")) or None
