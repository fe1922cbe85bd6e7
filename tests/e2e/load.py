"""Visitors: keep-alive connections that count every answer which is not what it should be."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Tally:
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return self.answers.total() + len(self.failures)


class Visitor(threading.Thread):
    """One connection, one request after another: GETs, and now and then a chunked POST."""

    def __init__(self, host: str, port: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.tally = Tally()
        self._where = (host, port)
        self._stop_asked = stop

    def run(self) -> None:
        connection = http.client.HTTPConnection(*self._where, timeout=30)
        number = 0
        while not self._stop_asked.is_set():
            number += 1
            try:
                self._visit(connection, number)
            except (OSError, http.client.HTTPException) as error:
                self.tally.failures.append(repr(error))
                connection.close()
        connection.close()

    def _visit(self, connection: http.client.HTTPConnection, number: int) -> None:
        if number % 10:
            connection.request("GET", "/")
        else:
            body = iter([b"x" * 1000, b"y" * 1000])
            connection.request("POST", "/", body=body, encode_chunked=True)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status == 200:
            self.tally.answers[text.split()[0]] += 1
        else:
            self.tally.failures.append(f"{answer.status} {text[:80]}")


@contextmanager
def visitors(endpoint: str, count: int = 6) -> Iterator[Tally]:
    """Keep visiting `host:port`; the tally is complete when the context has been left."""
    host, _, port = endpoint.partition(":")
    stop = threading.Event()
    threads = [Visitor(host, int(port or 80), stop) for _ in range(count)]
    for thread in threads:
        thread.start()
    whole = Tally()
    try:
        yield whole
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
            whole.answers += thread.tally.answers
            whole.failures += thread.tally.failures
