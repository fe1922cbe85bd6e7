"""HTTP over a unix socket is read as it is sent, and only within bounds."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackbean.agent.dial import LINE_BYTES_MAX, Dial, Request, Unreachable, json_request


class Peer:
    """Answers one connection with given bytes and keeps what it was sent."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard = b""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread: threading.Thread | None = None

    def will_say(self, answer: bytes, *, before_reading: bool = False) -> None:
        self._thread = threading.Thread(target=self._answer, args=(answer, before_reading))
        self._thread.start()

    def _answer(self, answer: bytes, before_reading: bool) -> None:
        connection, _ = self._listener.accept()
        with connection:
            while not before_reading:
                self.heard += connection.recv(1 << 16)
                head, _, body = self.heard.partition(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                if len(body) >= length:
                    break
            connection.sendall(answer)

    def close(self) -> None:
        if self._thread:
            self._thread.join()
        self._listener.close()


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    found = Peer(tmp_path / "s.sock")
    yield found
    found.close()


GET = Request("GET", "/x", headers={"Range": "bytes=5-"}, timeout_s=5)


def body(peer: Peer) -> tuple[int, bytes]:
    with Dial(str(peer.path), "secret").send(GET) as exchange:
        status = exchange.receive().status
        return status, b"".join(exchange.pieces())


def test_sends_what_it_is_and_who_it_is(peer: Peer) -> None:
    peer.will_say(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n[1, 2,3]")
    answer = Dial(str(peer.path), "secret").call(json_request("POST", "/v1/x", {"a": 1}))
    assert answer == (200, [1, 2, 3])
    head, _, sent = peer.heard.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /v1/x HTTP/1.1",
        b"Host: control-plane",
        b"Authorization: Bearer secret",
        b"Content-Length: 8",
        b"Connection: close",
        b"Content-Type: application/json",
    ]
    assert sent == b'{"a": 1}'


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, more", (200, b"hello")),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", (200, b"until the end")),
        (b"HTTP/1.1 204 None\r\n\r\n", (204, b"")),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 No\r\ncontent-length:1\r\n\r\nx", (404, b"x")),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n",
            (200, b"hello world"),
        ),
    ],
)
def test_reads_bodies_of_every_kind(peer: Peer, answer: bytes, read: tuple[int, bytes]) -> None:
    peer.will_say(answer)
    assert body(peer) == read


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 what\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\na: " + b"b" * LINE_BYTES_MAX + b"\r\n\r\n",
    ],
)
def test_what_is_cut_off_or_no_http_is_no_answer(peer: Peer, answer: bytes) -> None:
    peer.will_say(answer)
    with pytest.raises(Unreachable):
        body(peer)


def test_hears_a_refusal_that_comes_before_the_whole_was_sent(peer: Peer, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(bytes(4 << 20))
    peer.will_say(b"HTTP/1.1 413 Big\r\nContent-Length: 2\r\n\r\n{}", before_reading=True)
    status, _ = Dial(str(peer.path), "t").call(Request("PUT", "/v1/logs/x/bundle", big))
    assert status == 413


def test_reaches_a_socket_with_a_long_path(tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["deep" * 5] * 4)
    folder.mkdir(parents=True)
    assert len(str(folder)) > 108
    listener = socket.socket(socket.AF_UNIX)
    short = tmp_path / "s"
    listener.bind(str(short))
    listener.listen()
    short.rename(folder / "far.sock")
    with listener, Dial(str(folder / "far.sock"), "t").send(GET):
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(100).startswith(b"GET /x HTTP/1.1\r\n")


def test_nobody_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Dial(str(tmp_path / "none"), "t").send(GET)
