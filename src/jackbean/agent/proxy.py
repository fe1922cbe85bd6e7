"""nginx as a process: its configuration is checked beside the live one, installed, and taken up.

A reload replaces nginx's workers, which closes idle connections of the load balancer under requests
that are just being sent. So nginx is left alone wherever its configuration has not changed: a new
release comes and goes behind it.

What is valid by itself may still be none that a running nginx goes over to: another address for a
port that it holds, another key of a shared zone. It says so in its log and goes on as it was, so
that is looked for, and nginx started anew then.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from jackbean.agent.children import Children, Command, processes, stat_fields
from jackbean.agent.listening import accepts
from jackbean.agent.logfiles import rotate, size, tail
from jackbean.agent.paths import Paths
from jackbean.agent.processes import Supervised

CHECK_TIMEOUT_S = 20.0
START_TIMEOUT_S = 10.0
TAKE_UP_TIMEOUT_S = 3.0
LEAVE_S = 5.0  # for the last requests of an nginx that is started anew
REFUSAL = "[emerg] {}#"  # of the master: workers have complaints of their own
LOOK_AGAIN_S = 0.002
OUTPUT_CHARS_MAX = 4_000
CAUSE_CHARS_MAX = 255


class Proxy:
    def __init__(
        self, program: str, paths: Paths, children: Children, changed: Callable[[], None]
    ) -> None:
        self._program = program
        self._paths = paths
        self._children = children
        self._changed = changed
        self._process: Supervised | None = None
        self._build = ""

    @property
    def running(self) -> bool:
        return self._process is not None

    def has(self, module: str) -> bool:
        """Tell if the program was built with a module."""
        if not self._build:
            argv = (self._program, "-V")
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=CHECK_TIMEOUT_S,
                check=False,
            )
            self._build = done.stdout.decode("utf-8", "replace")
        return f"--with-{module}_module" in self._build

    def check(self) -> str:
        """Return what nginx holds against the staged configuration; nothing if it is well."""
        argv = (*self._argv(self._paths.nginx_staging), "-t", "-q")
        try:
            done = subprocess.run(
                argv,
                cwd=self._paths.nginx_state,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=CHECK_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"nginx did not finish checking within {CHECK_TIMEOUT_S:.0f} s"
        if done.returncode == 0:
            return ""
        said = done.stdout.decode("utf-8", "replace")[-OUTPUT_CHARS_MAX:]
        return said.replace(self._paths.prefix, "") if self._paths.prefix else said

    def install(self) -> bool:
        """Make the staged configuration the live one; tell if that changed anything."""
        staged, live = self._paths.nginx_staging, self._paths.nginx
        wanted, found = _texts(staged, staged), _texts(live, staged)
        for name in found.keys() - wanted.keys():
            (live / name).unlink()
        for name, text in wanted.items():
            (live / name).parent.mkdir(parents=True, exist_ok=True)
            (live / name).write_bytes(text)
        return wanted != found

    def ensure(self, *, reload: bool) -> None:
        """Start it unless it runs; otherwise have it read its configuration again, if asked."""
        if self._process and reload and not self._reload(self._process):
            self.stop(LEAVE_S)
        if not self._process:
            self._process = Supervised(
                "nginx", self._command(), self._children, None, self._changed
            )
            self._process.start()

    def await_listening(self, host: str, port: int) -> str:
        """Wait until it takes connections; return its last words if it does not."""
        log = self._paths.nginx_logs / "error.log"
        before = size(log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not accepts(host, port):
            sight = self._process.sight() if self._process else None
            if time.monotonic() >= deadline or (sight and sight.dying):
                return tail(log, 5, min(before, size(log))) or "it says nothing"
            time.sleep(LOOK_AGAIN_S)
        return ""

    def trouble(self) -> str:
        """Return why it does not run, if it keeps ending."""
        sight = self._process.sight() if self._process else None
        if not sight or not sight.dying:
            return ""
        last = tail(self._paths.nginx_logs / "error.log", 1)
        return f"The proxy keeps ending: it {sight.last_exit}. {last}"[:CAUSE_CHARS_MAX]

    def rotate_logs(self, bytes_max: int) -> None:
        """Move logs away that are too long, and have nginx begin new ones."""
        long = [path for path in self._paths.nginx_logs.glob("*.log") if size(path) >= bytes_max]
        for path in long:
            rotate(path, self._paths.rotated_logs)
        if long and self._process:
            self._process.send(signal.SIGUSR1)

    def leave(self, patience_s: float) -> None:
        """Let it take nothing new and finish what it has; wait for that, but not for long."""
        if self._process:
            self._process.end(signal.SIGQUIT)
            deadline = time.monotonic() + patience_s
            while self._process.alive and time.monotonic() < deadline:
                time.sleep(LOOK_AGAIN_S)

    def stop(self, timeout_s: float) -> None:
        """Let it finish its requests and exit."""
        if self._process:
            self._process.end(signal.SIGQUIT)
            self._process.wait(timeout_s)
            self._process = None

    def _reload(self, process: Supervised) -> bool:
        """Have new workers take over, and wait until they do; tell if it did not refuse."""
        master, log = process.sight().pid, self._paths.nginx_logs / "error.log"
        old, before = _workers(master), size(log)
        process.send(signal.SIGHUP)
        deadline = time.monotonic() + TAKE_UP_TIMEOUT_S
        while not _workers(master) - old and time.monotonic() < deadline:
            if size(log) > before and REFUSAL.format(master) in tail(log, since=before):
                return False
            time.sleep(LOOK_AGAIN_S)
        return True

    def _command(self) -> Command:
        argv = (*self._argv(self._paths.nginx), "-g", "daemon off;")
        return Command(argv, self._paths.nginx_state, {"PATH": os.defpath})

    def _argv(self, folder: Path) -> tuple[str, ...]:
        return (
            self._program,
            "-p",
            f"{self._paths.nginx_state}/",
            "-e",
            str(self._paths.nginx_logs / "error.log"),
            "-c",
            str(folder / "nginx.conf"),
        )


def _workers(master: int) -> set[int]:
    return (
        {pid for pid in processes() if stat_fields(pid)[1:2] == [str(master)]} if master else set()
    )


def _texts(folder: Path, like: Path) -> dict[str, bytes]:
    """Return the files of a configuration: all of conf.d, and otherwise those that `like` has."""
    names = {path.relative_to(like) for path in like.rglob("*") if path.is_file()}
    found = [folder / name for name in names]
    found += [path for path in (folder / "conf.d").rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.is_file()}
