"""`jackbean down`: everything of an installation stops, disks and records stay."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from jackbean.engines.process.engine import ProcessEngine
from jackbean.server.home import Home, HomeError, Serving
from jackbean.server.options import ServeOptions
from jackbean.server.proxy import make_router

PATIENCE_S = 15.0
GRACE_S = 5.0


async def down(options: ServeOptions, tell: Callable[[str], None]) -> None:
    """Stop server, instances and Envoy, in this order; also where the server is dead."""
    home = Home(options.data_dir)
    identity = home.known()
    if identity is None:
        raise HomeError(f"{home.directory} is not a data directory of Jackbean; see --data-dir.")
    serving = home.serving()
    if serving is not None and serving.alive:
        await _stop_server(serving)
        tell(f"stopped the server (process {serving.pid})")
    engine = ProcessEngine(options.data_dir, mode=options.engine)
    await engine.adopt()
    await engine.stop_all()
    tell("stopped every instance")
    await make_router(options, identity).end(GRACE_S)
    tell("stopped Envoy")


async def _stop_server(serving: Serving) -> None:
    os.kill(serving.pid, signal.SIGTERM)
    for _ in range(int(PATIENCE_S / 0.05)):
        if not serving.alive:
            return
        await asyncio.sleep(0.05)
    os.kill(serving.pid, signal.SIGKILL)
