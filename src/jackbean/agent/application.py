"""The application: the processes of a Procfile, and the port that the proxy passes requests to."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from jackbean.agent.children import Children, Command, processes, stat_fields
from jackbean.agent.logfiles import LogFile, size, tail
from jackbean.agent.paths import Paths
from jackbean.agent.processes import Sight, Supervised, shell, write_pid
from jackbean.agent.procfile import Entry
from jackbean.agent.waiting import WaitingRoom

LOOK_AGAIN_S = 0.003
LISTEN_PATIENCE_S = 30.0
CAUSE_CHARS_MAX = 255
LISTEN = "0A"  # in /proc/net/tcp


@dataclass(frozen=True)
class Launch:
    """What is started: the entries, where and as whom, and where it will listen."""

    entries: tuple[Entry, ...]
    cwd: Path
    env: dict[str, str]
    user: str
    host: str
    port: int

    def command(self, entry: Entry) -> Command:
        return Command(shell(entry.command), self.cwd, self.env, self.user)


@dataclass(frozen=True)
class NotListening:
    """Why an application is not there: the clause, the log to read, its last lines."""

    why: str
    log: Path
    tail: str


class Application:
    def __init__(self, paths: Paths, children: Children, changed: Callable[[], None]) -> None:
        self._paths = paths
        self._children = children
        self._changed = changed
        self._room = WaitingRoom(paths.waiting)
        self._running: tuple[Supervised, ...] = ()
        self._logs: dict[str, LogFile] = {}
        self._log_starts: dict[str, int] = {}
        self._launch: Launch | None = None
        self._listened = False
        self._began = 0.0

    def start(self, launch: Launch) -> None:
        """Start every process; their names must be those of log files."""
        self._launch, self._listened, self._began = launch, False, time.monotonic()
        self._log_starts = {
            entry.name: size(self._paths.output_log(entry.name)) for entry in launch.entries
        }
        self._running = tuple(
            Supervised(
                entry.name,
                launch.command(entry),
                self._children,
                self._log(entry.name),
                self._change,
            )
            for entry in launch.entries
        )
        self._room.expect(launch.host, launch.port)
        for process in self._running:
            process.start()

    def stop(self, drain_s: float, *, for_good: bool = False) -> None:
        """End every process at once; those that take longer than `drain_s` are killed."""
        if for_good:
            self._room.give_up()
        ending, self._running = self._running, ()
        for process in ending:
            process.end()
        deadline = time.monotonic() + drain_s
        for process in ending:
            process.wait(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        self._room.close()

    def sights(self) -> tuple[Sight, ...]:
        return tuple(process.sight() for process in self._running)

    def track(self) -> None:
        """Write the process ids where health agents look."""
        for sight in self.sights():
            write_pid(self._paths.pids, sight)

    def observe(self) -> tuple[str, list[str]]:
        """Return "up", "down" or "", and the causes of "down"; if up, let requests wait for it."""
        sights = self.sights()
        if not sights or not self._launch:
            return "", []
        causes = [
            f"Process {sight.name} keeps ending: it {sight.last_exit} ({sight.exits} times in a "
            f"row). {self._last_words(sight.name)}"[:CAUSE_CHARS_MAX]
            for sight in sights
            if sight.dying
        ]
        if not causes and not self._listens(self._launch):
            if time.monotonic() - self._began < LISTEN_PATIENCE_S:
                return "", []
            causes = [f"{self._silence(self._launch)}."[:CAUSE_CHARS_MAX].capitalize()]
        if causes:
            return "down", causes
        self._room.resume()
        return "up", []

    def _listens(self, launch: Launch) -> bool:
        """Tell if it has listened since it was started; how it goes on is the proxy's to see."""
        self._listened = self._listened or accepts(launch.host, launch.port)
        return self._listened

    def await_listening(
        self, launch: Launch, deadline: float, given_up: Callable[[], bool]
    ) -> NotListening | None:
        """Wait until the port takes connections; return why it does not, if it does not."""
        while not accepts(launch.host, launch.port):
            if given_up():
                return None
            for sight in self.sights():
                if sight.dying:
                    why = f"process {sight.name} {sight.last_exit}, {sight.exits} times in a row"
                    return self._not_listening(sight.name, why)
            if time.monotonic() >= deadline:
                return self._not_listening(launch.entries[0].name, self._silence(launch))
            time.sleep(LOOK_AGAIN_S)
        self._listened = True
        return None

    def _silence(self, launch: Launch) -> str:
        where = f"nothing listens on {launch.host}:{launch.port}"
        sessions = {sight.pid for sight in self.sights()}
        elsewhere = sorted(listening_ports(sessions) - {launch.port})
        if not elsewhere:
            return f"{where}; it has to listen on the port in the variable PORT"
        found = ", ".join(map(str, elsewhere[:5]))
        return f"{where}, but it listens on {found}: use the variable PORT, or set PORT={found}"

    def _not_listening(self, name: str, why: str) -> NotListening:
        path = self._paths.output_log(name)
        return NotListening(why, path, tail(path, since=self._log_starts.get(name, 0)))

    def _last_words(self, name: str) -> str:
        return tail(self._paths.output_log(name), 1, self._log_starts.get(name, 0))

    def _log(self, name: str) -> LogFile:
        if name not in self._logs:
            path = self._paths.output_log(name)
            self._logs[name] = LogFile(path, self._paths.rotated_logs)
        return self._logs[name]

    def _change(self) -> None:
        if any(sight.dying for sight in self.sights()):
            self._room.give_up()
        self._changed()


def accepts(host: str, port: int) -> bool:
    """Tell if something takes connections there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((host, port)) == 0


def listening_ports(sessions: Iterable[int]) -> set[int]:
    """Return the TCP ports on which processes of these sessions listen."""
    wanted = {str(session) for session in sessions}
    sockets = _listening_sockets()
    found: set[int] = set()
    for pid in processes():
        if stat_fields(pid)[3:4] and stat_fields(pid)[3] in wanted:
            found.update(port for inode, port in sockets.items() if inode in _sockets_of(pid))
    return found


def _listening_sockets() -> dict[str, int]:
    found = {}
    for name in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{name}").read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            if fields[3] == LISTEN:
                found[fields[9]] = int(fields[1].rpartition(":")[2], 16)
    return found


def _sockets_of(pid: int) -> set[str]:
    try:
        links = [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return set()
    names = (str(link) for link in links)
    return {name[8:-1] for name in names if name.startswith("socket:[")}
