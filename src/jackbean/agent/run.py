"""What the steps of a run work on: a release, this instance, and the limits of the run."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jackbean.agent import environment
from jackbean.agent.application import Application
from jackbean.agent.bundle import Bundles
from jackbean.agent.children import Children, Command, account, kill_group, wait_for_groups
from jackbean.agent.daemon import Daemon
from jackbean.agent.dial import Dial
from jackbean.agent.keys import Keys
from jackbean.agent.ledger import Built, Ledger
from jackbean.agent.link import Notices
from jackbean.agent.logfiles import EngineLog, appending, size, tail
from jackbean.agent.paths import Paths
from jackbean.agent.phases import Step, StepFailed
from jackbean.agent.proxy import Proxy
from jackbean.agent.services.keeping import Services
from jackbean.core.protocol import AgentConfig, Manifest, Notice, Worker, from_json

Passes = Literal["http", "fastcgi"]
VARIABLES = "environment.json"  # in the runtime directory: what its programs need to be told
LOOK_AGAIN_S = 0.1
KILL_GRACE_S = 2.0
LINE_MAX = 200


@dataclass(frozen=True)
class Host:
    """The parts of this instance; each is its own only owner."""

    config: AgentConfig
    paths: Paths
    dial: Dial
    children: Children
    application: Application
    proxy: Proxy
    bundles: Bundles
    ledger: Ledger
    log: EngineLog
    notices: Notices
    services: Services
    keys: Keys
    daemon: Daemon


@dataclass(frozen=True)
class Platform:
    """What differs between platforms.

    `port` is where the application listens unless it is told otherwise, `path` what of the
    release's runtime directory comes first in PATH, `statics` the static files that are served
    unless the settings name others, and `steps` what is done to the staged source to make it run.
    Where it does not tell the port, processes have PORT only if somebody has set it. `languages`
    are what it needs of the machine. `own_processes` says that what runs is the platform's, written
    into the release's runtime directory, and that a Procfile does not count. `passes` is how nginx
    speaks with the application, `document_root` where it finds scripts,
    `variables` what processes are told that depends on the instance. `upstream` is what nginx files
    of bundles call the application, `prepare` is done before each start.
    """

    family: str
    port: int
    steps: tuple[Step[Run], ...]
    path: tuple[str, ...] = ("bin",)
    statics: Mapping[str, str] = field(default_factory=dict)
    tells_port: bool = True
    languages: tuple[str, ...] = ()
    own_processes: bool = False
    passes: Passes = "http"
    document_root: Callable[[Run], str] | None = None
    variables: Callable[[Run], dict[str, str]] | None = None
    upstream: str = ""
    prepare: Callable[[Run], None] | None = None


@dataclass(frozen=True)
class Done:
    """How a command ended. `tail` are its last lines."""

    code: int
    tail: str


class Run:
    """One assignment being carried out."""

    def __init__(
        self, host: Host, platform: Platform, built: Built, *, leader: bool = False
    ) -> None:
        self.host = host
        self.platform = platform
        self.built = built
        self.leader = leader
        self.deadline = time.monotonic() + built.manifest.timeout_s
        self.superseded = threading.Event()

    @property
    def manifest(self) -> Manifest:
        return self.built.manifest

    @property
    def worker(self) -> Worker | None:
        """What the release does with a queue, if it does."""
        said = self.manifest.worker
        return None if said is None else from_json(Worker, said)

    @property
    def paths(self) -> Paths:
        return self.host.paths

    @property
    def log(self) -> EngineLog:
        return self.host.log

    @property
    def runtime(self) -> Path:
        return Path(self.built.runtime)

    @property
    def port(self) -> int:
        return environment.application_port(self.host.config, self.manifest, self.platform.port)

    @property
    def address(self) -> str:
        return self.host.config.app_host

    def option(self, namespace: str, name: str, default: str = "") -> str:
        return self.manifest.options.get(namespace, {}).get(name) or default

    def check(self) -> None:
        """Raise StepFailed if the run is overdue or has been superseded."""
        if self.superseded.is_set():
            raise StepFailed("It was given up for a newer assignment.")
        if time.monotonic() >= self.deadline:
            raise StepFailed(
                f"It did not finish within {self.manifest.timeout_s:g} s; make it faster, or raise "
                "option Timeout in aws:elasticbeanstalk:command."
            )

    def command_environment(self) -> dict[str, str]:
        """Return the environment of hooks and installers."""
        return self._environment("/root") | {"PORT": str(self.port)}

    def process_environment(self) -> dict[str, str]:
        """Return the environment of the release's processes."""
        env = self._environment("/home/webapp" if self.host.config.user else "/root")
        if self.platform.variables:
            env = self.platform.variables(self) | env
        if self.host.config.app_port or "PORT" in env or self.platform.tells_port:
            env["PORT"] = str(self.port)
        return env

    def _environment(self, home: str) -> dict[str, str]:
        folder = self.paths.at(home)
        if not folder.is_dir():
            folder.mkdir(parents=True)
            owner = self.owner() if home != "/root" else None
            if owner:
                os.chown(folder, *owner)
        path = tuple(str(self.runtime / part) for part in self.platform.path)
        self.host.keys.export()
        base = environment.base(path, folder) | self.variables()
        return environment.with_properties(base, environment.properties(self.manifest))

    def variables(self) -> dict[str, str]:
        """Return what the release's runtime wants its programs to be told."""
        try:
            found = json.loads((self.runtime / VARIABLES).read_text())
        except FileNotFoundError:
            return {}
        return {str(name): str(value) for name, value in found.items()}

    def tell(self, text: str, severity: str = "INFO") -> None:
        """Have something told as an event of the environment: once, however many say it."""
        (self.log.warn if severity == "WARN" else self.log.info)(text)
        self.host.notices.tell(Notice(self.manifest.release, severity, text))

    def warn(self, text: str) -> None:
        self.tell(text, "WARN")

    def execute(self, command: Command, log: Path) -> Done:
        """Run a command to its end, its output appended to a log; end it if the run is over."""
        before = size(log)
        with appending(log) as output:
            child = self.host.children.spawn(command, output)
        try:
            code = self._await(child)
        except StepFailed as over:
            told = f"{over.cause} Until then it ran {self._told(command)}."
            raise StepFailed(told, self.paths.shown(log), tail(log, since=before)) from None
        finally:
            if child.returncode is None:
                self._end(child)
            self.host.children.forget(child)
        return Done(code, tail(log, since=before))

    def _told(self, command: Command) -> str:
        """Return a command as people know it: the line that a shell was given, or its words."""
        argv = command.argv
        line = argv[2] if argv[1:2] == ("-c",) and len(argv) > 2 else " ".join(argv)
        shown = line.replace(self.paths.prefix, "") if self.paths.prefix else line
        return f"`{shown if len(shown) <= LINE_MAX else shown[:LINE_MAX] + '...'}`"

    def _await(self, child: subprocess.Popen[bytes]) -> int:
        while True:
            self.check()
            try:
                return child.wait(timeout=LOOK_AGAIN_S)
            except subprocess.TimeoutExpired:
                continue

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        kill_group(child.pid, 15)
        if not wait_for_groups([child.pid], 0.0):
            with_grace = time.monotonic() + KILL_GRACE_S
            while child.poll() is None and time.monotonic() < with_grace:
                time.sleep(0.01)
        kill_group(child.pid, 9)
        child.wait()

    def owner(self) -> tuple[int, int] | None:
        """Return whose the application's files are; None where there is but one account."""
        if not self.host.config.user or os.geteuid() != 0:
            return None
        return account(self.host.config.user)
