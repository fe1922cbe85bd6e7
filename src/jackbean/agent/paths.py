"""Where everything is on an instance: the paths that Elastic Beanstalk defines, and our own.

Bundles, hooks and people know these paths, so they are never changed; an instance without a file
system of its own has them below a prefix instead. Nothing else in the agent spells a path.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

SOCKET_PATH_BYTES_MAX = 100  # the kernel takes 107; what nginx adds is within the rest


@dataclass(frozen=True)
class Paths:
    prefix: str = ""

    def at(self, path: str) -> Path:
        return Path(self.prefix + path)

    def shown(self, path: Path) -> str:
        """Return a path as it is known on Elastic Beanstalk."""
        return str(path).removeprefix(self.prefix)

    # The application

    @property
    def staging(self) -> Path:
        return self.at("/var/app/staging")

    @property
    def current(self) -> Path:
        return self.at("/var/app/current")

    @property
    def venv(self) -> Path:
        """A link to the virtual environment of the release that is staged or runs."""
        return self.at("/var/app/venv/staging-LQM1lest")

    @property
    def discarded(self) -> Path:
        """On the file system of the application, so that moving something there is one rename."""
        return self.at("/var/app/.discarded")

    @property
    def bundle(self) -> Path:
        return self.at("/opt/elasticbeanstalk/deployment/app_source_bundle")

    @property
    def env(self) -> Path:
        return self.at("/opt/elasticbeanstalk/deployment/env")

    @property
    def pids(self) -> Path:
        return self.at("/var/pids")

    # The proxy

    @property
    def nginx(self) -> Path:
        return self.at("/etc/nginx")

    @property
    def nginx_staging(self) -> Path:
        return self.at("/var/proxy/staging/nginx")

    @property
    def nginx_state(self) -> Path:
        return self.at("/var/lib/nginx")

    @property
    def waiting(self) -> Path:
        """The waiting room's socket; elsewhere if the prefix is too long for a socket's name."""
        inside = self.at("/var/run/jackbean-agent/waiting.sock")
        if len(str(inside).encode()) <= SOCKET_PATH_BYTES_MAX:
            return inside
        return Path(f"/tmp/jackbean-{crc32(self.prefix.encode()):08x}/waiting.sock")  # noqa: S108 - its owner is checked

    @property
    def hold(self) -> Path:
        """While this file is there, nginx sends requests to the waiting room."""
        return self.waiting.with_name("hold")

    # Logs

    @property
    def logs(self) -> Path:
        return self.at("/var/log")

    @property
    def engine_log(self) -> Path:
        return self.at("/var/log/eb-engine.log")

    @property
    def hooks_log(self) -> Path:
        return self.at("/var/log/eb-hooks.log")

    @property
    def nginx_logs(self) -> Path:
        return self.at("/var/log/nginx")

    @property
    def healthd_logs(self) -> Path:
        return self.at("/var/log/nginx/healthd")

    @property
    def sqsd_log(self) -> Path:
        return self.at("/var/log/aws-sqsd/default.log")

    @property
    def deployment_logs(self) -> Path:
        return self.at("/var/log/deployments")

    @property
    def rotated_logs(self) -> Path:
        return self.at("/var/log/rotated")

    def output_log(self, process: str) -> Path:
        return self.at(f"/var/log/{process}.stdout.log")

    # The agent's own

    @property
    def own(self) -> Path:
        return self.at("/var/lib/jackbean")

    @property
    def ledger(self) -> Path:
        return self.own / "ledger.json"

    @property
    def keys(self) -> Path:
        return self.own / "keys.json"

    @property
    def children(self) -> Path:
        return self.own / "children.json"

    @property
    def bundles(self) -> Path:
        return self.own / "bundles"

    @property
    def sqsd_config(self) -> Path:
        return self.own / "sqsd.json"

    @property
    def sqsd_state(self) -> Path:
        return self.own / "sqsd.state"

    def prepare(self) -> None:
        """Make the directories that everything else takes for granted."""
        for path in (
            self.staging.parent,
            self.venv.parent,
            self.discarded,
            self.bundle.parent,
            self.pids,
            self.at("/var/run"),  # bundles have nginx write its process id there
            self.nginx_state / "html",  # nginx wants a root, even if nothing is served from it
            self.healthd_logs,
            self.deployment_logs,
            self.rotated_logs,
            self.bundles,
        ):
            path.mkdir(parents=True, exist_ok=True)
        self.own.chmod(0o700)
