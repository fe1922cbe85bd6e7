"""Visitors: keep-alive connections that count every answer which is not what it should be."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PAUSE_S = 0.005  # between two requests: the tested must get some of the machine, too


@dataclass
class Tally:
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return self.answers.total() + len(self.failures)


class Visitor(threading.Thread):
    """One connection, one request after another: GETs, and now and then a chunked POST."""

    def __init__(self, host: str, port: int, stop: threading.Event, path: str = "/") -> None:
        super().__init__(daemon=True)
        self.tally = Tally()
        self._where, self._path = (host, port), path
        self._stop_asked = stop

    def run(self) -> None:
        connection = http.client.HTTPConnection(*self._where, timeout=30)
        number = 0
        while not self._stop_asked.wait(PAUSE_S):
            number += 1
            try:
                self._visit(connection, number)
            except (OSError, http.client.HTTPException) as error:
                self.tally.failures.append(repr(error))
                connection.close()
        connection.close()

    def _visit(self, connection: http.client.HTTPConnection, number: int) -> None:
        size = 0 if number % 10 else 2000
        if size:
            body = iter([b"x" * 1000, b"y" * 1000])
            connection.request("POST", self._path, body=body, encode_chunked=True)
        else:
            connection.request("GET", self._path)
        answer = connection.getresponse()
        text = answer.read().decode()
        words = text.split()
        if answer.status == 200 and len(words) > 2 and words[2] == str(size):
            self.tally.answers[words[0]] += 1
        else:
            self.tally.failures.append(f"{answer.status} {text[:80]}")


class Crowd:
    """Visitors that have been let loose. `tally` is complete when they have all gone home."""

    def __init__(self, endpoint: str, count: int, path: str) -> None:
        host, _, port = endpoint.partition(":")
        self._stop = threading.Event()
        self._visitors = [Visitor(host, int(port or 80), self._stop, path) for _ in range(count)]

    def start(self) -> None:
        for visitor in self._visitors:
            visitor.start()

    @property
    def tally(self) -> Tally:
        whole = Tally()
        for visitor in self._visitors:
            whole.answers += visitor.tally.answers
            whole.failures += visitor.tally.failures
        return whole

    def disperse(self) -> None:
        self._stop.set()
        for visitor in self._visitors:
            visitor.join(60)
        assert not any(v.is_alive() for v in self._visitors), "a visitor was never answered"


@contextmanager
def visitors(endpoint: str, count: int = 6, path: str = "/") -> Iterator[Crowd]:
    """Keep visiting `path` at `host:port`; look at the tally when the context has been left."""
    crowd = Crowd(endpoint, count, path)
    crowd.start()
    try:
        yield crowd
    finally:
        crowd.disperse()
