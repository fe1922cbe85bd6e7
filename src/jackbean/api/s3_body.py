"""The body of a request on its way in: taken apart and checked while it streams, never whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

from jackbean.core.errors import Fault
from jackbean.ports.buckets import Checksum
from jackbean.services.objects import Incoming, limits
from jackbean.services.objects.checksums import check, decoded
from jackbean.wire.errors import WireFault
from jackbean.wire.limits import LIMITS
from jackbean.wire.payload import Payload
from jackbean.wire.request import Headers, HttpRequest
from jackbean.wire.sigv4 import STREAMING, Verified

IDLE_S_MAX = 60.0  # between two pieces of a body
DRAINED_BYTES_MAX = 16 << 20  # read in vain, so that a client gets to reading why
DRAIN_S_MAX = 5.0
MD5_BYTES = 16
PREFIX = "x-amz-checksum-"
NO_CHECKSUMS = frozenset(("algorithm", "mode", "type"))  # headers with the prefix that are none


class Body:
    """What follows a head, read once: as bytes to keep, or as a document."""

    def __init__(self, request: Request, http: HttpRequest, verified: Verified) -> None:
        self._pieces = request.stream()
        self._http = http
        self._verified = verified
        self._begun = False
        self._ended = not _announced(http.headers)
        self._checksums: dict[str, str] = {}

    def incoming(self) -> Incoming:
        """Return bytes to keep. Raises Faults for what their headers say already."""
        headers = self._http.headers
        streaming = self._verified.payload in STREAMING
        name = "x-amz-decoded-content-length" if streaming else "content-length"
        if name not in headers:
            raise Fault("MissingContentLength", f"You must provide the {name} HTTP header.", 411)
        algorithm = _algorithm(headers)
        _check_spelling(headers, algorithm)
        payload = Payload(self._http, self._verified, size_max=limits.PUT_BYTES_MAX)

        def checked() -> Checksum | None:
            value = self._checksums.get(algorithm.lower())
            return Checksum(algorithm, value) if value else None

        return Incoming(self._chunks(payload), algorithm, checked)

    async def document(self, *, speaks_of_itself: bool) -> bytes:
        """Return a document; its checksum headers may speak of something else."""
        if self._ended:
            return b""
        http = self._http
        if not speaks_of_itself:
            plain = [pair for pair in http.headers.pairs if not pair[0].startswith(PREFIX)]
            http = HttpRequest(http.method, http.path, http.query, Headers(plain), None)
        payload = Payload(http, self._verified, size_max=LIMITS.xml_bytes_max)
        return b"".join([piece async for piece in self._chunks(payload)])

    async def drained(self) -> bool:
        """Read on to the end if it is near; tell whether the connection can be used again.

        A client that waits to be told to go on has sent nothing, and reading would tell it.
        """
        if self._ended:
            return True
        if "expect" in self._http.headers and not self._begun:
            return False
        left = DRAINED_BYTES_MAX
        try:
            async with asyncio.timeout(DRAIN_S_MAX):
                async for piece in self._raw():
                    left -= len(piece)
                    if left < 0:
                        return False
        except (TimeoutError, Fault, ClientDisconnect):
            return False
        return True

    async def _chunks(self, payload: Payload) -> AsyncIterator[bytes]:
        async for raw in self._raw():
            for piece in payload.feed(raw):
                yield piece
        self._checksums = payload.finish().checksums

    async def _raw(self) -> AsyncIterator[bytes]:
        self._begun = True
        while not self._ended:
            try:
                async with asyncio.timeout(IDLE_S_MAX):
                    piece = await anext(self._pieces, None)
            except TimeoutError:
                raise Fault(
                    "RequestTimeout",
                    "Your socket connection to the server was not read from or written to "
                    "within the timeout period.",
                ) from None
            self._ended = piece is None
            if piece:
                yield piece


def _announced(headers: Headers) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _algorithm(headers: Headers) -> str:
    """Return the algorithm of the one checksum that comes with a body or after it, or ""."""
    trailers = (name.strip().lower() for name in headers.get("x-amz-trailer", "").split(","))
    given = {name.removeprefix(PREFIX) for name in headers if name.startswith(PREFIX)}
    given |= {name.removeprefix(PREFIX) for name in trailers if name.startswith(PREFIX)}
    names = given - NO_CHECKSUMS
    if len(names) > 1:
        raise WireFault(
            "InvalidRequest",
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        )
    return next(iter(names), "").upper()


def _check_spelling(headers: Headers, algorithm: str) -> None:
    """Refuse digests that no bytes could have, before the bytes come."""
    if "content-md5" in headers and len(decoded(headers["content-md5"]) or b"") != MD5_BYTES:
        raise Fault("InvalidDigest", "The Content-MD5 you specified was invalid.")
    value = headers.get(PREFIX + algorithm.lower())
    if algorithm and value is not None:
        check(Checksum(algorithm, value))
