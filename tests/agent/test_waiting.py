"""Whoever comes while the application is away waits for it, or hears that it will not come."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.rig import free_port

from jackbean.agent.waiting import WaitingRoom


@pytest.fixture
def room(tmp_path: Path) -> Iterator[WaitingRoom]:
    found = WaitingRoom(tmp_path / "room" / "w.sock", tmp_path / "room" / "hold")
    yield found
    found.close()


def guest(tmp_path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(tmp_path / "room" / "w.sock"))
    return connection


def serve_once(port: int) -> threading.Thread:
    """Answer one connection with what it said, in capitals."""

    def serve() -> None:
        with socket.create_server(("127.0.0.1", port)) as server:
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(100).upper())

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_joins_a_guest_to_the_application_once_it_is_there(
    tmp_path: Path, room: WaitingRoom
) -> None:
    port = free_port()
    room.open_to_all()
    assert (tmp_path / "room" / "hold").exists()
    with guest(tmp_path) as visitor:
        visitor.sendall(b"hello")
        room.expect("127.0.0.1", port)
        served = serve_once(port)
        assert visitor.recv(100) == b"HELLO"
        assert visitor.recv(100) == b""
    served.join()
    room.open_to_few()
    assert not (tmp_path / "room" / "hold").exists()


def test_does_not_go_back_to_an_application_that_is_ending(
    tmp_path: Path, room: WaitingRoom
) -> None:
    old, new = free_port(), free_port()
    with socket.create_server(("127.0.0.1", old)) as ending:
        ending.settimeout(0.2)
        room.expect("127.0.0.1", old)
        room.open_to_all()
        with guest(tmp_path) as visitor:
            visitor.sendall(b"hello")
            with pytest.raises(TimeoutError):
                ending.accept()
            room.expect("127.0.0.1", new)
            served = serve_once(new)
            assert visitor.recv(100) == b"HELLO"
        served.join()


def test_turns_guests_away_when_nobody_is_expected(tmp_path: Path, room: WaitingRoom) -> None:
    with guest(tmp_path) as visitor:
        assert visitor.recv(100) == b""
    room.expect("127.0.0.1", free_port())
    with guest(tmp_path) as visitor:
        visitor.sendall(b"hello")
        room.give_up()
        with pytest.raises(ConnectionResetError):  # what it said was not read
            visitor.recv(100)


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "room").symlink_to(tmp_path / "theirs")
    with pytest.raises(OSError, match="belongs to somebody else"):
        WaitingRoom(tmp_path / "room" / "w.sock", tmp_path / "room" / "hold")
