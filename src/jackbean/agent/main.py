"""The agent: puts its parts together, listens for signals, and stays on the line."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from jackbean.agent import getconfig, logs
from jackbean.agent.application import Application
from jackbean.agent.assignments import Assignments
from jackbean.agent.bundle import Bundles
from jackbean.agent.children import Children
from jackbean.agent.daemon import Daemon
from jackbean.agent.dial import Dial
from jackbean.agent.environment import means_aws
from jackbean.agent.following import Views
from jackbean.agent.health import RequestLog, System
from jackbean.agent.keys import ROLE, VARIABLES, Keys
from jackbean.agent.ledger import Ledger
from jackbean.agent.link import Link, LogSender, Notices, Progress
from jackbean.agent.logfiles import FILE_BYTES_MAX, EngineLog, LogFile
from jackbean.agent.metadata import Facts, Metadata
from jackbean.agent.metadata_server import MetadataServer
from jackbean.agent.names import Names
from jackbean.agent.paths import Paths
from jackbean.agent.proxy import Proxy
from jackbean.agent.publishing import Publisher
from jackbean.agent.rotation import Rotation
from jackbean.agent.run import Host
from jackbean.agent.services import standins
from jackbean.agent.services.cron import Cron
from jackbean.agent.services.keeping import Services
from jackbean.agent.services.reception import Reception
from jackbean.agent.shipping import Shipper
from jackbean.core.protocol import AgentConfig, Order, Report, from_json

PROXY_LEAVE_S, PROXY_STOP_S = 1.0, 1.0
DRAIN_S = 20.0
HOST_MANAGER = "aws:elasticbeanstalk:hostmanager"
STREAMING = "aws:elasticbeanstalk:cloudwatch:logs"
LOOPBACK = "127.0.0.1"


class Agent:
    def __init__(self, config: AgentConfig) -> None:
        paths = Paths(config.prefix)
        paths.prepare()
        self._started_at = time.time()
        self._reported = time.monotonic()
        dial = Dial(config.socket, config.token)
        children = Children(paths.children)
        children.end_leftovers()
        log = EngineLog(LogFile(paths.engine_log, paths.rotated_logs))
        proxy = Proxy(config.tools["nginx"], paths, children, self.news)
        ledger = Ledger(paths.ledger)
        services = Services(paths, children, proxy, log, config.user)
        self._host = Host(
            config=config,
            paths=paths,
            dial=dial,
            children=children,
            application=Application(paths, children, self.news),
            proxy=proxy,
            bundles=Bundles(paths.bundles, dial, log),
            ledger=ledger,
            log=log,
            notices=Notices(dial),
            services=services,
            keys=Keys(dial, ROLE if config.metadata_port else VARIABLES, paths.keys),
            daemon=Daemon(paths, children, self.news, allowed=ledger.record.polling),
        )
        self._metadata = _metadata(config, self._host.keys, log)
        self._names = _names(config, self._host.ledger, log)
        self._cron = Cron(paths, children, config.user)
        self._reception = Reception(paths, services)
        self._requests = RequestLog(paths.healthd_logs)
        self._system = System(children)
        self._log_sender = LogSender(dial, log, self._logs)
        self._shipper = Shipper(paths, dial, self._streams)
        self._views = Views(paths, dial)
        publisher = Publisher(paths, dial, self._publishes)
        self._rotation = Rotation(paths, self._streams, publisher.look)
        self._link = Link(dial, log, self.report, self.reported, self.accept)
        self._assignments = Assignments(self._host, Progress(dial), self.news)

    def run(self) -> None:
        """Work until told to stop, or until the instance has been terminated."""
        if os.getpid() == 1:
            threading.Thread(target=self._host.children.bury_orphans, daemon=True).start()
        self._host.keys.export()
        self._assignments.begin()
        self._cron.start()
        self._shipper.start()
        self._rotation.start()
        threading.Thread(target=self._host.services.resume, daemon=True).start()
        self._link.run()
        self._host.log.info("Stopping")
        self._assignments.close()
        self._cron.close()
        self._rotation.close()
        self._reception.close()
        self._host.daemon.close()  # what it has under way may need all the others
        for service in (self._metadata, self._names):
            if service:
                service.close()
        # What is being sent ends by itself; WebSockets only end once the application says so, and
        # while the proxy is still there to pass that on.
        self._host.proxy.leave(PROXY_LEAVE_S)
        self._host.application.end(self._drain_s(), for_good=True).wait()
        self._host.services.close()
        self._host.proxy.stop(PROXY_STOP_S)
        self._host.application.close()
        self._shipper.close()

    def stop(self) -> None:
        self._link.stop()

    def news(self) -> None:
        self._link.news()

    def accept(self, order: Order) -> None:
        self._log_sender.want(order.logs)
        self._views.want(order.follow)
        if order.polling != self._host.ledger.record.polling:
            self._host.ledger.note(polling=order.polling)
            self._host.daemon.allow(polling=order.polling)
            self.news()
        self._assignments.accept(order)

    def report(self) -> Report:
        """Return how this instance does, and what it has served since it was last said."""
        self._host.proxy.rotate_logs(FILE_BYTES_MAX)
        record = self._host.ledger.record
        served = self._requests.read()
        application, causes = self._state()
        polling = self._host.daemon.sight()
        return Report(
            instance=self._host.config.instance,
            serial=record.serial,
            state=record.state,
            running=record.current.manifest.release if record.current else None,
            staged=record.staged.manifest.release if record.staged else None,
            failure=record.failure,
            application=application,
            causes=causes,
            requests=dict(served.requests),
            latencies_s=served.latencies_s,
            duration_s=round(time.monotonic() - served.since, 3),
            system=self._system.read(),
            deployed=record.deployed or {},
            started_at=self._started_at,
            following=self._views.names,
            polling=record.polling,
            in_flight=polling.in_flight,
            drained=polling.drained,
            polled_s=polling.polled_s,
        )

    def reported(self) -> None:
        self._requests.take()

    def _state(self) -> tuple[str, list[str]]:
        application, causes = self._host.application.observe()
        host = self._host
        troubles = [self._assignments.trouble(), host.proxy.trouble(), host.daemon.trouble()]
        causes = causes + [trouble for trouble in troubles if trouble]
        return ("down" if causes else application), causes

    def _logs(self, kind: str) -> bytes | Path:
        paths = self._host.paths
        if kind == "tail":
            return logs.tail_text(paths).encode("utf-8", "replace")
        target = paths.own / f"logs-{time.time_ns()}.zip"
        logs.bundle_zip(paths, target)
        return target

    def _streams(self) -> bool:
        return self._says(STREAMING, "StreamLogs")

    def _publishes(self) -> bool:
        return self._says(HOST_MANAGER, "LogPublicationControl")

    def _says(self, namespace: str, name: str) -> bool:
        """Whether the settings of what is, or will be, here switch something on."""
        record = self._host.ledger.record
        manifest = record.manifest or (record.current.manifest if record.current else None)
        said = manifest.options.get(namespace, {}) if manifest else {}
        return said.get(name, "").lower() == "true"

    def _drain_s(self) -> float:
        current = self._host.ledger.record.current
        return current.manifest.drain_s if current else DRAIN_S


def _metadata(config: AgentConfig, keys: Keys, log: EngineLog) -> MetadataServer | None:
    """Serve the instance metadata, where what is sent to its address arrives."""
    if not config.metadata_port:
        return None
    facts = Facts(
        instance=config.instance,
        instance_type=config.instance_type,
        address=config.address,
        hostname=socket.gethostname(),
        region=os.environ.get("AWS_REGION", ""),
        started=time.time(),
    )
    metadata = Metadata(facts, keys.current, os.urandom(32), v1=config.metadata_v1)
    try:
        return MetadataServer(metadata, LOOPBACK, config.metadata_port)
    except OSError as error:
        log.warn(f"The instance metadata service is not there: {error}")
        return None


def _names(config: AgentConfig, ledger: Ledger, log: EngineLog) -> Names | None:
    """Lead AWS's names to the control plane, unless the application means AWS itself."""
    if not config.names:
        return None

    def ours() -> bool:
        current = ledger.record.current or ledger.record.staged
        return current is None or not means_aws(current.manifest.environment)

    try:
        return Names(config.names, config.control_plane, config.upstream, ours)
    except OSError as error:
        log.warn(f"AWS's names are left as they are: {error}")
        return None


def main(argv: list[str]) -> int:
    """Run the agent whose configuration is in the file that is the first argument.

    With a second argument, be a program of the instance that has the rest for its own.
    """
    if len(argv) != 1 and argv[1:2] not in (["get-config"], [standins.MARK]):
        sys.stderr.write("usage: agent CONFIG.json [get-config ... | stand-in PROGRAM ...]\n")
        return 2
    file = Path(argv[0])
    try:
        config = from_json(AgentConfig, json.loads(file.read_text()))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"agent: {file}: {error}\n")
        return 2
    if "nginx" not in config.tools:
        sys.stderr.write(f"agent: {file}: its tools name no nginx\n")
        return 2
    if argv[1:2] == [standins.MARK]:
        return standins.run(argv[2:], Paths(config.prefix), sys.stdout.write)
    if argv[1:]:
        return getconfig.run(argv[2:], config, sys.stdout.write)
    return _stay(config, file)


def _stay(config: AgentConfig, file: Path) -> int:
    agent = Agent(config)
    program = Path(sys.argv[0]).resolve()
    if program.suffix == ".pyz":
        command = getconfig.command(program, sys.executable, file.resolve())
        getconfig.install(Paths(config.prefix), command)
        standins.install(Paths(config.prefix), (*command[:-1], standins.MARK))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    agent.run()
    return 0
