"""A real installation for tests: `jackbean serve` as its own process, on free ports."""

from __future__ import annotations

import io
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

JACKBEAN = [sys.executable, "-m", "jackbean"]
START_S = 30.0
OPERATION_S = 90.0
COMMAND = "aws:elasticbeanstalk:command"
ASG = "aws:autoscaling:asg"

# Answers with its version, host, the bytes it was sent, COLOUR, and a mark of its own process; a
# path like /slow/1.5 takes that many seconds.
APPLICATION = """
import os, socket, time
def application(environ, start_response):
    path = environ["PATH_INFO"]
    size = len(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    if path.startswith("/slow/"):
        time.sleep(float(path[6:]))
    start_response("200 OK", [("Content-Type", "text/plain")])
    words = (VERSION, socket.gethostname(), size, os.environ.get("COLOUR") or "-", BORN)
    return [" ".join(map(str, words)).encode()]
VERSION = "%s"
BORN = os.urandom(8).hex()
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Return what `condition` returns once that is true. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)  # between two looks; the condition decides
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


def bundle(files: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def app(version: str, **files: str) -> bytes:
    """Return the bundle of a small WSGI application that says its version and instance."""
    return bundle({"application.py": APPLICATION % version, **files})


def option(namespace: str, name: str, value: str) -> dict[str, str]:
    return {"Namespace": namespace, "OptionName": name, "Value": value}


class Installation:
    """One data directory, and whoever serves it at the moment."""

    def __init__(
        self, data_dir: Path, engine: str = "auto", command: Sequence[str] = JACKBEAN
    ) -> None:
        self.data_dir = data_dir
        self.command = command
        self.port, self.http_port = free_ports(2)
        self.engine = engine
        self.process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}
        self.log = data_dir.parent / "serve.log"
        self.application = "tested"
        self.first_answer_s = 0.0

    def start(self) -> float:
        """Serve, and return the seconds until the first answer."""
        began = time.monotonic()
        self.spawn()
        try:
            until(self._answers, START_S, f"serve answers; see {self.log}")
        except AssertionError:  # nobody else would end it
            self.kill()
            if self.data_dir.exists():
                self.down()
            raise
        return time.monotonic() - began

    def spawn(self) -> None:
        """Begin to serve, and do not wait for it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "serve", *self.arguments], stdout=log, stderr=log
            )

    @property
    def arguments(self) -> list[str]:
        return [
            "--data-dir", str(self.data_dir),
            "--listen", f"127.0.0.1:{self.port}",
            "--http-port", str(self.http_port),
            "--engine", self.engine,
        ]  # fmt: skip

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(f"serve ended: {self.log.read_text()[-3000:]}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5)
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """End the control plane as a power cut would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)

    def down(self) -> None:
        subprocess.run(
            [*self.command, "down", "--data-dir", str(self.data_dir)], check=True, timeout=60
        )
        if self.process is not None:
            self.process.wait(15)

    @property
    def env(self) -> dict[str, str]:
        """What `jackbean env` prints."""
        done = subprocess.run(
            [*self.command, "env", "--data-dir", str(self.data_dir)],
            check=True,
            capture_output=True,
            text=True,
        )
        pairs = (line.removeprefix("export ").partition("=") for line in done.stdout.splitlines())
        return {name: shlex.split(value)[0] for name, _, value in pairs}

    def client(self, service: str = "elasticbeanstalk") -> Any:
        """Return a client with the installation's own keys, which never change."""
        if service not in self._clients:
            env = self.env
            keys = (env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
            self._clients[service] = self.client_with(keys, service)
        return self._clients[service]

    def client_with(
        self,
        keys: tuple[str, ...],
        service: str,
        region: str = "us-east-1",
        config: Config | None = None,
    ) -> Any:
        """Return a client that tells failures at once instead of trying again."""
        once = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            aws_session_token=keys[2] if keys[2:] else None,
            region_name=region,
            config=once.merge(config) if config else once,
        )

    # What tests do with it

    def version(self, label: str, content: bytes) -> str:
        eb, s3 = self.client(), self.client("s3")
        bucket = eb.create_storage_location()["S3Bucket"]
        key = f"{self.application}/{label}.zip"
        s3.put_object(Bucket=bucket, Key=key, Body=content)
        eb.create_application_version(
            ApplicationName=self.application,
            VersionLabel=label,
            SourceBundle={"S3Bucket": bucket, "S3Key": key},
            AutoCreateApplication=True,
        )
        return label

    def create(self, name: str, label: str, *settings: dict[str, str]) -> dict[str, Any]:
        """Create an environment and return its description at rest."""
        eb = self.client()
        eb.create_environment(
            ApplicationName=self.application,
            EnvironmentName=name,
            VersionLabel=label,
            SolutionStackName=eb.list_available_solution_stacks()["SolutionStacks"][0],
            OptionSettings=list(settings),
        )
        return self.rest(name)

    def rest(
        self, name: str, status: str = "Ready", patience_s: float = OPERATION_S
    ) -> dict[str, Any]:
        """Return an environment's description once it has `status`."""
        eb = self.client()

        def there() -> dict[str, Any] | None:
            found = eb.describe_environments(EnvironmentNames=[name])["Environments"]
            return found[-1] if found and found[-1]["Status"] == status else None

        try:
            return until(there, patience_s, f"{name} is {status}")
        except AssertionError as error:
            story = "\n".join(self.events(name))
            raise AssertionError(f"{error}\n{story}\n{self.log.read_text()[-2000:]}") from None

    def deploy(self, name: str, label: str) -> dict[str, Any]:
        self.begin(name, VersionLabel=label)
        return self.rest(name)

    def begin(self, name: str, **changes: Any) -> str:
        """Begin an update, and return the RequestId that its events carry."""
        answer = self.client().update_environment(EnvironmentName=name, **changes)
        return str(answer["ResponseMetadata"]["RequestId"])

    def instances(self, name: str) -> set[str]:
        found = self.client().describe_environment_resources(EnvironmentName=name)
        return {i["Id"] for i in found["EnvironmentResources"]["Instances"]}

    def terminate(self, name: str) -> None:
        self.client().terminate_environment(EnvironmentName=name)
        self.rest(name, "Terminated")

    def events(self, name: str, request: str = "") -> list[str]:
        """Return an environment's events, or those of one request only, oldest first."""
        chosen = {"RequestId": request} if request else {}
        found = self.client().describe_events(EnvironmentName=name, **chosen)["Events"]
        return [f"{e['Severity']} {e['Message']}" for e in reversed(found)]

    def get(self, environment: dict[str, Any], path: str = "/") -> str:
        url = f"http://{environment['EndpointURL']}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.read().decode())

    def leftovers(self) -> list[str]:
        """Return the command lines of processes that speak of this data directory."""
        mark = os.fsencode(self.data_dir)
        return [line.decode(errors="replace") for line in _command_lines() if mark in line]


def _command_lines() -> Iterable[bytes]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                yield (entry / "cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:
                continue


@contextmanager
def installed(engine: str = "auto") -> Iterator[Installation]:
    """Serve a fresh installation; afterwards nothing of it may be left running."""
    with (
        tempfile.TemporaryDirectory(prefix="jb-", ignore_cleanup_errors=True) as directory,
        serving(Installation(Path(directory) / "data", engine)) as installation,
    ):
        yield installation


@contextmanager
def serving(installation: Installation) -> Iterator[Installation]:
    installation.first_answer_s = installation.start()
    try:
        yield installation
    finally:
        installation.down()
    left = installation.leftovers()
    assert not left, left
