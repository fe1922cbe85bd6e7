"""Signature Version 4: who signed a request, and whether that is true.

Any region and any service name is accepted: clients make them up, and the signature covers what
they made up. A signature says nothing of a body that was not read: then `Verified.payload` is the
hash that was signed, and whoever streams the body compares it (see `payload`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from jackbean.wire import canonical, timestamps
from jackbean.wire.canonical import UNSIGNED_PAYLOAD
from jackbean.wire.claims import QUERY_SIGNATURE, Claim, Credential, dialect_of, find_claim
from jackbean.wire.errors import WireFault
from jackbean.wire.refusals import Dialect, Reason, refuse
from jackbean.wire.request import HttpRequest
from jackbean.wire.signing import HASH_HEADER, Signer, presign_url, sign

__all__ = (
    "Credential",
    "Signer",
    "Verified",
    "expired_token",
    "find_credential",
    "find_token",
    "presign_url",
    "sign",
    "unknown_key",
    "unsigned",
    "verify",
)

SKEW_S_MAX = 15 * 60
STREAMING_UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
STREAMING_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
STREAMING = frozenset((STREAMING_UNSIGNED, STREAMING_SIGNED, STREAMING_SIGNED_TRAILER))

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that holds, and what the check of a streamed body needs of it.

    `payload` is a SHA-256 in hexadecimal, `UNSIGNED-PAYLOAD` or one of `STREAMING`.
    """

    credential: Credential
    timestamp: str
    payload: str
    signature: str
    key: bytes = field(repr=False)


def find_credential(request: HttpRequest) -> Credential | None:
    """Return who a request claims to be from, `None` when it is not signed.

    Raises a `WireFault` for a signature that cannot be read.
    """
    claim = find_claim(request)
    return None if claim is None else claim.credential


def verify(
    request: HttpRequest,
    secret: str,
    now: float,
    *,
    token: str | None = None,
    skew_s_max: int = SKEW_S_MAX,
) -> Verified:
    """Check a request against the secret of its access key; raise a `WireFault` if it fails.

    `token` is the session token that belongs to a temporary key. The body is compared with the
    hash that was signed for it, unless it was not read (`None`).
    """
    claim = find_claim(request)
    if claim is None:
        raise unsigned(request)
    dialect = dialect_of(request, claim.credential)
    _check_time(claim, now, skew_s_max, dialect)
    verified = _check_signature(request, claim, secret, dialect)
    _check_token(claim, token, dialect)
    _check_headers(request, claim, dialect)
    _check_body(request, claim, verified, dialect)
    return verified


def unsigned(request: HttpRequest) -> WireFault:
    """Return the fault for a request that must be signed and is not."""
    return refuse(dialect_of(request, None), Reason.MISSING)


def anonymous(request: HttpRequest) -> Verified:
    """Return what stands for the signature of a request that has none: nothing but the body."""
    payload = request.headers.get(HASH_HEADER, "")
    covered = _SHA256.fullmatch(payload) or payload == STREAMING_UNSIGNED
    nobody = Credential("", "", "", "s3")
    return Verified(nobody, "", payload if covered else UNSIGNED_PAYLOAD, "", b"")


def find_token(request: HttpRequest) -> str | None:
    """Return the session token that a request comes with, `None` when there is none."""
    claim = find_claim(request)
    return None if claim is None else claim.token


def expired_token(request: HttpRequest, credential: Credential) -> WireFault:
    """Return the fault for temporary keys whose time is over: clients ask for new ones."""
    return refuse(dialect_of(request, credential), Reason.EXPIRED_TOKEN)


def unknown_key(request: HttpRequest, credential: Credential) -> WireFault:
    """Return the fault for an access key that nobody has."""
    return refuse(dialect_of(request, credential), Reason.UNKNOWN_KEY)


def _check_time(claim: Claim, now: float, skew_s_max: int, dialect: Dialect) -> None:
    try:
        signed_at = timestamps.parse(claim.timestamp).timestamp()
    except ValueError:
        raise refuse(dialect, Reason.MALFORMED, "the date does not exist.") from None
    if claim.timestamp[:8] != claim.credential.date:
        raise refuse(dialect, Reason.MISMATCH, "The date differs from that of the credential.")
    valid_s = skew_s_max if claim.expires_s is None else claim.expires_s
    if -skew_s_max <= now - signed_at <= valid_s:
        return
    told = f"It was signed at {claim.timestamp}, and here it is {timestamps.basic(now)}."
    early = signed_at - now > skew_s_max
    reason = Reason.SKEWED if early or claim.expires_s is None else Reason.EXPIRED
    raise refuse(dialect, reason, told)


def _check_signature(request: HttpRequest, claim: Claim, secret: str, dialect: Dialect) -> Verified:
    credential = claim.credential
    key = canonical.signing_key(secret, credential.date, credential.region, credential.service)
    headers = (claim.names, canonical.header_lines(request.headers, claim.names))
    query = canonical.query_of(canonical.query_pairs(request.query), without=QUERY_SIGNATURE)
    for path, payload in _readings(request, claim, dialect):
        text = canonical.request_of(request.method, path, query, headers, payload)
        expected = canonical.signature(
            key, canonical.string_to_sign(claim.timestamp, credential.scope, text)
        )
        if hmac.compare_digest(expected, claim.signature):
            return Verified(credential, claim.timestamp, payload, expected, key)
    raise refuse(dialect, Reason.MISMATCH)


def _readings(request: HttpRequest, claim: Claim, dialect: Dialect) -> Iterator[tuple[str, str]]:
    """Yield the paths and payloads that the signer may have meant."""
    paths = [canonical.single_path(request.path)]
    if claim.credential.service != "s3":  # signed as S3 signs when a client insists on `s3v4`
        paths = list(dict.fromkeys((canonical.double_path(request.path), *paths)))
    for payload in _payloads(request, claim, dialect):
        yield from ((path, payload) for path in paths)


def _payloads(request: HttpRequest, claim: Claim, dialect: Dialect) -> tuple[str, ...]:
    declared = request.headers.get(HASH_HEADER)
    if declared is not None:
        if not (
            declared in STREAMING or declared == UNSIGNED_PAYLOAD or _SHA256.fullmatch(declared)
        ):
            raise refuse(dialect, Reason.BAD_HASH)
        return (declared,)
    if claim.expires_s is None:
        if request.body is None:
            raise refuse(dialect, Reason.NO_HASH)
        return (_sha256(request.body),)
    if claim.credential.service == "s3" or not request.body:
        return (UNSIGNED_PAYLOAD, canonical.EMPTY_SHA256)
    return (_sha256(request.body),)


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _check_token(claim: Claim, token: str | None, dialect: Dialect) -> None:
    given = (claim.token or "").encode()
    if not hmac.compare_digest(given, (token or "").encode()):
        raise refuse(dialect, Reason.TOKEN)


def _check_headers(request: HttpRequest, claim: Claim, dialect: Dialect) -> None:
    """Refuse headers that AWS acts on and the signer did not send."""
    own = {name for name in request.headers if name.startswith("x-amz-")}
    unsigned_names = sorted(own - set(claim.names) - {HASH_HEADER})
    if unsigned_names:
        raise refuse(dialect, Reason.UNSIGNED_HEADERS, ", ".join(unsigned_names)[:200])


def _check_body(request: HttpRequest, claim: Claim, verified: Verified, dialect: Dialect) -> None:
    if request.body is None or not _SHA256.fullmatch(verified.payload):
        return
    if HASH_HEADER not in request.headers and claim.expires_s is None:
        return  # it is the body's own, and the signature covers it
    if not hmac.compare_digest(_sha256(request.body), verified.payload):
        raise refuse(dialect, Reason.BODY)
