"""Processes that are meant to run for ever, and the application that they make up.

Each is a command of a shell in a session of its own, started again whenever it exits. What it
prints goes through a pipe to its log, so that a log can be rotated without losing a line.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jackbean.agent.children import Children, Command, kill_group, wait_for_groups
from jackbean.agent.logfiles import LogFile

BACKOFF_S_MIN = 0.1
BACKOFF_S_MAX = 5.0
STABLE_S = 10.0  # having run so long, an exit is a first one again
DYING_EXITS = 3  # so many in a row, and the process is said to keep dying
KILL_GRACE_S = 2.0
PIECE_BYTES = 64 << 10
COMPOUND = (
    r"[;|\n`]|(?<!>)&|^\s*[({!]"
    r"|^\s*(?:exec|if|while|until|for|case|cd|export|set|unset|eval|source|trap|\.)(?:\s|$)"
)
ASSIGNMENT = r"\s*[A-Za-z_]\w*="
# What /bin/sh is on Amazon Linux: lines of bundles say `source`, `[[` and `&>`.
BASH, SH = "/bin/bash", "/bin/sh"


@dataclass(frozen=True)
class Sight:
    """How a process does. `exits` counts those in a row; `last_exit` is a clause about the last."""

    name: str
    pid: int
    exits: int
    last_exit: str

    @property
    def dying(self) -> bool:
        return self.exits >= DYING_EXITS


class Supervised:
    """One process, started again whenever it exits, until it is stopped."""

    def __init__(
        self,
        name: str,
        command: Command,
        children: Children,
        output: LogFile | None,
        changed: Callable[[], None],
    ) -> None:
        self.name = name
        self._command = command
        self._children = children
        self._output = output
        self._changed = changed
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._group = 0
        self._began = 0.0
        self._exits = 0
        self._last_exit = ""
        self._thread = threading.Thread(target=self._keep, name=f"keep {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def sight(self) -> Sight:
        child = self._child
        stable = child is not None and time.monotonic() - self._began >= STABLE_S
        exits = 0 if stable else self._exits
        return Sight(self.name, child.pid if child else 0, exits, self._last_exit)

    @property
    def alive(self) -> bool:
        """Whether anything is left of it, or it will be started again."""
        group = self._group
        return self._thread.is_alive() or bool(group and kill_group(group, 0))

    def send(self, number: int) -> None:
        """Send a signal to the process itself."""
        with self._lock:
            if self._child:
                os.kill(self._child.pid, number)

    def end(self, number: int = signal.SIGTERM) -> None:
        """Let it exit for good; `wait` sees to it that it does."""
        with self._lock:
            self._ending.set()
            if self._group:
                kill_group(self._group, number)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; what is still there after the time is killed. Tell if none was."""
        deadline = time.monotonic() + timeout_s
        self._thread.join(timeout_s)
        group = [self._group] if self._group else []
        ended = wait_for_groups(group, max(0.0, deadline - time.monotonic()))
        if not ended:
            kill_group(group[0], signal.SIGKILL)
            wait_for_groups(group, KILL_GRACE_S)
        self._thread.join(KILL_GRACE_S)
        return ended

    def _keep(self) -> None:
        backoff_s = BACKOFF_S_MIN
        while True:
            self._began = time.monotonic()
            how = self._run_once()
            if self._ending.is_set():
                return
            stable = time.monotonic() - self._began >= STABLE_S
            self._exits = 1 if stable else self._exits + 1
            self._last_exit = how
            backoff_s = BACKOFF_S_MIN if stable else backoff_s
            self._changed()
            self._ending.wait(backoff_s)
            backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    def _run_once(self) -> str:
        """Start it and wait for its exit; return a clause about it."""
        reading, writing = os.pipe2(os.O_CLOEXEC)
        try:
            with self._lock:
                if self._ending.is_set():
                    os.close(reading)
                    return ""
                child = self._children.spawn(self._command, writing)
                self._child, self._group = child, child.pid
        except OSError as error:
            os.close(reading)
            return f"could not be started: {error.strerror}"
        finally:
            os.close(writing)
        self._pump(reading)
        code = child.wait()
        with self._lock:
            self._child = None
        if not self._ending.is_set():
            self._sweep(child)
        self._children.forget(child)
        return exit_clause(code)

    def _sweep(self, child: subprocess.Popen[bytes]) -> None:
        """End what an exited process left in its group: it may hold the port of its successor."""
        if kill_group(child.pid, signal.SIGTERM) and not wait_for_groups([child.pid], KILL_GRACE_S):
            kill_group(child.pid, signal.SIGKILL)
        with self._lock:
            self._group = self._group if self._ending.is_set() else 0

    def _pump(self, reading: int) -> None:
        threading.Thread(
            target=_copy, args=(reading, self._output), name=f"output {self.name}", daemon=True
        ).start()


def _copy(reading: int, output: LogFile | None) -> None:
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        while data := pipe.read(PIECE_BYTES):
            if output:
                output.write(data)


def exit_clause(code: int) -> str:
    """Return how a process ended, as people say it."""
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def shell(line: str) -> tuple[str, ...]:
    """Return the arguments that run a line as Elastic Beanstalk's units do, by a shell.

    One command takes the shell's place, so that signals reach it and its exit is seen.
    """
    if re.search(COMPOUND, line):
        return (shell_program(), "-c", line)
    prefix = "exec env" if re.match(ASSIGNMENT, line) else "exec"
    return (shell_program(), "-c", f"{prefix} {line}")


def shell_program() -> str:
    """Return the shell that lines of bundles are written for, or the one that there is."""
    return BASH if os.access(BASH, os.X_OK) else SH


def write_pid(folder: Path, sight: Sight) -> None:
    """Mirror a process id to /var/pids, where health agents and scripts look."""
    (folder / f"{sight.name}.pid").write_text(f"{sight.pid}\n")
