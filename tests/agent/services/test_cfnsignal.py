"""cfn-signal on an instance, against whoever takes signals."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from jackbean.agent.paths import Paths
from jackbean.agent.services import cfnsignal
from jackbean.agent.services.keeping import Outcome


class Taker(HTTPServer):
    """Notes signals; answers with the next of `statuses`, else 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.taken: list[tuple[str, str | None, dict[str, str]]] = []
        self.statuses: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/bucket/arn%3Aaws?Signature=x"


class Handler(BaseHTTPRequestHandler):
    server: Taker

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def taker() -> Iterator[Taker]:
    with Taker() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def signal(*argv: str) -> Outcome:
    return cfnsignal.signal(list(argv), Paths(Path("/nowhere")))


def test_a_success_and_a_failure(taker: Taker) -> None:
    assert signal("-e", "0", "--id", "a", "-d", "done", "--region", "x", taker.url).code == 0
    assert signal("-s", "false", "--reason=no disk", "-i", "b", taker.url).code == 0
    assert signal("--exit-code", "3", "-i", "c", taker.url).code == 0
    (path, kind, first), (_, _, second), (_, _, third) = taker.taken
    assert path == "/bucket/arn%3Aaws?Signature=x"
    assert not kind
    assert first == {"Status": "SUCCESS", "UniqueId": "a", "Data": "done", "Reason": ""}
    assert (second["Status"], second["Reason"]) == ("FAILURE", "no disk")
    assert third["Status"] == "FAILURE"


def test_a_url_in_base_64(taker: Taker) -> None:
    assert signal(base64.b64encode(taker.url.encode()).decode()).code == 0
    (_, _, told) = taker.taken[0]
    assert told["Status"] == "SUCCESS"
    assert told["UniqueId"]


def test_it_tries_again_where_that_may_help(taker: Taker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cfnsignal, "PAUSE_S", 0.0)
    taker.statuses = [503, 503]
    assert signal(taker.url).code == 0
    assert len(taker.taken) == 3
    taker.statuses = [403]
    refused = signal(taker.url)
    assert refused.code == 1
    assert "403" in refused.text
    assert len(taker.taken) == 4


@pytest.mark.parametrize("argv", [(), ("--stack", "s", "--resource", "r"), ("file:///etc/hosts",)])
def test_only_by_a_url(argv: tuple[str, ...]) -> None:
    told = signal(*argv)
    assert told.code == 1
    assert "by the URL" in told.text


def test_no_url_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cfnsignal, "PAUSE_S", 0.0)
    assert signal("nonsense").code == 1
    assert signal("http://127.0.0.1:1/x").code == 1
