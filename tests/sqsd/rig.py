"""The daemon as a process of its own, between real queues and a real HTTP server.

The queues are the service itself over the simulator's port, behind the real front door; a control
plane that goes away and comes back finds its queues as they were.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import uvicorn
from botocore.config import Config
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.api.rig import ADMIN, PlantRig

from jackbean.api.door import Door
from jackbean.core.daemon import DaemonConfig, DaemonState
from jackbean.core.protocol import Worker, from_json
from jackbean.server.assembly import SERVICES
from jackbean.server.clock import RandomIds, SystemClock
from jackbean.services.queues import QueueDesk
from jackbean.simulator.queues import MemoryQueues

DEADLINE_S = 30.0
TOKEN = "i-1.token"


def wait_until(wanted: Callable[[], Any], what: str, timeout_s: float = DEADLINE_S) -> Any:
    """Wait for a condition; return what it returned."""
    deadline = time.monotonic() + timeout_s
    while not (found := wanted()):
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.002)
    return found


# The application


@dataclass(frozen=True)
class Posted:
    path: str
    headers: dict[str, str]
    raw: bytes
    body: bytes
    at: float


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        raw = b"".join(f"{k}: {v}\n".encode("latin-1") for k, v in self.headers.items())
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.server.app.take(Posted(self.path, headers, raw, body, time.monotonic()), self)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    app: App

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The daemon may hang up whenever it likes."""


Answers = Callable[[Posted, Handler], None]


def status(code: int) -> Answers:
    def answer(posted: Posted, handler: Handler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def in_turn(*codes: int) -> Answers:
    """Answer with these, one after another."""
    left = iter(codes)

    def answer(posted: Posted, handler: Handler) -> None:
        status(next(left))(posted, handler)

    return answer


class App:
    """What messages are posted to. `answer` decides what is said."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.answer: Answers = status(200)
        self.running = self.most = 0
        self._lock = threading.Lock()
        self._server: Server | None = None
        self.port = 0

    def start(self) -> None:
        self._server = Server(("127.0.0.1", self.port), Handler)
        self._server.app = self
        self.port = self._server.server_address[1]
        run = self._server.serve_forever
        threading.Thread(target=run, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server:
            server.shutdown()
            server.server_close()

    def take(self, posted: Posted, handler: Handler) -> None:
        with self._lock:
            self.posted.append(posted)
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            self.answer(posted, handler)
        finally:
            with self._lock:
                self.running -= 1

    def bodies(self) -> list[str]:
        return [posted.body.decode() for posted in self.posted]

    def await_bodies(self, *wanted: str) -> list[Posted]:
        wait_until(lambda: set(wanted) <= set(self.bodies()), f"{wanted}")
        return [p for p in self.posted if p.body.decode() in wanted]


# The control plane


class Plane:
    """The front door on a unix socket, for the daemon, and on a port, for whoever tests it."""

    def __init__(self, folder: Path, token: str = TOKEN) -> None:
        self._token = token
        self.socket = folder / "agents.sock"
        self.attempts: list[dict[str, Any]] = []
        with PlantRig(folder / "plant") as rig:
            self.kept = MemoryQueues()
            self.desk = QueueDesk.made(
                self.kept, rig.world.installation, (SystemClock(), RandomIds()), b"secret"
            )
            self._door = Door(replace(rig.plant, queues=self.desk), rig.keys, SERVICES)
        self.port = 0
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        routes = [
            Route("/v1/credentials", self._credentials, methods=["GET"]),
            Route("/v1/attempts", self._attempts, methods=["POST"]),
            Route("/v1/enough", self._enough, methods=["POST"]),
            Route("/{path:path}", self._door, methods=["POST"]),
        ]
        self.socket.unlink(missing_ok=True)
        inner = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        inner.bind(str(self.socket))
        outer = socket.create_server(("127.0.0.1", self.port))
        self.port = outer.getsockname()[1]
        config = uvicorn.Config(
            Starlette(routes=routes), lifespan="off", log_config=None, access_log=False, ws="none"
        )
        server = self._server = uvicorn.Server(config)
        serve = server.serve
        self._thread = threading.Thread(
            target=lambda: asyncio.run(serve(sockets=[inner, outer])), daemon=True
        )
        self._thread.start()
        wait_until(lambda: server.started, "the control plane")

    def stop(self) -> None:
        """Be gone, as if killed: every connection ends."""
        server, self._server = self._server, None
        if server and self._thread:
            server.should_exit = server.force_exit = True
            self._thread.join(DEADLINE_S)
            self.socket.unlink(missing_ok=True)

    def client(self) -> Any:
        return boto3.client(
            "sqs",
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=ADMIN[0],
            aws_secret_access_key=ADMIN[1],
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=50),
        )

    async def _credentials(self, request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer {self._token}":
            return JSONResponse({}, 401)
        keys = {"AccessKeyId": ADMIN[0], "SecretAccessKey": ADMIN[1], "SessionToken": ""}
        return JSONResponse({**keys, "Expiration": time.time() + 3600})

    async def _enough(self, request: Request) -> Response:
        self._door.polls.end(ADMIN[0])
        return Response(status_code=204)

    async def _attempts(self, request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer {self._token}":
            return JSONResponse({}, 401)
        self.attempts += (await request.json())["attempts"]
        return Response(status_code=204)


# The daemon


@dataclass
class Daemon:
    """One daemon, its files, and what is on either side of it."""

    folder: Path
    plane: Plane
    app: App
    worker: Worker
    drain_s: float = 5.0
    application: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        config = DaemonConfig(
            worker=asdict(self.worker),
            region="us-east-1",
            socket=str(self.plane.socket),
            token=TOKEN,
            address="127.0.0.1",
            port=self.app.port,
            application=self.application,
            drain_s=self.drain_s,
            state=str(self.folder / "sqsd.state"),
        )
        file = self.folder / "sqsd.json"
        file.write_text(json.dumps(asdict(config)))
        with (self.folder / "sqsd.log").open("ab") as log:
            starts = self.log.count("start: ")
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jackbean.sqsd", str(file)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        wait_until(lambda: self.log.count("start: ") > starts, "the daemon has begun")

    def stop(self) -> float:
        """Tell it to end, and return how long that took."""
        assert self.process
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(DEADLINE_S) == 0, self.log
        return time.monotonic() - began

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    @property
    def log(self) -> str:
        return (self.folder / "sqsd.log").read_text()

    @property
    def state(self) -> DaemonState | None:
        with suppress(OSError, ValueError):
            return from_json(DaemonState, json.loads((self.folder / "sqsd.state").read_text()))
        return None

    @property
    def memory_bytes(self) -> int:
        assert self.process
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Bench:
    """All three, and a queue between them."""

    daemon: Daemon
    plane: Plane
    app: App
    sqs: Any
    url: str

    def send(self, body: str, **more: Any) -> str:
        return str(self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **more)["MessageId"])

    def counts(self) -> tuple[int, int]:
        """Return how many messages are visible, and how many are out."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return int(found["Attributes"][names[0]]), int(found["Attributes"][names[1]])

    def await_empty(self) -> None:
        wait_until(lambda: self.counts() == (0, 0), "the queue is empty")

    def restart(self, **worker: Any) -> None:
        """Run the daemon with other settings."""
        self.daemon.stop()
        self.daemon.worker = replace(self.daemon.worker, **worker)
        self.daemon.start()


@contextmanager
def bench(folder: Path, **worker: Any) -> Iterator[Bench]:
    plane, app = Plane(folder), App()
    plane.start()
    app.start()
    sqs = plane.client()
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    settings = {"error_visibility_timeout_s": 0, **worker}
    daemon = Daemon(folder, plane, app, Worker(url, "jobs", **settings))
    try:
        daemon.start()
        yield Bench(daemon, plane, app, sqs, url)
    finally:
        daemon.kill()
        app.stop()
        plane.stop()
