"""Object storage behind a real HTTP server, in a process of its own.

    python server.py DIRECTORY [CERTIFICATE]

It prints its port, and ends when its standard input does. `Server` starts and ends one.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from jackbean.api.s3 import Caller, Context, handle
from jackbean.core.installation import Installation
from jackbean.services.objects import ObjectService, UploadService
from jackbean.services.objects.access import Grant
from jackbean.simulator.clock import SeededIds
from jackbean.storage.blobs import FileBlobs
from jackbean.storage.buckets import SqliteBuckets
from jackbean.wire import models, restxml, sigv4
from jackbean.wire.errors import WireFault
from jackbean.wire.request import HttpRequest

REGION, ACCOUNT = "local-1", "000000000000"
ADMIN, INSTANCE = "ADMINISTRATOR", "INSTANCE"
SECRETS = {ADMIN: "administrators-secret", INSTANCE: "instances-secret"}
GRANT = Grant("scoped", read=("own/", "shared/"), write=("own/",))


class WallClock:
    def now(self) -> float:
        return time.time()


def may(principal, action, bucket, key):
    return principal == ADMIN or GRANT.allows(action, bucket, key)


class App:
    """What the front door does before it hands a request on."""

    def __init__(self, root: Path) -> None:
        clock, blobs = WallClock(), FileBlobs(root / "blobs")
        buckets = SqliteBuckets.open(root / "objects.db")
        installation = Installation(REGION, ACCOUNT)
        self._objects = ObjectService(buckets, blobs, clock, installation)
        self._uploads = UploadService(buckets, blobs, clock, SeededIds(1))
        self._model = models.load("s3")
        self._numbers = itertools.count(1)

    async def __call__(self, scope, receive, send):
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request):
        target = (request.scope["raw_path"], request.scope["query_string"])
        http = HttpRequest.received(request.method, target, request.scope["headers"], None)
        number = f"R{next(self._numbers)}"
        try:
            credential = sigv4.find_credential(http)
            if credential is None:
                raise sigv4.unsigned(http)
            if credential.access_key not in SECRETS:
                raise sigv4.unknown_key(http, credential)
            verified = sigv4.verify(http, SECRETS[credential.access_key], time.time())
        except WireFault as fault:
            return Response(restxml.error(fault, number), fault.status)
        caller = Caller(credential.access_key, verified)
        context = Context(
            self._model,
            self._objects,
            self._uploads,
            partial(may, caller.principal),
            caller,
            number,
        )
        return await handle(request, context)


def main() -> None:
    root, certificate = Path(sys.argv[1]), (sys.argv[2:] or [None])[0]
    listener = socket.create_server(("127.0.0.1", 0))
    tls = {"ssl_certfile": certificate, "ssl_keyfile": certificate} if certificate else {}
    config = uvicorn.Config(App(root), lifespan="off", log_level="warning", **tls)
    server = uvicorn.Server(config)

    def end_with_input() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=end_with_input, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    asyncio.run(server.serve([listener]))


@dataclass(frozen=True)
class Server:
    port: int
    pid: int
    root: Path
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def peak_bytes(self) -> int:
        """Return the most memory that the process has had at once."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) << 10


@contextmanager
def serving(root: Path, certificate: Path | None = None):
    argv = [sys.executable, __file__, str(root), *([str(certificate)] if certificate else [])]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        port = int(process.stdout.readline())
        yield Server(port, process.pid, root, "https" if certificate else "http")
        process.stdin.close()


if __name__ == "__main__":
    main()
