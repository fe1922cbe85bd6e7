"""Who listens where, and whether anybody is behind it.

Where is a host and a port; a host that begins with "/" is the path of a socket in the file system.

A server can have its port long before it serves: gunicorn listens first and loads the application
then. So a connection only counts once somebody has taken it from the port's queue.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from jackbean.agent.children import processes, stat_fields

CONNECT_TIMEOUT_S = 1.0
PATIENCE_S_MIN, PATIENCE_S_MAX = 0.02, 3.0  # each time given up leaves an entry in the port's queue
LISTEN = "0A"  # in /proc/net/tcp
ACCEPTING = "00010000"  # in /proc/net/unix
PLAIN = re.compile(r"/[\w./+-]+")  # paths become part of nginx's configuration
ANY, ANY_V6 = "0" * 8, "0" * 32
MAPPED = "0" * 16 + "FFFF0000"  # before an address of IPv4, where a socket of IPv6 has it: Java's


class Knock:
    """A connection that is made to see whether it is taken.

    It is given up and made anew from time to time: a server that serves one connection at a time
    would wait for what it says, and let all others wait.
    """

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._probe: socket.socket | None = None
        self._longest = 0
        self._patience_s = PATIENCE_S_MIN
        self._until = 0.0

    def __enter__(self) -> Knock:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hang_up()

    def answered(self) -> bool:
        """Tell if the connection has been taken, or others that came with it."""
        if self._probe and time.monotonic() > self._until:
            self._hang_up()
            self._patience_s = min(2 * self._patience_s, PATIENCE_S_MAX)
        if not self._probe and not self._connect():
            return False
        waiting = queued(*self._address)
        self._longest = max(self._longest, waiting)
        if waiting < 0:
            self._hang_up()
            return False
        return waiting == 0 or waiting < self._longest

    def _connect(self) -> bool:
        with suppress(OSError):
            self._probe = connect(*self._address)
            self._longest = 0
            self._until = time.monotonic() + self._patience_s
        return self._probe is not None

    def _hang_up(self) -> None:
        if self._probe:
            self._probe.close()
            self._probe = None


def connect(host: str, port: int) -> socket.socket:
    """Return a connection. Raises OSError."""
    if not host.startswith("/"):
        return socket.create_connection((host, port), CONNECT_TIMEOUT_S)
    with ExitStack() as stack:
        probe = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        probe.settimeout(CONNECT_TIMEOUT_S)
        probe.connect(host)
        stack.pop_all()
        return probe


def accepts(host: str, port: int) -> bool:
    """Tell if something listens there."""
    with suppress(OSError), connect(host, port):
        return True
    return False


def queued(host: str, port: int) -> int:
    """Return how many connections nobody has taken yet; -1 if nobody listens there.

    Nothing tells how many wait at a path.
    """
    if host.startswith("/"):
        return 0 if any(path == host for _, path in _listening_paths()) else -1
    own = socket.inet_aton(host)[::-1].hex().upper()
    places = {f"{address}:{port:04X}" for address in (own, MAPPED + own, ANY, ANY_V6)}
    lengths = [
        int(fields[4].rpartition(":")[2], 16) for fields in _listening() if fields[1] in places
    ]
    return sum(lengths) if lengths else -1


def listening_ports(sessions: Iterable[int]) -> set[int]:
    """Return the TCP ports on which processes of these sessions listen."""
    wanted = {str(session) for session in sessions}
    sockets = {fields[9]: int(fields[1].rpartition(":")[2], 16) for fields in _listening()}
    found: set[int] = set()
    for pid in processes():
        if stat_fields(pid)[3:4] and stat_fields(pid)[3] in wanted:
            found.update(sockets[inode] for inode in _sockets_of(pid) & sockets.keys())
    return found


def ports_of(uid: int) -> set[int]:
    """Return the TCP ports on which an account listens, in the network that we are in."""
    return {
        int(fields[1].rpartition(":")[2], 16) for fields in _listening() if fields[7] == str(uid)
    }


def paths_of(uid: int | None, sessions: Iterable[int]) -> set[str]:
    """Return the paths where an account listens; without one, where these sessions do.

    What another account has open cannot be looked at, but whose a socket's file is can.
    """
    sockets = dict(_listening_paths())
    if uid is not None:
        return {path for path in sockets.values() if _is_of(path, uid)}
    wanted = {str(session) for session in sessions}
    found: set[str] = set()
    for pid in processes() if sockets else ():
        if stat_fields(pid)[3:4] and stat_fields(pid)[3] in wanted:
            found.update(sockets[inode] for inode in _sockets_of(pid) & sockets.keys())
    return found


def _is_of(path: str, uid: int) -> bool:
    with suppress(OSError):
        return Path(path).lstat().st_uid == uid
    return False


def speaks_http(host: str, port: int) -> bool:
    """Tell if something there answers a request for a page with anything of HTTP."""
    with suppress(OSError), connect(host, port) as probe:
        probe.sendall(
            b"GET / HTTP/1.0\r\nHost: localhost\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\r\n"
        )
        return probe.recv(5) == b"HTTP/"
    return False


def _listening() -> Iterator[list[str]]:
    """Return the fields of the listening sockets: local address, queues and inode among them."""
    for name in ("tcp", "tcp6"):
        with suppress(OSError), Path(f"/proc/net/{name}").open() as file:
            for line in file:
                fields = line.split()
                if len(fields) > 9 and fields[3] == LISTEN:
                    yield fields


def _listening_paths() -> Iterator[tuple[str, str]]:
    """Return (inode, path) of the listening sockets of the file system."""
    with suppress(OSError), Path("/proc/net/unix").open(errors="replace") as file:
        for line in file:
            fields = line.rstrip("\n").split(maxsplit=7)
            if len(fields) == 8 and fields[3] == ACCEPTING and PLAIN.fullmatch(fields[7]):
                yield fields[6], fields[7]


def _sockets_of(pid: int) -> set[str]:
    """Return the inodes of a process's sockets; descriptors come and go meanwhile."""
    names: set[str] = set()
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                names.add(str(link.readlink()))
    return {name[8:-1] for name in names if name.startswith("socket:[")}
