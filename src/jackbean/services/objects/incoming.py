"""Bytes on their way in, and the checksums that are made of them while they pass.

Whoever hands bytes in has them checked: what does not hold is raised at the end of the stream,
inside the write, so that nothing that fails is ever kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass

from jackbean.ports.buckets import Checksum
from jackbean.services.objects import checksums, faults
from jackbean.wire.checksums import encoded


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Incoming:
    """A body. `chunks` raises at its end unless the bytes are what their sender said.

    `algorithm` is that of the checksum which the sender gave, "" without one; `checked` returns
    that checksum, once `chunks` has ended and it is known to hold.
    """

    chunks: AsyncIterable[bytes]
    algorithm: str = ""
    checked: Callable[[], Checksum | None] = _nothing


@dataclass
class Passing:
    """A body with a checksum of our own: `algorithm`, unless that was checked already.

    `expected` is what it must be. `checksum` is known when the body has passed.
    """

    incoming: Incoming
    algorithm: str = ""
    expected: Checksum | None = None
    checksum: Checksum | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Pass the body on. Raises the Fault BadDigest at its end."""
        name = self.algorithm
        if name in ("", self.incoming.algorithm):
            async for chunk in self.incoming.chunks:
                yield chunk
            self.checksum = self.incoming.checked()
            return
        hasher = checksums.algorithm(name).new()
        async for chunk in self.incoming.chunks:
            hasher.update(chunk)
            yield chunk
        self.checksum = Checksum(name, encoded(hasher.digest()))
        if self.expected is not None and self.expected.value != self.checksum.value:
            raise faults.bad_digest(name)
