"""The instance metadata service on its socket: just enough HTTP/1.1, with a bound on everything.

It listens inside the instance's own network namespace, where packets to 169.254.169.254 are turned
to it: no other instance can reach it, and nothing leaves the instance. (`http.server` would cost
every instance 4 MB.)
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from io import BufferedRWPair

from jackbean.agent.metadata import Answer, Asked, Metadata

LINE_BYTES_MAX = 4 << 10
HEADERS_MAX = 50
BODY_BYTES_MAX = 4 << 10
GUESTS_MAX = 32
IDLE_S = 10.0
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
}


class MetadataServer:
    """Serves until closed. Raises OSError where its port is taken."""

    def __init__(self, metadata: Metadata, host: str, port: int) -> None:
        self._metadata = metadata
        self._room = threading.BoundedSemaphore(GUESTS_MAX)
        self._socket = socket.create_server((host, port), backlog=64)
        threading.Thread(target=self._receive, name="metadata", daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        self._socket.close()

    def _receive(self) -> None:
        while True:
            try:
                guest, _ = self._socket.accept()
            except OSError:
                return  # closed
            self._room.acquire()
            threading.Thread(target=self._attend, args=(guest,), daemon=True).start()

    def _attend(self, guest: socket.socket) -> None:
        try:
            with suppress(OSError, ValueError), guest, guest.makefile("rwb") as file:
                guest.settimeout(IDLE_S)
                while self._exchange(file):
                    pass
        finally:
            self._room.release()

    def _exchange(self, file: BufferedRWPair) -> bool:
        """Answer one request; return whether another may follow on the connection."""
        line = file.readline(LINE_BYTES_MAX)
        if not line:
            return False
        words = line.decode("latin-1").split()
        asked = _asked(words, file) if line.endswith(b"\n") and len(words) == 3 else None
        answer = self._metadata.answer(asked) if asked else Answer(400, "400 - Bad Request")
        more = asked is not None and asked.headers.get("connection", "").lower() != "close"
        more = more and words[2] == "HTTP/1.1"
        file.write(_written(answer, bare=bool(asked and asked.method == "HEAD"), more=more))
        file.flush()
        return more


def _asked(words: list[str], file: BufferedRWPair) -> Asked | None:
    """Return a request whole; None for one that is none, or too large."""
    headers: dict[str, str] = {}
    for _ in range(HEADERS_MAX):
        line = file.readline(LINE_BYTES_MAX)
        if line in (b"\r\n", b"\n"):
            break
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not line.endswith(b"\n"):
            return None
        headers[name.strip().lower()] = value.strip()
    else:
        return None
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()) or int(length[:9]) > BODY_BYTES_MAX:
        return None
    file.read(int(length))
    return None if "transfer-encoding" in headers else Asked(words[0], words[1], headers)


def _written(answer: Answer, *, bare: bool, more: bool) -> bytes:
    body = answer.body.encode()
    lines = [
        f"HTTP/1.1 {answer.status} {REASONS[answer.status]}",
        f"Content-Type: {answer.kind}",
        f"Content-Length: {len(body)}",
        f"Connection: {'keep-alive' if more else 'close'}",
        "Server: EC2ws",
        *(f"{name}: {value}" for name, value in answer.headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if bare else body)
