"""Checksums that clients send along with a body, by the name of their header.

CRC-32C and CRC-64/NVME are not in the standard library; a table of 256 entries and a loop do them
at some 10 MB/s, which suits what sends them (SDKs with native code, for single requests). The
default of botocore and the EB CLI is CRC-32, which is native.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Protocol

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


class _ReflectedCrc:
    """A CRC whose bits run from the lowest, starting from and ending with all ones."""

    def __init__(self, polynomial: int, bits: int) -> None:
        self._table = _table(polynomial)
        self._ones = (1 << bits) - 1
        self._value = self._ones

    def update(self, data: bytes, /) -> None:
        value, table = self._value, self._table
        for byte in data:
            value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
        self._value = value

    def digest(self) -> bytes:
        size = self._ones.bit_length() // 8
        return (self._value ^ self._ones).to_bytes(size, "big")


@cache
def _table(polynomial: int) -> tuple[int, ...]:
    return tuple(_entry(byte, polynomial) for byte in range(256))


def _entry(value: int, polynomial: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (polynomial if value & 1 else 0)
    return value


ALGORITHMS: Mapping[str, Callable[[], Hasher]] = {
    "crc32": _Crc32,
    "crc32c": lambda: _ReflectedCrc(0x82F63B78, 32),
    "crc64nvme": lambda: _ReflectedCrc(0x9A6C9329AC4BC9B5, 64),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
}


def encoded(digest: bytes) -> str:
    """Return a digest as headers carry it."""
    return base64.b64encode(digest).decode("ascii")
