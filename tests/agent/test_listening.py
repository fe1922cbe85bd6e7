"""Whether anybody takes connections from a port."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from jackbean.agent.listening import Knock, paths_of, queued, speaks_http


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield server


def answered(knock: Knock, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if knock.answered():
            return True
        time.sleep(0.003)
    return False


def test_a_port_that_nobody_takes_connections_from(listener: socket.socket) -> None:
    with Knock(*listener.getsockname()) as knock:
        assert not answered(knock, 0.5)


def test_a_server_that_waits_for_what_the_knock_says(listener: socket.socket) -> None:
    """It serves one connection at a time, and a visitor stands behind the knock's."""
    threading.Thread(target=_serve, args=(listener, 3), daemon=True).start()
    with Knock(*listener.getsockname()) as knock:
        assert knock._connect()
        while queued(*listener.getsockname()):
            time.sleep(0.003)
        with socket.create_connection(listener.getsockname()) as behind:
            behind.sendall(b"x")
            assert answered(knock, 5)


def _serve(listener: socket.socket, count: int) -> None:
    """Take connections one by one, and stay with each until it has said something or is gone."""
    for _ in range(count):
        guest, _ = listener.accept()
        with guest, suppress(OSError):
            guest.recv(100)


def test_a_socket_in_the_file_system_is_found_by_who_listens_there(tmp_path: Path) -> None:
    """Only those with plain names: they become part of nginx's configuration."""
    own = {os.getsid(0)}
    plain, odd = tmp_path / "app.sock", tmp_path / "a;b.sock"
    with listening(plain) as server, listening(odd):
        found = paths_of(None, own)
        assert str(plain) in found
        assert str(odd) not in found
        assert str(plain) in paths_of(os.getuid(), ())
        assert str(plain) not in paths_of(None, {1})
        assert queued(str(plain), 0) == 0
        threading.Thread(target=_answer, args=(server,), daemon=True).start()
        assert speaks_http(str(plain), 0)
    assert queued(str(plain), 0) == -1
    assert not speaks_http(str(plain), 0)


def listening(path: Path) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen()
    return server


def _answer(server: socket.socket) -> None:
    with server.accept()[0] as visitor:
        visitor.recv(100)
        visitor.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
