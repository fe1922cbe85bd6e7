"""Bytes on their way in, checked against what their sender said of them.

The checks run while the bytes pass, and a mismatch is raised at the end of the stream, inside the
write: so nothing that fails them is ever kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from jackbean.core.errors import Fault
from jackbean.ports.buckets import Checksum
from jackbean.services.objects import checksums, faults, limits
from jackbean.services.objects.checksums import Hash

NO_TRAILERS: Mapping[str, str] = MappingProxyType({})


def no_trailers() -> Mapping[str, str]:
    return NO_TRAILERS


@dataclass(frozen=True)
class Incoming:
    """A body and what was said of it.

    `size` is what was declared, None if unknown. `md5` is Content-MD5 as it came. `checksum` has
    the value "" where it comes in a trailer: `trailers` returns them once `chunks` has ended.
    """

    chunks: AsyncIterable[bytes]
    size: int | None = None
    md5: str = ""
    checksum: Checksum | None = None
    trailers: Callable[[], Mapping[str, str]] = no_trailers


@dataclass
class Checked:
    """An incoming body as `Blobs.put` takes it; `checksum` is known when it has passed.

    `compute` names an algorithm to compute where the sender gave no checksum.
    """

    incoming: Incoming
    size_max: int = limits.PUT_BYTES_MAX
    compute: str = ""
    checksum: Checksum | None = None
    _size: int = 0
    _hashes: dict[str, Hash] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse before the first byte what can be refused by its headers."""
        incoming = self.incoming
        if incoming.size is not None and incoming.size > self.size_max:
            raise too_large(self.size_max)
        if incoming.md5:
            if len(checksums.decoded(incoming.md5) or b"") != 16:
                raise Fault("InvalidDigest", "The Content-MD5 you specified was invalid.")
            self._hashes["Content-MD5"] = hashlib.md5(usedforsecurity=False)
        if incoming.checksum is not None:
            if incoming.checksum.value:
                checksums.check(incoming.checksum)
            self.compute = incoming.checksum.algorithm
        if self.compute:
            self._hashes[self.compute] = checksums.algorithm(self.compute).new()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Pass the body on. Raises a Fault at its end unless it is what it was said to be."""
        async for chunk in self.incoming.chunks:
            self._size += len(chunk)
            if self._size > self.size_max:
                raise too_large(self.size_max)
            for one in self._hashes.values():
                one.update(chunk)
            yield chunk
        self._check_size()
        self._check_md5()
        self._check_checksum()

    def _check_size(self) -> None:
        if self.incoming.size is not None and self._size != self.incoming.size:
            raise Fault(
                "IncompleteBody",
                f"You said the body has {self.incoming.size} bytes; {self._size} came.",
            )

    def _check_md5(self) -> None:
        if self.incoming.md5 and self._spelled("Content-MD5") != self.incoming.md5:
            raise Fault(
                "BadDigest", "The Content-MD5 you specified did not match what we received."
            )

    def _check_checksum(self) -> None:
        if not self.compute:
            return
        value, said = self._spelled(self.compute), self.incoming.checksum
        if said is not None and value != (said.value or self._trailing(said.algorithm)):
            raise Fault(
                "BadDigest",
                f"The {said.algorithm} you specified did not match the calculated checksum.",
            )
        self.checksum = Checksum(self.compute, value)

    def _trailing(self, name: str) -> str:
        header = f"x-amz-checksum-{name.lower()}"
        value = self.incoming.trailers().get(header, "")
        if not value:
            raise faults.argument(
                f"The trailer {header} that x-amz-trailer announced did not come."
            )
        return value

    def _spelled(self, name: str) -> str:
        return checksums.spelled(self._hashes[name].digest())


def too_large(size_max: int) -> Fault:
    return Fault(
        "EntityTooLarge",
        f"Your proposed upload exceeds the maximum allowed size: {size_max} bytes. "
        "Upload it in parts, or make it smaller.",
    )
