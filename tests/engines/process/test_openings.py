"""What the host reaches of an instance: its web port, and what somebody has opened."""

from __future__ import annotations

import json
import os
import socket
from contextlib import closing
from ipaddress import IPv4Address, IPv4Network

import pytest
from tests.engines.process.conftest import MakeRig
from tests.engines.process.rig import MODES, Rig, answers, ask, eventually

from jackbean.core.openings import Opening
from jackbean.engines.process import firewall, namespaces
from jackbean.ports.engine import Address

TCP, UDP = socket.IPPROTO_TCP, socket.IPPROTO_UDP
EVERYBODY = IPv4Network("0.0.0.0/0")
as_root = pytest.mark.parametrize("mode", [m for m in MODES if m == "root"])
# Listens on TCP 5000 to 5002 and on UDP 5000, and answers with what it hears.
LISTENING = """
import socket, threading
def echo(line):
    while heard := line.recv(99):
        line.sendall(heard)
def serve(server):
    while True:
        threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()
for port in (5000, 5001, 5002):
    server = socket.create_server(("0.0.0.0", port))
    threading.Thread(target=serve, args=(server,)).start()
with socket.socket(type=socket.SOCK_DGRAM) as sock:
    sock.bind(("0.0.0.0", 5000))
    while True:
        heard, who = sock.recvfrom(99)
        sock.sendto(heard, who)
"""


def at(first: int, last: int = 0, protocol: int | None = TCP, source: str = "0.0.0.0/0") -> Opening:
    return Opening(protocol, first, last or first, IPv4Network(source))


def admit(here: Rig, number: int, *openings: Opening) -> None:
    here.runner.run(here.engine.admit({here.spec(number).instance: openings}))


def listening(here: Rig, number: int = 1) -> Address:
    """Return an instance that listens, on ports that are closed."""
    address = here.up(here.spec(number))
    ask(address, "spawn", argv=json.dumps(["python3", "-c", LISTENING]))
    admit(here, number, at(5000, 5002))
    eventually(lambda: reached(address) == [5000, 5001, 5002], "it listens")
    admit(here, number)
    return address


def reached(address: Address) -> list[int]:
    return [port for port in (5000, 5001, 5002) if reaches(address, port)]


def reaches(address: Address, port: int) -> bool:
    """Whether a port can be reached. Fails where nobody says that it cannot."""
    try:
        socket.create_connection((address.host, port), 2).close()
    except ConnectionRefusedError:
        return False
    return True


def echoed(address: Address) -> bool:
    """Whether UDP comes through, there and back."""
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(2)
        sock.connect((address.host, 5000))
        try:
            sock.send(b"x")
            return sock.recv(9) == b"x"
        except (ConnectionRefusedError, PermissionError):
            return False


@as_root
def test_only_the_web_port_is_open_until_another_is(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    one, other = listening(here, 1), listening(here, 2)
    assert reached(one) == reached(other) == []
    assert answers(one)
    admit(here, 1, at(5001))
    assert reached(one) == [5001]
    assert reached(other) == []
    admit(here, 1, at(5000, 5001))
    assert reached(one) == [5000, 5001]
    admit(here, 2, at(5002))
    assert (reached(one), reached(other)) == ([5000, 5001], [5002])
    admit(here, 1)
    assert (reached(one), reached(other)) == ([], [5002])
    here.terminate(here.spec(2))
    assert answers(one)


@as_root
def test_protocols_and_sources_count(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    one = listening(here)
    assert not echoed(one)
    admit(here, 1, at(5000, protocol=UDP))
    assert echoed(one)
    assert reached(one) == []
    admit(here, 1, at(5000, source="192.0.2.0/24"))
    assert reached(one) == []
    own = str(here.engine.gateway[0]) if here.engine.gateway else ""
    admit(here, 1, at(5000, source=f"{own}/32"))
    assert reached(one) == [5000]
    assert not echoed(one)
    admit(here, 1, at(0, 65535, protocol=None))
    assert reached(one) == [5000, 5001, 5002]
    assert echoed(one)


@as_root
def test_who_is_connected_stays_so(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    one = listening(here)
    admit(here, 1, at(5000))
    with closing(socket.create_connection((one.host, 5000), 2)) as line:
        admit(here, 1)
        assert reached(one) == []
        line.sendall(b"still")
        assert line.recv(9) == b"still"


@as_root
def test_a_control_plane_that_starts_anew_closes_until_it_is_told(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    one = listening(here)
    admit(here, 1, at(5000))
    here.engine = here.another()
    here.runner.run(here.engine.adopt())
    assert reached(one) == []
    admit(here, 1, at(5000))
    assert reached(one) == [5000]
    here.runner.run(here.engine.stop_all())
    assert here.up(here.spec(1)) == one
    admit(here, 1, at(5001))
    assert answers(one)


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces are for root")
def test_thousands_of_openings_are_one_transaction() -> None:
    network = IPv4Network("10.64.0.0/20")
    many = [(IPv4Address("10.64.0.9"), at(port)) for port in range(1, 8001)]
    wanted = firewall.rules("try0", network, (), many)
    netns = namespaces.create()
    try:
        namespaces.within(netns, lambda: firewall.install("jackbean-try", wanted))
        broken = [*wanted[:-1], firewall.Rule("calls", (firewall.expression("nonsense"),))]
        broken += wanted[-1:]
        with pytest.raises(OSError, match=r"."):
            namespaces.within(netns, lambda: firewall.install("jackbean-try", broken))
    finally:
        os.close(netns)
