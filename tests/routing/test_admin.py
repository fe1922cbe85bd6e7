"""Asking Envoy, and whatever may answer in its place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from jackbean.core.errors import PortError
from jackbean.routing import admin as module
from jackbean.routing.admin import Admin

OK = b"HTTP/1.1 200 OK\r\n"


def ask(directory: Path, answer: bytes, work: Callable[[Admin], Awaitable[object]]) -> object:
    """Return what asking comes to, where `answer` is all that is ever said."""
    socket = directory / "s"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async def main() -> object:
        server = await asyncio.start_unix_server(serve, str(socket))
        async with server:
            return await work(Admin(socket, socket, 1))

    return asyncio.run(main())


def test_bodies_come_whole_or_in_chunks(tmp_path: Path) -> None:
    whole = OK + b'Content-Length: 7\r\n\r\n{"a":1}'
    assert ask(tmp_path, whole, lambda a: a.json("/x")) == {"a": 1}
    chunked = OK + b'Transfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n'
    assert ask(tmp_path, chunked, lambda a: a.json("/x")) == {"a": 1}
    assert ask(tmp_path, OK + b"\r\n", lambda a: a.post("/x")) == b""


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        OK,
        OK + b"Content-Length: 7\r\n\r\n{",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 99999999999\r\n\r\n",
        OK + b"Content-Length: x\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
        OK + b"X: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
def test_an_answer_that_is_none_is_a_port_error(tmp_path: Path, answer: bytes) -> None:
    with pytest.raises(PortError, match="Envoy does not answer on"):
        ask(tmp_path, answer, lambda a: a.get("/x"))


def test_other_answers_are_named(tmp_path: Path) -> None:
    with pytest.raises(PortError, match="GET /x with 404: no"):
        ask(tmp_path, b"HTTP/1.1 404 X\r\nContent-Length: 2\r\n\r\nno", lambda a: a.get("/x"))
    with pytest.raises(PortError, match="not JSON"):
        ask(tmp_path, OK + b"Content-Length: 1\r\n\r\n{", lambda a: a.json("/x"))


def test_nobody_there_is_a_port_error(tmp_path: Path) -> None:
    nobody = Admin(tmp_path / "none", tmp_path / "none", 1)
    for work in (nobody.get("/x"), nobody.rendezvous()):
        with pytest.raises(PortError, match="does not answer"):
            asyncio.run(work)  # type: ignore[arg-type]


def test_one_that_is_silent_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.05)
    socket = tmp_path / "s"

    async def main() -> None:
        done = asyncio.Event()

        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await done.wait()
            writer.close()

        async with await asyncio.start_unix_server(serve, str(socket)):
            try:
                await Admin(socket, socket, 1).get("/x")
            finally:
                done.set()

    with pytest.raises(PortError, match="does not answer"):
        asyncio.run(main())
