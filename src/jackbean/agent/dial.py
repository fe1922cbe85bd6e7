"""One HTTP/1.1 exchange over a unix socket: just what protocol version 1 needs.

`http.client` would do it, at the price of `email` and `ssl`: 30 ms and 6 MB on every instance,
before the first byte. An exchange is one connection, so that one can be left at any time without
upsetting another; each is bounded in every direction.
"""

from __future__ import annotations

import json
import os
import select
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

LINE_BYTES_MAX = 8 << 10
HEADERS_MAX = 100
JSON_BYTES_MAX = 8 << 20
PIECE_BYTES = 256 << 10
SOCKET_PATH_BYTES_MAX = 107
CONNECT_TIMEOUT_S = 5.0
CHECK_S = 0.2


class Unreachable(OSError):
    """The control plane is not there, or said something that is not HTTP."""


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    body: bytes | Path = b""
    headers: Mapping[str, str] | None = None
    timeout_s: float = 30.0


def target(path: str, /, **asked: Any) -> str:
    """Return a request's target with a query."""
    from urllib.parse import urlencode  # noqa: PLC0415 - 8 ms, and not needed by all

    return f"{path}?{urlencode(asked)}"


def json_request(method: str, target: str, body: Any, timeout_s: float = 30.0) -> Request:
    """Return the request that carries `body` as JSON."""
    data = json.dumps(body).encode()
    return Request(method, target, data, {"Content-Type": "application/json"}, timeout_s)


class Exchange:
    """A request that has been sent, and its answer."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._file = connection.makefile("rb")
        self.status = 0
        self.headers: dict[str, str] = {}

    def fileno(self) -> int:
        return self._socket.fileno()

    def __enter__(self) -> Exchange:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._socket.close()

    def receive(self) -> Exchange:
        """Read the status line and the headers."""
        while self.status < 200:  # interim answers are passed over
            parts = self._line().split(b" ", 2)
            if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():
                raise Unreachable("the control plane's answer is not HTTP")
            self.status = int(parts[1])
            self.headers = dict(self._header_lines())
        return self

    def pieces(self) -> Iterator[bytes]:
        """Return the body, piece by piece; a body that ends early is an error."""
        if self.status in (204, 304):
            return iter(())
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self._chunks()
        length = self.headers.get("content-length", "")
        return self._exactly(int(length)) if length.isdigit() else self._until_closed()

    def json(self) -> Any:
        """Return the body as what it says."""
        data = b""
        for piece in self.pieces():
            data += piece
            if len(data) > JSON_BYTES_MAX:
                raise Unreachable(f"the control plane's answer is over {JSON_BYTES_MAX} bytes")
        try:
            return json.loads(data) if data else None
        except ValueError:
            raise Unreachable("the control plane's answer is not JSON") from None

    def _line(self) -> bytes:
        line = self._file.readline(LINE_BYTES_MAX)
        if not line.endswith(b"\n"):
            raise Unreachable("the control plane ended the connection")
        return line.rstrip(b"\r\n")

    def _header_lines(self) -> Iterator[tuple[str, str]]:
        for _ in range(HEADERS_MAX):
            line = self._line()
            if not line:
                return
            name, _, value = line.partition(b":")
            yield name.decode("latin-1").strip().lower(), value.decode("latin-1").strip()
        raise Unreachable("the control plane's answer has too many headers")

    def _exactly(self, length: int) -> Iterator[bytes]:
        while length:
            piece = self._file.read(min(length, PIECE_BYTES))
            if not piece:
                raise Unreachable(f"the control plane's answer ended {length} bytes early")
            length -= len(piece)
            yield piece

    def _until_closed(self) -> Iterator[bytes]:
        while piece := self._file.read(PIECE_BYTES):
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while True:
            try:
                length = int(self._line().split(b";")[0], 16)
            except ValueError:
                raise Unreachable("the control plane's answer is badly chunked") from None
            if length == 0:
                return
            yield from self._exactly(length)
            self._line()


class Dial:
    """Requests of one instance to its control plane."""

    def __init__(self, path: str, token: str) -> None:
        self._path = path
        self._token = token

    def send(self, request: Request) -> Exchange:
        """Send a request whole; its answer is received from what is returned."""
        connection = self._connect()
        try:
            connection.settimeout(request.timeout_s)
            with suppress(BrokenPipeError):  # it has answered without reading on: see what it says
                self._send_whole(connection, request)
        except BaseException:
            connection.close()
            raise
        return Exchange(connection)

    def _send_whole(self, connection: socket.socket, request: Request) -> None:
        if isinstance(request.body, bytes):
            connection.sendall(self._head(request) + request.body)
            return
        with request.body.open("rb") as file:
            connection.sendall(self._head(request))
            connection.sendfile(file)

    def call(self, request: Request, check: Callable[[], None] | None = None) -> tuple[int, Any]:
        """Send a request; return the status and the JSON of its answer.

        `check` is called now and then while there is none, and may raise.
        """
        with self.send(request) as exchange:
            while check and not select.select([exchange], [], [], CHECK_S)[0]:
                check()
            return exchange.receive().status, exchange.json()

    def _head(self, request: Request) -> bytes:
        body = request.body
        length = len(body) if isinstance(body, bytes) else body.stat().st_size
        lines = [
            f"{request.method} {request.target} HTTP/1.1",
            "Host: control-plane",
            f"Authorization: Bearer {self._token}",
            f"Content-Length: {length}",
            "Connection: close",
            *(f"{name}: {value}" for name, value in (request.headers or {}).items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(CONNECT_TIMEOUT_S)
        try:
            if len(os.fsencode(self._path)) <= SOCKET_PATH_BYTES_MAX:
                connection.connect(self._path)
            else:
                _connect_far(connection, Path(self._path))
        except BaseException:
            connection.close()
            raise
        return connection


def _connect_far(connection: socket.socket, path: Path) -> None:
    """Connect to a socket whose path is longer than a socket's address can be."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{folder}/{path.name}")
    finally:
        os.close(folder)
