"""Holding the daemon of a worker: it runs while all agree that it should.

The release that runs says what it is to do; a deployment holds it back while the application
changes; the control plane tells whether this instance may poll at all. One thread brings about what
they want together, so that nobody who wants something has to wait for what another one wanted.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from jackbean.agent import environment
from jackbean.agent.children import Children, Command
from jackbean.agent.logfiles import LogFile, tail
from jackbean.agent.paths import Paths
from jackbean.agent.processes import Supervised
from jackbean.core.daemon import STATE_BYTES, DaemonConfig, DaemonState
from jackbean.core.protocol import from_json

PROGRAM = "sqsd"
GRACE_S = 5.0  # what is left to a daemon after its drain, before it is killed
LOOK_AGAIN_S = 0.1
CLOSE_S = 10.0  # for what it has under way when the instance ends
PAUSE_S = 1.0
CAUSE_CHARS_MAX = 255


@dataclass(frozen=True)
class PollingSight:
    """As the members of a Report are."""

    in_flight: int | None = None
    drained: bool = False
    polled_s: float | None = None


class Daemon:
    """`allowed` is what the control plane said last; `changed` hears of starts and ends."""

    def __init__(
        self, paths: Paths, children: Children, changed: Callable[[], None], *, allowed: bool
    ) -> None:
        self._paths = paths
        self._children = children
        self._changed = changed
        self._allowed = allowed
        self._closed = False
        self._wanted: DaemonConfig | None = None
        self._running: DaemonConfig | None = None
        self._process: Supervised | None = None
        self._output = LogFile(paths.sqsd_log, paths.rotated_logs)
        self._turn = threading.Condition()
        threading.Thread(target=self._keep, name=PROGRAM, daemon=True).start()

    def run(self, config: DaemonConfig | None) -> None:
        """Have it run so from now on; None: not at all."""
        with self._turn:
            self._wanted = config
            self._turn.notify_all()

    def allow(self, *, polling: bool) -> None:
        """Take note of whether the control plane wants it to poll."""
        with self._turn:
            self._allowed = polling
            self._turn.notify_all()

    @property
    def runs(self) -> bool:
        return self._process is not None

    def stop(self, check: Callable[[], None]) -> None:
        """Have it end, and wait until it has. `check` is called now and then, and may raise."""
        self.run(None)
        while not self._await_end():
            check()

    def close(self) -> None:
        """End it for good: its instance ends, perhaps with everything that it could talk to."""
        with self._turn:
            self._closed = True
        hurried = time.monotonic() + CLOSE_S
        self.stop(lambda: self._hurry() if time.monotonic() > hurried else None)

    def _hurry(self) -> None:
        """Have it give back what it has under way: it is told to end for the second time."""
        process = self._process
        if process is not None:
            process.end()

    def sight(self) -> PollingSight:
        with self._turn:
            process, allowed = self._process, self._allowed
        if process is None:
            return PollingSight(drained=not allowed)
        state = _state(self._paths.sqsd_state)
        if state is None or state.pid != process.sight().pid:
            return PollingSight(in_flight=0)
        polled = state.polled_at
        since = None if polled is None else round(time.monotonic() - polled, 3)
        return PollingSight(state.in_flight, polled_s=since)

    def trouble(self) -> str:
        """Return why it does not run, if it keeps ending."""
        process = self._process
        sight = process.sight() if process else None
        if not sight or not sight.dying:
            return ""
        last = tail(self._paths.sqsd_log, 1)
        return f"The worker's daemon keeps ending: it {sight.last_exit}. {last}"[:CAUSE_CHARS_MAX]

    def _await_end(self) -> bool:
        with self._turn:
            return self._turn.wait_for(lambda: self._process is None, LOOK_AGAIN_S)

    def _goal(self) -> DaemonConfig | None:
        return self._wanted if self._allowed and not self._closed else None

    def _keep(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._goal() != self._running)
                goal, process = self._goal(), self._process
                if process is None and goal is not None and not self._start(goal):
                    self._turn.wait(PAUSE_S)
            if process is not None:
                self._end(process)
            self._changed()
            self._await_answer()

    def _await_answer(self) -> None:
        """Tell that the queue has answered as soon as it has: a deployment waits for it."""
        while self._process is not None and self._goal() == self._running:
            if self.sight().polled_s is not None:
                self._changed()
                return
            with self._turn:
                self._turn.wait(LOOK_AGAIN_S)

    def _start(self, config: DaemonConfig) -> bool:
        """Start it; tell if that could be done, for which the disk must not be full."""
        file = self._paths.sqsd_config
        try:
            self._paths.sqsd_log.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)  # it holds the instance's token
            file.write_text(json.dumps(asdict(config)))
        except OSError:
            return False
        command = Command(_argv(file), self._paths.own, _environment())
        self._running = config
        self._process = Supervised(PROGRAM, command, self._children, self._output, self._changed)
        self._process.start()
        return True

    def _end(self, process: Supervised) -> None:
        """Let it finish what it has, for as long as it may; wait for that."""
        drain_s = self._running.drain_s if self._running else 0.0
        process.end()
        process.wait(drain_s + GRACE_S)
        with self._turn:
            self._process = self._running = None
            self._turn.notify_all()


def _argv(config: Path) -> tuple[str, ...]:
    program = Path(sys.argv[0]).resolve()
    if program.suffix == ".pyz":
        return (sys.executable, "-I", "-S", str(program), PROGRAM, str(config))
    return (sys.executable, "-m", "jackbean.sqsd", str(config))


def _environment() -> dict[str, str]:
    return {**environment.inherited(os.environ), "PATH": os.defpath, "LANG": "C.UTF-8"}


def _state(path: Path) -> DaemonState | None:
    try:
        with path.open("rb") as file:
            return from_json(DaemonState, json.loads(file.read(STATE_BYTES)))
    except (OSError, ValueError):
        return None
