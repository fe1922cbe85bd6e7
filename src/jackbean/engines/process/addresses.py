"""Addresses and ports of instances: a block per installation, a slot per instance.

A block is derived from the installation's tag, so two installations on one machine rarely meet;
where they would, the next block is tried and the choice is kept. Slots are handed out in turn and
not at once again: the load balancer may still remember who had one.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

PER_ROW = 254  # last octets 1..254: 0 and 255 look like a network and a broadcast
PREFIX_LENGTH = 20
ROWS = 16
SLOTS = PER_ROW * ROWS
FIRST_SLOT = 10  # below are the gateway and room for services
WEB_PORT = 80  # of an instance with a network of its own: where the load balancer reaches it
APP_PORTS = range(10000, 30000)  # below the ports that systems give to outgoing connections
APP_PORTS_EACH = 200


@dataclass(frozen=True)
class Subnet:
    """A block of 4096 addresses; slot n stands for one of them."""

    network: IPv4Network

    def address(self, slot: int) -> IPv4Address:
        row, column = divmod(slot - 1, PER_ROW)
        return self.network.network_address + row * 256 + column + 1

    @property
    def gateway(self) -> IPv4Address:
        return self.address(1)


def loopback_blocks(tag: str) -> Iterator[Subnet]:
    """Yield blocks in 127.0.0.0/8, the tag's own first."""
    return _blocks(tag, 127, range(64, 192))


def private_blocks(tag: str) -> Iterator[Subnet]:
    """Yield blocks in 10.0.0.0/8, the tag's own first."""
    return _blocks(tag, 10, range(64, 192))


def _blocks(tag: str, first: int, seconds: range) -> Iterator[Subnet]:
    count = len(seconds) * ROWS
    start = int(tag, 16) % count
    for step in range(count):
        second, row = divmod((start + step) % count, ROWS)
        base = bytes([first, seconds[second], row * ROWS, 0])
        yield Subnet(IPv4Network((base, PREFIX_LENGTH)))


def free_private_block(tag: str) -> Subnet:
    """Return the first block that the machine has no route into."""
    routes = routed()
    return next(b for b in private_blocks(tag) if not any(map(b.network.overlaps, routes)))


def routed(table: Path = Path("/proc/net/route")) -> list[IPv4Network]:
    """Return the networks that the machine has routes to, without the default."""
    found = []
    for line in table.read_text().splitlines()[1:]:
        fields = line.split()
        target, mask = (struct.pack("=I", int(fields[n], 16)) for n in (1, 7))
        if any(mask):
            found.append(IPv4Network((target, str(IPv4Address(mask))), strict=False))
    return found


def next_slot(taken: Collection[int], last: int) -> int:
    """Return the first slot after `last` that is not taken, starting over at the end.

    Raises LookupError when all are taken.
    """
    span = SLOTS - FIRST_SLOT
    for step in range(1, span + 1):
        slot = FIRST_SLOT + (last - FIRST_SLOT + step) % span
        if slot not in taken:
            return slot
    raise LookupError(f"all {span} addresses of the installation are in use")


def app_ports(tag: str) -> Iterator[int]:
    """Yield ports for applications that share the host's network, the tag's own first."""
    start = int(tag, 16) % (len(APP_PORTS) // APP_PORTS_EACH) * APP_PORTS_EACH
    for step in range(len(APP_PORTS)):
        yield APP_PORTS[(start + step) % len(APP_PORTS)]


def bindable(host: str, port: int) -> bool:
    """Return whether nobody listens there."""
    with socket.socket() as sock, contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        return True
    return False
