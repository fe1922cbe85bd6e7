"""`jackbean serve`: one foreground process.

SIGTERM and SIGINT end this process and nothing else: instances are held by their shims and requests
by Envoy. `kill -9` is the same with less ceremony.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from jackbean.engines.process.paths import SOCKET, run_dir
from jackbean.engines.process.prepare import Api
from jackbean.server import inner
from jackbean.server.assembly import Assembly, assemble
from jackbean.server.head import BoundedProtocol
from jackbean.server.home import Home, HomeError, Serving, started
from jackbean.server.options import ServeOptions
from jackbean.server.proxy import refuse_taken_port

GRACE_S = 3
BACKLOG = 512

log = logging.getLogger("jackbean.server")


def serve(options: ServeOptions) -> None:
    """Serve until told to stop. Raises JackbeanError where it cannot begin."""
    asyncio.run(_serve(options))


async def _serve(options: ServeOptions) -> None:
    home = Home(options.data_dir)
    identity = home.identity(options.region)
    refuse_second(home)
    refuse_taken_port(options)
    listener = _reserved(options.host, options.port)
    serving = Serving(
        pid=os.getpid(),
        started=started(os.getpid()),
        host=options.host,
        port=listener.getsockname()[1],
        http_port=options.http_port,
        region=identity.region,
    )
    home.announce(serving)
    listener.listen(BACKLOG)  # now: whoever gets through may ask `jackbean env` for the keys
    api = inner.described(options, serving)
    async with assemble(options, identity, api) as assembly:
        await assembly.plant.logs.recover()
        entrances = [
            *_doors(assembly, listener, api),
            _agents_door(assembly, options.data_dir),
        ]
        secured = inner.secured(assembly.engine, api)
        later = [_answer_secured(assembly, secured, api)] if secured else []
        log.info(
            'Serving %s on %s, environments on port %d. For clients: eval "$(jackbean env)"',
            home.directory,
            serving.url,
            serving.http_port,
        )
        await _run(assembly, entrances, later)


def refuse_second(home: Home) -> None:
    """Raise HomeError if somebody serves this data directory already."""
    other = home.serving()
    if other is not None and other.alive and other.pid != os.getpid():
        raise HomeError(
            f"{home.directory} is served already, by process {other.pid} on {other.url}. "
            "Stop that one, or use another --data-dir."
        )


Entrance = tuple[uvicorn.Server, list[socket.socket]]


def _doors(assembly: Assembly, listener: socket.socket, api: Api) -> list[Entrance]:
    """Return who answers AWS's protocols, and where."""
    return [(_server(assembly.door), [listener, *inner.plain(assembly.engine, api.port)])]


async def _answer_secured(assembly: Assembly, at: list[socket.socket], api: Api) -> None:
    context = await asyncio.to_thread(inner.context, api)
    await _server(assembly.door, context).serve(sockets=at)


def _agents_door(assembly: Assembly, data_dir: Path) -> Entrance:
    return _server(assembly.agents.application()), [_agents_socket(data_dir)]


async def _run(
    assembly: Assembly,
    entrances: Sequence[Entrance],
    later: Sequence[Coroutine[Any, Any, None]],
) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    tasks = [asyncio.create_task(server.serve(sockets=at)) for server, at in entrances]
    background: list[asyncio.Task[Any]] = [
        *(asyncio.create_task(work) for work in later),
        asyncio.create_task(assembly.loop.run()),
        asyncio.create_task(assembly.scheduler.run()),
        asyncio.create_task(assembly.plant.stacks.run()),
        asyncio.create_task(assembly.housekeeping.run()),
    ]
    waiting = asyncio.create_task(stop.wait())
    running = [*tasks, *background]
    done, _ = await asyncio.wait([*running, waiting], return_when=asyncio.FIRST_COMPLETED)
    await _stop([server for server, _ in entrances], tasks, [*background, waiting])
    for task in done & set(running):
        task.result()  # one of them ended by itself: say why


async def _stop(
    servers: Sequence[uvicorn.Server],
    tasks: Sequence[asyncio.Task[None]],
    background: Sequence[asyncio.Task[Any]],
) -> None:
    logging.getLogger("uvicorn.error").disabled = True  # who is cut off now asks again by himself
    for server in servers:
        server.should_exit = server.force_exit = True
    for task in background:
        task.cancel()
    with suppress(TimeoutError):
        async with asyncio.timeout(GRACE_S):
            await asyncio.gather(*tasks, *background, return_exceptions=True)


class _Server(uvicorn.Server):
    """uvicorn without its own handling of signals: two of them share this process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _server(application: ASGIApp, secured: ssl.SSLContext | None = None) -> uvicorn.Server:
    config = uvicorn.Config(
        application,
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=75,
        ws="none",
        http=BoundedProtocol,
    )
    config.load()
    config.ssl = secured
    return _Server(config)


def _reserved(host: str, port: int) -> socket.socket:
    """Take the port now, before anything is opened. A restart takes it back at once.

    The protocol is named because asyncio sends answers without delay only then: what is left to the
    kernel waits 40 ms for the client to acknowledge the first part.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise HomeError(
            f"{host}:{port} cannot be listened on: {error.strerror}. Choose another --listen."
        ) from error
    return listener


def _agents_socket(data_dir: Path) -> socket.socket:
    path = run_dir(data_dir) / SOCKET
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o666)  # instances of any user dial in; the token is what counts
    listener.listen(BACKLOG)
    return listener
