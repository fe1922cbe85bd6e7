"""WebSocket frames, as much of RFC 6455 as a conversation in short texts needs."""

from __future__ import annotations

import asyncio
import struct

TEXT, CLOSE = 0x1, 0x8
MASK = b"\1\2\3\4"  # a client must mask; nobody says that it must be hard to guess
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPTED = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # what a server answers to that key
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\n"
)
# Closes that tell a client to come again: done, going away, service restart.
FAIR_CLOSES = {1000, 1001, 1012}


def masked(opcode: int, payload: bytes) -> bytes:
    """Return one frame of a client, of less than 126 bytes."""
    body = bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + MASK + body


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return the opcode and payload of a server's frame. Raises IncompleteReadError."""
    first, length = await reader.readexactly(2)
    if length >= 126:
        raise ValueError("a frame is longer than anybody was asked to send")
    return first & 0x0F, await reader.readexactly(length)


def close_code(payload: bytes) -> int:
    return int(struct.unpack("!H", payload[:2])[0]) if len(payload) >= 2 else 1005
