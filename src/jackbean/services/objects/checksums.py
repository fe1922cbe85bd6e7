"""Checksums that clients send with bytes and ask for later.

A whole object has one of its bytes (FULL_OBJECT). One uploaded in parts has that too if the
algorithm is a CRC and the upload asked for it; else the checksum of its parts' checksums with "-N"
for the number of parts (COMPOSITE), as with ETags.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from jackbean.core.errors import Fault
from jackbean.ports.buckets import Checksum
from jackbean.services.objects import faults
from jackbean.services.objects.crc import CRC32C, CRC64NVME, Crc

FULL_OBJECT = "FULL_OBJECT"
COMPOSITE = "COMPOSITE"


class Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Crc32:
    """The one CRC that the standard library has, in the form of a hash."""

    def __init__(self) -> None:
        self._state = 0

    def update(self, data: bytes) -> None:
        self._state = zlib.crc32(data, self._state)

    def digest(self) -> bytes:
        return self._state.to_bytes(4, "big")


@dataclass(frozen=True)
class Algorithm:
    """`kinds` are those an upload in parts may ask for, the default first."""

    new: Callable[[], Hash]
    size: int
    kinds: tuple[str, ...]


def _md5() -> Hash:
    return hashlib.md5(usedforsecurity=False)


def _sha1() -> Hash:
    return hashlib.sha1(usedforsecurity=False)


ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType(
    {
        "CRC32": Algorithm(Crc32, 4, (COMPOSITE, FULL_OBJECT)),
        "CRC32C": Algorithm(lambda: Crc(CRC32C), 4, (COMPOSITE, FULL_OBJECT)),
        "CRC64NVME": Algorithm(lambda: Crc(CRC64NVME), 8, (FULL_OBJECT,)),
        "MD5": Algorithm(_md5, 16, (COMPOSITE,)),
        "SHA1": Algorithm(_sha1, 20, (COMPOSITE,)),
        "SHA256": Algorithm(hashlib.sha256, 32, (COMPOSITE,)),
        "SHA512": Algorithm(hashlib.sha512, 64, (COMPOSITE,)),
    }
)


def algorithm(name: str) -> Algorithm:
    """Return an algorithm by its name in any case, or raise a Fault."""
    found = ALGORITHMS.get(name.upper())
    if found is None:
        known = ", ".join(ALGORITHMS)
        raise Fault(
            "InvalidRequest", f"Checksum algorithm {name[:20]!r} is not known here; use {known}."
        )
    return found


def check(checksum: Checksum) -> None:
    """Raise a Fault unless the value is base64 of the right length."""
    size = algorithm(checksum.algorithm).size
    if len(decoded(checksum.value) or b"") != size:
        header = f"x-amz-checksum-{checksum.algorithm.lower()}"
        raise Fault("InvalidRequest", f"Value for {header} header is invalid.")


def decoded(text: str) -> bytes | None:
    """Return the bytes that base64 spells, or None."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def spelled(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def composite(name: str, parts: Sequence[Checksum | None]) -> Checksum:
    """Return the checksum of checksums."""
    total = algorithm(name).new()
    for part in parts:
        if part is None:
            raise faults.argument(f"A part has no {name} checksum; upload it again with one.")
        total.update(decoded(part.value) or b"")
    return Checksum(name, f"{spelled(total.digest())}-{len(parts)}", COMPOSITE)


def kind_of_upload(name: str, asked: str) -> str:
    """Return which kind of checksum an upload in parts gets; "" without an algorithm."""
    if not name:
        if asked:
            raise faults.argument("x-amz-checksum-type needs x-amz-checksum-algorithm.")
        return ""
    kinds = algorithm(name).kinds
    if asked and asked not in kinds:
        raise Fault(
            "InvalidRequest",
            f"The {asked[:20]} checksum type cannot be used with the {name.lower()} algorithm.",
        )
    return asked or kinds[0]
