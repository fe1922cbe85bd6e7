"""What may pass between instances, the host and the world: one nf_tables table per installation.

The table is replaced whole in one transaction, so there is never a moment with half the rules.

    from an instance   to the host        only to the services named, and to name servers
                       to a neighbour     never (bridge ports are isolated as well)
                       to 169.254.0.0/16  never: a cloud's metadata service gives out credentials
                                          (instances have a route there that fails at once)
                       to the world       yes, under the host's address
    from the world     to an instance     answers only
    from the host      to an instance     port 80, where the load balancer comes in, ping, answers,
                                          and what the instance's security groups open
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from jackbean.core.openings import Opening
from jackbean.engines.process.addresses import WEB_PORT
from jackbean.engines.process.netlink import (
    ACK,
    APPEND,
    CREATE,
    attribute,
    big,
    exchange,
    message,
    nested,
    text,
)

NETLINK_NETFILTER = 12
SUBSYSTEM = 10
BATCH_BEGIN, BATCH_END = 0x10, 0x11
NEWTABLE, GETTABLE, DELTABLE, NEWCHAIN, GETCHAIN, NEWRULE = 0, 1, 2, 3, 4, 6
NFPROTO_INET, NFPROTO_IPV4 = 1, 2
FAMILY = struct.Struct("!BBH")  # family, version, resource

REG_VERDICT, REG_1 = 0, 1
META_NFPROTO, META_IIFNAME, META_OIFNAME, META_L4PROTO = 15, 6, 7, 16
EQUAL, UNEQUAL, AT_MOST, AT_LEAST = 0, 1, 3, 5
NETWORK_HEADER, TRANSPORT_HEADER = 1, 2
SOURCE, DESTINATION = 12, 16  # where an IPv4 header has its addresses
CT_STATE = 0
ESTABLISHED_OR_RELATED = 2 | 4
DROP, ACCEPT = 0, 1
REJECT_ICMPX, PORT_UNREACHABLE = 2, 1  # so that who calls hears at once that nobody is there
METADATA = IPv4Network("169.254.0.0/16")

HOOKS = {  # chain -> type, hook, priority
    "input": ("filter", 1, 0),
    "forward": ("filter", 2, 0),
    "calls": ("filter", 3, 0),  # of the host's own
    "output": ("nat", 3, -100),
    "postrouting": ("nat", 4, 100),
}

Expressions = tuple[bytes, ...]
Admitted = Sequence[tuple[IPv4Address, Opening]]  # at the addresses of instances


@dataclass(frozen=True)
class Service:
    """Something on the host that instances may reach."""

    address: IPv4Address
    port: int
    protocol: int = socket.IPPROTO_TCP


@dataclass(frozen=True)
class Rule:
    chain: str
    expressions: Expressions


def expression(name: str, *attributes: bytes) -> bytes:
    return nested(1, text(1, name), nested(2, *attributes))


def value(kind: int, data: bytes) -> bytes:
    return nested(kind, attribute(1, data))


def compare(data: bytes, how: int = EQUAL) -> bytes:
    return expression("cmp", big(1, REG_1), big(2, how), value(3, data))


def meta(key: int, data: bytes, how: int = EQUAL) -> Expressions:
    return expression("meta", big(1, REG_1), big(2, key)), compare(data, how)


def interface(key: int, name: str, how: int = EQUAL) -> Expressions:
    return meta(key, name.encode().ljust(16, b"\0"), how)


def payload(base: int, offset: int, size: int) -> bytes:
    return expression("payload", big(1, REG_1), big(2, base), big(3, offset), big(4, size))


def within(where: int, network: IPv4Network) -> Expressions:
    mask = expression(
        "bitwise",
        big(1, REG_1),
        big(2, REG_1),
        big(3, 4),
        value(4, network.netmask.packed),
        value(5, bytes(4)),
    )
    return (
        *meta(META_NFPROTO, bytes([NFPROTO_IPV4])),
        payload(NETWORK_HEADER, where, 4),
        mask,
        compare(network.network_address.packed),
    )


def over(protocol: int) -> Expressions:
    return meta(META_L4PROTO, bytes([protocol]))


def port(protocol: int, number: int) -> Expressions:
    return (
        *over(protocol),
        payload(TRANSPORT_HEADER, 2, 2),
        compare(struct.pack("!H", number)),
    )


def ports(opening: Opening) -> Expressions:
    if opening.protocol is None:
        return ()
    if opening.protocol not in {socket.IPPROTO_TCP, socket.IPPROTO_UDP}:
        return over(opening.protocol)
    return (
        *over(opening.protocol),
        payload(TRANSPORT_HEADER, 2, 2),
        compare(struct.pack("!H", opening.first), AT_LEAST),
        compare(struct.pack("!H", opening.last), AT_MOST),
    )


def answers() -> Expressions:
    """Match what belongs to a connection that was allowed."""
    state = struct.pack("=I", ESTABLISHED_OR_RELATED)
    return (
        expression("ct", big(1, REG_1), big(2, CT_STATE)),
        expression(
            "bitwise",
            big(1, REG_1),
            big(2, REG_1),
            big(3, 4),
            value(4, state),
            value(5, bytes(4)),
        ),
        compare(bytes(4), UNEQUAL),
    )


def verdict(code: int) -> bytes:
    return expression("immediate", big(1, REG_VERDICT), nested(2, nested(2, big(1, code))))


def rejection() -> bytes:
    code = attribute(2, bytes([PORT_UNREACHABLE]))
    return expression("reject", big(1, REJECT_ICMPX), code)


def rules(
    bridge: str, network: IPv4Network, services: Sequence[Service], admitted: Admitted = ()
) -> list[Rule]:
    """Return the rules in order."""
    inward, outward = interface(META_IIFNAME, bridge), interface(META_OIFNAME, bridge)
    allowed = [
        Rule(
            "input",
            (
                *inward,
                *within(DESTINATION, IPv4Network(service.address)),
                *port(service.protocol, service.port),
                verdict(ACCEPT),
            ),
        )
        for service in services
    ]
    return [
        Rule("input", (*inward, *answers(), verdict(ACCEPT))),
        *allowed,
        Rule("input", (*inward, verdict(DROP))),
        Rule("forward", (*outward, *answers(), verdict(ACCEPT))),
        Rule("forward", (*outward, verdict(DROP))),
        Rule("forward", (*inward, *within(DESTINATION, METADATA), verdict(DROP))),
        Rule(
            "postrouting",
            (
                *within(SOURCE, network),
                *interface(META_OIFNAME, bridge, UNEQUAL),
                expression("masq"),
            ),
        ),
        *_calls(bridge, network, admitted),
    ]


def _calls(bridge: str, network: IPv4Network, admitted: Admitted) -> list[Rule]:
    """Return the rules for what the host sends to instances."""
    to_any = (*interface(META_OIFNAME, bridge), *within(DESTINATION, network))
    allowed = [
        answers(),
        port(socket.IPPROTO_TCP, WEB_PORT),
        over(socket.IPPROTO_ICMP),
        *(
            (
                *within(DESTINATION, IPv4Network(address)),
                *within(SOURCE, opening.source),
                *ports(opening),
            )
            for address, opening in admitted
        ),
    ]
    accepting = [Rule("calls", (*to_any, *each, verdict(ACCEPT))) for each in allowed]
    return [*accepting, Rule("calls", (*to_any, rejection()))]


def turned(address: IPv4Address, outer: int, inner: int) -> Rule:
    """Return the rule by which this namespace's own requests to an address arrive on loopback."""
    load = expression("immediate", big(1, REG_1), nested(2, attribute(1, struct.pack("!H", inner))))
    return Rule(
        "output",
        (
            *within(DESTINATION, IPv4Network(address)),
            *port(socket.IPPROTO_TCP, outer),
            load,
            expression("redir", big(1, REG_1)),
        ),
    )


def _message(kind: int, flags: int, *attributes: bytes, family: int = NFPROTO_INET) -> bytes:
    return message(SUBSYSTEM << 8 | kind, flags, FAMILY.pack(family, 0, 0) + b"".join(attributes))


def _batch(requests: Sequence[bytes]) -> list[bytes]:
    marks = (BATCH_BEGIN, BATCH_END)
    begin, end = (message(kind, 0, FAMILY.pack(0, 0, SUBSYSTEM)) for kind in marks)
    return [begin, *requests, end]


def _chain(table: str, name: str) -> bytes:
    kind, hook, priority = HOOKS[name]
    return _message(
        NEWCHAIN,
        ACK | CREATE,
        text(1, table),
        text(3, name),
        nested(4, big(1, hook), big(2, priority)),
        big(5, ACCEPT),
        text(7, kind),
    )


def _rules(table: str, wanted: Sequence[Rule]) -> list[bytes]:
    """Return the requests; only the last is acknowledged, as thousands of answers have no room."""
    last = len(wanted) - 1
    return [
        _message(
            NEWRULE,
            CREATE | APPEND | (ACK if number == last else 0),
            *(text(1, table), text(2, rule.chain), nested(4, *rule.expressions)),
        )
        for number, rule in enumerate(wanted)
    ]


def install(table: str, wanted: Sequence[Rule]) -> None:
    """Put the table in place of the one of that name. Raises OSError without nf_tables."""
    exchange(
        NETLINK_NETFILTER,
        _batch(
            [
                _message(NEWTABLE, ACK | CREATE, text(1, table)),
                _message(DELTABLE, ACK, text(1, table)),
                _message(NEWTABLE, ACK | CREATE, text(1, table)),
                *(_chain(table, name) for name in sorted({rule.chain for rule in wanted})),
                *_rules(table, wanted),
            ]
        ),
    )


def remove(table: str) -> None:
    """Take the table away; one that is not there is away already."""
    exchange(
        NETLINK_NETFILTER,
        _batch([_message(DELTABLE, ACK, text(1, table))]),
        ignore=(errno.ENOENT,),
    )


def exists(table: str, chain: str = "", family: int = NFPROTO_INET) -> bool:
    """Return whether there is such a table, and such a chain in it."""
    body = (text(1, table), text(3, chain)) if chain else (text(1, table),)
    ask = _message(GETCHAIN if chain else GETTABLE, ACK, *body, family=family)
    try:
        exchange(NETLINK_NETFILTER, [ask])
    except OSError:
        return False
    return True
