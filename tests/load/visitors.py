"""Visitors: each has a connection of its own, takes nothing twice, and notes whatever is not right.

What counts as a loss: an answer that is not 200, is broken, late, or not that of the site; a body
whose digest comes back wrong; a connection that is closed without having been announced; a message
on an open WebSocket that is not echoed; a WebSocket that ends without a close that says to come
again. What does not: a message that crosses such a close (it is said again on the next WebSocket),
and a WebSocket that is closed so.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count

from tests.load import frames
from tests.load.tally import Loss, Seen, Tally
from tests.load.wire import Answer, Broken, Line, read_head

PATIENCE_S = 30.0  # for an answer that should come at once
LATE_S = 8.0  # a slow answer may take that much longer than it was asked to
NUMBERS = count(1)
TROUBLES = (Broken, OSError, ValueError, TimeoutError, asyncio.IncompleteReadError)
POST_EVERY = 5
RESTLESS_MESSAGES = 30
PIECES_MAX, PIECE_MAX = 12, 4096


@dataclass(frozen=True)
class Place:
    """Where to: host and port, what to say in `Host`, and the path of those that ask briefly."""

    endpoint: str
    host: str = ""
    path: str = "/"


class Visitor:
    """Comes again and again until it is told to stop; what it has begun it brings to an end."""

    kind = ""

    def __init__(self, place: Place, stop: asyncio.Event) -> None:
        self.tally = Tally()
        self.place = place
        self.stop = stop
        self.line = Line(place.endpoint, place.host)
        self.dice = random.Random(next(NUMBERS))
        self.jar: dict[str, str] | None = None  # where cookies are kept, if they are

    async def run(self) -> None:
        while not self.stop.is_set():
            await self.visit()
        self.line.close()

    async def visit(self) -> None:
        raise NotImplementedError

    async def rest(self, seconds: float) -> None:
        """Wait, or be told to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            return

    def lose(self, kind: str, path: str, begun: float, why: object) -> None:
        said = f"{type(why).__name__}: {why}" if isinstance(why, Exception) else str(why)
        self.tally.losses.append(Loss(kind, begun, time.monotonic(), path, said))
        self.line.close()

    async def ask(
        self, kind: str, path: str, patience_s: float, body: Body | None = None
    ) -> Answer | None:
        """Make one request; note what came of it."""
        begun, path = time.monotonic(), f"{path}?n={next(NUMBERS)}"
        try:
            async with asyncio.timeout(patience_s):
                sent = body.pieces() if body else None
                answer = await self.line.ask("POST" if body else "GET", path, self._cookies(), sent)
        except TROUBLES as trouble:
            self.lose(kind, path, begun, trouble)
            return None
        wrong = _wrong(answer, body)
        if wrong:
            self.lose(kind, path, begun, wrong)
            return None
        if self.jar is not None:
            self.jar.update(answer.cookies)
        self.tally.reopened += answer.last
        self.tally.seen.append(_seen(kind, begun, answer))
        return answer

    def _cookies(self) -> str:
        pairs = "; ".join(f"{name}={value}" for name, value in (self.jar or {}).items())
        return f"Cookie: {pairs}\r\n" if pairs else ""


class Body:
    """Random bytes in pieces, perhaps with pauses between them."""

    def __init__(self, dice: random.Random, over_s: float = 0.0) -> None:
        self._pieces = [
            dice.randbytes(dice.randint(1, PIECE_MAX)) for _ in range(dice.randint(1, PIECES_MAX))
        ]
        self._pause_s = over_s / len(self._pieces)
        self.size = sum(map(len, self._pieces))
        self.digest = hashlib.sha256(b"".join(self._pieces)).hexdigest()

    async def pieces(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            if self._pause_s:
                await asyncio.sleep(self._pause_s)
            yield piece


class Caller(Visitor):
    """Asks briefly: GET, and every fifth time a POST in chunks."""

    def __init__(self, place: Place, stop: asyncio.Event, pause_s: float, *, paced: bool) -> None:
        super().__init__(place, stop)
        self._pause_s, self._paced = pause_s, paced
        self._turn = self.dice.randrange(POST_EVERY)

    async def run(self) -> None:
        await self.rest(self.dice.uniform(0, self._pause_s))
        await super().run()

    async def visit(self) -> None:
        """Ask; then wait for the next moment of the pace, or just for the pause."""
        began, self._turn = time.monotonic(), self._turn + 1
        if self._turn % POST_EVERY:
            await self.ask("GET", self.place.path, PATIENCE_S)
        else:
            await self.ask("POST", self.place.path, PATIENCE_S, Body(self.dice))
        spent = time.monotonic() - began if self._paced else 0.0
        await self.rest(max(0.0, self._pause_s - spent))


class Patient(Visitor):
    """Waits long: for an answer that is silent, for one that drips, and with a slow upload."""

    def __init__(self, place: Place, stop: asyncio.Event, slow_s: float, turn: int) -> None:
        super().__init__(place, stop)
        self._slow_s, self._turn = slow_s, turn

    async def visit(self) -> None:
        slow_s, self._turn = self._slow_s, self._turn + 1
        late_s = slow_s + LATE_S
        match self._turn % 4:
            case 0:
                await self.ask("slow GET", f"/slow/{slow_s:g}", late_s)
            case 1:
                await self.ask("slow POST", f"/slow/{slow_s:g}", late_s, Body(self.dice))
            case 2:
                await self.ask("dripping", f"/drip/{slow_s:g}", late_s)
            case _:
                await self.ask("upload", "/", late_s, Body(self.dice, slow_s))


class Talker(Visitor):
    """Talks on one WebSocket after another, a message at a time, each echoed before the next.

    A `restless` one takes its leave after a while, and is soon where others have gone or come.
    """

    def __init__(
        self, place: Place, stop: asyncio.Event, pause_s: float, *, restless: bool
    ) -> None:
        super().__init__(place, stop)
        self._pause_s = pause_s
        self._restless = restless
        self._words = ""
        self._left = 0

    async def visit(self) -> None:
        """Open a WebSocket, and talk until it is closed or we are told to stop."""
        begun, path, said = time.monotonic(), f"/socket?n={next(NUMBERS)}", ""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._open(path)
                self._left = RESTLESS_MESSAGES
            while said is not None:
                said = await self._talk(begun)
                await self.rest(self._pause_s if said else 0.0)
        except TROUBLES as trouble:
            self.lose("WebSocket", path, begun, trouble)
        self.line.close()

    async def _open(self, path: str) -> None:
        reader, writer = await self.line.open()
        head = f"GET {path} HTTP/1.1\r\nHost: {self.line.host}\r\n{frames.UPGRADE}\r\n"
        writer.write(head.encode())
        answer = await read_head(reader)
        if answer.status != 101 or answer.headers.get("sec-websocket-accept") != frames.ACCEPTED:
            raise Broken(f"the WebSocket was answered {answer.status}")

    async def _talk(self, begun: float) -> str | None:
        """Say something and hear it again; None once the WebSocket is closed, as it should be."""
        _, writer = await self.line.open()
        self._left -= 1
        if self.stop.is_set() or (self._restless and self._left < 0 and not self._words):
            await self._bid_farewell()
            return None
        crossed = bool(self._words)
        self._words = self._words or f"word {next(NUMBERS)}"
        sent = time.monotonic()
        writer.write(frames.masked(frames.TEXT, self._words.encode()))
        opcode, payload = await self._frame()
        if opcode == frames.CLOSE:
            self._closed(payload)
            return None
        version, instance, words = payload.decode().split(" ", 2)
        if words != self._words:
            raise Broken(f"{self._words!r} was echoed as {words!r}")
        self.tally.messages += 1
        self.tally.repeated += crossed
        self.tally.seen.append(Seen("message", sent, time.monotonic(), version, instance))
        self._words = ""
        return words

    async def _bid_farewell(self) -> None:
        _, writer = await self.line.open()
        writer.write(frames.masked(frames.CLOSE, b"\x03\xe8"))
        while (await self._frame())[0] != frames.CLOSE:
            pass

    async def _frame(self) -> tuple[int, bytes]:
        reader, _ = await self.line.open()
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await frames.read_frame(reader)
        except asyncio.IncompleteReadError:
            raise Broken("the WebSocket ended without a close") from None

    def _closed(self, payload: bytes) -> None:
        code = frames.close_code(payload)
        if code not in frames.FAIR_CLOSES:
            raise Broken(f"the WebSocket was closed with {code}")
        self.tally.moved += 1


def _wrong(answer: Answer, body: Body | None) -> str:
    """Return what is wrong with an answer; nothing if it is right."""
    text = " ".join(answer.body.decode("utf-8", "replace").lstrip(". ").split())
    words = text.split()
    size = body.size if body else 0
    if answer.status != 200:
        return f"{answer.status} {text[:80]}"
    if len(words) < 3 or words[2] != str(size):
        return f"{size} bytes were sent, and the answer is {text[:80]!r}"
    if len(words) > 5 and body and words[5] != body.digest:
        return "another body arrived than was sent"
    return ""


def _seen(kind: str, begun: float, answer: Answer) -> Seen:
    version, instance, _, *more = answer.body.decode().lstrip(". ").split()
    colour = more[0] if more else "-"
    return Seen(kind, begun, time.monotonic(), version, instance, colour)
