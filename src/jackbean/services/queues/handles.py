"""Receipt handles: which message was handed out, the how-manieth time, and a mark of ours.

A handle needs no row: it says all by itself, and nobody else can make one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct

from jackbean.ports.queues import Receipt
from jackbean.services.queues import faults
from jackbean.services.queues.limits import HANDLE_CHARS_MAX

_PARTS = struct.Struct(">QQI")
_MARK_BYTES = 16


class Handles:
    """`key` is a secret of the installation."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def handle(self, queue: int, receipt: Receipt) -> str:
        parts = _PARTS.pack(queue, receipt.number, receipt.receives)
        return base64.urlsafe_b64encode(parts + self._mark(parts)).decode()

    def receipt(self, queue: int, handle: str) -> Receipt:
        """Return what a handle stands for. Raises the Fault for what is no handle of this queue."""
        read = self.read(handle)
        if read is None or read[0] != queue:
            raise faults.bad_handle(handle)
        return read[1]

    def read(self, handle: str) -> tuple[int, Receipt] | None:
        """Return the key of a queue and what a handle stands for there; None for none of ours."""
        parts = _unpacked(handle)
        if parts is None:
            return None
        told, mark = parts[: _PARTS.size], parts[_PARTS.size :]
        if not hmac.compare_digest(mark, self._mark(told)):
            return None
        queue, number, receives = _PARTS.unpack(told)
        return queue, Receipt(number, receives)

    def _mark(self, parts: bytes) -> bytes:
        return hmac.digest(self._key, parts, hashlib.sha256)[:_MARK_BYTES]


def _unpacked(handle: str) -> bytes | None:
    if len(handle) > HANDLE_CHARS_MAX:
        return None
    try:
        parts = base64.b64decode(handle, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return parts if len(parts) == _PARTS.size + _MARK_BYTES else None
