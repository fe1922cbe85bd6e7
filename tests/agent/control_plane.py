"""A control plane for tests: speaks the agents' protocol on a real unix socket, from memory."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import select
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from jackbean.core.platforms.runtimes import Need
from jackbean.core.protocol import HOLD_S, Manifest, Order, Report, from_json, to_json
from jackbean.engines.process import machine_runtimes
from jackbean.engines.process.shelf import present

TOKEN = "a-token"
QUEUES = frozenset(("/", "/v1/credentials", "/v1/enough", "/v1/attempts"))
DEADLINE_S = 30.0


class Handler(BaseHTTPRequestHandler):
    """One request; the answers are the control plane's."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        if self.server.plane.queues and self.path in QUEUES:
            self._relay()
            return
        target, _, query = self.path.partition("?")
        asked = dict(parse_qsl(query))
        if target == "/v1/lines":
            self._answer_json(self.server.plane.on_lines(asked, self._body()))
            return
        if target.startswith("/v1/follow/"):
            view = target.removeprefix("/v1/follow/")
            self._answer_json(self.server.plane.on_follow(view, asked["path"], self._body()))
            return
        routes = {
            "/v1/report": self.server.plane.on_report,
            "/v1/dependencies": self.server.plane.on_dependencies,
            "/v1/runtime": self.server.plane.on_runtime,
            "/v1/steps": self.server.plane.on_step,
            "/v1/notices": self.server.plane.on_notice,
        }
        self._answer_json(routes[self.path](json.loads(self._body()), self.connection))

    def do_PUT(self) -> None:
        self.server.plane.logs[self.path] = self._body()
        self._answer_json((204, None))

    def do_GET(self) -> None:
        if self.server.plane.queues and self.path in QUEUES:
            self._relay()
            return
        data = self.server.plane.held(self.path)
        if data is None:
            self._answer_json((404, None))
            return
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        self.server.plane.ranges.append(start)
        part = data[start:]
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        cut = self.server.plane.cut_off_at
        if cut and len(part) > cut:
            self.server.plane.cut_off_at = 0
            self.wfile.write(part[:cut])
            self.close_connection = True
            return
        self.wfile.write(part)

    def _relay(self) -> None:
        """Have the answer of those who have queues."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.plane.queues)
        with closing(connection):
            headers = dict(self.headers.items())
            connection.request(self.command, self.path, self._body(), headers)
            if not self._stays(connection.sock):
                return
            answer = connection.getresponse()
            data = answer.read()
        with suppress(OSError):
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def _stays(self, other: socket.socket) -> bool:
        """Wait for an answer from elsewhere; tell if who asked is still there for it."""
        ready = select.select([other, self.connection], [], [])[0]
        self.close_connection = other not in ready
        return other in ready

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def _answer_json(self, answer: tuple[int, Any]) -> None:
        status, body = answer
        if self.headers.get("Authorization") != f"Bearer {self.server.plane.token}":
            status, body = 401, {}
        data = b"" if body is None else json.dumps(body).encode()
        with suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 64
    plane: ControlPlane

    def __init__(self, path: Path, plane: ControlPlane) -> None:
        self.plane = plane
        self.open: set[socket.socket] = set()
        super().__init__(str(path), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An agent may hang up whenever it likes."""


class ControlPlane:
    def __init__(self, path: Path, shared: Path | None = None) -> None:
        self.path = path
        self.shared = shared
        self.token = TOKEN
        self.bundles: dict[str, bytes] = {}
        self.logs: dict[str, bytes] = {}
        self.objects: dict[tuple[str, str], bytes] = {}
        self.lines: dict[str, bytes] = {}  # by path
        self.taken: dict[tuple[str, str], int] = {}  # by path and file: how far
        self.gaps: list[str] = []  # paths
        self.refused: set[str] = set()  # paths whose lines are not taken
        self.forgets_answers = 0  # so many pieces of lines are taken, and nobody told
        self.followed: dict[str, list[tuple[str, str]]] = {}  # by view: paths and lines
        self.steps: list[dict[str, Any]] = []
        self.notices: list[str] = []
        self.ranges: list[int] = []
        self.resolved: list[dict[str, Any]] = []
        self.cut_off_at = 0
        self.queues = 0  # the port of those who have them, if anybody has
        self.runtimes = machine_runtimes.find()
        self.unresolvable: dict[str, str] | None = None
        self.reports: list[Report] = []
        self._order = Order()
        self._seen: dict[str, set[str]] = {}
        self._changed = threading.Condition()
        self._server: Server | None = None

    def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._server = Server(self.path, self)
        run = self._server.serve_forever
        threading.Thread(target=run, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        """Be gone, as if killed: every connection ends."""
        server, self._server = self._server, None
        if not server:
            return
        server.shutdown()
        server.server_close()
        self.path.unlink(missing_ok=True)
        for connection in list(server.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        with self._changed:
            self._changed.notify_all()

    # What agents ask

    def on_report(self, body: Any, connection: socket.socket) -> tuple[int, Any]:
        report = from_json(Report, body)
        server = self._server
        with self._changed:
            self.reports.append(report)
            self._changed.notify_all()
            deadline = time.monotonic() + HOLD_S
            while self._server is server and _alive(connection) and not self._is_news(report):
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(min(left, 0.2))
            if _alive(connection):  # else nobody will read the answer
                self._seen.setdefault(report.instance, set()).update(self._order.logs)
            return 200, to_json(self._order)

    def _is_news(self, report: Report) -> bool:
        seen = self._seen.setdefault(report.instance, set())
        return (
            self._order.serial != report.serial
            or self._order.polling != report.polling
            or not self._order.logs.keys() <= seen
            or set(self._order.follow) != set(report.following)
        )

    def on_dependencies(self, body: Any, connection: socket.socket) -> tuple[int, Any]:
        self.resolved.append(body)
        if self.unresolvable:
            return 422, self.unresolvable
        return 200, {"path": str(self.shared)}

    def on_runtime(self, body: Any, connection: socket.socket) -> tuple[int, Any]:
        """Provide what this machine has; what it has not is refused."""
        need = Need(body["language"], body["version"])
        found = present(need, self.runtimes)
        if found is None:
            return 422, {"cause": f"{need.title} is not on this machine.", "tail": ""}
        note = "" if need.fits(found.version) else f"{found.version} stands in."
        answer = {"home": str(found.home), "version": found.version, "note": note, "lacks": ""}
        return 200, answer

    def on_lines(self, asked: dict[str, str], data: bytes) -> tuple[int, Any]:
        path, start = asked["path"], int(asked["start"])
        if path in self.refused:
            return 409, {"cause": "not these"}
        with self._changed:
            known = self.taken.get((path, asked["file"]), start)
            if known == start:
                self.taken[path, asked["file"]] = known = start + len(data)
                self.lines[path] = self.lines.get(path, b"") + data
                self.gaps += [path] if asked["gap"] == "1" else []
            self.forgets_answers -= 1
            return (503, None) if self.forgets_answers >= 0 else (200, {"end": known})

    def on_follow(self, view: str, path: str, data: bytes) -> tuple[int, Any]:
        if view not in self._order.follow:
            return 404, None
        found = self.followed.setdefault(view, [])
        found.extend((path, line) for line in data.decode().splitlines())
        return 204, None

    def on_step(self, body: Any, connection: socket.socket) -> tuple[int, Any]:
        self.steps.append(body)
        return 204, None

    def on_notice(self, body: Any, connection: socket.socket) -> tuple[int, Any]:
        with self._changed:
            self.notices.append(body["text"])
            self._changed.notify_all()
        return 204, None

    def held(self, target: str) -> bytes | None:
        """Return the bundle or the object at a path."""
        if target.startswith("/v1/object/"):
            bucket, _, key = unquote(target.removeprefix("/v1/object/")).partition("/")
            return self.objects.get((bucket, key))
        return self.bundles.get(target.rpartition("/")[2])

    # What tests do

    def await_notice(self, text: str) -> str:
        """Wait until an instance has told something that has `text` in it."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: [n for n in self.notices if text in n], DEADLINE_S
            )
        assert found, self.notices
        return found[0]

    def add_bundle(self, data: bytes) -> str:
        digest = hashlib.sha256(data).hexdigest()
        self.bundles[digest] = data
        return digest

    def order(self, order: Order) -> None:
        with self._changed:
            self._order = order
            self._changed.notify_all()

    def ask_logs(self, name: str, kind: str) -> None:
        self.order(replace(self._order, logs={**self._order.logs, name: kind}))

    def follow(self, **views: dict[str, Any]) -> None:
        """Have lines sent for these views, and no others."""
        self.order(replace(self._order, follow=views))

    def work(self, work: str, manifest: Manifest | None, serial: int, **more: Any) -> Report:
        """Give an order and wait for its end."""
        self.give(work, manifest, serial, **more)
        return self.wait(lambda r: r.serial == serial and r.state in ("done", "failed"))

    def give(self, work: str, manifest: Manifest | None, serial: int, **more: Any) -> None:
        shape = to_json(manifest) if manifest else None
        self.order(Order(serial=serial, work=work, manifest=shape, **more))

    def wait(
        self, wanted: Callable[[Report], bool], timeout_s: float = DEADLINE_S, *, since: int = 0
    ) -> Report:
        """Wait for a report, among those from number `since` on."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                for report in self.reports[since:]:
                    if wanted(report):
                        return report
                left = deadline - time.monotonic()
                if left <= 0:
                    last = self.reports[-1] if self.reports else None
                    raise AssertionError(f"no such report within {timeout_s} s; the last: {last}")
                self._changed.wait(left)


def _alive(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False
