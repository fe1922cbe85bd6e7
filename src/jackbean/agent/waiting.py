"""The waiting room: requests wait while the application is restarted, instead of failing.

Before the application is stopped, a file is put where nginx looks with each request: from then on
it sends new ones here, while the application finishes those that it has. A connection is kept
until the application listens again and is then joined to it. nginx comes here as well when the
application refuses a connection, having crashed. When the application is not expected, a
connection is closed at once, and nginx says 502 as it would have.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path

from jackbean.agent.listening import connect

SEATS_MAX = 64  # relayed at a time; more of them wait in the socket's own queue
BACKLOG = 1_024
HOLD_S = 50.0  # less than nginx waits for an answer
LOOK_AGAIN_S = 0.005
PIECE_BYTES = 64 << 10


class WaitingRoom:
    def __init__(self, path: Path, sign: Path) -> None:
        self._path = path
        self._sign = sign
        self.open_to_few()
        self._expected = False
        self._address: tuple[str, int] | None = None
        self._seats = threading.Semaphore(SEATS_MAX)
        self._socket = _listen(path)
        threading.Thread(target=self._receive, name="waiting room", daemon=True).start()

    def open_to_all(self) -> None:
        """Have nginx send every new request here, to wait for an address."""
        self._address = None
        self._expected = True
        self._sign.touch()

    def open_to_few(self) -> None:
        """Have nginx send requests here only when the application refuses them."""
        self._sign.unlink(missing_ok=True)

    def expect(self, host: str, port: int) -> None:
        """Keep connections until the application listens here."""
        self._address = (host, port)
        self._expected = True

    def resume(self) -> None:
        """Keep connections again, for the address that was expected last."""
        self._expected = self._expected or self._address is not None

    def give_up(self) -> None:
        """Close connections at once: the application will not come."""
        self._expected = False
        self.open_to_few()

    def close(self) -> None:
        self.give_up()
        self._path.unlink(missing_ok=True)
        with suppress(OSError):  # it may not be ours alone
            self._path.parent.rmdir()

    def _receive(self) -> None:
        while True:
            self._seats.acquire()
            guest, _ = self._socket.accept()
            if self._expected:
                threading.Thread(target=self._attend, args=(guest,), daemon=True).start()
            else:
                guest.close()
                self._seats.release()

    def _attend(self, guest: socket.socket) -> None:
        try:
            with guest, suppress(OSError):
                host = self._reach(guest)
                if host:
                    with host:
                        _join(guest, host)
        finally:
            self._seats.release()

    def _reach(self, guest: socket.socket) -> socket.socket | None:
        """Return a connection to the application as soon as it listens; none if it will not."""
        deadline = time.monotonic() + HOLD_S
        while self._expected and time.monotonic() < deadline and not _gone(guest):
            with suppress(OSError):
                if self._address:
                    return connect(*self._address)
            time.sleep(LOOK_AGAIN_S)
        return None


def _listen(path: Path) -> socket.socket:
    _own_folder(path.parent)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o666)  # nginx's workers have an account of their own
    listener.listen(BACKLOG)
    return listener


def _own_folder(folder: Path) -> None:
    """Make the folder; one that somebody else made (it can be in /tmp) is not used."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise OSError(f"{folder} belongs to somebody else; remove it")


def _gone(guest: socket.socket) -> bool:
    """Tell if a guest has hung up: it has, if there is nothing more to come from it."""
    if not select.select([guest], [], [], 0)[0]:
        return False
    return not guest.recv(1, socket.MSG_PEEK)


def _join(guest: socket.socket, host: socket.socket) -> None:
    """Copy both ways until either side ends."""
    other = {guest: host, host: guest}
    host.settimeout(None)
    while True:
        for source in select.select([guest, host], [], [])[0]:
            data = source.recv(PIECE_BYTES)
            if not data:
                return
            other[source].sendall(data)
