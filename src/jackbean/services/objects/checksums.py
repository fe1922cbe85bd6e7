"""Checksums that clients send with bytes and ask for later.

A whole object has one of its bytes (FULL_OBJECT). One uploaded in parts has that too if the
algorithm is a CRC and the upload asked for it; else the checksum of its parts' checksums with "-N"
for the number of parts (COMPOSITE), as with ETags.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from jackbean.core.errors import Fault
from jackbean.ports.buckets import Checksum
from jackbean.services.objects import faults
from jackbean.wire import checksums as hashers

FULL_OBJECT = "FULL_OBJECT"
COMPOSITE = "COMPOSITE"


@dataclass(frozen=True)
class Algorithm:
    """`kinds` are those an upload in parts may ask for, the default first."""

    new: Callable[[], hashers.Hasher]
    size: int
    kinds: tuple[str, ...]


# AWS has one of the whole for CRCs only: those of parts can be combined.
KINDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "crc32": (COMPOSITE, FULL_OBJECT),
        "crc32c": (COMPOSITE, FULL_OBJECT),
        "crc64nvme": (FULL_OBJECT,),
    }
)
ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType(
    {
        name.upper(): Algorithm(new, len(new().digest()), KINDS.get(name, (COMPOSITE,)))
        for name, new in hashers.ALGORITHMS.items()
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


def composite(name: str, parts: Sequence[Checksum | None]) -> Checksum:
    """Return the checksum of checksums."""
    total = algorithm(name).new()
    for part in parts:
        if part is None:
            raise faults.argument(f"A part has no {name} checksum; upload it again with one.")
        total.update(decoded(part.value) or b"")
    return Checksum(name, f"{hashers.encoded(total.digest())}-{len(parts)}", COMPOSITE)


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
