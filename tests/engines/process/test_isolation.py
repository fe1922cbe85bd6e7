"""What instances cannot see, change, reach or use up: tried from inside."""

from __future__ import annotations

import errno
import json
import os
import platform
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engines.process.conftest import MakeRig
from tests.engines.process.rig import (
    MODES,
    OWN,
    SANDBOXED,
    Rig,
    answers,
    ask,
    eventually,
    leftovers,
    run,
)

from jackbean.core.fleet import Machine
from jackbean.core.protocol import DependencyRequest
from jackbean.engines.process import addresses, namespaces, network, seccomp
from jackbean.engines.process.dependencies import ProcessDependencies
from jackbean.engines.process.paths import tag
from jackbean.engines.process.prepare import Api
from jackbean.engines.process.sandbox import CAPABILITIES
from jackbean.ports.engine import Address

sandboxed = pytest.mark.parametrize("mode", SANDBOXED)
# Only root has these; they are part of every run as root.
as_root = pytest.mark.parametrize("mode", [m for m in MODES if m == "root"])

BITS = {
    "CAP_CHOWN": 0,
    "CAP_DAC_OVERRIDE": 1,
    "CAP_FOWNER": 3,
    "CAP_KILL": 5,
    "CAP_SETGID": 6,
    "CAP_SETUID": 7,
    "CAP_SETPCAP": 8,
    "CAP_NET_BIND_SERVICE": 10,
}


@sandboxed
def test_the_machines_secrets_are_not_there(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    other = here.spec(2)
    here.ensure(other)
    address = here.up()
    (here.data_dir / "secret").write_text("of the installation")
    assert ask(address, "walk", path="/root") == []
    assert ask(address, "walk", path="/home") == ["ec2-user", "webapp"]
    assert ask(address, "walk", path="/var/lib") == ["nginx"]
    assert {line.split(":")[1] for line in ask(address, "read", path="/etc/shadow").split()} == {
        "*"
    }
    for path in (here.data_dir, here.data_dir / "secret", here.home(other), "/etc/ssh", "/boot"):
        with pytest.raises(RuntimeError, match=r"No such file"):
            ask(address, "walk", path=path)
    assert ask(address, "walk", path="/run") == ["jackbean", "lock"]
    me = ask(address, "me")
    assert "SECRET" not in me["env"]
    assert {
        "agent.json",
        "agent.pyz",
        "bin",
        "dependencies",
        "runtimes",
    } >= {n for n in ask(address, "walk", path="/opt/jackbean") if not n.startswith("python-")}


@sandboxed
def test_no_descriptor_of_ours_comes_along(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    held = ask(here.up(), "me")["fds"]
    files = {number: goal for number, goal in held.items() if not goal.startswith("socket:")}
    assert files.pop("0") == "/dev/null"
    assert {files.pop("1"), files.pop("2")} == {str(here.home(here.spec()) / "shim/log")}
    assert files == {}


@sandboxed
def test_the_kernel_is_not_an_instances_to_set(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    address = here.up()
    pattern = Path("/proc/sys/kernel/core_pattern").read_text()
    with pytest.raises(RuntimeError, match=r"Read-only|Permission"):
        ask(address, "write", path="/proc/sys/kernel/core_pattern", text=pattern)
    with pytest.raises(RuntimeError, match=r"Read-only|Permission|No such file"):
        ask(address, "write", path="/proc/sysrq-trigger", text="h")
    with pytest.raises(RuntimeError, match=r"Read-only"):
        ask(address, "write", path="/sys/x", text="x")
    status = dict(
        line.split(":\t", 1) for line in ask(address, "me")["status"].splitlines() if ":\t" in line
    )
    assert int(status["CapEff"], 16) == sum(1 << BITS[name] for name in CAPABILITIES)
    assert status["NoNewPrivs"] == "1"
    assert ask(address, "me")["pid"] == 2


@sandboxed
def test_system_calls_that_reach_past_an_instance_are_refused(rig: MakeRig, mode: str) -> None:
    address = rig(mode).up()
    calls = seccomp.CALLS[platform.machine()][1]
    calling = (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True); "
        f"print([(libc.syscall(n, 0, 0, 0, 0, 0), ctypes.get_errno()) for n in {calls}], "
        "libc.getpid() > 0)"
    )
    said = run(address, ask(address)["pythons"][OWN], "-I", "-c", calling)
    assert said == f"{[(-1, errno.EPERM)] * len(calls)} True\n"


@sandboxed
def test_an_instance_writes_where_bundles_do_and_nowhere_else(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    address = here.up()
    for folder in (
        "/etc",
        "/opt",
        "/var",
        "/var/app",
        "/home",
        "/usr/local/bin",
        "/srv",
        "/",
        "/tmp",
    ):
        ask(address, "write", path=f"{folder}/written", text="x")
    for folder in ("/usr/bin", "/usr/lib", "/opt/jackbean", "/run/jackbean", "/etc/ssl/certs"):
        with pytest.raises(RuntimeError, match=r"Read-only"):
            ask(address, "write", path=f"{folder}/written", text="x")
    ask(address, "write", path="/dev/shm/written", text="x")
    assert run(address, "/bin/sh", "-c", "umask; stat -c %a /dev/shm").split() == ["0022", "1777"]
    assert run(address, "/usr/bin/env", "hostname").strip() == ask(address, "me")["host"]
    assert run(address, "/bin/sh", "-c", "getent passwd webapp").startswith("webapp:x:900:900:")


@sandboxed
def test_scripts_for_sh_are_run_by_bash_as_on_amazon_linux(rig: MakeRig, mode: str) -> None:
    address = rig(mode).up()
    ask(address, "write", path="/tmp/script", text="#!/bin/sh\nsource /tmp/words; [[ $A == b* ]]\n")
    ask(address, "write", path="/tmp/words", text="A=bc; echo $A &> /tmp/said")
    run(address, "/bin/chmod", "+x", "/tmp/script")
    run(address, "/tmp/script")
    assert ask(address, "read", path="/tmp/said") == "bc\n"


@as_root
def test_the_application_is_a_user_who_cannot_read_the_token(rig: MakeRig, mode: str) -> None:
    address = rig(mode).up()
    become = "import os; os.setgid(900); os.setuid(900); "
    reading = become + "open('/opt/jackbean/agent.json')"
    python = ask(address)["pythons"]
    for path in python.values():
        status, _, said = ask(address, "run", argv=json.dumps([path, "-I", "-c", reading]))
        assert status != 0
        assert "Permission denied" in said
    entering = become + "os.listdir('/opt/jackbean/dependencies'); os.listdir('/run/jackbean')"
    said = ask(address, "run", argv=json.dumps([path, "-I", "-c", entering]))[2]
    assert "Permission denied: '/run/jackbean'" in said


@sandboxed
def test_a_control_plane_that_masks_rights_keeps_none_from_applications(
    rig: MakeRig, mode: str, packages: Path
) -> None:
    before = os.umask(0o077)
    try:
        here = rig(mode)
        address = here.up()
        environ = {"UV_OFFLINE": "1", "UV_FIND_LINKS": str(packages), "HOME": "/nonexistent"}
        wanted = DependencyRequest("pip", OWN, {"a.txt": "-r b/c.txt", "b/c.txt": "flaskish"})
        place = here.runner.run(ProcessDependencies(here.engine, environ).resolve(wanted))
    finally:
        os.umask(before)
    become = "import os; os.setgid(900); os.setuid(900); " if mode == "root" else "import os; "
    look = (
        "open('/etc/passwd'); open('/etc/hosts'); os.listdir('/var/app'); os.listdir('/etc/pam.d')"
    )
    run(address, ask(address)["pythons"][OWN], "-I", "-c", become + look)
    execute = f"os.execv('{place}/bin/flaskish', ['x'])"
    said = run(address, ask(address)["pythons"][OWN], "-I", "-c", become + execute)
    assert said == "flaskish 1.0\n"


@sandboxed
def test_links_put_in_the_way_of_mounts_lead_nowhere(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    spec = here.spec()
    address = here.up(spec)
    trap = here.data_dir.parent / "trap"
    trap.mkdir(mode=0o777)
    here.runner.run(here.engine.stop_all())
    root = here.home(spec) / "root"
    (root / "opt").rename(root / "was-opt")
    (root / "opt").symlink_to(f"/oldroot{trap}")
    (root / "etc/ssl").rename(root / "etc/was-ssl")
    (root / "etc/ssl").symlink_to(trap)
    (root / "run").rmdir()
    (root / "run").write_text("a file where a folder was")
    assert here.up(spec) == address
    assert list(trap.iterdir()) == []
    assert "agent.json" in ask(address, "walk", path="/opt/jackbean")


@as_root
def test_an_instance_reaches_neither_neighbours_nor_the_host(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    first, second = here.up(here.spec(1)), here.up(here.spec(2))
    gateway = str(network_of(here).subnet.gateway)
    ports = list(Path("/sys/class/net").glob(f"{network_of(here).bridge}-*"))
    assert [(port / "brport/isolated").read_text() for port in ports] == ["1\n", "1\n"]
    assert ask(first, "connect", host=first.host, port=80)
    with pytest.raises(RuntimeError, match=r"timed out"):
        ask(first, "connect", host=second.host, port=80)
    with listener() as port:
        for host in (gateway, own_address()):
            with pytest.raises(RuntimeError, match=r"timed out"):
                ask(first, "connect", host=host, port=port)
        here.serve(Api("", port, "us-east-1"))
        here.runner.run(here.engine.adopt())
        assert ask(first, "connect", host=gateway, port=port)
        with pytest.raises(RuntimeError, match=r"timed out"):
            ask(first, "connect", host=own_address(), port=port)
    assert answers(first)
    assert answers(second)


METADATA_PROGRAM = """
import socket, sys, threading
inner = socket.create_server(("127.0.0.1", int(sys.argv[1])))
whole = socket.create_server(("0.0.0.0", 8080))  # an application may take a port on all addresses
threading.Thread(target=lambda: inner.accept()[0].sendall(b"mine"), daemon=True).start()
with socket.create_connection(("169.254.169.254", 80), 5) as line:
    print(line.recv(9).decode())
for other in ("169.254.170.2", "169.254.1.1"):
    try:
        socket.create_connection((other, 80), 5)
    except OSError as error:
        print(error.errno)
"""


@as_root
def test_the_metadata_service_is_ones_own_and_nobody_elses_is_reached(
    rig: MakeRig, mode: str
) -> None:
    here = rig(mode)
    first, second = here.up(here.spec(1)), here.up(here.spec(2))
    for address in (first, second):
        told = run(address, "python3", "-c", METADATA_PROGRAM, str(network.METADATA_PORT))
        assert told.split() == ["mine", str(errno.EHOSTUNREACH), str(errno.EHOSTUNREACH)]


@as_root
def test_packets_leave_under_the_hosts_address_and_come_back(
    rig: MakeRig, mode: str, tmp_path: Path
) -> None:
    """The world is another network namespace, on the far side of a second bridge."""
    here = rig(mode)
    address = here.up()
    name = tag(tmp_path)
    world = network.Network(name, addresses.free_private_block(name), walled=False)
    world.up()
    try:
        Path(f"/proc/sys/net/ipv4/conf/{world.bridge}/forwarding").write_text("1")
        with far_server(world) as (host, port, callers):
            assert ask(address, "connect", host=host, port=port)
            eventually(lambda: callers, "the far server notes its caller")
            assert callers == [str(world.subnet.gateway)]
        netns = world.attach(21)
        try:
            with pytest.raises(TimeoutError):  # nobody from there may begin
                namespaces.within(netns, lambda: reach(address))
        finally:
            os.close(netns)
    finally:
        world.down()


def reach(address: Address) -> None:
    socket.create_connection((address.host, address.port), 1).close()


@contextmanager
def far_server(world: network.Network) -> Iterator[tuple[str, int, list[str]]]:
    netns = world.attach(20)
    try:
        server = namespaces.within(netns, lambda: socket.create_server(("0.0.0.0", 0)))
        callers: list[str] = []

        def accept() -> None:
            server.settimeout(10)
            caller, (host, _) = server.accept()
            callers.append(host)
            caller.close()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield str(world.subnet.address(20)), server.getsockname()[1], callers
        finally:
            thread.join(15)
            server.close()
    finally:
        os.close(netns)


def network_of(here: Rig) -> network.Network:
    found = here.runner.run(here.engine.ready()).network
    assert found is not None
    return found


@contextmanager
def listener() -> Iterator[int]:
    with socket.create_server(("0.0.0.0", 0)) as server:
        yield server.getsockname()[1]


def own_address() -> str:
    """Return an address of this machine that is not on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.99", 9))  # nothing is sent
        return str(sock.getsockname()[0])


@as_root
def test_who_takes_too_much_memory_is_killed_alone(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    spec = here.spec(1, "t3.nano")
    address, neighbour = here.up(spec), here.up(here.spec(2))
    assert ask(address, "eat", mib=100) == 0
    assert ask(address, "eat", mib=600) == -9
    assert ask(neighbour, "eat", mib=600) == 0
    assert here.sight(spec).machine is Machine.RUNNING


@pytest.mark.parametrize("mode", MODES)
def test_who_takes_too_much_disk_is_killed_alone(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    spec = replace(here.spec(1), disk_gib=1)
    address, neighbour = here.up(spec), here.up(here.spec(2))
    folder = str(here.home(spec) / "root") if mode == "plain" else "/tmp"
    run(address, "/usr/bin/fallocate", "-l", "600M", f"{folder}/half")
    assert here.sight(spec).machine is Machine.RUNNING
    run(address, "/usr/bin/fallocate", "-l", "600M", f"{folder}/over")
    eventually(lambda: here.sight(spec).machine is Machine.EXITED, "its end is seen")
    assert "its disk was full: it had over 1." in here.sight(spec).exit
    eventually(lambda: answers(neighbour), "the neighbour answers")


@as_root
def test_processes_are_counted(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    address = here.up(here.spec(1, "t3.nano"))
    assert 400 < ask(address, "fork", count=700) < 512


@as_root
def test_an_instance_that_dies_of_hunger_says_so(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    spec = here.spec(1, "t3.nano")
    address = here.up(spec)
    with pytest.raises(OSError, match=r"closed|reset|refused"):
        ask(address, "gorge")
    eventually(lambda: here.sight(spec).machine is Machine.EXITED, "its end is seen")
    assert "out of memory" in here.sight(spec).exit
    assert "SIGKILL" in here.sight(spec).exit


@as_root
def test_processors_are_rationed(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    spec = here.spec(1, "t2.nano")  # one processor
    address = here.up(spec)
    python = ask(address)["pythons"][OWN]
    lines = run(address, python, "-I", "-c", BURN).split()
    spent, lasted = sum(map(float, lines[:-1])), float(lines[-1])
    assert spent < 1.3 * lasted + 0.2


# Four processes that work as hard as they can for a second; each says how much it got.
BURN = """
import os, time
began, children = time.monotonic(), []
for _ in range(3):
    children.append(os.fork())
    if not children[-1]:
        break
while time.monotonic() < began + 1:
    pass
os.write(1, b"%f\\n" % sum(os.times()[:2]))
if all(children):
    for child in children:
        os.waitpid(child, 0)
    os.write(1, b"%f\\n" % (time.monotonic() - began))
"""


@sandboxed
def test_nothing_is_left_of_processes_that_hide(rig: MakeRig, mode: str) -> None:
    here = rig(mode)
    spec = here.spec()
    address = here.up(spec)
    for _ in range(3):
        ask(address, "spawn", argv=json.dumps(["/usr/bin/env", "setsid", "sleep", "600"]))
    inner = here.shim(spec)["inner"]
    os.kill(here.shim(spec)["child"], 9)
    eventually(lambda: not Path(f"/proc/{inner}/root").exists(), "the sandbox ends")
    here.terminate(spec)
    assert leftovers(here.data_dir, spec.instance) == []
