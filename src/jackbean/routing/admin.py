"""Questions to a running Envoy, over unix sockets: its admin pages, and its workers themselves.

Envoy's admin pages are answered by its main thread, which knows of a change before the workers do
that route by it. `rendezvous` therefore asks each worker for an answer of its own: a worker handles
the changes it was sent in order, so when it has answered it routes by all that was sent before.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from jackbean.core.errors import PortError

TIMEOUT_S = 5.0
BODY_MAX = 64 << 20
_TROUBLE = (OSError, EOFError, ValueError, asyncio.LimitOverrunError, IndexError)


class Admin:
    """`rendezvous` is a listener of its own, whose connections are spread evenly over workers."""

    def __init__(self, socket: Path, rendezvous: Path, workers: int) -> None:
        self._socket = socket
        self._rendezvous = rendezvous
        self._workers = workers

    async def get(self, path: str) -> bytes:
        (body,) = await self._ask("GET", path)
        return body

    async def post(self, path: str) -> bytes:
        (body,) = await self._ask("POST", path)
        return body

    async def pages(self, *paths: str) -> list[bytes]:
        """Return several pages of one and the same Envoy: it cannot be replaced in between."""
        return await self._ask("GET", *paths)

    async def json(self, path: str) -> Any:
        body = await self.get(path)
        try:
            return json.loads(body)
        except ValueError as error:
            raise PortError(f"Envoy's answer to {path} is not JSON: {error}") from error

    async def rendezvous(self) -> None:
        """Return when every worker routes by what Envoy's main thread knew at the call."""
        lines = [_Line(self._rendezvous) for _ in range(self._workers)]
        async with _answering(self._rendezvous):
            try:
                await asyncio.gather(*(line.open() for line in lines))
                await asyncio.gather(*(_twice(line) for line in lines))
            finally:
                await asyncio.gather(*(line.close() for line in lines))

    async def _ask(self, method: str, *paths: str) -> list[bytes]:
        line = _Line(self._socket)
        async with _answering(self._socket):
            try:
                await line.open()
                answers = [await line.ask(method, path) for path in paths]
            finally:
                await line.close()
        return [_good(method, path, *one) for path, one in zip(paths, answers, strict=True)]


def _good(method: str, path: str, status: int, body: bytes) -> bytes:
    if status != 200:
        words = body[:200].decode(errors="replace").strip()
        raise PortError(f"Envoy answers {method} {path} with {status}: {words}")
    return body


@asynccontextmanager
async def _answering(socket: Path) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            yield
    except _TROUBLE as error:
        why = str(error) or type(error).__name__
        raise PortError(f"Envoy does not answer on {socket}: {why}") from error


async def _twice(line: _Line) -> None:
    """Ask for two answers: a worker begins a new round of events between them."""
    await line.ask("GET", "/")
    await line.ask("GET", "/")


class _Line:
    """One HTTP connection over a unix socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._reader = asyncio.StreamReader()
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_unix_connection(str(self._socket))

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with suppress(OSError):
                await self._writer.wait_closed()

    async def ask(self, method: str, path: str) -> tuple[int, bytes]:
        """Return status and body."""
        if self._writer is None:
            raise EOFError("the connection is not open")
        head = f"{method} {path} HTTP/1.1\r\nHost: envoy\r\nContent-Length: 0\r\n\r\n"
        self._writer.write(head.encode())
        status = int((await self._line()).split()[1])
        headers = {}
        while line := await self._line():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") == "chunked":
            return status, await self._chunks()
        return status, await self._exactly(int(headers.get("content-length", "0")))

    async def _chunks(self) -> bytes:
        parts, size = [], 0
        while length := int(await self._line(), 16):
            size += length
            if size > BODY_MAX:
                raise ValueError(f"an answer of more than {BODY_MAX} bytes")
            parts.append(await self._exactly(length))
            await self._line()
        await self._line()
        return b"".join(parts)

    async def _exactly(self, length: int) -> bytes:
        if not 0 <= length <= BODY_MAX:
            raise ValueError(f"an answer of {length} bytes")
        return await self._reader.readexactly(length)

    async def _line(self) -> str:
        return (await self._reader.readuntil(b"\r\n"))[:-2].decode("latin-1")
