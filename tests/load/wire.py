"""HTTP/1.1 as a strict visitor speaks it: one keep-alive connection, and nothing is tried twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field

HEAD_MAX = 64 << 10
BODY_MAX = 8 << 20


class Broken(Exception):
    """There was no answer, or none that can be read."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    cookies: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def last(self) -> bool:
        """Whether the other side announces that it closes the connection."""
        return self.headers.get("connection", "").lower() == "close"


class Line:
    """A connection that is opened when it is needed, and kept."""

    def __init__(self, place: str, host: str = "") -> None:
        self.place, self.host = place, host or place
        self.opened = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, head: str = "", body: AsyncIterable[bytes] | None = None
    ) -> Answer:
        """Send one request, its body in chunks; return the answer. Raises Broken, OSError."""
        reader, writer = await self.open()
        head += "Transfer-Encoding: chunked\r\n" if body else ""
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\n{head}\r\n".encode())
        if body:
            async for piece in body:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                await writer.drain()
            writer.write(b"0\r\n\r\n")
        answer = await _answer(reader)
        if answer.last:
            self.close()
        return answer

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            host, _, port = self.place.partition(":")
            self.opened += 1
            self._streams = await asyncio.open_connection(host, int(port or 80), limit=HEAD_MAX)
        return self._streams

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def read_head(reader: asyncio.StreamReader) -> Answer:
    """Return an answer without its body."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError as error:
        said = f"after {error.partial[:60]!r}" if error.partial else "without a word"
        raise Broken(f"the connection was closed {said}") from None
    first, *lines = head.split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[1].isdecimal():
        raise Broken(f"an answer begins with {first[:60]!r}")
    headers, cookies = {}, {}
    for line in filter(None, lines):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
        if name.lower() == "set-cookie":
            cookie, _, content = value.strip().partition(";")[0].partition("=")
            cookies[cookie] = content
    return Answer(int(words[1]), headers, cookies)


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = await read_head(reader)
    try:
        body = b"".join([piece async for piece in _pieces(reader, head)])
    except asyncio.IncompleteReadError:
        raise Broken(f"the answer ({head.status}) broke off") from None
    return Answer(head.status, head.headers, head.cookies, body)


async def _pieces(reader: asyncio.StreamReader, head: Answer) -> AsyncIterator[bytes]:
    if "chunked" not in head.headers.get("transfer-encoding", ""):
        yield await reader.readexactly(min(BODY_MAX, int(head.headers.get("content-length", 0))))
        return
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        yield await reader.readexactly(min(BODY_MAX, size))
        await reader.readexactly(2)
    await reader.readexactly(2)
