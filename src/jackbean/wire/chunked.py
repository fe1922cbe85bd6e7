r"""The `aws-chunked` encoding: a body in chunks, each perhaps signed; fields after the last.

    400;chunk-signature=9f86d0...\r\n <1024 bytes> \r\n
    0;chunk-signature=2c2620...\r\n
    x-amz-checksum-crc32:AAAAAA==\r\n
    x-amz-trailer-signature:d81f82...\r\n
    \r\n

It exists because a signature covers a body's hash, and a client that streams does not know it
yet: so each chunk is signed, chained to the one before. Payload comes out as it goes in, before
its chunk's signature is seen: trust none of it until `finish` has returned.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from jackbean.wire import canonical
from jackbean.wire.errors import WireFault

LINE_BYTES_MAX = 4096
TRAILERS_MAX = 16
_SIZE_DIGITS_MAX = 12
_SIGNATURE = "chunk-signature="
_TRAILER_SIGNATURE = "x-amz-trailer-signature"


class _State(Enum):
    HEAD = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILERS = auto()
    DONE = auto()


@dataclass(slots=True)
class Chain:
    """Signatures of chunks, each made with the one before; the first with the request's."""

    key: bytes = field(repr=False)
    timestamp: str
    scope: str
    previous: str

    def check_chunk(self, claimed: str, digest: str) -> None:
        """Raise a fault unless `claimed` signs a chunk of this SHA-256."""
        self._check("AWS4-HMAC-SHA256-PAYLOAD", claimed, (canonical.EMPTY_SHA256, digest))

    def check_trailers(self, claimed: str, lines: bytes) -> None:
        self._check("AWS4-HMAC-SHA256-TRAILER", claimed, (hashlib.sha256(lines).hexdigest(),))

    def _check(self, algorithm: str, claimed: str, digests: tuple[str, ...]) -> None:
        text = "\n".join((algorithm, self.timestamp, self.scope, self.previous, *digests))
        expected = canonical.signature(self.key, text.encode())
        if not hmac.compare_digest(expected.encode(), claimed.encode()):
            raise WireFault("SignatureDoesNotMatch", "A chunk is not what was signed.", 403)
        self.previous = expected


def _broken(message: str) -> WireFault:
    return WireFault("InvalidRequest", f"The aws-chunked body is broken: {message}.")


class Decoder:
    """Takes the encoding apart, fed with bytes as they come."""

    def __init__(self, chain: Chain | None = None, *, signed_trailers: bool = False) -> None:
        self.trailers: dict[str, str] = {}
        self._chain = chain
        self._signed_trailers = signed_trailers
        self._state = _State.HEAD
        self._line = bytearray()
        self._left = 0
        self._claimed = ""
        self._digest = hashlib.sha256()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the payload in `data`; exhaust it before feeding more."""
        at = 0
        while at < len(data):
            if self._state is _State.DATA:
                piece = data[at : at + self._left]
                at += len(piece)
                yield self._payload(piece)
            else:
                at = self._take_line(data, at)

    def finish(self) -> None:
        """Raise a fault unless the body is whole."""
        complete = self._state is _State.TRAILERS and not self._line  # the last CRLF is optional
        if complete:
            self._end_of_trailers()
        if self._state is not _State.DONE:
            raise WireFault("IncompleteBody", "The body ended within a chunk.")

    def _payload(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._chain is not None:
            self._digest.update(piece)
        if not self._left:
            self._state = _State.DATA_END
        return piece

    def _take_line(self, data: bytes, at: int) -> int:
        """Take up to the end of a line from `data`; return where it goes on."""
        end = data.find(b"\n", at)
        stop = len(data) if end < 0 else end + 1
        if len(self._line) + stop - at > LINE_BYTES_MAX:
            raise _broken(f"a line is longer than {LINE_BYTES_MAX} bytes")
        self._line += data[at:stop]
        if end >= 0:
            line = bytes(self._line).rstrip(b"\r\n").decode("latin-1")
            self._line.clear()
            self._on_line(line)
        return stop

    def _on_line(self, line: str) -> None:
        if self._state is _State.HEAD:
            self._on_head(line)
        elif self._state is _State.DATA_END:
            if line:
                raise _broken("a chunk is longer than its size")
            self._end_of_chunk()
        elif self._state is _State.TRAILERS:
            self._on_trailer(line)
        elif line:
            raise _broken("there is more after its end")

    def _on_head(self, line: str) -> None:
        size, _, extension = line.partition(";")
        if not 0 < len(size) <= _SIZE_DIGITS_MAX or size.strip("0123456789abcdefABCDEF"):
            raise _broken("a chunk has no size")
        self._left = int(size, 16)
        found = extension.strip().startswith(_SIGNATURE)
        self._claimed = extension.strip().removeprefix(_SIGNATURE) if found else ""
        if self._left:
            self._state = _State.DATA
            return
        self._end_of_chunk()
        self._state = _State.TRAILERS

    def _end_of_chunk(self) -> None:
        if self._chain is not None:
            self._chain.check_chunk(self._claimed, self._digest.hexdigest())
            self._digest = hashlib.sha256()
        self._state = _State.HEAD

    def _on_trailer(self, line: str) -> None:
        if not line:
            awaits_signature = self._signed_trailers and _TRAILER_SIGNATURE not in self.trailers
            if not (awaits_signature and self.trailers):  # some put an empty line before it
                self._end_of_trailers()
            return
        name, colon, value = line.partition(":")
        if not colon or len(self.trailers) >= TRAILERS_MAX:
            raise WireFault("MalformedTrailerError", "The fields after the body cannot be read.")
        self.trailers[name.strip().lower()] = value.strip()

    def _end_of_trailers(self) -> None:
        claimed = self.trailers.pop(_TRAILER_SIGNATURE, "")
        if self._chain is not None and self._signed_trailers:
            lines = "".join(f"{name}:{value}\n" for name, value in self.trailers.items())
            self._chain.check_trailers(claimed, lines.encode("latin-1"))
        self._state = _State.DONE
