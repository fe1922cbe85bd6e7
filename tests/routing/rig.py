"""A real Envoy with small backends and visitors, for tests.

Backends live on an event loop in a thread of their own and visitors in threads, so that neither
stands still while a test waits for something else.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from jackbean.core.errors import PortError
from jackbean.core.fleet import Service
from jackbean.ports.engine import Address
from jackbean.ports.router import Counted, HealthCheck, Routes, Target, TargetSight
from jackbean.routing.envoy import EnvoyRouter
from jackbean.routing.process import Held, Program
from jackbean.routing.projection import Facts
from jackbean.routing.templates import IDLE_TIMEOUT_S

T = TypeVar("T")
Targets = tuple[Target, ...]
PATIENCE_S = 15.0
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000
CHECK = HealthCheck("/health", 0.2, 1.0, 2, 2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Holder:
    """Stands in for the shim: starts a program again whenever it ends."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.restarts = 0
        self._program: Program | None = None
        self._keeper: threading.Thread | None = None

    async def start(self, program: Program) -> None:
        if self._keeper is None:
            self._program = program
            self._launch(program)
            self._keeper = threading.Thread(target=self._keep, args=(program,))
            self._keeper.start()

    async def status(self) -> Held:
        if self.process is None:
            return Held(trouble="it was never started")
        return Held(self.process.pid, self.restarts)

    async def stop(self, grace_s: float) -> None:
        self._program = None
        if self.process is not None and self._keeper is not None:
            self.process.terminate()
            self._keeper.join(grace_s)
            self.process.kill()
            self._keeper.join()
            self._keeper = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def _launch(self, program: Program) -> None:
        with (program.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                program.argv, cwd=program.directory, stdout=log, stderr=log, env=program.env
            )

    def _keep(self, program: Program) -> None:
        while self.process is not None:
            self.process.wait()
            if self._program is None:
                return
            self.restarts += 1
            self._launch(program)


@dataclass
class Backend:
    """One instance's server. `/hold` answers once `release` is set; `/health` by `well`.

    One that is `broken` answers whatever else is asked with a 500.
    """

    name: str
    address: Address
    well: bool = True
    broken: bool = False
    checks: int = 0
    served: int = 0
    held: int = 0
    heads: list[bytes] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    server: asyncio.Server | None = None
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        try:
            while True:
                await self._answer(reader, writer)
        except (OSError, EOFError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split()[1]
        if path.startswith(b"/health"):
            self.checks += 1
            self._write(writer, b"200 OK" if self.well else b"500 Sick", b"")
            return
        self.served += 1
        self.heads.append(head)
        del self.heads[:-100]
        body = await _body(reader, head)
        if b"upgrade: websocket" in head.lower():
            await self._echo(reader, writer)
        elif path == b"/hold":
            self.held += 1
            await self.release.wait()
            self.held -= 1
            self._write(writer, b"200 OK", self.name.encode())
        elif path == b"/cut":
            raise EOFError
        elif path == b"/trickle":
            await self._trickle(writer)
        else:
            answer = self.name.encode() + (b" %d" % len(body) if body else b"")
            status = b"500 Broken" if self.broken else b"200 OK"
            self._write(writer, status, head if path.startswith(b"/head") else answer)

    async def _trickle(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n")
        for _ in range(20):
            writer.write(b".")
            await asyncio.sleep(0.05)

    def _write(self, writer: asyncio.StreamWriter, status: bytes, body: bytes) -> None:
        length = b"Content-Length: %d" % len(body)
        writer.write(b"HTTP/1.1 " + status + b"\r\n" + length + b"\r\n\r\n" + body)

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.held += 1
        upgrade = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket"
        writer.write(upgrade + b"\r\n\r\n")
        try:
            while data := await reader.read(1000):
                writer.write(data)
        finally:
            self.held -= 1
        raise EOFError


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return body
    if b"content-length:" in lower:
        return await reader.readexactly(int(lower.split(b"content-length:")[1].split()[0]))
    return b""


class Yard:
    """Backends, each on an address of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._count = 0
        self.backends: list[Backend] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def backend(self, name: str = "", *, well: bool = True) -> Backend:
        self._count += 1
        host = f"127.{64 + os.getpid() % 60}.{self._count // 250}.{self._count % 250 + 1}"
        backend = Backend(name or f"i-{self._count:017x}", Address(host, 0), well)
        self.start(backend)
        self.backends.append(backend)
        return backend

    def start(self, backend: Backend) -> None:
        """Start it, or start it again where it was."""

        async def work() -> None:
            host, port = backend.address.host, backend.address.port
            backend.server = await asyncio.start_server(backend.serve, host, port, backlog=1000)
            backend.address = Address(host, backend.server.sockets[0].getsockname()[1])

        self.do(work())

    def kill(self, backend: Backend) -> None:
        """Let it die as a process does: all connections reset."""

        async def work() -> None:
            if backend.server is not None:
                for listening in backend.server.sockets:
                    self._loop.remove_reader(listening.fileno())
                for _ in range(3):  # whoever is being let in needs a server that is there
                    await asyncio.sleep(0)
                backend.server.close()
                backend.server = None
            for writer in list(backend.writers):
                writer.transport.abort()

        self.do(work())

    def release(self, backend: Backend) -> None:
        async def work() -> None:
            backend.release.set()

        self.do(work())

    def close(self) -> None:
        for backend in self.backends:
            self.release(backend)
            self.kill(backend)

        async def rest() -> None:
            mine = asyncio.current_task()
            tasks = [t for t in asyncio.all_tasks() if t is not mine]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.do(rest())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: str
    cookies: dict[str, str] = field(default_factory=dict)


class Visitor:
    """One keep-alive connection. It sends the cookies in its `jar`, and keeps those it is given."""

    def __init__(self, place: str, host: str = "any.test") -> None:
        self._place = place
        self._host = host
        self.jar: dict[str, str] | None = None
        self._socket: socket.socket | None = None
        self._file: Any = None

    def open(self) -> None:
        host, _, port = self._place.partition(":")
        self._socket = socket.create_connection((host, int(port or 80)), 5)
        self._socket.settimeout(PATIENCE_S)
        self._file = self._socket.makefile("rb")

    def close(self) -> None:
        if self._socket is not None:
            self._file.close()
            self._socket.close()
            self._socket = None

    def ask(self, path: str = "/", *, method: str = "GET", head: str = "", body: str = "") -> Reply:
        """Send one request; `body` goes in chunks of ten bytes."""
        chunked = "Transfer-Encoding: chunked\r\n" if body else ""
        self.begin(path, method, head + chunked)
        chunks = [body[i : i + 10] for i in range(0, len(body), 10)]
        for chunk in [*chunks, ""] if body else []:
            self.send(f"{len(chunk):x}\r\n{chunk}\r\n".encode())
        return self.finish()

    def begin(self, path: str, method: str = "GET", head: str = "") -> None:
        if self._socket is None:
            self.open()
        if self.jar:
            head += "Cookie: " + "; ".join(f"{n}={v}" for n, v in self.jar.items()) + "\r\n"
        self.send(f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n{head}\r\n".encode())

    def send(self, data: bytes) -> None:
        assert self._socket is not None
        self._socket.sendall(data)

    def receive(self, size: int) -> bytes:
        return bytes(self._file.read(size))

    def finish(self) -> Reply:
        status = self._file.readline()
        if not status:
            raise EOFError("the connection was closed without an answer")
        headers, cookies = {}, {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
            if name.lower() == "set-cookie":
                cookie, _, content = value.strip().partition(";")[0].partition("=")
                cookies[cookie] = content
        body = self._file.read(int(headers.get("content-length", 0)))
        if self.jar is not None:
            self.jar.update(cookies)
        if headers.get("connection") == "close":
            self.close()
        return Reply(int(status.split()[1]), headers, body.decode(), cookies)


@contextmanager
def visiting(place: str, host: str = "any.test") -> Iterator[Visitor]:
    visitor = Visitor(place, host)
    try:
        yield visitor
    finally:
        visitor.close()


def visit(place: str, path: str = "/", host: str = "any.test", head: str = "") -> Reply:
    with visiting(place, host) as visitor:
        return visitor.ask(path, head=head)


def status_of(place: str, host: str = "any.test") -> int:
    """Return the status of an answer, 0 for none."""
    try:
        return visit(place, host=host).status
    except (OSError, EOFError):
        return 0


class Load:
    """Visitors without a pause, each over one connection: GET, and every third a chunked POST.

    With `posts` False there are none of those; `jars` gives each visitor one for cookies.
    """

    def __init__(
        self,
        places: list[tuple[str, str]],
        visitors: int = 3,
        *,
        posts: bool = True,
        jars: bool = False,
    ) -> None:
        self.posts, self.jars = posts, jars
        self.answers: Counter[str] = Counter()
        self.faults: list[str] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=places[i % len(places)])
            for i in range(visitors)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def count(self) -> int:
        return sum(self.answers.values())

    def _run(self, place: str, host: str) -> None:
        with visiting(place, host) as visitor:
            visitor.jar = {} if self.jars else None
            turn = 0
            while not self._stop.is_set():
                turn += 1
                try:
                    self._once(visitor, turn)
                except (OSError, EOFError) as error:
                    self.faults.append(repr(error))
                    visitor.close()

    def _once(self, visitor: Visitor, turn: int) -> None:
        if turn % 3 or not self.posts:
            reply = visitor.ask()
        else:
            reply = visitor.ask("/post", method="POST", body="0123456789" * 5)
        if reply.status == 200:
            self.answers[reply.body.split()[0]] += 1
        else:
            self.faults.append(f"{reply.status} {reply.body}")


class Rig:
    """A router on a real Envoy, with a yard of backends."""

    def __init__(
        self, directory: Path, workers: int = 1, idle_timeout_s: float = IDLE_TIMEOUT_S
    ) -> None:
        self.runner = asyncio.Runner()
        self.directory = directory
        self.holder = Holder()
        self.yard = Yard()
        self.workers = workers
        log = str(directory / "logs" / "access.log")
        self.facts = Facts(str(directory), free_port(), log, idle_timeout_s)
        self.router = self.new_router()
        self._slots = 0
        self.run(self.router.start())

    def new_router(self) -> EnvoyRouter:
        return EnvoyRouter(self.facts, self.directory / "envoy", self.holder, self.workers)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @property
    def main(self) -> str:
        return f"127.0.0.1:{self.facts.http_port}"

    def restart(self) -> EnvoyRouter:
        """Replace the control plane; the new one is not open yet."""
        self.run(self.router.close())
        self.router = self.new_router()
        self.run(self.router.start())
        return self.router

    def routes(self, *backends: Backend, **changes: Any) -> Routes:
        self._slots += 1
        name = f"e-{self._slots:010d}"
        targets = targets_of(*backends)
        return replace(Routes(name, self._slots, (f"{name}.test",), targets, CHECK), **changes)

    @staticmethod
    def routes_like(routes: Routes, *backends: Backend) -> Routes:
        """Return the routes with other instances, all in one group."""
        return replace(routes, targets=targets_of(*backends), split=None)

    def publish(self, routes: Routes) -> Routes:
        self.run(self.router.publish(routes))
        return routes

    def publish_and_wait(self, routes: Routes) -> Routes:
        """Return once every worker routes by these, and nothing is left to be passed on."""
        self.publish(routes)
        self.until(lambda: self.router._ads.settled() and not self.router._unfinished())
        self.run(self.router._process.admin.rendezvous())
        return routes

    def counters(self, routes: Routes) -> dict[str, Counted]:
        return dict(self.run(self.router.counters(routes.environment_id)))

    def until_counted(
        self, routes: Routes, test: Callable[[Mapping[str, Counted]], bool]
    ) -> dict[str, Counted]:
        seen: dict[str, Counted] = {}

        async def look() -> bool:
            seen.clear()
            seen.update(await self.router.counters(routes.environment_id))
            return test(seen)

        try:
            self.until_async(look)
        except AssertionError as error:
            raise AssertionError(f"last counted: {seen}") from error
        return seen

    def observe(self, routes: Routes) -> dict[str, TargetSight]:
        return dict(self.run(self.router.observe(routes.environment_id)))

    def place(self, routes: Routes) -> str:
        return self.router.endpoint(routes.slot)

    def until(self, condition: Callable[[], bool], what: str = "") -> float:
        """Wait until a condition holds, while the control plane runs; return how long it took."""

        async def truth() -> bool:
            return await asyncio.to_thread(condition)

        return self.until_async(truth, what)

    def until_async(self, condition: Callable[[], Awaitable[bool]], what: str = "") -> float:
        async def work() -> float:
            begin = time.monotonic()
            while time.monotonic() - begin < PATIENCE_S:
                with suppress(PortError):
                    if await condition():
                        return time.monotonic() - begin
                await asyncio.sleep(0.002)
            raise AssertionError(f"not within {PATIENCE_S} s: {what or condition}")

        return self.run(work())

    def until_sights(
        self, routes: Routes, test: Callable[[dict[str, TargetSight]], bool]
    ) -> dict[str, TargetSight]:
        seen: dict[str, TargetSight] = {}

        async def look() -> bool:
            seen.clear()
            seen.update(await self.router.observe(routes.environment_id))
            return test(seen)

        try:
            self.until_async(look)
        except AssertionError as error:
            raise AssertionError(f"last seen: {seen}") from error
        return seen

    def until_serving(self, routes: Routes) -> float:
        return self.until(lambda: status_of(self.place(routes)) == 200, "serving")

    def kill_envoy(self) -> None:
        os.kill(self.holder.pid, signal.SIGKILL)

    def log(self) -> str:
        return (self.directory / "envoy" / "log").read_text()

    def close(self) -> None:
        self.run(self.router.end(5.0))
        self.runner.close()
        self.yard.close()


def targets_of(*backends: Backend, group: str = "main", draining: bool = False) -> Targets:
    return tuple(Target(b.name, b.address, draining, group) for b in backends)


def drained(routes: Routes, *backends: Backend) -> Routes:
    """Return the routes with these backends draining."""
    names = {b.name for b in backends}
    targets = tuple(replace(t, draining=t.instance in names) for t in routes.targets)
    return replace(routes, targets=targets)


def without(routes: Routes, *backends: Backend) -> Routes:
    names = {b.name for b in backends}
    return replace(routes, targets=tuple(t for t in routes.targets if t.instance not in names))


@contextmanager
def held_up(pid: int) -> Iterator[None]:
    """Stop Envoy's workers, and not its main thread: as on a machine that is very busy."""
    libc = ctypes.CDLL(None, use_errno=True)
    tasks = Path(f"/proc/{pid}/task")
    workers = [int(t.name) for t in tasks.iterdir() if "wrk" in (t / "comm").read_text()]
    assert workers

    def trace(request: int, worker: int) -> None:
        if libc.ptrace(request, worker, None, None):
            raise OSError(ctypes.get_errno(), "ptrace")

    for worker in workers:
        trace(PTRACE_SEIZE, worker)
        trace(PTRACE_INTERRUPT, worker)
        os.waitpid(worker, WALL)
    try:
        yield
    finally:
        for worker in workers:
            trace(PTRACE_DETACH, worker)


def gone_quiet(sight: TargetSight) -> bool:
    return sight.service is Service.DRAINING and sight.requests == 0
