"""Whether anybody takes connections from a port."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from jackbean.agent.listening import Knock, queued


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
