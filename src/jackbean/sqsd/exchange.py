"""One request and its answer, over a connection of its own, without ever waiting for it."""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from jackbean.sqsd.loop import Loop
from jackbean.sqsd.reply import NotHttp, Reply

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
PIECE_BYTES = 64 << 10
SOCKET_PATH_BYTES_MAX = 107

Address = tuple[str, int] | str  # of TCP, or the path of a unix socket


@dataclass(frozen=True)
class Asked:
    """A request whole, where it goes, and how long its parts may take.

    `keep` is how many bytes of the answer's body are wanted.
    """

    address: Address
    data: bytes
    connect_s: float
    answer_s: float
    keep: int = 0


class Kind(Enum):
    """How an exchange ended."""

    ANSWERED = "answered"
    UNREACHABLE = "unreachable"  # no connection was made
    SILENT = "silent"  # no answer came in time
    BROKEN = "broken"  # the connection ended before the answer did, or that was no HTTP
    LEFT = "left"  # it was given up on our side


@dataclass(frozen=True)
class Ending:
    """`status` and `body` are those of an answer; `why` is a clause where there is none."""

    kind: Kind
    seconds: float
    status: int = 0
    body: bytes = b""
    why: str = ""

    @property
    def answered(self) -> bool:
        return self.kind is Kind.ANSWERED


class Exchange:
    """`done` is called once, with how it ended; never before `begin` has returned."""

    def __init__(self, loop: Loop, asked: Asked, done: Callable[[Ending], None]) -> None:
        self._loop = loop
        self._asked = asked
        self._done = done
        self._began = time.monotonic()
        self._reply = Reply(asked.keep)
        self._unsent = memoryview(asked.data)
        self._socket: socket.socket | None = None
        self._alarm = 0

    def begin(self) -> None:
        """Connect; what follows, follows from the loop."""
        family = socket.AF_UNIX if isinstance(self._asked.address, str) else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        if family == socket.AF_INET:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._alarm = self._loop.later(self._asked.connect_s, self._late_to_connect)
        code = _connect(self._socket, self._asked.address)
        if code in (0, errno.EINPROGRESS):
            self._loop.watch(self._socket, WRITE, self._connected)
        else:
            self._fail_soon(code)

    def leave(self) -> None:
        """Give it up."""
        self._end(Kind.LEFT, "it was given up")

    def _fail_soon(self, code: int) -> None:
        self._loop.cancel(self._alarm)
        why = os.strerror(code)
        self._alarm = self._loop.later(0.0, lambda: self._end(Kind.UNREACHABLE, why))

    def _late_to_connect(self) -> None:
        self._end(Kind.UNREACHABLE, f"no connection within {self._asked.connect_s:g} s")

    def _late_to_answer(self) -> None:
        self._end(Kind.SILENT, f"no answer within {self._asked.answer_s:g} s")

    def _connected(self) -> None:
        assert self._socket  # noqa: S101 - it is what was waited for
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._end(Kind.UNREACHABLE, os.strerror(code))
            return
        self._loop.cancel(self._alarm)
        self._alarm = self._loop.later(self._asked.answer_s, self._late_to_answer)
        self._go_on()

    def _go_on(self) -> None:
        """Send and receive what can be at the moment."""
        try:
            self._send()
            self._receive()
        except NotHttp as error:
            self._end(Kind.BROKEN, str(error))
        except OSError as error:
            self._end(Kind.BROKEN, error.strerror or str(error))

    def _send(self) -> None:
        assert self._socket  # noqa: S101 - as above
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent[:PIECE_BYTES]) :]
        except BlockingIOError:
            self._loop.watch(self._socket, READ | WRITE, self._go_on)
            return
        except (BrokenPipeError, ConnectionResetError):
            self._unsent = memoryview(b"")  # it may have answered without reading on
        self._loop.watch(self._socket, READ, self._go_on)

    def _receive(self) -> None:
        while self._socket:
            try:
                data = self._socket.recv(PIECE_BYTES)
            except BlockingIOError:
                return
            if data:
                self._reply.feed(data)
            else:
                self._reply.end()
            if self._reply.done:
                self._end(Kind.ANSWERED)

    def _end(self, kind: Kind, why: str = "") -> None:
        if not self._socket:
            return
        self._loop.cancel(self._alarm)
        self._loop.forget(self._socket)
        self._socket.close()
        self._socket = None
        seconds = time.monotonic() - self._began
        self._done(Ending(kind, seconds, self._reply.status, self._reply.body, why))


def _connect(connection: socket.socket, address: Address) -> int:
    """Begin to connect; return the error's number, 0 if there is none."""
    if not isinstance(address, str) or len(os.fsencode(address)) <= SOCKET_PATH_BYTES_MAX:
        return connection.connect_ex(address)
    path = Path(address)
    try:
        folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    except OSError as error:
        return error.errno or errno.ENOENT
    try:
        return connection.connect_ex(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
