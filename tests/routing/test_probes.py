"""Checks of our own: who passes, who is waited for, and who is not believed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest

from jackbean.ports.engine import Address
from jackbean.ports.router import HealthCheck, Probe
from jackbean.routing import probes
from jackbean.routing.probes import Prober, answers

CHECK = HealthCheck("/health?x=a b", 1.0, 5.0, 1, 1, ((200, 204), (302, 302)))
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Place:
    address: Address
    heads: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Place]:
    place = Place(Address("127.0.0.1", 1))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError):
            place.heads.append(await reader.readuntil(b"\r\n\r\n"))
            await answer(writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    place.address = Address("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        yield place
    finally:
        server.close()


def saying(words: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await writer.drain()

    return answer


@pytest.mark.parametrize(
    ("words", "passes"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.0 204\n\n", True),
        (b"HTTP/1.1 302 Found\r\n\r\n", True),
        (b"HTTP/1.1 205 No\r\n\r\n", False),
        (b"HTTP/1.1 500 Sick\r\n\r\n", False),
        (b"HTTP/1.1\r\n", False),
        (b"\xff\xff\r\n", False),
        (b"HTTP/1.1 many\r\n", False),
        (b"x" * (1 << 17), False),
        (b"", False),
    ],
    ids=lambda one: str(one)[:30],
)
def test_who_passes(words: bytes, passes: bool) -> None:
    async def look() -> None:
        async with serving(saying(words)) as place:
            assert await answers(CHECK, place.address) is passes
            (head,) = place.heads
            assert head.startswith(b"GET /health?x=a%20b HTTP/1.1\r\n")
            assert b"User-Agent: ELB-HealthChecker/2.0\r\n" in head

    asyncio.run(look())


def test_a_connection_is_enough_without_a_path_and_needed_with_one() -> None:
    bare = replace(CHECK, path=None)

    async def look() -> None:
        async with serving(saying(b"")) as place:
            assert await answers(bare, place.address)
        assert not await answers(bare, place.address)
        assert not await answers(CHECK, place.address)

    asyncio.run(look())


def test_who_says_nothing_fails_when_its_time_is_up() -> None:
    async def look() -> None:
        silent = asyncio.Event()

        async def answer(writer: asyncio.StreamWriter) -> None:
            await silent.wait()

        async with serving(answer) as place:
            assert not await answers(replace(CHECK, timeout_s=0.05), place.address)
            silent.set()

    asyncio.run(look())


def test_who_is_slow_passes_later_and_only_under_the_mark_it_was_asked_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probes, "PATIENCE_S", 0.02)

    async def look() -> None:
        may_answer = asyncio.Event()

        async def answer(writer: asyncio.StreamWriter) -> None:
            await may_answer.wait()
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await writer.drain()

        prober = Prober()
        async with serving(answer) as place:
            first, second = (Probe("i-1", place.address, mark) for mark in "12")
            assert await prober.passed(CHECK, [first]) == frozenset()
            assert await prober.passed(CHECK, [first]) == frozenset()
            assert len(place.heads) == 1  # one check at a time
            assert await prober.passed(CHECK, [second]) == frozenset()
            may_answer.set()
            async with asyncio.timeout(10):
                while not await prober.passed(CHECK, [second]):
                    pass
            assert len(place.heads) == 2
        await prober.close()

    asyncio.run(look())
