"""Bridges, veth pairs, addresses and routes: rtnetlink requests as pure functions."""

from __future__ import annotations

import errno
import socket
import struct
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from jackbean.engines.process.netlink import (
    ACK,
    CREATE,
    EXCL,
    attribute,
    exchange,
    message,
    nested,
    number,
    text,
)

NETLINK_ROUTE = 0
NEWLINK, DELLINK, SETLINK, NEWADDR, NEWROUTE = 16, 17, 19, 20, 24
IFF_UP = 1
IFLA_IFNAME, IFLA_MASTER, IFLA_PROTINFO, IFLA_LINKINFO, IFLA_NET_NS_FD = 3, 10, 12, 18, 28
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
IFLA_BR_FORWARD_DELAY, IFLA_BR_STP_STATE = 1, 5
IFLA_BRPORT_ISOLATED = 33
VETH_INFO_PEER = 1
IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST = 1, 2, 4
RTA_GATEWAY = 5
RTA_DST = 1
RT_TABLE_MAIN, RTPROT_STATIC, RTN_UNICAST, RTN_UNREACHABLE = 254, 4, 1, 7

LINK = struct.Struct("=BxHiII")  # family, type, index, flags, which flags change
ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
ROUTE = struct.Struct("=BBBBBBBBI")  # family, two lengths, tos, table, origin, scope, type, flags

MISSING = (errno.ENODEV, errno.ENOENT)


def _link(index: int = 0, *, up: bool = False, family: int = socket.AF_UNSPEC) -> bytes:
    flags = IFF_UP if up else 0
    return LINK.pack(family, 0, index, flags, flags)


def bridge(name: str) -> bytes:
    return message(
        NEWLINK,
        ACK | CREATE | EXCL,
        _link() + text(IFLA_IFNAME, name) + nested(IFLA_LINKINFO, text(IFLA_INFO_KIND, "bridge")),
    )


def veth(name: str, peer: str, netns: int, master: int) -> bytes:
    """Return the request for a pair: `name` here, up, on a bridge; `peer` in another namespace."""
    other = _link() + text(IFLA_IFNAME, peer) + number(IFLA_NET_NS_FD, netns)
    info = text(IFLA_INFO_KIND, "veth") + nested(IFLA_INFO_DATA, nested(VETH_INFO_PEER, other))
    body = _link(up=True) + text(IFLA_IFNAME, name) + number(IFLA_MASTER, master)
    return message(NEWLINK, ACK | CREATE | EXCL, body + nested(IFLA_LINKINFO, info))


def up(index: int) -> bytes:
    return message(NEWLINK, ACK, _link(index, up=True))


def isolate(index: int) -> bytes:
    """Return the request that keeps a bridge's port from the other isolated ports."""
    flag = nested(IFLA_PROTINFO, attribute(IFLA_BRPORT_ISOLATED, b"\1"))
    return message(SETLINK, ACK, _link(index, family=socket.AF_BRIDGE) + flag)


def remove(name: str) -> bytes:
    return message(DELLINK, ACK, _link() + text(IFLA_IFNAME, name))


def address(index: int, interface: IPv4Interface) -> bytes:
    body = ADDRESS.pack(socket.AF_INET, interface.network.prefixlen, 0, 0, index)
    own, broadcast = interface.ip.packed, interface.network.broadcast_address.packed
    return message(
        NEWADDR,
        ACK | CREATE,
        body
        + attribute(IFA_LOCAL, own)
        + attribute(IFA_ADDRESS, own)
        + attribute(IFA_BROADCAST, broadcast),
    )


def default_route(gateway: IPv4Address) -> bytes:
    body = ROUTE.pack(socket.AF_INET, 0, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, 0, RTN_UNICAST, 0)
    return message(NEWROUTE, ACK | CREATE, body + attribute(RTA_GATEWAY, gateway.packed))


def unreachable(network: IPv4Network) -> bytes:
    """Return the route by which every attempt to reach a network fails at once."""
    body = ROUTE.pack(
        *(socket.AF_INET, network.prefixlen, 0, 0),
        *(RT_TABLE_MAIN, RTPROT_STATIC, 0, RTN_UNREACHABLE, 0),
    )
    return message(
        NEWROUTE, ACK | CREATE, body + attribute(RTA_DST, network.network_address.packed)
    )


def change(*requests: bytes, ignore: tuple[int, ...] = ()) -> None:
    """Have the kernel do them, in the network namespace of the calling thread."""
    for request in requests:  # one by one: a batch would go on after a refusal
        exchange(NETLINK_ROUTE, [request], ignore=ignore)


def index(name: str) -> int:
    """Return a link's number in this thread's namespace. Raises OSError where there is none."""
    return socket.if_nametoindex(name)


def names() -> list[str]:
    return [name for _, name in socket.if_nameindex()]
