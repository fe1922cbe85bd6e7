"""The application: the processes of a Procfile, and the port that the proxy passes requests to."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from jackbean.agent.children import Children, Command, account
from jackbean.agent.lastwords import telling
from jackbean.agent.listening import (
    Knock,
    accepts,
    listening_ports,
    paths_of,
    ports_of,
    queued,
    speaks_http,
)
from jackbean.agent.logfiles import LogFile, size, tail
from jackbean.agent.paths import Paths
from jackbean.agent.processes import Sight, Supervised, shell, write_pid
from jackbean.agent.procfile import Entry
from jackbean.agent.waiting import WaitingRoom

LOOK_AGAIN_S = 0.003
LISTEN_PATIENCE_S = 30.0
# When an application is looked for elsewhere, and how often. Another port than those that people
# write into their sources may be that of measurements, open before the application's own.
FOLLOW_S, FOLLOW_AGAIN_S = 2.0, 0.5
FOLLOW_FAR_S = 20.0
USUAL = frozenset((3000, 3001, 4000, 5000, 8000, 8080, 8081, 8888))
PATHS_MAX = 5
POKE_S = 0.01
TAKEN_S = 0.1  # a server that serves takes a connection in a fraction of that
UNDER_WAY_S = 0.01  # nginx takes microseconds from choosing a server to reaching it
CAUSE_CHARS_MAX = 255


@dataclass(frozen=True)
class Launch:
    """What is started: the entries, where and as whom, and where it will listen."""

    entries: tuple[Entry, ...]
    cwd: Path
    env: dict[str, str]
    user: str
    host: str
    port: int

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    def command(self, entry: Entry) -> Command:
        return Command(shell(entry.command), self.cwd, self.env, self.user)


@dataclass(frozen=True)
class NotListening:
    """Why an application is not there: the clause, the log to read, its last lines.

    `elsewhere` is the host and port where it takes requests instead, if it does.
    """

    why: str
    log: Path
    tail: str
    elsewhere: tuple[str, int] | None = None


class Ending:
    """Processes that have been told to end, the first of which is behind the proxy."""

    def __init__(
        self, processes: tuple[Supervised, ...], address: tuple[str, int] | None, drain_s: float
    ) -> None:
        self._processes = processes
        self._address = address
        self._deadline = time.monotonic() + drain_s
        self._poked = 0.0

    def make_way(self) -> None:
        """Wait until successors can be started.

        The process behind the proxy need not have ended for that: it may finish its last requests
        as long as it does not listen any more.
        """
        while self._in_the_way():
            if time.monotonic() >= self._deadline:
                self.wait()
                return
            time.sleep(LOOK_AGAIN_S)

    def wait(self) -> None:
        """Wait until all have ended, killing those that are late."""
        while any(process.alive for process in self._processes):
            if time.monotonic() >= self._deadline:
                break
            self._listens()
            time.sleep(LOOK_AGAIN_S)
        for process in self._processes:
            process.wait(0.0)

    def _in_the_way(self) -> bool:
        if any(process.alive for process in self._processes[1:]):
            return True
        return any(process.alive for process in self._processes[:1]) and self._listens()

    def _listens(self) -> bool:
        """Tell if the port is still taken; as far as we know, where it never was.

        To look is also to wake a server that only notices between two connections that it is to
        end, as gunicorn does.
        """
        if not self._address:
            return True
        if time.monotonic() - self._poked < POKE_S:
            return True
        self._poked = time.monotonic()
        return accepts(*self._address)


class Application:
    def __init__(self, paths: Paths, children: Children, changed: Callable[[], None]) -> None:
        self._paths = paths
        self._children = children
        self._changed = changed
        self._room = WaitingRoom(paths.waiting, paths.hold)
        self._running: tuple[Supervised, ...] = ()
        self._logs: dict[str, LogFile] = {}
        self._log_starts: dict[str, int] = {}
        self._launch: Launch | None = None
        self._listened = False
        self._began = 0.0
        self._looked = 0.0

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

    def end(self, drain_s: float, *, for_good: bool = False) -> Ending:
        """Tell every process to end; those that take longer than `drain_s` will be killed."""
        address = self.address if self._listened else None
        if for_good:
            self._room.give_up()
        elif self._running:
            self._room.open_to_all()
            self._let_pass(address, drain_s / 2)
        for process in self._running:
            process.end()
        ending = Ending(self._running, address, drain_s)
        self._running = ()
        return ending

    def _let_pass(self, address: tuple[str, int] | None, timeout_s: float) -> None:
        """Have the application take what nginx sent it before it knew of the waiting room."""
        deadline = time.monotonic() + timeout_s
        time.sleep(UNDER_WAY_S)
        while address and queued(*address) > 0 and time.monotonic() < deadline:
            time.sleep(LOOK_AGAIN_S)

    def let_go(self) -> None:
        """Keep no request waiting for an application that has not been started."""
        if not self._running:
            self._room.give_up()

    def close(self) -> None:
        self._room.close()

    @property
    def address(self) -> tuple[str, int] | None:
        """Where it listens, or will."""
        return self._launch.address if self._launch else None

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
        """Tell if it has taken a connection since; how it goes on is the proxy's to see."""
        if not self._listened:
            deadline = time.monotonic() + TAKEN_S
            with Knock(launch.host, launch.port) as knock:
                while not self._listened and time.monotonic() < deadline:
                    self._listened = knock.answered()
                    time.sleep(LOOK_AGAIN_S)
        return self._listened

    def await_listening(
        self, launch: Launch, deadline: float, given_up: Callable[[], bool]
    ) -> NotListening | None:
        """Wait until the port takes connections; return why it does not, if it does not."""
        if self._launch and self._launch.address != launch.address:
            self._launch = replace(self._launch, host=launch.host, port=launch.port)
            self._room.expect(launch.host, launch.port)
        with Knock(launch.host, launch.port) as knock:
            while not knock.answered() and not given_up():
                found = self._why_not(launch, late=time.monotonic() >= deadline)
                if found and found.elsewhere:
                    return found
                if found:
                    self._room.give_up()  # a prompt refusal is better than a long wait for nothing
                    return found
                time.sleep(LOOK_AGAIN_S)
        self._listened = True
        self._room.open_to_few()
        return None

    def _why_not(self, launch: Launch, *, late: bool) -> NotListening | None:
        """Return why there is nothing to wait for."""
        for sight in self.sights():
            if sight.dying:
                why = f"process {sight.name} {sight.last_exit}, {sight.exits} times in a row"
                found = self._not_listening(sight.name, why)
                said = telling(found.tail)
                return replace(found, why=f"{why}: {said}") if said else found
        if late:
            return self._not_listening(launch.entries[0].name, self._silence(launch))
        place = self._elsewhere(launch)
        if place:
            found = self._not_listening(launch.entries[0].name, self._silence(launch))
            return replace(found, elsewhere=place)
        return None

    def _elsewhere(self, launch: Launch) -> tuple[str, int] | None:
        """Return the only other place where the application answers requests, if it does.

        It is looked for now and then, and only when the application has had some time.
        """
        now = time.monotonic()
        if now - self._began < FOLLOW_S or now - self._looked < FOLLOW_AGAIN_S:
            return None
        self._looked = now
        found = self._ports(launch) - {launch.port}
        usual = found & USUAL or (found if now - self._began >= FOLLOW_FAR_S else set())
        if len(usual) == 1:
            (port,) = usual
            return (launch.host, port) if speaks_http(launch.host, port) else None
        return None if usual else self._path_taken(launch)

    def _path_taken(self, launch: Launch) -> tuple[str, int] | None:
        """Return the only socket in the file system where it answers: Puma's, gunicorn's."""
        uid = account(launch.user)[0] if launch.user else None
        found = sorted(paths_of(uid, {sight.pid for sight in self.sights()}))[:PATHS_MAX]
        serving = [path for path in found if speaks_http(path, 0)]
        return (serving[0], 0) if len(serving) == 1 else None

    def _ports(self, launch: Launch) -> set[int]:
        if launch.user:
            return ports_of(account(launch.user)[0])
        return listening_ports({sight.pid for sight in self.sights()})

    def _silence(self, launch: Launch) -> str:
        where = f"nothing listens on {launch.host}:{launch.port}"
        if queued(launch.host, launch.port) >= 0:
            return f"{launch.host}:{launch.port} is listened on, but nobody takes requests there"
        elsewhere = sorted(self._ports(launch))
        if launch.port in elsewhere:
            return f"{where}, but on another address: listen on {launch.host} or on all addresses"
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
