"""How AWS refuses a request whose signature does not hold: a table of reasons and dialects.

Clients act on these codes: SDKs correct their clock on a skew, ask for new credentials on an
expired token, and the EB CLI shows every 403 as "Operation Denied".
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from jackbean.wire.errors import WireFault


class Reason(Enum):
    MISSING = auto()
    MALFORMED = auto()
    UNKNOWN_KEY = auto()
    TOKEN = auto()
    EXPIRED_TOKEN = auto()
    MISMATCH = auto()
    SKEWED = auto()
    EXPIRED = auto()
    UNSIGNED_HEADERS = auto()
    BODY = auto()
    NO_HASH = auto()
    BAD_HASH = auto()


class Dialect(Enum):
    """How errors are spelled: three families of services."""

    QUERY = auto()
    S3 = auto()
    JSON = auto()


class _Code(NamedTuple):
    code: str
    status: int


_MESSAGES = {
    Reason.MISSING: "The request is not signed. Configure an access key and its secret.",
    Reason.MALFORMED: "The signature is incomplete:",
    Reason.UNKNOWN_KEY: "No such access key exists here. Check AWS_ACCESS_KEY_ID or the profile.",
    Reason.TOKEN: "The session token does not belong to the access key, or is missing.",
    Reason.EXPIRED_TOKEN: "The security token included in the request is expired.",
    Reason.MISMATCH: (
        "The request signature we calculated does not match the signature you provided. "
        "Check the secret access key and the signing method."
    ),
    Reason.SKEWED: "The clocks are too far apart.",
    Reason.EXPIRED: "Request has expired.",
    Reason.UNSIGNED_HEADERS: "There were headers present in the request which were not signed:",
    Reason.BODY: "The body does not match the hash that was signed for it.",
    Reason.NO_HASH: "The header x-amz-content-sha256 is missing.",
    Reason.BAD_HASH: (
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- value or a SHA-256 in hex."
    ),
}

_CODES = {
    Dialect.QUERY: {
        Reason.MISSING: _Code("MissingAuthenticationToken", 403),
        Reason.MALFORMED: _Code("IncompleteSignature", 400),
        Reason.UNKNOWN_KEY: _Code("InvalidClientTokenId", 403),
        Reason.TOKEN: _Code("InvalidClientTokenId", 403),
        Reason.EXPIRED_TOKEN: _Code("ExpiredToken", 403),
        Reason.MISMATCH: _Code("SignatureDoesNotMatch", 403),
        Reason.SKEWED: _Code("SignatureDoesNotMatch", 403),
        Reason.EXPIRED: _Code("SignatureDoesNotMatch", 403),
        Reason.UNSIGNED_HEADERS: _Code("SignatureDoesNotMatch", 403),
        Reason.BODY: _Code("SignatureDoesNotMatch", 403),
        Reason.NO_HASH: _Code("IncompleteSignature", 400),
        Reason.BAD_HASH: _Code("IncompleteSignature", 400),
    },
    Dialect.S3: {
        Reason.MISSING: _Code("AccessDenied", 403),
        Reason.MALFORMED: _Code("AuthorizationHeaderMalformed", 400),
        Reason.UNKNOWN_KEY: _Code("InvalidAccessKeyId", 403),
        Reason.TOKEN: _Code("InvalidToken", 400),
        Reason.EXPIRED_TOKEN: _Code("ExpiredToken", 400),
        Reason.MISMATCH: _Code("SignatureDoesNotMatch", 403),
        Reason.SKEWED: _Code("RequestTimeTooSkewed", 403),
        Reason.EXPIRED: _Code("AccessDenied", 403),
        Reason.UNSIGNED_HEADERS: _Code("AccessDenied", 403),
        Reason.BODY: _Code("XAmzContentSHA256Mismatch", 400),
        Reason.NO_HASH: _Code("InvalidRequest", 400),
        Reason.BAD_HASH: _Code("InvalidArgument", 400),
    },
    Dialect.JSON: {
        Reason.MISSING: _Code("MissingAuthenticationTokenException", 400),
        Reason.MALFORMED: _Code("IncompleteSignatureException", 400),
        Reason.UNKNOWN_KEY: _Code("UnrecognizedClientException", 400),
        Reason.TOKEN: _Code("UnrecognizedClientException", 400),
        Reason.EXPIRED_TOKEN: _Code("ExpiredTokenException", 400),
        Reason.MISMATCH: _Code("InvalidSignatureException", 400),
        Reason.SKEWED: _Code("InvalidSignatureException", 400),
        Reason.EXPIRED: _Code("InvalidSignatureException", 400),
        Reason.UNSIGNED_HEADERS: _Code("InvalidSignatureException", 400),
        Reason.BODY: _Code("InvalidSignatureException", 400),
        Reason.NO_HASH: _Code("IncompleteSignatureException", 400),
        Reason.BAD_HASH: _Code("IncompleteSignatureException", 400),
    },
}


def refuse(dialect: Dialect, reason: Reason, detail: str = "") -> WireFault:
    """Return the fault for a signature that does not hold."""
    code, status = _CODES[dialect][reason]
    return WireFault(code, f"{_MESSAGES[reason]} {detail}".rstrip(), status)
