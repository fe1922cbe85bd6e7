"""An AWS that says what a test tells it: Elastic Beanstalk's query protocol over plain HTTP.

Beside the Jackbean that the live tests drive, `jb` must be right about servers that are slow,
silent, failing or gone; this one can be all of that at will.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

Form = Mapping[str, str]
Answer = Callable[[Form], str]
Extension = Callable[[str, bytes], tuple[int, str]]

REQUEST_ID = "11111111-2222-3333-4444-555555555555"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Refusal(Exception):
    """What AWS refuses a request with."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class Aws:
    """Answers by operation; what was asked is kept in `asked`."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[Form] = []
        self.told: list[str] = []
        self.status = "Ready"
        self.version = "v1"
        self.tier = "WebServer"
        self.url = ""
        self.extension: Extension = lambda operation, body: (404, "no such thing")

    @property
    def operations(self) -> list[str]:
        return [form["Action"] for form in self.asked]

    def answer(self, form: Form) -> str:
        self.asked.append(form)
        action = form["Action"]
        body = (self.answers.get(action) or self._usual(action))(form)
        return (
            f'<{action}Response xmlns="http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/">'
            f"<{action}Result>{body}</{action}Result><ResponseMetadata>"
            f"<RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{action}Response>"
        )

    def _usual(self, action: str) -> Answer:
        usual: Mapping[str, Answer] = {
            "DescribeEnvironments": lambda _: (
                f"<Environments><member>{self.environment()}</member></Environments>"
            ),
            "UpdateEnvironment": lambda _: self.environment(),
            "TerminateEnvironment": lambda _: self.environment(),
            "DescribeEvents": lambda _: self.events(),
            "DescribeApplicationVersions": lambda form: (
                "<ApplicationVersions><member><VersionLabel>"
                f"{form['VersionLabels.member.1']}</VersionLabel></member></ApplicationVersions>"
            ),
        }
        if action not in usual:
            raise Refusal("InvalidAction", f"Could not find operation {action}")
        return usual[action]

    def environment(self) -> str:
        members = {
            "EnvironmentName": "shop-dev",
            "EnvironmentId": "e-abcdefghij",
            "ApplicationName": "shop",
            "VersionLabel": self.version,
            "SolutionStackName": "64bit Amazon Linux 2023 v4.3.0 running Python 3.11",
            "CNAME": "shop-dev.us-east-1.elasticbeanstalk.com",
            "EndpointURL": "127.0.0.1:1",
            "DateCreated": START.isoformat(),
            "DateUpdated": START.isoformat(),
            "Status": self.status,
            "Health": "Green",
            "HealthStatus": "Ok",
        }
        kind = "Standard" if self.tier == "WebServer" else "SQS/HTTP"
        tier = f"<Tier><Name>{self.tier}</Name><Type>{kind}</Type><Version>1.0</Version></Tier>"
        return "".join(f"<{k}>{escape(v)}</{k}>" for k, v in members.items()) + tier

    def events(self) -> str:
        """Tell `told`, which is oldest first, newest first."""
        rows = (
            f"<member><EventDate>{(START + timedelta(seconds=n)).isoformat()}</EventDate>"
            f"<Severity>INFO</Severity><Message>{escape(text)}</Message></member>"
            for n, text in reversed(list(enumerate(self.told)))
        )
        return f"<Events>{''.join(rows)}</Events>"


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # the end waits for them: nothing may be left of a test

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that was interrupted does not wait for its answer."""


@contextmanager
def served(aws: Aws) -> Iterator[Aws]:
    server = _Server(("127.0.0.1", 0), _handler(aws))
    aws.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield aws
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(aws: Aws) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # a client that keeps its connection open holds up no end

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            if target := self.headers["X-Amz-Target"]:
                self._send(*aws.extension(target.removeprefix("Jackbean."), sent))
                return
            form = dict(parse_qsl(sent.decode(), keep_blank_values=True))
            try:
                self._send(200, aws.answer(form))
            except Refusal as refusal:
                error = f"<Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>"
                body = f"<ErrorResponse><Error><Type>Sender</Type>{error}</Error></ErrorResponse>"
                self._send(refusal.status, body)

        def _send(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler
