"""Start, look at and end what shims hold, from the control plane.

`Shim(directory)` is a handle: it keeps nothing in memory, so a control plane that has been killed
makes a new one and finds everything as it is. Looking costs two small reads and no process.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

from jackbean.core.errors import PortError
from jackbean.engines.process import proctable, shim

STATUS = "status.json"
GRACE_S = 10.0
OVERTIME_S = 5.0  # how long a shim may take to kill everything
START_S = 30.0
LOG_BYTES_MAX = 10 << 20


@dataclass(frozen=True)
class ShimSpec:
    """What is to be held. The members are described in `shim`."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    filter: bytes = b""
    cwd: str = "/"
    grace_s: float = GRACE_S
    restart: bool = False
    cgroups: tuple[str, ...] = ()
    home: tuple[str, ...] = ()
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    log_bytes_max: int = LOG_BYTES_MAX
    disk_bytes_max: int = 0


@dataclass(frozen=True)
class Running:
    """The program runs. `inner` is the first process of its sandbox, 0 where there is none."""

    shim: int
    child: int
    inner: int
    started_at: float
    restarts: int = 0


@dataclass(frozen=True)
class Stopped:
    """Nobody runs and nobody ended by itself: never started, told to stop, killed, rebooted."""

    reason: str


@dataclass(frozen=True)
class Exited:
    """The program ended by itself; `how` says in words."""

    how: str


State = Running | Stopped | Exited


class Shim:
    """What holds one program, known by its directory (made when it is started)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "log"

    def look(self) -> State:
        """Return how the program fares: two small reads."""
        try:
            facts = json.loads((self.directory / STATUS).read_bytes())
            return _state(facts)
        except FileNotFoundError:
            return Stopped("it was never started")
        except (ValueError, KeyError, TypeError):
            return Stopped(f"{self.directory / STATUS} cannot be read")

    async def status(self) -> State:
        return await asyncio.to_thread(self.look)

    async def start(self, spec: ShimSpec, netns: int = -1) -> State:
        """Start the program unless it runs; `netns` is a descriptor of its network namespace.

        Raises PortError with the reason where it cannot be started. It may have ended already when
        this returns.
        """
        return await asyncio.to_thread(self._start, spec, netns)

    def _start(self, spec: ShimSpec, netns: int) -> State:
        state = self.look()
        if isinstance(state, Running):
            return state
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_secret(self.directory / "args", "".join(f"{arg}\0" for arg in spec.args).encode())
        write_secret(self.directory / "filter", spec.filter)
        self._call(spec, netns)
        state = self.look()
        if isinstance(state, Stopped):
            raise PortError(f"{spec.argv[0]}: {state.reason}; see {self.log}")
        return state

    def _call(self, spec: ShimSpec, netns: int) -> None:
        """Run the shim until it has left for the background."""
        try:
            done = subprocess.run(
                command(self.directory.absolute(), spec, netns),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                pass_fds=[netns] if netns >= 0 else [],
                env=dict(spec.env),
                cwd="/",
                timeout=START_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PortError(f"the shim for {self.directory} cannot be run: {error}") from error
        if done.returncode:
            raise PortError(done.stderr.decode(errors="replace").strip())

    async def stop(self, grace_s: float | None = None) -> None:
        """End the program and its shim, and return when both are gone.

        `grace_s` shortens the grace that the program was started with.
        """
        handle = self._handle()
        if handle is None:
            return
        waits = [self._grace() if grace_s is None else grace_s, OVERTIME_S, OVERTIME_S]
        try:
            for wait_s, number in zip(waits, (SIGTERM, SIGTERM, SIGKILL), strict=True):
                signal.pidfd_send_signal(handle, number)  # the second one cuts the grace short
                if await _gone(handle, wait_s):
                    return
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)

    def _handle(self) -> int | None:
        """Return a handle of the shim, if it lives: surely of it and of no later process."""
        state = self.look()
        if not isinstance(state, Running):
            return None
        try:
            handle = os.pidfd_open(state.shim)
        except ProcessLookupError:
            return None
        if isinstance(self.look(), Running):
            return handle
        os.close(handle)
        return None

    def _grace(self) -> float:
        """Return the grace that the program was started with, and a little to kill in."""
        try:
            return float(json.loads((self.directory / STATUS).read_bytes())["grace_s"]) + 1
        except (OSError, ValueError, KeyError, TypeError):
            return GRACE_S


def command(directory: Path, spec: ShimSpec, netns: int) -> list[str]:
    """Return what starts a shim. What is secret is in the environment and in DIRECTORY/args."""
    return [
        *(interpreter(), "-I", "-S", shim.__file__, str(directory)),
        f"cwd={spec.cwd}",
        f"grace_s={spec.grace_s}",
        f"log_bytes_max={spec.log_bytes_max}",
        f"disk_bytes_max={spec.disk_bytes_max}",
        *(["restart=1"] if spec.restart else []),
        *(f"cgroup={path}" for path in spec.cgroups),
        *(f"home={path}" for path in spec.home),
        *(f"limit={name}:{soft}:{hard}" for name, (soft, hard) in spec.limits.items()),
        *([f"netns={netns}"] if netns >= 0 else []),
        *("--", *spec.argv),
    ]


def interpreter() -> str:
    """Return the Python that runs shims: the real one, which outlives a virtual environment."""
    base = getattr(sys, "_base_executable", None) or sys.executable
    return os.path.realpath(base)


def write_secret(path: Path, data: bytes) -> None:
    """Write a file that nobody else may read, replacing what was there."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_bytes(data)
    new.replace(path)


def _state(facts: Mapping[str, Any]) -> State:
    match facts["state"]:
        case "running" if _alive(facts):
            return Running(
                facts["shim"],
                facts["child"],
                facts["inner"],
                facts.get("started_at", 0.0),
                facts["restarts"],
            )
        case "running":
            return Stopped("it was killed together with its shim, or the machine has restarted")
        case "exited":
            words = _words(facts["code"], facts["signal"], facts["oom"])
            return Exited(words + _disk(facts.get("disk", 0)))
        case "failed":
            return Stopped(f"it could not be started: {facts['reason']}")
        case _:
            return Stopped("it was told to stop")


def _alive(facts: Mapping[str, Any]) -> bool:
    same_boot: bool = facts["boot"] == proctable.boot_id()
    return same_boot and proctable.start_ticks(facts["shim"]) == facts["since"]


def _words(code: int, number: int, oom: int) -> str:
    if number:
        names = {s.value: f" ({s.name})" for s in signal.Signals}
        how = f"killed by signal {number}{names.get(number, '')}"
    else:
        how = f"exited with status {code}"
    return f"{how}; out of memory: {oom} processes killed" if oom else how


def _disk(held: int) -> str:
    if not held:
        return ""
    return f"; its disk was full: it had over {held / (1 << 30):.1f} GiB (option RootVolumeSize)"


async def _gone(handle: int, seconds: float) -> bool:
    """Return whether the process behind a handle ends within that time."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(handle, ended.set)
    try:
        await asyncio.wait_for(ended.wait(), seconds)
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(handle)
    return True
