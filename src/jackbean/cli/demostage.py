"""What the demo plays on: a server of its own, on free ports, that leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from jackbean.cli.failures import Failure
from jackbean.server.home import Home, Serving

PORTS = (8700, 7080)
START_S = 60.0
STOP_S = 60.0
GONE_S = 10.0
TAIL_LINES = 40
JACKBEAN = (sys.executable, "-m", "jackbean")


class Stage:
    """A folder with the data directory, the application and the server's log in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.application = folder / "beans"
        self.log = folder / "serve.log"
        self._process: subprocess.Popen[bytes] | None = None

    def clear(self) -> None:
        """Take away what an earlier demo left, if it was killed."""
        if self.data.exists():
            self._command("down")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True)

    def up(self) -> Serving:
        """Start the server and return where it answers. Raises Failure where it does not."""
        api, http = map(str, _ports())
        ports = ("--listen", f"127.0.0.1:{api}", "--http-port", http)
        command = (*JACKBEAN, "serve", "--data-dir", str(self.data), *ports)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        return self._answered()

    def down(self) -> None:
        """Stop everything. Raises Failure where something is left."""
        if not self.data.exists():
            return
        done = self._command("down")
        if self._process is not None:
            self._end(self._process)
        if done.returncode:
            raise Failure(f"`jackbean down` failed: {done.stderr.decode(errors='replace')}")
        deadline = time.monotonic() + GONE_S
        while left := list(leftovers(self.data)):
            if time.monotonic() > deadline:
                raise Failure("These processes are left:\n" + "\n".join(left))
            time.sleep(0.05)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def tails(self) -> Iterator[str]:
        """Yield the ends of the logs that tell what went wrong."""
        logs = [self.log, *sorted(self.data.glob("instances/*/shim/log"))]
        for log in (*logs, self.data / "envoy" / "shim" / "log"):
            if log.is_file() and log.stat().st_size:
                lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
                yield f"--- the end of {log}"
                yield from lines

    def _answered(self) -> Serving:
        deadline = time.monotonic() + START_S
        home = Home(self.data)
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise Failure("`jackbean serve` ended at once.")
            serving = home.serving()
            if serving and serving.pid == self._process.pid and _answers(serving):
                return serving
            time.sleep(0.02)
        raise Failure(f"`jackbean serve` does not answer within {START_S:.0f} seconds.")

    def _command(self, name: str) -> subprocess.CompletedProcess[bytes]:
        command = (*JACKBEAN, name, "--data-dir", str(self.data))
        return subprocess.run(command, capture_output=True, timeout=STOP_S, check=False)

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(GONE_S)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()


def leftovers(data: Path) -> Iterator[str]:
    """Yield the processes that speak of a data directory, in their arguments or environment."""
    mark = os.fsencode(data.resolve())
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        try:
            arguments = (folder / "cmdline").read_bytes()
            environment = (folder / "environ").read_bytes()
        except OSError:  # gone meanwhile, or somebody else's
            continue
        if mark in arguments or mark in environment:
            yield f"{folder.name} {arguments.replace(bytes(1), b' ').decode(errors='replace')}"


def _answers(serving: Serving) -> bool:
    try:
        socket.create_connection((serving.host, serving.port), timeout=1).close()
    except OSError:
        return False
    return True


def _ports() -> list[int]:
    """Return the usual ports, with others in place of those that are taken."""
    with ExitStack() as stack:
        return [_reserved(stack, port) or _reserved(stack, 0) for port in PORTS]


def _reserved(stack: ExitStack, port: int) -> int:
    """Hold a port (0: any) for as long as the stack is open, and return it; 0 if it is taken."""
    probe = stack.enter_context(socket.socket())
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("0.0.0.0", port))  # noqa: S104 - any address of the loopback may be in use
    except OSError:
        return 0
    return int(probe.getsockname()[1])
