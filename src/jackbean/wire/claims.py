"""Reading a signature: what a request claims about who sent it.

A claim comes in the `Authorization` header or, presigned, in the query. It is read strictly:
what cannot be read is refused here, and everything after works with whole values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from jackbean.wire import canonical, timestamps
from jackbean.wire.canonical import ALGORITHM, TERMINATOR
from jackbean.wire.errors import WireFault, quoted
from jackbean.wire.refusals import Dialect, Reason, refuse
from jackbean.wire.request import HttpRequest

EXPIRES_S_MAX = 7 * 24 * 3600
TOKEN_HEADER = "x-amz-security-token"  # noqa: S105  the name of a header
QUERY_CREDENTIAL = "X-Amz-Credential"
QUERY_SIGNATURE = "X-Amz-Signature"

_SIGNED_NAMES_MAX = 64
_TIMESTAMP = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAMES = re.compile(r"[!-:<-@\[-~]+(?:;[!-:<-@\[-~]+)*")  # no capitals


@dataclass(frozen=True, slots=True)
class Credential:
    """What a signature claims: a key, and the day, region and service that it was made for."""

    access_key: str
    date: str
    region: str
    service: str

    @property
    def scope(self) -> str:
        return "/".join((self.date, self.region, self.service, TERMINATOR))


@dataclass(frozen=True, slots=True)
class Claim:
    """A signature as it came, in a header or in the query."""

    credential: Credential
    names: tuple[str, ...]
    signature: str
    timestamp: str
    token: str | None = field(repr=False)
    expires_s: int | None  # only of a presigned query


def dialect_of(request: HttpRequest, credential: Credential | None) -> Dialect:
    if "x-amz-target" in request.headers or "smithy-protocol" in request.headers:
        return Dialect.JSON
    if credential is None:
        return Dialect.QUERY if request.path in ("", "/") else Dialect.S3
    return Dialect.S3 if credential.service == "s3" else Dialect.QUERY


def find_claim(request: HttpRequest) -> Claim | None:
    """Return the claim of a request, `None` when it makes none.

    It is asked for several times on the way in, and read once.
    """
    claim: Claim | None
    headers, query, claim = request.known.get("claim", (None, None, None))
    if headers is not request.headers or query is not request.query:
        claim = _find_claim(request)
        request.known["claim"] = (request.headers, request.query, claim)
    return claim


def _find_claim(request: HttpRequest) -> Claim | None:
    header = request.headers.get("authorization")
    given = dict(canonical.query_pairs(request.query))
    in_query = QUERY_CREDENTIAL in given or QUERY_SIGNATURE in given
    if header is None:
        return _from_query(request, given) if in_query else None
    if in_query:
        raise _incomplete(request, "give it in the header or in the query, not in both.")
    return _from_header(request, header)


def _incomplete(request: HttpRequest, what: str, credential: Credential | None = None) -> WireFault:
    return refuse(dialect_of(request, credential), Reason.MALFORMED, what)


def _from_header(request: HttpRequest, header: str) -> Claim:
    algorithm, _, rest = header.strip().partition(" ")
    if algorithm != ALGORITHM:
        raise _incomplete(request, f"{quoted(algorithm)} is not supported; use {ALGORITHM}.")
    parts = dict(_part(text) for text in rest.split(","))
    credential = _credential(request, parts.get("Credential", ""))
    return Claim(
        credential,
        _signed_names(request, credential, parts.get("SignedHeaders", "")),
        _signature(request, credential, parts.get("Signature", "")),
        _header_timestamp(request, credential),
        request.headers.get(TOKEN_HEADER),
        None,
    )


def _part(text: str) -> tuple[str, str]:
    name, _, value = text.strip().partition("=")
    return name, value


def _from_query(request: HttpRequest, encoded: Mapping[str, str]) -> Claim:
    given = {unquote(name): unquote(value) for name, value in encoded.items()}
    credential = _credential(request, given.get(QUERY_CREDENTIAL, ""))
    if given.get("X-Amz-Algorithm") != ALGORITHM:
        raise _incomplete(request, f"X-Amz-Algorithm must be {ALGORITHM}.", credential)
    timestamp = given.get("X-Amz-Date", "")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise _incomplete(request, "X-Amz-Date must be like 20260102T030405Z.", credential)
    return Claim(
        credential,
        _signed_names(request, credential, given.get("X-Amz-SignedHeaders", "")),
        _signature(request, credential, given.get(QUERY_SIGNATURE, "")),
        timestamp,
        given.get("X-Amz-Security-Token"),
        _expires(request, credential, given.get("X-Amz-Expires", "")),
    )


def _expires(request: HttpRequest, credential: Credential, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise _incomplete(request, "X-Amz-Expires must be a number of seconds.", credential)
    if int(text) > EXPIRES_S_MAX:
        raise _incomplete(request, "X-Amz-Expires must not exceed seven days.", credential)
    return int(text)


def _credential(request: HttpRequest, text: str) -> Credential:
    parts = text.rsplit("/", 4)  # an access key may hold slashes, a scope may not
    if len(parts) != 5 or parts[4] != TERMINATOR or not all(parts):
        raise _incomplete(request, "Credential must be KEY/YYYYMMDD/REGION/SERVICE/aws4_request.")
    return Credential(*parts[:4])


def _signed_names(request: HttpRequest, credential: Credential, text: str) -> tuple[str, ...]:
    names = tuple(text.split(";"))
    if not _NAMES.fullmatch(text) or len(names) > _SIGNED_NAMES_MAX or "host" not in names:
        raise _incomplete(request, "SignedHeaders must name host and other headers.", credential)
    return names


def _signature(request: HttpRequest, credential: Credential, text: str) -> str:
    if not _SHA256.fullmatch(text):
        raise _incomplete(request, "Signature must be 64 hexadecimal digits.", credential)
    return text


def _header_timestamp(request: HttpRequest, credential: Credential) -> str:
    given = request.headers.get("x-amz-date") or request.headers.get("date", "")
    if _TIMESTAMP.fullmatch(given):
        return given
    try:
        return timestamps.parse(given).strftime("%Y%m%dT%H%M%SZ")
    except ValueError:
        raise _incomplete(
            request, "X-Amz-Date must be like 20260102T030405Z.", credential
        ) from None
