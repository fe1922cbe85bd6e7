"""What a hostile application, and a hostile hook, get hold of in root mode: nothing but their own.

The application runs what it is sent; the hook, which is root on its instance, tries a list of its
own. What engines promise one by one is in `tests/engines/process/test_isolation.py`; here it is
tried on a whole installation, with its store, its keys and its Envoy.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import ASG, Installation, bundle, installed, option
from tests.e2e.machines import envoy, machines

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="root mode is for root"),
]

NAME = "hostile-env"
OBEYS = """
import json, os, socket
def application(environ, start):
    start("200 OK", [("Content-Type", "application/json")])
    if environ["REQUEST_METHOD"] == "GET":
        return [open("tried.json", "rb").read()]
    code = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    try:
        found = {}
        exec(code, {"os": os, "socket": socket, "json": json, "found": found})
        return [json.dumps(found).encode()]
    except Exception as error:
        return [json.dumps({"error": type(error).__name__}).encode()]
"""
HOOK = """\
#!/usr/bin/env python3
import ctypes, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if libc[name](*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)
def write(path, text):
    with open(path, "w") as file:
        file.write(text)
TRIED = {
    "mount": lambda: call("mount", b"none", b"/mnt", b"tmpfs", 0, None),
    "bind": lambda: call("mount", b"/proc", b"/mnt", None, 4096, None),
    "unmount": lambda: call("umount2", b"/proc/sys", 2),
    "another root": lambda: os.chroot("/tmp"),
    "a disk": lambda: os.mknod("/tmp/disk", 0o060600, os.makedev(254, 0)),
    "memory": lambda: open("/dev/mem", "rb"),
    "kernel memory": lambda: open("/proc/kcore", "rb").read(10),
    "a module": lambda: call("init_module", None, 0, b""),
    "the clock": lambda: __import__("time").clock_settime(0, 0),
    "the host name": lambda: socket.sethostname("other"),
    "raw packets": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
    "packets of the link": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0),
    "its files": lambda: os.listdir("/proc/1/root/work"),
    "a network of its own": lambda: call("unshare", 0x40000000),
    "a namespace of the machine": lambda: call("setns", os.open("/proc/1/ns/net", 0), 0),
    "the kernel": lambda: write("/proc/sys/kernel/core_pattern", "|/tmp/x"),
    "sysrq": lambda: write("/proc/sysrq-trigger", "h"),
    "limits": lambda: write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "-1"),
    "more limits": lambda: write("/sys/fs/cgroup/memory.max", "max"),
    "programs": lambda: write("/usr/bin/written", "x"),
    "the agent": lambda: write("/opt/jackbean/agent.pyz", "x"),
}
def outcome(act):
    try:
        act()
    except Exception as error:
        return type(error).__name__
    return "done"
with open("tried.json", "w") as file:
    json.dump({name: outcome(act) for name, act in TRIED.items()}, file)
"""


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        hook = {".platform/hooks/postdeploy/try": HOOK}
        installation.version("hostile", bundle({"application.py": OBEYS, **hook}))
        installation.create(NAME, "hostile", option(ASG, "MinSize", "2"))
        yield installation


@pytest.fixture(scope="module")
def inside(one: Installation) -> str:
    """Return the instance that is ours; the other is its neighbour."""
    return min(one.instances(NAME))


@pytest.fixture(scope="module")
def neighbour(one: Installation) -> str:
    return max(one.instances(NAME))


def address(one: Installation, instance: str) -> str:
    record = json.loads((one.data_dir / "instances" / instance / "instance.json").read_text())
    return str(record["host"])


def have(one: Installation, instance: str, code: str) -> Any:
    """Have the application on an instance run some Python; return what it found."""
    url = f"http://{address(one, instance)}/"
    with urllib.request.urlopen(url, code.encode(), timeout=20) as answer:
        return json.load(answer)


def opening(paths: list[Path]) -> str:
    names = [str(path) for path in paths]
    return f"""
for path in {names!r}:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
        found[path] = "read"
    except OSError as error:
        found[path] = type(error).__name__
"""


def test_no_file_of_others_can_be_read(one: Installation, inside: str, neighbour: str) -> None:
    """Not the machine's, not the installation's store and keys, not a neighbour's."""
    data = one.data_dir
    there = [
        *(data, data / "jackbean.db", data / "installation.json", data / "objects.db"),
        *(data / "instances" / neighbour, data / "instances" / neighbour / "agent.json"),
        *(data / "instances" / neighbour / "root/var/app/current/application.py",),
        *(data / "run", data / "blobs", data / "envoy"),
        *(Path(__file__), Path("/var/lib/dpkg/status"), Path("/boot")),
    ]
    assert any(path.exists() for path in there[:8])
    found = have(one, inside, opening(there))
    assert set(found.values()) == {"FileNotFoundError"}, found
    names = ("/etc/shadow", "/root", "/root/.ssh", "/opt/jackbean/agent.json", "/run/jackbean")
    guarded = [Path(name) for name in names]
    found = have(one, inside, opening([*guarded, Path("/opt/elasticbeanstalk/deployment/env")]))
    assert set(found.values()) == {"PermissionError"}, found
    homes = have(one, inside, "found['homes'] = os.listdir('/home')")["homes"]
    assert set(homes) <= {"ec2-user", "webapp"}


def connecting(*places: tuple[str, int] | str) -> str:
    return f"""
for place in {list(places)!r}:
    kind = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET
    with socket.socket(kind) as probe:
        probe.settimeout(1)
        try:
            probe.connect(place)
            found[str(place)] = "connected"
        except OSError as error:
            found[str(place)] = type(error).__name__
"""


def test_nothing_of_others_can_be_reached(one: Installation, inside: str, neighbour: str) -> None:
    """A neighbour's port, Envoy's pages and doors, the API on the machine's own addresses."""
    admin = one.data_dir / "run/envoy/admin.sock"
    assert admin.is_socket()
    ports = (one.port, one.http_port)
    places = [
        *((address(one, neighbour), port) for port in (80, 8000)),
        *(("127.0.0.1", port) for port in ports),
        *(str(path) for path in (admin, admin.with_name("ads.sock"))),
        str(one.data_dir / "run/agent/agent.sock"),
    ]
    found = have(one, inside, connecting(*places))
    assert "connected" not in found.values(), found
    assert len(found) == len(places)
    assert have(one, inside, connecting("/run/jackbean/agent.sock")) == {
        "/run/jackbean/agent.sock": "PermissionError"
    }
    assert have(one, inside, connecting((address(one, inside), 80))).popitem()[1] == "connected"


def test_no_process_of_others_is_seen_or_signalled(
    one: Installation, inside: str, neighbour: str
) -> None:
    running = machines(one.data_dir)
    proxy = envoy(one.data_dir)
    assert proxy
    theirs = [running[neighbour].shim, running[neighbour].child, running[inside].shim, proxy.child]
    code = f"""
found["seen"] = [
    open(f"/proc/{{pid}}/cmdline").read() for pid in os.listdir("/proc") if pid.isdigit()
]
for pid in [*{theirs!r}, 1, 2]:
    try:
        os.kill(pid, 0)
        found[str(pid)] = "signalled"
    except OSError as error:
        found[str(pid)] = type(error).__name__
"""
    found = have(one, inside, code)
    seen = " ".join(found.pop("seen"))
    assert "gunicorn" in seen
    assert neighbour not in seen
    assert "envoy" not in seen
    assert [found.pop("1"), found.pop("2")] == ["PermissionError"] * 2  # the sandbox, the agent
    assert set(found.values()) <= {"ProcessLookupError", "PermissionError"}, found
    assert set(machines(one.data_dir)) == set(running)


def test_a_hook_is_root_of_its_instance_only(one: Installation, inside: str) -> None:
    with urllib.request.urlopen(f"http://{address(one, inside)}/", timeout=20) as answer:
        tried = json.load(answer)
    assert len(tried) >= 20
    assert {name: how for name, how in tried.items() if how == "done"} == {}
    assert set(tried.values()) <= {"PermissionError", "OSError", "FileNotFoundError"}, tried
