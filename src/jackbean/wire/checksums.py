"""Checksums that clients send along with a body, by the name of their header.

CRC-32 is what botocore and the EB CLI send, and native; CRC-64/NVME is what the AWS CLI sends from
version 2 on. That and CRC-32C are not in the standard library (see `crc`).
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

from jackbean.wire.crc import CRC32C, CRC64NVME, Crc

HEADER_PREFIX = "x-amz-checksum-"


class Hasher(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


ALGORITHMS: Mapping[str, Callable[[], Hasher]] = {
    "crc32": _Crc32,
    "crc32c": lambda: Crc(CRC32C),
    "crc64nvme": lambda: Crc(CRC64NVME),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
}


def encoded(digest: bytes) -> str:
    """Return a digest as headers carry it."""
    return base64.b64encode(digest).decode("ascii")
