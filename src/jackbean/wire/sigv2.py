"""URLs of object storage signed the old way: boto3 and the AWS CLI still make them by default.

Only presigned queries, only for S3: `AWSAccessKeyId`, `Expires` (seconds since the epoch) and
`Signature`, an HMAC-SHA1 over method, a few headers and the path with the query keys that matter.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

from jackbean.wire.canonical import UNSIGNED_PAYLOAD
from jackbean.wire.claims import EXPIRES_S_MAX, TOKEN_HEADER, Credential
from jackbean.wire.refusals import Dialect, Reason, refuse
from jackbean.wire.request import HttpRequest
from jackbean.wire.route import bucket_in_host
from jackbean.wire.sigv4 import Verified

# Query keys that say what is done, and so are part of what is signed.
SIGNED_KEYS = frozenset(
    {
        "accelerate",
        "acl",
        "cors",
        "defaultObjectAcl",
        "delete",
        "lifecycle",
        "location",
        "logging",
        "notification",
        "partNumber",
        "policy",
        "replication",
        "requestPayment",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
        "restore",
        "storageClass",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "website",
    }
)
PAIRS_MAX = 200


@dataclass(frozen=True, slots=True)
class Claim:
    """What a URL claims: who signed it, until when, the signature, and a temporary key's token."""

    access_key: str
    expires: str
    signature: str
    token: str | None = field(default=None, repr=False)


def find_claim(request: HttpRequest) -> Claim | None:
    """Return the claim in a URL, None where there is none."""
    found = {key: unquote(value) for key, value in _pairs(request)}
    names = ("AWSAccessKeyId", "Expires", "Signature")
    if "authorization" in request.headers or not all(name in found for name in names):
        return None
    access_key, expires, signature = (found[name] for name in names)
    return Claim(access_key, expires, signature, found.get(TOKEN_HEADER))


def verify(request: HttpRequest, claim: Claim, secret: str, now: float) -> Verified:
    """Check a URL against the secret of its access key; raise a WireFault if it fails.

    It covers no body and no other query keys, so it proves nothing but a request to S3.
    """
    if not claim.expires.isdecimal() or len(claim.expires) > 12:
        raise refuse(Dialect.S3, Reason.MALFORMED, "Expires is a number of seconds.")
    if not now <= int(claim.expires) <= now + EXPIRES_S_MAX:
        raise refuse(Dialect.S3, Reason.EXPIRED)
    text = _string_to_sign(request, claim).encode("latin-1", "replace")
    digest = hmac.new(secret.encode(), text, hashlib.sha1).digest()
    if not hmac.compare_digest(base64.b64encode(digest).decode(), claim.signature):
        raise refuse(Dialect.S3, Reason.MISMATCH)
    credential = Credential(claim.access_key, "", "", "s3")
    return Verified(credential, "", UNSIGNED_PAYLOAD, claim.signature, b"")


def _string_to_sign(request: HttpRequest, claim: Claim) -> str:
    headers = request.headers
    amz = {name: value.strip() for name, value in headers.items() if name.startswith("x-amz-")}
    if claim.token is not None:
        amz[TOKEN_HEADER] = claim.token  # given in the query, signed as the header it stands for
    return "\n".join(
        [
            request.method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            claim.expires,
            *(f"{name}:{amz[name]}" for name in sorted(amz)),
            _resource(request),
        ]
    )


def _resource(request: HttpRequest) -> str:
    kept = sorted(
        (key, unquote_plus(value)) for key, value in _pairs(request) if key in SIGNED_KEYS
    )
    parts = [f"{key}={value}" if value else key for key, value in kept]
    bucket = bucket_in_host(request)  # which is part of what is signed, wherever it is said
    path = f"/{bucket}{request.path}" if bucket else request.path
    return f"{path}?{'&'.join(parts)}" if parts else path


def _pairs(request: HttpRequest) -> list[tuple[str, str]]:
    parts = request.query.split("&", PAIRS_MAX)[:PAIRS_MAX]
    return [(key, value) for key, _, value in (part.partition("=") for part in parts)]
