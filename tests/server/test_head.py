"""Requests over a real connection, whose heads may be long, and not longer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from jackbean.server.head import HEAD_BYTES_MAX, BoundedProtocol

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bytes]]


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the number of bytes in the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    content = str(size).encode()
    headers = [(b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def served(talk: Talk) -> bytes:
    config = uvicorn.Config(application, lifespan="off", log_config=None, http=BoundedProtocol)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    try:
        async with asyncio.timeout(20):
            return await talk(reader, writer)
    finally:
        writer.close()
        server.should_exit = True
        await serving


def endless(start: bytes) -> Talk:
    """Return a talk that goes on with a head until somebody ends it."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(start)
        sent = 0
        while not reader.at_eof() and sent < 100 * HEAD_BYTES_MAX:
            try:
                writer.write(b"x" * 4096)
                await writer.drain()
                sent += 4096
                await asyncio.sleep(0)
            except ConnectionError:
                break
        assert sent < 100 * HEAD_BYTES_MAX, "it was read to the end"
        return b""

    return talk


@pytest.mark.parametrize("start", [b"GET /", b"GET / HTTP/1.1\r\nHost: ", b"GET / HTTP/1.1\r\nA"])
def test_a_head_without_an_end_is_cut_off(start: bytes) -> None:
    asyncio.run(served(endless(start)))


def test_bodies_are_as_long_as_they_like_and_connections_stay() -> None:
    body = b"y" * (3 * HEAD_BYTES_MAX)
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        for _ in range(3):
            writer.write(head + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(len(str(len(body)))) == str(len(body)).encode()
        long = b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"z" * (HEAD_BYTES_MAX // 2) + b"\r\n\r\n"
        writer.write(long)
        return await reader.readuntil(b"\r\n")

    assert asyncio.run(served(talk)) == b"HTTP/1.1 200 OK\r\n"


def test_a_head_that_is_too_long_is_told_so() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"z" * HEAD_BYTES_MAX)
        return await reader.read()

    answer = asyncio.run(served(talk))
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"larger than" in answer
