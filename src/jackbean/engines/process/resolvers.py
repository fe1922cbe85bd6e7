"""How instances with a network of their own find names: by servers that they can reach."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path

from jackbean.engines.process.firewall import Service

# The second one names the real servers where the first one names a stub on loopback.
FILES = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))
DNS_PORT = 53


def servers(files: Sequence[Path] = FILES) -> tuple[IPv4Address, ...]:
    """Return the name servers of the first file that has any beyond loopback."""
    for file in files:
        if found := _reachable(_read(file)):
            return found
    return ()


def services() -> tuple[Service, ...]:
    """Return the servers as what instances may reach, in case that one is on this very host."""
    return tuple(
        Service(server, DNS_PORT, protocol)
        for server in servers()
        for protocol in (socket.IPPROTO_UDP, socket.IPPROTO_TCP)
    )


def configuration(*, own_network: bool, first: Sequence[str] = ()) -> str:
    """Return the text of an instance's resolv.conf; `first` are servers before the machine's."""
    text = _read(FILES[0])
    if not own_network:
        return text
    kept = [line for line in text.splitlines() if line.startswith(("search", "options"))]
    every = [*first, *servers()]
    return "\n".join([*(f"nameserver {server}" for server in every), *kept, ""])


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def _reachable(text: str) -> tuple[IPv4Address, ...]:
    found = []
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            with contextlib.suppress(AddressValueError):  # IPv6: instances have none
                found.append(IPv4Address(words[1]))
    return tuple(server for server in found if not server.is_loopback)
