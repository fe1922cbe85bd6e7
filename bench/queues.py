"""Messages in a second: sent, and received and deleted; 1 and 16 clients, single and in tens.

The clients are threads over kept connections, and their time counts, so they are as light as they
can be: sends are signed once beforehand. Beside each figure runs SQLite by itself in the same
minute: a loop that inserts as many messages at a time and waits for the disk. Where moto is in
`.venv-moto`, its server, which keeps nothing on disk, is asked the same.
"""

from __future__ import annotations

import http.client
import itertools
import json
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import Figure, Series
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.e2e.installation import free_ports, installed, until
from tests.e2e.signing import own_keys

ROUNDS = 3
ROUND_S = 2.0
CLIENTS = (1, 16)
BATCHES = (1, 10)
BODY = "x" * 200
NUMBERS = itertools.count(1)
MOTO = Path(__file__).parent.parent / ".venv-moto" / "bin" / "moto_server"
KIND = "application/x-amz-json-1.0"


@dataclass(frozen=True)
class Server:
    name: str
    port: int
    keys: tuple[str, str]

    def ask(self, operation: str, **members: Any) -> tuple[dict[str, str], bytes]:
        """Return a signed request: its header and body."""
        body = json.dumps(members).encode()
        headers = {"Content-Type": KIND, "X-Amz-Target": f"AmazonSQS.{operation}"}
        request = AWSRequest("POST", f"http://127.0.0.1:{self.port}/", headers=headers, data=body)
        SigV4Auth(Credentials(*self.keys), "sqs", "us-east-1").add_auth(request)
        return dict(request.headers.items()), body

    def answer(self, operation: str, **members: Any) -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            return _answered(connection, self.ask(operation, **members))


def measure() -> Iterator[Figure]:
    with installed("plain") as one:
        ours = Server("jackbean", one.port, own_keys(one))
        with _moto() as theirs:
            for clients in CLIENTS:
                for batch in BATCHES:
                    yield from _compared(ours, theirs, clients, batch)


def _compared(ours: Server, theirs: Server | None, clients: int, batch: int) -> Iterator[Figure]:
    told = f"{clients} client{'s' * (clients > 1)}, {'single' if batch == 1 else 'in tens'}"
    sent, taken, floors = [], [], []
    others: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        floors.append(floor(batch))
        _note(ours, clients, batch, (sent, taken))
        if theirs:
            _note(theirs, clients, batch, others)
    beside = Series("SQLite's fsync floor", floors, "/s")
    yield beside_figure(f"sent, {told}", sent, beside)
    yield beside_figure(f"received and deleted, {told}", taken, beside)
    yield Series(f"floor: inserted and on disk, {batch} at a time", floors, "/s").figure("queues")
    if theirs:
        for what, mine, other in (("sent", sent, 0), ("received and deleted", taken, 1)):
            volatile = Series("moto_server (in memory)", others[other], "/s")
            yield Series(f"{what}, {told}", mine, "/s").figure("queues", None, volatile)


def _note(server: Server, clients: int, batch: int, lists: tuple[list[float], list[float]]) -> None:
    url = server.answer("CreateQueue", QueueName=f"bench-{next(NUMBERS)}")["QueueUrl"]
    lists[0].append(sending(server, url, clients, batch))
    lists[1].append(receiving(server, url, clients, batch))
    server.answer("DeleteQueue", QueueUrl=url)


def beside_figure(what: str, values: list[float], beside: Series) -> Figure:
    return Series(what, values, "/s").figure("queues", None, beside)


# What is measured


def floor(batch: int) -> float:
    """Return messages in a second that SQLite by itself puts on disk, so many in a transaction."""
    with tempfile.TemporaryDirectory(prefix="jb-floor-") as directory:
        path = Path(directory) / "floor.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("CREATE TABLE m (number INTEGER PRIMARY KEY, body TEXT)")
            began, count = time.perf_counter(), 0
            while time.perf_counter() - began < ROUND_S:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT INTO m (body) VALUES (?)", [(BODY,)] * batch)
                connection.execute("COMMIT")
                count += batch
            return count / (time.perf_counter() - began)


def sending(server: Server, url: str, clients: int, batch: int) -> float:
    """Return messages sent in a second."""
    if batch == 1:
        ask = server.ask("SendMessage", QueueUrl=url, MessageBody=BODY)
    else:
        entries = [{"Id": str(n), "MessageBody": BODY} for n in range(batch)]
        ask = server.ask("SendMessageBatch", QueueUrl=url, Entries=entries)
    return _together(server, clients, lambda connection: _sent(connection, ask, batch))


def receiving(server: Server, url: str, clients: int, batch: int) -> float:
    """Return messages received and deleted in a second; there are always some."""
    entries = [{"Id": str(n), "MessageBody": BODY} for n in range(10)]
    refill = server.ask("SendMessageBatch", QueueUrl=url, Entries=entries)
    ask = server.ask(
        "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=batch, VisibilityTimeout=600
    )
    _together(server, 4, lambda connection: _sent(connection, refill, 10))
    return _together(server, clients, lambda connection: _taken(server, connection, ask, url))


def _sent(connection: http.client.HTTPConnection, ask: Any, batch: int) -> int:
    _answered(connection, ask)
    return batch


def _taken(server: Server, connection: http.client.HTTPConnection, ask: Any, url: str) -> int:
    messages = _answered(connection, ask).get("Messages", [])
    handles = [one["ReceiptHandle"] for one in messages]
    if len(handles) == 1:
        delete = server.ask("DeleteMessage", QueueUrl=url, ReceiptHandle=handles[0])
        _answered(connection, delete)
    elif handles:
        entries = [{"Id": str(n), "ReceiptHandle": one} for n, one in enumerate(handles)]
        _answered(connection, server.ask("DeleteMessageBatch", QueueUrl=url, Entries=entries))
    return len(handles)


def _answered(connection: http.client.HTTPConnection, ask: tuple[dict[str, str], bytes]) -> Any:
    headers, body = ask
    connection.request("POST", "/", body, headers)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, content
    return json.loads(content) if content else {}


def _together(server: Server, clients: int, work: Any) -> float:
    """Return what `work` counts in a second, with so many clients at it."""
    counts: list[int] = []
    began = time.perf_counter()

    def client() -> None:
        count = 0
        address = ("127.0.0.1", server.port)
        with closing(http.client.HTTPConnection(*address, timeout=60)) as connection:
            while time.perf_counter() - began < ROUND_S:
                count += work(connection)
        counts.append(count)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counts) == clients, "some were not answered as they should be"
    return sum(counts) / (time.perf_counter() - began)


@contextmanager
def _moto() -> Iterator[Server | None]:
    if not MOTO.exists():
        yield None
        return
    (port,) = free_ports(1)
    argv = [str(MOTO), "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            server = Server("moto_server", port, ("key", "secret"))
            until(lambda: _answers(server), 60, "moto_server answers")
            yield server
        finally:
            process.kill()


def _answers(server: Server) -> bool:
    try:
        server.answer("ListQueues")
    except (OSError, http.client.HTTPException):
        return False
    return True
