"""Envoy as a process: started once, held by somebody who outlives the control plane.

Who holds it is a port of this package: routing knows no engine, and `server` brings the two
together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from jackbean.routing.admin import Admin
from jackbean.routing.bootstrap import Home, bootstrap, command, executable


@dataclass(frozen=True)
class Program:
    """What is to be held: started again whenever it ends, until it is told to stop."""

    argv: tuple[str, ...]
    directory: Path
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Held:
    """How a program fares. `trouble` says why it does not run; it is empty where it does."""

    pid: int = 0
    restarts: int = 0
    trouble: str = ""


class Supervisor(Protocol):
    """Holds one program, also while no control plane runs."""

    async def start(self, program: Program) -> None:
        """Ensure that it runs; one that runs already is left as it is. Raises PortError."""
        ...

    async def status(self) -> Held: ...

    async def stop(self, grace_s: float) -> None:
        """Ensure that it has ended, by force after `grace_s`."""
        ...


class EnvoyProcess:
    """The Envoy of one installation.

    One that a former control plane started is adopted as it is: it is known by the sockets it was
    told to use. Where it was started with other settings than ours `outdated` says so; to start it
    anew would cost the requests in flight, which is for the operator to decide.
    """

    def __init__(self, home: Home, node: str, workers: int, supervisor: Supervisor) -> None:
        self.admin = Admin(home.admin, home.rendezvous, workers)
        self._home = home
        self._supervisor = supervisor
        self._argv = command(executable(), home, workers)
        self._config, self._settings = bootstrap(home, node, self._argv)

    async def start(self) -> None:
        """Ensure that it runs. Raises PortError."""
        new = self._home.config.with_suffix(".new")
        new.write_bytes(self._config)
        new.replace(self._home.config)
        await self._supervisor.start(Program(self._argv, self._home.directory))

    async def stop(self, grace_s: float) -> None:
        await self._supervisor.stop(grace_s)

    async def status(self) -> Held:
        return await self._supervisor.status()

    async def outdated(self) -> bool:
        """Whether the running Envoy was started with other settings. Raises PortError."""
        info = await self.admin.json("/server_info")
        metadata: Any = info.get("node", {}).get("metadata", {})
        return bool(metadata.get("settings") != self._settings)


def node_name(identity: str) -> str:
    """Return the name by which an Envoy and its control plane know each other."""
    return f"jackbean-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def put_aside(log: Path, bytes_max: int) -> bool:
    """Rename a log that has grown too long; return whether there was need to."""
    if log.stat().st_size <= bytes_max:
        return False
    log.replace(log.with_name(log.name + ".1"))
    return True
