"""What is checked while a body streams by: its hash, its length and its checksums.

For bodies that are stored: the checksum headers of an upload speak of its body (those of completing
a multipart upload speak of the whole object). Feed a `Payload` what arrives, keep what comes out
aside, and let it count only once `finish` has returned: until then neither signature nor checksum
has been seen whole.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from jackbean.wire import checksums, chunked, sigv4
from jackbean.wire.errors import WireFault, quoted
from jackbean.wire.request import Headers, HttpRequest
from jackbean.wire.signing import HASH_HEADER

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NO_CHECKSUM = frozenset(("algorithm", "type", "mode"))  # headers of the prefix that are none


@dataclass(frozen=True, slots=True)
class Checked:
    """A body that is what its sender said: its size, and the checksums that were compared."""

    size: int
    checksums: dict[str, str] = field(default_factory=dict)


class Payload:
    """The checks of one body.

    `verified` is what the signature said of it, `None` for an anonymous request. A body larger
    than `size_max` is refused as soon as that is known.
    """

    def __init__(
        self, request: HttpRequest, verified: sigv4.Verified | None, *, size_max: int
    ) -> None:
        declared = request.headers.get(HASH_HEADER, "") if verified is None else verified.payload
        self._decoder = _decoder(declared, verified)
        self._length = _length(request.headers, decoded=self._decoder is not None)
        self._size_max = size_max
        self._size = 0
        self._sha256 = declared if _SHA256.fullmatch(declared) else None
        self._body_hash = hashlib.sha256()
        self._expected = _expected(request.headers)
        self._awaited = _awaited(request.headers) if self._decoder is not None else ()
        names = (*self._expected, *self._awaited)
        self._hashers = {name: checksums.ALGORITHMS[name]() for name in names}
        if self._length is not None and self._length > size_max:
            raise _too_large(size_max)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the payload in `data`; exhaust it before feeding more."""
        for piece in (data,) if self._decoder is None else self._decoder.feed(data):
            self._size += len(piece)
            if self._size > self._size_max:
                raise _too_large(self._size_max)
            if self._sha256 is not None:
                self._body_hash.update(piece)
            for hasher in self._hashers.values():
                hasher.update(piece)
            yield piece

    def finish(self) -> Checked:
        """Compare everything that was said of the body; raise a `WireFault` for what is untrue."""
        if self._decoder is not None:
            self._decoder.finish()
            self._expected.update(_in_trailers(self._decoder.trailers, self._awaited))
        if self._length is not None and self._size != self._length:
            told = f"{self._size} bytes came, and {self._length} were announced."
            raise WireFault("IncompleteBody", told)
        self._compare()
        return Checked(self._size, dict(self._expected))

    def _compare(self) -> None:
        if self._sha256 is not None:
            found = self._body_hash.hexdigest()
            if not hmac.compare_digest(found, self._sha256):
                message = "The body does not match the x-amz-content-sha256 that was signed."
                raise WireFault("XAmzContentSHA256Mismatch", message)
        for name, text in self._expected.items():
            if checksums.encoded(self._hashers[name].digest()) != text:
                raise WireFault(
                    "BadDigest", f"The {name.upper()} of the body is not {quoted(text)}."
                )


def content_encoding(header: str) -> str | None:
    """Return the encoding to keep of an object: `aws-chunked` was the transfer's alone."""
    kept = [part.strip() for part in header.split(",") if part.strip().lower() != "aws-chunked"]
    return ", ".join(kept) or None


def _too_large(size_max: int) -> WireFault:
    return WireFault("EntityTooLarge", f"The body is larger than {size_max} bytes.")


def _decoder(declared: str, verified: sigv4.Verified | None) -> chunked.Decoder | None:
    if declared not in sigv4.STREAMING:
        return None
    if declared == sigv4.STREAMING_UNSIGNED:
        return chunked.Decoder()
    if verified is None:
        raise WireFault("AccessDenied", "Signed chunks need a signed request.", 403)
    scope = verified.credential.scope
    chain = chunked.Chain(verified.key, verified.timestamp, scope, verified.signature)
    return chunked.Decoder(chain, signed_trailers=declared == sigv4.STREAMING_SIGNED_TRAILER)


def _length(headers: Headers, *, decoded: bool) -> int | None:
    name = "x-amz-decoded-content-length" if decoded else "content-length"
    text = headers.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise WireFault("InvalidArgument", f"{name} must be a number of bytes.")
    return int(text)


def _expected(headers: Headers) -> dict[str, str]:
    """Return the checksums that are in headers, by algorithm."""
    found = {
        _algorithm(name): text.strip()
        for name, text in headers.items()
        if name.startswith(checksums.HEADER_PREFIX)
        and name.removeprefix(checksums.HEADER_PREFIX) not in _NO_CHECKSUM
    }
    if "content-md5" in headers:
        found["md5"] = headers["content-md5"].strip()
    return found


def _awaited(headers: Headers) -> tuple[str, ...]:
    """Return the algorithms of the checksums that are to follow the body."""
    names = [name.strip().lower() for name in headers.get("x-amz-trailer", "").split(",")]
    return tuple(_algorithm(name) for name in names if name.startswith(checksums.HEADER_PREFIX))


def _algorithm(name: str) -> str:
    algorithm = name.removeprefix(checksums.HEADER_PREFIX)
    if algorithm not in checksums.ALGORITHMS:
        known = ", ".join(checksums.ALGORITHMS)
        text = f"The checksum {quoted(algorithm)} is not supported; use one of: {known}."
        raise WireFault("InvalidRequest", text)
    return algorithm


def _in_trailers(trailers: dict[str, str], awaited: tuple[str, ...]) -> dict[str, str]:
    found = {name: trailers.get(checksums.HEADER_PREFIX + name) for name in awaited}
    lacking = [name for name, text in found.items() if text is None]
    if lacking:
        message = f"The checksums announced in x-amz-trailer did not come: {', '.join(lacking)}."
        raise WireFault("MalformedTrailerError", message)
    return {name: text for name, text in found.items() if text is not None}
