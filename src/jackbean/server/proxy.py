"""Envoy, held by the same kind of shim as instances are: here routing and engine meet."""

from __future__ import annotations

import socket

from jackbean.engines.process.paths import run_dir
from jackbean.engines.process.supervise import Exited, Running, Shim, ShimSpec
from jackbean.routing.envoy import EnvoyRouter
from jackbean.routing.process import Held, Program
from jackbean.routing.projection import Facts
from jackbean.server.home import HomeError, Identity
from jackbean.server.options import ServeOptions


class ShimSupervisor:
    """routing's Supervisor: a shim that starts the program again whenever it ends."""

    def __init__(self, shim: Shim) -> None:
        self._shim = shim

    @staticmethod
    def shim(options: ServeOptions) -> Shim:
        """Return what holds the Envoy of an installation."""
        return Shim(options.data_dir / "envoy" / "shim")

    async def start(self, program: Program) -> None:
        spec = ShimSpec(
            argv=program.argv, env=program.env, cwd=str(program.directory), restart=True
        )
        await self._shim.start(spec)

    async def status(self) -> Held:
        state = await self._shim.status()
        match state:
            case Running():
                return Held(state.child, state.restarts)
            case Exited():
                return Held(trouble=state.how)
            case _:
                return Held(trouble=state.reason)

    async def stop(self, grace_s: float) -> None:
        await self._shim.stop(grace_s)


def refuse_taken_port(options: ServeOptions) -> None:
    """Raise HomeError if a stranger has the port of the load balancers: Envoy could not say so."""
    if isinstance(ShimSupervisor.shim(options).look(), Running):
        return  # our own Envoy has it
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", options.http_port))
        except OSError as error:
            raise HomeError(
                f"127.0.0.1:{options.http_port}, the port of the load balancers, cannot be "
                f"listened on: {error.strerror}. Choose another --http-port."
            ) from error


def make_router(options: ServeOptions, identity: Identity) -> EnvoyRouter:
    """Return the router of an installation; nothing is started yet."""
    logs = options.data_dir / "envoy"
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    facts = Facts(
        identity=f"{options.data_dir.resolve()} {identity.account}",
        http_port=options.http_port,
        access_log=str(logs / "access.log"),
    )
    supervisor = ShimSupervisor(ShimSupervisor.shim(options))
    return EnvoyRouter(facts, run_dir(options.data_dir) / "envoy", supervisor)
