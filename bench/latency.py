"""How long clients wait for answers: signed requests over kept connections, 1 and 8 at a time.

The clients are threads that sign beforehand what they send, so that next to nothing of a client is
measured; beside it the same clients ask a server that answers a constant.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlencode

from bench.figures import Figure, Series, percentile
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.e2e.installation import ASG, Installation, app, free_ports, installed, option, until
from tests.e2e.signing import own_keys

CLIENTS = (1, 8)
REQUESTS = 400  # of all clients of one run together
MEGABYTE = b"x" * 2**20
CONSTANT = """
import sys, uvicorn
async def app(scope, receive, send):
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    headers = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"12345"})
uvicorn.run(app, port=int(sys.argv[1]), log_level="critical", lifespan="off")
"""

Ask = tuple[str, str, dict[str, str], bytes]  # method, path, headers, body


def measure() -> Iterator[Figure]:
    with installed() as one:
        one.version("one", app("one"))
        one.create("asked-env", "one", option(ASG, "MinSize", "1"))
        bucket = one.client().create_storage_location()["S3Bucket"]
        asks = {
            "DescribeEnvironments": query(one, "DescribeEnvironments"),
            "DescribeEvents": query(one, "DescribeEvents", EnvironmentName="asked-env"),
            "PutObject, 1 MB": put(one, f"/{bucket}/megabyte"),
        }
        (port,) = free_ports(1)
        with subprocess.Popen([sys.executable, "-c", CONSTANT, str(port)]) as constant:
            try:
                until(lambda: _reachable(port), 30, "the constant server answers")
                for clients in CLIENTS:
                    yield from _compared(one.port, port, asks, clients)
            finally:
                constant.kill()


def _compared(port: int, constant: int, asks: dict[str, Ask], clients: int) -> Iterator[Figure]:
    for name, ask in asks.items():
        beside = waits_ms(constant, ask, clients)
        values = waits_ms(port, ask, clients)
        told = f"{name}, {clients} at a time"
        yield Series(f"{told}, p50", values, "ms").figure(
            "api", None, Series("a constant answer by uvicorn", beside, "ms")
        )
        yield Series(f"{told}, p99", [percentile(values, 0.99)], "ms").figure(
            "api", None, Series("its p99", [percentile(beside, 0.99)], "ms")
        )


def waits_ms(port: int, ask: Ask, clients: int) -> list[float]:
    """Return how long each answer took, with so many clients asking at a time."""
    waits: list[float] = []
    share = REQUESTS // clients
    threads = [
        threading.Thread(target=_ask_again, args=(port, ask, share, waits)) for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(waits) == share * clients, "some were not answered as they should be"
    return waits


def _ask_again(port: int, ask: Ask, count: int, waits: list[float]) -> None:
    method, path, headers, body = ask
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(count):
        began = time.perf_counter()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        waits.append(1000 * (time.perf_counter() - began))
        assert answer.status == 200, answer.status
    connection.close()


def query(one: Installation, action: str, **members: str) -> Ask:
    body = urlencode({"Action": action, "Version": "2010-12-01", **members}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", f"http://127.0.0.1:{one.port}/", headers=headers, data=body)
    SigV4Auth(Credentials(*own_keys(one)), "elasticbeanstalk", "us-east-1").add_auth(request)
    return "POST", "/", dict(request.headers.items()), body


def put(one: Installation, path: str) -> Ask:
    request = AWSRequest("PUT", f"http://127.0.0.1:{one.port}{path}", data=MEGABYTE)
    S3SigV4Auth(Credentials(*own_keys(one)), "s3", "us-east-1").add_auth(request)
    return "PUT", path, dict(request.headers.items()), MEGABYTE


def _reachable(port: int) -> bool:
    try:
        http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()
    except OSError:
        return False
    return True
