"""Signing: requests of our own, and URLs that anyone may use for a while."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from jackbean.wire import canonical, timestamps
from jackbean.wire.canonical import ALGORITHM, UNSIGNED_PAYLOAD
from jackbean.wire.claims import (
    EXPIRES_S_MAX,
    QUERY_CREDENTIAL,
    QUERY_SIGNATURE,
    TOKEN_HEADER,
    Credential,
)
from jackbean.wire.request import Headers, HttpRequest

HASH_HEADER = "x-amz-content-sha256"


@dataclass(frozen=True, slots=True)
class Signer:
    """An access key and what it signs for."""

    access_key: str
    secret: str = field(repr=False)
    region: str = "local"
    service: str = "elasticbeanstalk"
    token: str | None = field(default=None, repr=False)

    def credential(self, timestamp: str) -> Credential:
        return Credential(self.access_key, timestamp[:8], self.region, self.service)


def sign(signer: Signer, request: HttpRequest, now: float) -> HttpRequest:
    """Return the request with the headers that sign it; it must have a `Host` header."""
    timestamp = timestamps.basic(now)
    payload = UNSIGNED_PAYLOAD if request.body is None else hashlib.sha256(request.body).hexdigest()
    added = [("x-amz-date", timestamp), (HASH_HEADER, payload)]
    if signer.token is not None:
        added.append((TOKEN_HEADER, signer.token))
    headers = request.headers.added(added)
    names = sorted(name for name in headers if name == "host" or name.startswith("x-amz-"))
    path = _signed_path(signer, request.path)
    query = canonical.query_of(canonical.query_pairs(request.query))
    lines = (names, canonical.header_lines(headers, names))
    text = canonical.request_of(request.method, path, query, lines, payload)
    credential = signer.credential(timestamp)
    value = (
        f"{ALGORITHM} Credential={signer.access_key}/{credential.scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={_signed(signer, timestamp, text)}"
    )
    signed = headers.added([("authorization", value)])
    return HttpRequest(request.method, request.path, request.query, signed, request.body)


def presign_url(signer: Signer, url: str, now: float, expires_s: int, method: str = "GET") -> str:
    """Return `url` with a signature in its query, valid for `expires_s` seconds.

    The URL is absolute, its path percent-encoded; a default port is dropped from it, as clients
    drop it from the `Host` header.
    """
    if not 0 < expires_s <= EXPIRES_S_MAX:
        raise ValueError(f"expires_s is {expires_s}, it must be 1 to {EXPIRES_S_MAX}")
    parts = urlsplit(url)
    host = _host(parts.scheme, parts.netloc)
    timestamp = timestamps.basic(now)
    given = {
        "X-Amz-Algorithm": ALGORITHM,
        QUERY_CREDENTIAL: f"{signer.access_key}/{signer.credential(timestamp).scope}",
        "X-Amz-Date": timestamp,
        "X-Amz-Expires": str(expires_s),
        "X-Amz-SignedHeaders": "host",
    }
    if signer.token is not None:
        given["X-Amz-Security-Token"] = signer.token
    query = canonical.query_of(canonical.query_pairs(parts.query) + canonical.encoded_pairs(given))
    path = parts.path or "/"
    headers = (("host",), canonical.header_lines(Headers({"host": host}), ("host",)))
    payload = UNSIGNED_PAYLOAD if signer.service == "s3" else canonical.EMPTY_SHA256
    text = canonical.request_of(method, _signed_path(signer, path), query, headers, payload)
    query += f"&{QUERY_SIGNATURE}={_signed(signer, timestamp, text)}"
    return urlunsplit((parts.scheme, host, path, query, ""))


def _host(scheme: str, netloc: str) -> str:
    host = netloc.rpartition("@")[2].lower()
    return host.removesuffix({"http": ":80", "https": ":443"}.get(scheme, ":"))


def _signed_path(signer: Signer, path: str) -> str:
    as_signed = canonical.single_path if signer.service == "s3" else canonical.double_path
    return as_signed(path)


def _signed(signer: Signer, timestamp: str, text: bytes) -> str:
    scope = signer.credential(timestamp).scope
    key = canonical.signing_key(signer.secret, timestamp[:8], signer.region, signer.service)
    return canonical.signature(key, canonical.string_to_sign(timestamp, scope, text))
