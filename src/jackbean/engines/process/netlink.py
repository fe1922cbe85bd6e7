"""Speak netlink: requests are bytes made by pure functions, sent in one piece, each answered.

The kernel's own interface to links, addresses, routes and packet filters needs no program on the
machine (`ip`, `nft` and `iptables` are often not there) and does a whole rule set in one
transaction. Two families use this: `links` and `firewall`.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Sequence

HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, port
ATTRIBUTE = struct.Struct("=HH")
ERROR = struct.Struct("=i")

REQUEST, ACK, EXCL, CREATE, APPEND = 0x1, 0x4, 0x200, 0x400, 0x800
NESTED = 0x8000
NLMSG_ERROR = 2
ANSWER_BYTES = 1 << 16
SO_SNDBUFFORCE = 32  # a piece larger than what sockets of the machine usually hold


def attribute(kind: int, value: bytes) -> bytes:
    """Return one attribute, padded to four bytes."""
    size = ATTRIBUTE.size + len(value)
    return ATTRIBUTE.pack(size, kind) + value + bytes(-size % 4)


def nested(kind: int, *attributes: bytes) -> bytes:
    return attribute(kind | NESTED, b"".join(attributes))


def text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def number(kind: int, value: int) -> bytes:
    """Return an attribute of 32 bits in the machine's order, as rtnetlink has them."""
    return attribute(kind, struct.pack("=I", value))


def big(kind: int, value: int) -> bytes:
    """Return an attribute of 32 bits in network order, as nf_tables has them."""
    return attribute(kind, struct.pack("!i" if value < 0 else "!I", value))


def message(kind: int, flags: int, body: bytes) -> bytes:
    """Return a request; its place in the batch becomes its sequence number when it is sent."""
    return HEADER.pack(HEADER.size + len(body), kind, flags | REQUEST, 0, 0) + body


def exchange(protocol: int, messages: Sequence[bytes], *, ignore: Iterable[int] = ()) -> None:
    """Send requests in one piece and wait until each that asks for it is acknowledged.

    Raises OSError with the kernel's number for the first that is refused otherwise than `ignore`.
    The socket belongs to the network namespace that the calling thread is in.
    """
    wanted = {
        sequence
        for sequence, request in enumerate(messages, 1)
        if HEADER.unpack_from(request)[2] & ACK
    }
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol) as sock:
        sock.settimeout(10)
        sock.bind((0, 0))
        piece = b"".join(_numbered(m, n) for n, m in enumerate(messages, 1))
        if len(piece) >= sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2:
            sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 2 * len(piece))
        sock.send(piece)
        while wanted:
            for sequence, errno in answers(sock.recv(ANSWER_BYTES)):
                if errno and errno not in ignore:
                    raise OSError(errno, os.strerror(errno))
                wanted.discard(sequence)


def _numbered(request: bytes, sequence: int) -> bytes:
    size, kind, flags, _, port = HEADER.unpack_from(request)
    return HEADER.pack(size, kind, flags, sequence, port) + request[HEADER.size :]


def answers(data: bytes) -> Iterable[tuple[int, int]]:
    """Yield (sequence, errno) of each acknowledgement; errno 0 is success."""
    offset = 0
    while offset + HEADER.size <= len(data):
        size, kind, _, sequence, _ = HEADER.unpack_from(data, offset)
        if kind == NLMSG_ERROR:
            yield sequence, -ERROR.unpack_from(data, offset + HEADER.size)[0]
        offset += max(HEADER.size, size + -size % 4)
