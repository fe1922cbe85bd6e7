"""The body of a request on its way in: taken apart, held against its signature, never whole.

The signature of the head covers the body by a hash of it, by signatures of its chunks, or not at
all. Either way the bytes that come out are what the client meant, or the stream ends in a fault.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping

from starlette.requests import ClientDisconnect, Request

from jackbean.core.errors import Fault
from jackbean.ports.buckets import Checksum
from jackbean.services.objects import Incoming, faults
from jackbean.services.objects.incoming import Checked
from jackbean.wire.limits import LIMITS
from jackbean.wire.request import HttpRequest
from jackbean.wire.sigv4 import STREAMING, Verified

IDLE_S_MAX = 60.0  # between two pieces of a body
DRAINED_BYTES_MAX = 16 << 20  # read in vain, so that a client gets to reading why
DRAIN_S_MAX = 5.0
SIZE_DIGITS_MAX = 15
PREFIX = "x-amz-checksum-"


class Body:
    """What follows a head, read once."""

    def __init__(self, request: Request, http: HttpRequest, verified: Verified) -> None:
        self._request = request
        self._headers = http.headers
        self._payload = verified
        self._pieces = request.stream()
        self._begun = False
        self._ended = not _announced(http.headers)
        self._trailers: dict[str, str] = {}

    def incoming(self, *, required: bool) -> Incoming:
        """Return the body and what its headers say of it."""
        return Incoming(
            self._chunks(),
            self._size(required=required),
            self._headers.get("content-md5", ""),
            self._checksum(),
            lambda: self._trailers,
        )

    async def whole(self) -> bytes:
        """Return a body that is a document."""
        if self._ended:
            return b""
        body = Checked(self.incoming(required=False), LIMITS.xml_bytes_max)
        return b"".join([chunk async for chunk in body.chunks()])

    async def drained(self) -> bool:
        """Read on to the end if it is near; tell whether the connection can be used again.

        A client that waits to be told to go on has sent nothing, and reading would tell it.
        """
        if self._ended:
            return True
        if "expect" in self._headers and not self._begun:
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

    # What the head says

    def _size(self, *, required: bool) -> int | None:
        streaming = self._payload.payload in STREAMING
        name = "x-amz-decoded-content-length" if streaming else "content-length"
        text = self._headers.get(name)
        if text is None:
            if required:
                raise Fault(
                    "MissingContentLength", f"You must provide the {name} HTTP header.", 411
                )
            return None
        if not (text.isascii() and text.isdecimal() and len(text) <= SIZE_DIGITS_MAX):
            raise faults.argument(f"{name} must be a number of bytes.")
        return int(text)

    def _checksum(self) -> Checksum | None:
        """Return the checksum that the head gives or announces; its value may follow the body."""
        given = [name for name in self._headers if name.startswith(PREFIX)]
        names = [name.removeprefix(PREFIX) for name in given]
        names = [name for name in names if name not in ("type", "algorithm", "mode")]
        for trailer in self._headers.get("x-amz-trailer", "").lower().split(","):
            if trailer.strip().startswith(PREFIX):
                names.append(trailer.strip().removeprefix(PREFIX))
        if len(names) > 1:
            raise Fault(
                "InvalidRequest",
                "Expecting a single x-amz-checksum- header. "
                "Multiple checksum Types are not allowed.",
            )
        if not names:
            return None
        return Checksum(names[0].upper(), self._headers.get(PREFIX + names[0], ""))

    # The bytes

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
            if piece is None:
                self._ended = True
            elif piece:
                yield piece

    async def _chunks(self) -> AsyncIterator[bytes]:
        sha256 = hashlib.sha256()
        signed = len(self._payload.payload) == 64
        async for piece in self._raw():
            if signed:
                sha256.update(piece)
            yield piece
        if signed and sha256.hexdigest() != self._payload.payload:
            raise Fault(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )


def _announced(headers: Mapping[str, str]) -> bool:
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
