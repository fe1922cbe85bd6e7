"""A bare instance, from the engine's `ensure` to its first answer through nginx, in every mode.

The application is a socket and an answer; what is measured is what an instance adds to it: the
sandbox with its network, the agent, fetching and staging the bundle, nginx. The control plane is a
stand-in that answers at once.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, Series
from tests.agent.control_plane import TOKEN, ControlPlane
from tests.e2e.installation import bundle, free_ports

from jackbean.core.errors import PortError
from jackbean.core.protocol import DependencyRequest, Manifest
from jackbean.engines.process.dependencies import ProcessDependencies
from jackbean.engines.process.engine import ProcessEngine
from jackbean.engines.process.paths import SOCKET, run_dir
from jackbean.engines.process.probe import MODES
from jackbean.ports.engine import Address, LaunchSpec

TARGET_S = 0.3
ROUNDS = 9
LEAST_S = 0.005
LOOK_AGAIN_S = 0.005  # oftener, and the looks themselves would take the processors
BRANCH = "Python 3.11 running on 64bit Amazon Linux 2023"
TINY = """
import os, socket
listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=64)
while True:
    guest, _ = listener.accept()
    guest.recv(65536)
    guest.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\nConnection: close\\r\\n\\r\\ntiny")
    guest.close()
"""


def measure() -> Iterator[Figure]:
    bare = Series("the application alone, to its first answer", [_alone() for _ in range(ROUNDS)])
    for mode in MODES:
        try:
            yield from asyncio.run(_in_mode(mode, bare))
        except PortError as error:
            print(f"instance: mode {mode} is not possible here: {error}", file=sys.stderr)
    yield bare.figure("instance")


async def _in_mode(mode: str, bare: Series) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="jb-", ignore_cleanup_errors=True) as directory:
        data = Path(directory) / "data"
        engine = ProcessEngine(data, mode)
        await engine.adopt()
        try:
            return await _measured(engine, mode, bare)
        finally:
            await engine.stop_all()


async def _measured(engine: ProcessEngine, mode: str, bare: Series) -> list[Figure]:
    path = run_dir(engine.layout.data) / SOCKET
    path.parent.mkdir(mode=0o700, exist_ok=True)
    none = DependencyRequest("pip", "3.11", {"requirements.txt": ""})
    shared = await ProcessDependencies(engine).resolve(none)
    plane = ControlPlane(path, Path(shared))
    plane.start()
    path.chmod(0o666)
    content = bundle({"app.py": TINY, "Procfile": "web: python -I -S app.py\n"})
    plane.give("activate", _manifest(plane.add_bundle(content)), serial=1)
    launches, answers = [], []
    try:
        await _one(engine, 0)  # the first one of an engine finds nothing prepared
        plane.steps.clear()
        for number in range(1, ROUNDS + 1):
            launched_s, answered_s = await _one(engine, number)
            launches.append(launched_s)
            answers.append(answered_s)
    finally:
        plane.stop()
    figures = [
        Series(f"{mode}: ensure to first answer", answers).figure("instance", TARGET_S, bare),
        Series(f"{mode}: of which ensure", launches).figure("instance"),
    ]
    return figures + [s.figure("instance") for s in _phases(mode, plane)]


async def _one(engine: ProcessEngine, number: int) -> tuple[float, float]:
    """Launch an instance and end it; return the seconds until it ran, and until it answered."""
    name = f"i-bench{number}"
    began = time.perf_counter()
    await engine.ensure(LaunchSpec(name, "e-bench", BRANCH, "t3.micro", TOKEN))
    launched_s = time.perf_counter() - began
    address = (await engine.machines())[name].address
    assert address
    await asyncio.to_thread(_await_answer, address)
    answered_s = time.perf_counter() - began
    await engine.terminate(name)
    return launched_s, answered_s


def _await_answer(address: Address) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if answers(address):
            return
        time.sleep(LOOK_AGAIN_S)
    raise AssertionError(f"{address} never answered")


def answers(address: Address) -> bool:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _phases(mode: str, plane: ControlPlane) -> Iterator[Series]:
    spent: dict[str, list[float]] = defaultdict(list)
    for step in plane.steps:
        spent[step["step"]].append(float(step["seconds"]))
    for name, values in spent.items():
        if sum(values) / len(values) >= LEAST_S:
            yield Series(f"{mode}: of which {name}", values)


def _manifest(digest: str) -> Manifest:
    assert len(digest) == len(hashlib.sha256().hexdigest())
    return Manifest(
        release=1,
        version_label="v1",
        environment_name="bench",
        environment_id="e-bench",
        application_name="bench",
        region="us-east-1",
        account="123456789012",
        platform="python",
        platform_version="3.11",
        digest=digest,
    )


def _alone() -> float:
    (port,) = free_ports(1)
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", TINY], env={**os.environ, "PORT": str(port)}
    ) as alone:
        try:
            _await_answer(Address("127.0.0.1", port))
            return time.perf_counter() - began
        finally:
            alone.kill()
