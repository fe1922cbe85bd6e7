"""Services without systemd: what the instance does itself, and what bundles bring.

A service is, in this order: one that the instance takes care of; a script in /etc/init.d; a unit
file in /etc/systemd/system, of which the program is run; a program that is known by name. What runs
is started again with the agent. Whoever asks is told what became of it, in an exit code of
systemctl's and a sentence.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jackbean.agent import environment
from jackbean.agent.children import Children, Command, kill_group
from jackbean.agent.logfiles import EngineLog, LogFile, appending, tail
from jackbean.agent.paths import Paths
from jackbean.agent.processes import Supervised, exit_clause
from jackbean.agent.proxy import Proxy
from jackbean.agent.services import units

NAME = r"[A-Za-z0-9][A-Za-z0-9@:._-]{0,127}"
SETTLE_S = 0.7  # a service that ends so soon has not started
ONCE_TIMEOUT_S = 120.0
STOP_S = 5.0
LOOK_AGAIN_S = 0.02
RUNNING_MAX = 50
INACTIVE, UNKNOWN = 3, 5  # exit codes of systemctl

LOGS = "the instance keeps logs itself"
TIME = "the machine keeps the time"
# What needs nothing done for it, and why.
PASSIVE: Mapping[str, str] = {
    "amazon-cloudwatch-agent": LOGS,
    "amazon-ssm-agent": "instances are reached through Jackbean",
    "atd": "cron jobs are run by the instance itself",
    "awslogs": LOGS,
    "awslogsd": LOGS,
    "cfn-hup": "the instance's agent does its work",
    "chronyd": TIME,
    "cron": "cron jobs are run by the instance itself",
    "crond": "cron jobs are run by the instance itself",
    "healthd": "the instance's agent does its work",
    "ntpd": TIME,
    "rsyslog": LOGS,
    "rsyslogd": LOGS,
    "syslog": LOGS,
    "systemd-journald": LOGS,
}
# What is started by name where the machine has the program: its arguments.
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "memcached": ("memcached", "-u", "nobody"),
    "redis": ("redis-server", "--save", "", "--dir", "/var/lib"),
    "redis-server": ("redis-server", "--save", "", "--dir", "/var/lib"),
    "redis6": ("redis-server", "--save", "", "--dir", "/var/lib"),
    "supervisord": ("supervisord", "-n"),
}


@dataclass(frozen=True)
class Outcome:
    """What became of a wish: a code as of systemctl, and a sentence."""

    code: int = 0
    text: str = ""


class Services:
    def __init__(
        self, paths: Paths, children: Children, proxy: Proxy, log: EngineLog, user: str = ""
    ) -> None:
        self._paths = paths
        self._children = children
        self._proxy = proxy
        self._log = log
        self._accounts = bool(user)  # whether there are accounts besides our own
        self._lock = threading.RLock()
        self._running: dict[str, Supervised] = {}
        self._enabled: set[str] = set()

    @property
    def _register(self) -> Path:
        return self._paths.own / "services.json"

    def resume(self) -> None:
        """Start again what ran before this agent did."""
        try:
            known = json.loads(self._register.read_text())
            names, enabled = list(known["running"]), set(known["enabled"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        self._enabled = enabled
        for name in dict.fromkeys([*names, *enabled]):
            if isinstance(name, str) and re.fullmatch(NAME, name):
                outcome = self.act("start", name)
                self._log.info(f"Service {name}: {outcome.text}")

    def close(self) -> None:
        """End all of them; they stay written down."""
        with self._lock:
            running = list(self._running.values())
        for process in running:
            process.end()
        for process in running:
            process.wait(STOP_S)

    def act(self, verb: str, name: str) -> Outcome:
        """Do one thing with one service."""
        name = name.removesuffix(".service")
        if not re.fullmatch(NAME, name):
            return Outcome(UNKNOWN, f"{name[:80]!r} is no name of a service")
        with self._lock:
            if name == "nginx":
                return self._nginx(verb)
            if name in PASSIVE:
                return Outcome(0, f"{name}: {PASSIVE[name]}")
            outcome = self._verb(verb, name)
            self._note()
            return outcome

    def active(self, name: str) -> bool:
        """Tell if a service runs, as far as we know."""
        return self.act("is-active", name).code == 0

    def _nginx(self, verb: str) -> Outcome:
        if verb in ("stop", "disable", "mask", "kill"):
            return Outcome(1, "nginx is the instance's own, and goes on")
        if verb in ("restart", "reload", "try-restart", "reload-or-restart", "start"):
            if not self._proxy.running:
                return Outcome(0, "nginx is started with the release")
            if verb != "start":
                self._proxy.ensure(reload=True)
        return Outcome(0, "nginx is active" if self._proxy.running else "nginx comes later")

    def _verb(self, verb: str, name: str) -> Outcome:
        verbs: dict[str, Callable[[str], Outcome]] = {
            "start": self._start,
            "stop": self._stop,
            "kill": self._stop,
            "restart": self._restart,
            "reload": self._restart,
            "try-restart": self._restart,
            "reload-or-restart": self._restart,
            "status": self._status,
            "is-active": self._status,
            "enable": self._enable,
            "disable": self._disable,
            "is-enabled": self._is_enabled,
        }
        act = verbs.get(verb)
        return act(name) if act else Outcome(1, f"{verb[:40]} is not done for services here")

    def _known(self, name: str) -> bool:
        return bool(self._script(name) or self._unit_file(name) or self._program(name))

    def _unknown(self, name: str) -> Outcome:
        return Outcome(
            UNKNOWN, f"Unit {name}.service could not be found: there is no service {name}"
        )

    def _enable(self, name: str) -> Outcome:
        if not self._known(name):
            return self._unknown(name)
        self._enabled.add(name)
        return Outcome(0, f"{name} is started with the instance")

    def _disable(self, name: str) -> Outcome:
        self._enabled.discard(name)
        return Outcome(0, f"{name} is not started with the instance")

    def _is_enabled(self, name: str) -> Outcome:
        return Outcome(0, "enabled") if name in self._enabled else Outcome(1, "disabled")

    def _status(self, name: str) -> Outcome:
        process = self._running.get(name)
        if process and process.sight().pid:
            return Outcome(0, "active")
        if script := self._script(name):
            code = self._run_once(name, (str(script), "status"))
            return Outcome(code, "active" if code == 0 else "inactive")
        return Outcome(INACTIVE, "inactive") if self._known(name) else self._unknown(name)

    def _stop(self, name: str) -> Outcome:
        process = self._running.pop(name, None)
        if process:
            process.end()
            process.wait(STOP_S)
        elif script := self._script(name):
            self._run_once(name, (str(script), "stop"))
        return Outcome(0, f"{name} is stopped")

    def _restart(self, name: str) -> Outcome:
        if not self._known(name):
            return self._unknown(name)
        self._stop(name)
        return self._start(name)

    def _start(self, name: str) -> Outcome:
        process = self._running.get(name)
        if process and process.alive:
            return Outcome(0, f"{name} runs already")
        if script := self._script(name):
            code = self._run_once(name, (str(script), "start"))
            return Outcome(code, f"{script.name} start {exit_clause(code)}")
        try:
            unit = self._unit(name)
        except units.Malformed as error:
            return Outcome(1, f"{name}.service cannot be read: {error}")
        return self._start_unit(unit) if unit else self._unknown(name)

    def _unit(self, name: str) -> units.Unit | None:
        file = self._unit_file(name)
        if file:
            return units.read(file)
        argv = self._program(name)
        return units.Unit(name, (argv,), again=True) if argv else None

    def _start_unit(self, unit: units.Unit) -> Outcome:
        *before, last = unit.lines
        for line in [*before, *([last] if unit.once else [])]:
            code = self._run_once(unit.name, self._argv(unit, line), unit)
            if code:
                return Outcome(1, f"{unit.name}: {line[0]} {exit_clause(code)}")
        if unit.once:
            return Outcome(0, f"{unit.name} has done its work")
        if len(self._running) >= RUNNING_MAX:
            return Outcome(1, f"there are {RUNNING_MAX} services already")
        process = Supervised(
            unit.name, self._command(unit, last), self._children, self._output(unit.name), _quiet
        )
        self._running[unit.name] = process
        process.start()
        return self._settled(unit, process)

    def _settled(self, unit: units.Unit, process: Supervised) -> Outcome:
        """Wait a moment, and see if it still runs."""
        deadline = time.monotonic() + SETTLE_S
        while time.monotonic() < deadline and not process.sight().exits:
            time.sleep(LOOK_AGAIN_S)
        sight = process.sight()
        if not sight.exits:
            return Outcome(0, f"{unit.name} runs")
        if not unit.again:
            self._stop(unit.name)
        last = tail(self._paths.output_log(_log_name(unit.name)), 1)
        return Outcome(1, f"{unit.name} {sight.last_exit}. {last}".rstrip())

    def _argv(self, unit: units.Unit, line: tuple[str, ...]) -> tuple[str, ...]:
        return unit.argv(line, self._environment(unit))

    def _command(self, unit: units.Unit, line: tuple[str, ...]) -> Command:
        cwd = self._paths.at(unit.cwd)
        user = unit.user if self._accounts and unit.user not in ("", "root") else ""
        folder = cwd if cwd.is_dir() else self._paths.at("/")
        return Command(self._argv(unit, line), folder, self._environment(unit), user)

    def _environment(self, unit: units.Unit | None) -> dict[str, str]:
        env = environment.base((), self._paths.at("/root"))
        if unit:
            env |= unit.env
            for file in unit.env_files:
                env |= units.variables(self._paths.at(file))
        return env

    def _run_once(self, name: str, argv: tuple[str, ...], unit: units.Unit | None = None) -> int:
        """Run a program to its end; what takes too long is ended."""
        command = Command(argv, self._paths.at("/"), self._environment(unit))
        log = self._paths.output_log(_log_name(name))
        try:
            with appending(log) as output:
                child = self._children.spawn(command, output)
        except OSError:
            return 127
        deadline = time.monotonic() + ONCE_TIMEOUT_S
        while child.poll() is None:
            if time.monotonic() >= deadline:
                kill_group(child.pid, 9)
            time.sleep(LOOK_AGAIN_S)
        self._children.forget(child)
        return child.returncode

    def _script(self, name: str) -> Path | None:
        path = self._paths.at(f"/etc/init.d/{name}")
        return path if path.is_file() and os.access(path, os.X_OK) else None

    def _unit_file(self, name: str) -> Path | None:
        path = self._paths.at(f"/etc/systemd/system/{name}.service")
        return path if path.is_file() else None

    def _program(self, name: str) -> tuple[str, ...]:
        import shutil  # noqa: PLC0415 - 10 ms that nobody else has to wait for

        argv = PROGRAMS.get(name, ())
        found = shutil.which(argv[0], path=environment.SYSTEM_PATH) if argv else None
        return (found, *argv[1:]) if found else ()

    def _output(self, name: str) -> LogFile:
        return LogFile(self._paths.output_log(_log_name(name)), self._paths.rotated_logs)

    def _note(self) -> None:
        new = self._register.with_suffix(".new")
        state = {"running": sorted(self._running), "enabled": sorted(self._enabled)}
        with suppress(OSError):
            new.write_text(json.dumps(state))
            new.replace(self._register)


def _log_name(service: str) -> str:
    """Return what the log of a service is called: not like one of a Procfile's process."""
    return f"{service}.service"


def _quiet() -> None:
    """Nobody needs to know at once that a service has ended."""
