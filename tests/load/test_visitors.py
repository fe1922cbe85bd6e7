"""Visitors against a server that does each wrong thing: everything that is lost is noted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from socket import SHUT_WR, create_server, socket

import pytest

from tests.e2e.installation import until
from tests.load.crowd import Load, letting_loose
from tests.load.tally import Tally
from tests.load.visitors import Place

Serve = Callable[[socket, bytes], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\none a 0"


@contextmanager
def serving(serve: Serve) -> Iterator[str]:
    """Let `serve` have each connection, one after another."""
    with create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, serve))
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(2)
            thread.join()


def _accept(listener: socket, serve: Serve) -> None:
    while True:
        try:
            guest, _ = listener.accept()
        except OSError:
            return
        with guest:
            try:
                _attend(guest, serve)
            except OSError:
                continue


def _attend(guest: socket, serve: Serve) -> None:
    try:
        while request := _request(guest):
            serve(guest, request)
    except EOFError:
        guest.shutdown(SHUT_WR)  # and hear the guest out, or what was said may not arrive
        while guest.recv(65536):
            pass


def _request(guest: socket) -> bytes:
    """Read a request; its body, if it has one, is in chunks."""
    data = b""
    while b"\r\n\r\n" not in data or (b"chunked" in data and not data.endswith(b"0\r\n\r\n")):
        piece = guest.recv(65536)
        if not piece:
            return b""
        data += piece
    return data


def visited(serve: Serve, load: Load, enough: Callable[[Tally], object]) -> Tally:
    with serving(serve) as place, letting_loose(Place(place), load) as crowd:
        until(lambda: enough(crowd.tally), 20, "enough has been seen")
    return crowd.tally


def say(text: bytes) -> Serve:
    return lambda guest, _: guest.sendall(text)


def hang_up(guest: socket, _: bytes) -> None:
    raise EOFError


def say_and_hang_up(text: bytes) -> Serve:
    def serve(guest: socket, _: bytes) -> None:
        guest.sendall(text)
        raise EOFError

    return serve


@pytest.mark.parametrize(
    ("serve", "why"),
    [
        (hang_up, "without a word"),
        (say(b"HTTP/1.1 502 Bad\r\nContent-Length: 3\r\n\r\nbad"), "502 bad"),
        (say(OK.replace(b"one a 0", b"one a 7")), "0 bytes were sent"),
        (say_and_hang_up(OK[:-3]), "broke off"),
        (say_and_hang_up(OK), "without a word"),  # of the next request on a kept connection
        (say(b"nonsense\r\n\r\n"), "begins with 'nonsense'"),
    ],
)
def test_a_loss_is_noted(serve: Serve, why: str) -> None:
    tally = visited(serve, Load(callers=1), lambda t: any(why in loss.why for loss in t.losses))
    assert tally.requests == len(tally.seen) + len(tally.losses)


@pytest.mark.parametrize("well", [True, False])
def test_a_body_that_arrives_changed_is_noted(well: bool) -> None:
    def serve(guest: socket, request: bytes) -> None:
        body = b"".join(_chunks(request))
        digest = sha256(body if well else body[::-1]).hexdigest()
        text = f"one a {len(body)} - - {digest}".encode()
        guest.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))

    tally = visited(serve, Load(callers=1), lambda t: t.requests > 20)
    assert {loss.why for loss in tally.losses} == (
        set() if well else {"another body arrived than was sent"}
    )


def _chunks(request: bytes) -> Iterator[bytes]:
    rest = request.partition(b"\r\n\r\n")[2]
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        yield rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]


def test_an_announced_close_is_no_loss() -> None:
    closing = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
    tally = visited(say_and_hang_up(closing), Load(callers=1), lambda t: t.reopened > 3)
    gets = [loss for loss in tally.losses if loss.kind == "GET"]
    assert gets == []


def test_a_websocket_that_just_ends_is_noted() -> None:
    upgraded = (
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    )
    talkers = Load(callers=0, talkers=1, pause_s=0.01)
    tally = visited(say_and_hang_up(upgraded + b"\r\n\r\n"), talkers, lambda t: t.losses)
    assert "ended without a close" in tally.losses[0].why
    away = upgraded + b"\r\n\r\n\x88\x02\x03\xe9"
    tally = visited(say_and_hang_up(away), talkers, lambda t: t.moved > 3)
    assert tally.losses == []
    failed = upgraded + b"\r\n\r\n\x88\x02\x03\xf3"
    tally = visited(say_and_hang_up(failed), talkers, lambda t: t.losses)
    assert "closed with 1011" in tally.losses[0].why
