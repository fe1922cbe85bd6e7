"""The canonical form of a request, which is what a signature covers.

Everything that means the same must give the same bytes, whatever the client or a proxy did to its
spelling: percent-encoding is undone and done again, query parameters are sorted, white space in
headers is folded. S3 encodes a path once; the other services encode it a second time and drop
empty and dotted segments first.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from jackbean.wire.request import Headers

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_UNRESERVED = "-_.~"


def request_of(
    method: str, path: str, query: str, headers: tuple[Iterable[str], bytes], payload: str
) -> bytes:
    """Join the parts, each in canonical form already; `headers` are names and their lines."""
    names, lines = headers
    return "\n".join((method, path, query, "")).encode() + b"\n".join(
        (lines, ";".join(names).encode(), payload.encode())
    )


def single_path(path: str) -> str:
    """Return the path as S3 signs it."""
    return quote_from_bytes(unquote_to_bytes(path.encode("latin-1")), safe="/" + _UNRESERVED)


def double_path(path: str) -> str:
    """Return the path as every other service signs it."""
    return quote_from_bytes(_without_dots(single_path(path)).encode(), safe="/" + _UNRESERVED)


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    tail = "/" if kept and path.endswith(("/", "/.", "/..")) else ""
    return "/" + "/".join(kept) + tail


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Return the parameters of a raw query, names and values in canonical encoding."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(_component(name), _component(value)) for name, _, value in pairs]


def encoded_pairs(values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return plain names and values in canonical encoding."""
    return [
        (quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED))
        for name, value in values.items()
    ]


def _component(raw: str) -> str:
    """Return one name or value in canonical encoding; a plus sign is a space, as in forms."""
    plain = unquote_to_bytes(raw.replace("+", " ").encode("latin-1"))
    return quote_from_bytes(plain, safe=_UNRESERVED)


def query_of(pairs: Iterable[tuple[str, str]], without: str | None = None) -> str:
    """Return the canonical query, sorted by name and then value."""
    return "&".join(f"{name}={value}" for name, value in sorted(pairs) if name != without)


def header_lines(headers: Headers, names: Iterable[str]) -> bytes:
    """Return a line for each signed header, white space folded and repeated ones joined."""
    return b"".join(
        name.encode("latin-1") + b":" + b",".join(_folded(headers.all(name))) + b"\n"
        for name in names
    )


def _folded(values: Iterable[str]) -> Iterable[bytes]:
    return (b" ".join(value.encode("latin-1").split()) for value in values)


def string_to_sign(timestamp: str, scope: str, request: bytes) -> bytes:
    digest = hashlib.sha256(request).hexdigest()
    return "\n".join((ALGORITHM, timestamp, scope, digest)).encode()


@lru_cache(256)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Return the key that a day's requests to one service in one region are signed with.

    Those at hand are kept: making one takes longer than checking a signature with it.
    """
    key = b"AWS4" + secret.encode()
    for part in (date, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(key: bytes, text: bytes) -> str:
    return hmac.digest(key, text, "sha256").hex()
