"""The installation's own network: a bridge, and for each instance a namespace on an isolated port.

Everything is made by "ensure" and carries the installation's tag in its name, so several
installations live side by side and what a crash left behind is recognised.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from jackbean.core.errors import PortError
from jackbean.engines.process import firewall, links, namespaces, resolvers
from jackbean.engines.process.addresses import Subnet
from jackbean.engines.process.firewall import Service

PREFIX = "jb"
BRIDGE = re.compile(PREFIX + "[0-9a-f]{6}")  # jb + tag; its ports are bridge-slot
INSIDE = "eth0"
CONF = Path("/proc/sys/net")
# Addresses that every instance has for itself alone: what is sent there never leaves it.
METADATA = IPv4Address("169.254.169.254")
METADATA_PORT = 61254  # where it arrives on loopback: port 80 is the application's to take whole
NAMES = IPv4Address("169.254.169.253")
OWN = (METADATA, NAMES)


@dataclass(frozen=True)
class Network:
    """`services` are what instances may reach on the host."""

    tag: str
    subnet: Subnet
    services: tuple[Service, ...] = ()
    walled: bool = True  # False where the kernel has no nf_tables

    @property
    def bridge(self) -> str:
        return PREFIX + self.tag

    @property
    def table(self) -> str:
        return f"jackbean-{self.tag}"

    def port(self, slot: int) -> str:
        return f"{self.bridge}-{slot:x}"

    def up(self) -> None:
        """Make sure of bridge, address, rules and forwarding. Raises PortError."""
        gateway = IPv4Interface((self.subnet.gateway, self.subnet.network.prefixlen))
        try:
            links.change(links.bridge(self.bridge), ignore=(errno.EEXIST,))
            _without_ipv6(self.bridge)
            index = links.index(self.bridge)
            links.change(links.address(index, gateway), ignore=(errno.EEXIST,))
            links.change(links.up(index))
            if self.walled:
                self.admit(())
                for name in (self.bridge, *uplinks()):
                    _forwarding(name).write_text("1")
        except OSError as error:
            raise PortError(f"network {self.bridge} ({self.subnet.network}): {error}") from error

    def admit(self, admitted: firewall.Admitted) -> None:
        """Put the rules in place: these openings, and no others. Raises OSError."""
        services = (*self.services, *resolvers.services())
        wanted = firewall.rules(self.bridge, self.subnet.network, services, admitted)
        firewall.install(self.table, wanted)

    def attach(self, slot: int) -> int:
        """Return a descriptor of a new namespace that has the slot's address; to be closed.

        Raises PortError.
        """
        netns = -1
        try:
            self.detach(slot)
            netns = namespaces.create()
            links.change(links.veth(self.port(slot), INSIDE, netns, links.index(self.bridge)))
            _without_ipv6(self.port(slot))
            links.change(links.isolate(links.index(self.port(slot))))
            namespaces.within(netns, lambda: self._furnish(slot))
        except OSError as error:
            if netns >= 0:
                os.close(netns)
            raise PortError(f"network port {self.port(slot)}: {error}") from error
        return netns

    def _furnish(self, slot: int) -> None:
        """In the new namespace: bring up loopback, address and route."""
        _without_ipv6(INSIDE)
        (CONF / "ipv4/ping_group_range").write_text("0 2147483647")  # ping for everybody
        own = IPv4Interface((self.subnet.address(slot), self.subnet.network.prefixlen))
        index = links.index(INSIDE)
        loopback = links.index("lo")
        links.change(
            links.up(loopback),
            *(links.address(loopback, IPv4Interface((each, 32))) for each in OWN),
            links.unreachable(firewall.METADATA),
            links.address(index, own),
            links.up(index),
            links.default_route(self.subnet.gateway),
        )
        if self.walled:
            firewall.install(self.table, [firewall.turned(METADATA, 80, METADATA_PORT)])

    def detach(self, slot: int) -> None:
        """Take a port away; one that is not there is away already."""
        links.change(links.remove(self.port(slot)), ignore=links.MISSING)

    def sweep(self, slots: Collection[int]) -> None:
        """Take away the ports of all slots but these."""
        keep = {self.port(slot) for slot in slots}
        for name in links.names():
            if name.startswith(self.bridge + "-") and name not in keep:
                links.change(links.remove(name), ignore=links.MISSING)

    def down(self, closed: Iterable[str] = ()) -> None:
        """Take all of it away, and forwarding from the uplinks that were `closed` before.

        It stays while another installation has a bridge here.
        """
        self.sweep(())
        if self.walled:
            firewall.remove(self.table)
        links.change(links.remove(self.bridge), ignore=links.MISSING)
        if not any(BRIDGE.fullmatch(name) for name in links.names()):
            for name in set(closed) & set(uplinks()):
                _forwarding(name).write_text("0")


def closed_uplinks() -> list[str]:
    """Return the uplinks that do not forward."""
    return [name for name in uplinks() if _forwarding(name).read_text().strip() == "0"]


def uplinks() -> list[str]:
    """Return the interfaces that lead to the world: those with a default route."""
    rows = (line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:])
    return sorted({row[0] for row in rows if row[1] == row[7] == "00000000"})


def _forwarding(name: str) -> Path:
    return CONF / "ipv4/conf" / name / "forwarding"


def _without_ipv6(name: str) -> None:
    """Keep an interface of this namespace to IPv4: the only one with rules of its own."""
    path = CONF / "ipv6/conf" / name / "disable_ipv6"
    if path.exists():
        path.write_text("1")
