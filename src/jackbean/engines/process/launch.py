"""From an instance's record to what its agent reads and what its shim is told: pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from jackbean.core.protocol import AgentConfig
from jackbean.engines.process import image, limits, resolvers, sandbox, seccomp, signposts, tools
from jackbean.engines.process.interpreters import Interpreter
from jackbean.engines.process.network import METADATA_PORT, NAMES
from jackbean.engines.process.paths import SOCKET, InstancePaths
from jackbean.engines.process.records import Record
from jackbean.engines.process.sandbox import HOME, Machine, Sandbox
from jackbean.engines.process.supervise import ShimSpec

AGENTS = "/run/jackbean"  # where instances see the directory of the agents' socket
DEPENDENCIES = f"{HOME}/dependencies"
RUNTIMES = f"{HOME}/runtimes"
CERTIFICATES = f"{HOME}/certificates.pem"
JAVAS = ".jks"  # of the same certificates, beside them, as Java reads them
WEBAPP = "webapp"
MARK = "JACKBEAN_INSTANCE"
GRACE_S = 60.0  # an agent drains and stops its processes; it knows how long that may take
LOG_BYTES_MAX = 10 << 20


class Program(TypedDict):
    argv: tuple[str, ...]
    args: tuple[str, ...]
    filter: bytes
    env: dict[str, str]


@dataclass(frozen=True)
class Ground:
    """What all instances of an installation stand on."""

    mode: str
    machine: Machine
    own: Interpreter  # what agents run on
    interpreters: Mapping[str, Interpreter]
    tools: Mapping[str, Path]
    agent_dir: Path
    dependencies: Path
    runtimes: Path
    bubblewrap: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)  # proxies, certificates, our own API
    home: tuple[str, ...] = ()  # the shims' control groups
    control_plane: str = ""  # where AWS's names lead inside; empty where they are left as they are
    certificates: Path | None = None  # what instances trust then
    signposts: Path | None = None  # else what SDKs read, where names are left as they are


def agent_config(record: Record, paths: InstancePaths, ground: Ground) -> AgentConfig:
    """Return what the agent of an instance is told."""
    plain = ground.mode == "plain"
    own_network = ground.mode == "root"
    return AgentConfig(
        instance=record.spec.instance,
        token=record.spec.token,
        socket=f"{ground.agent_dir if plain else AGENTS}/{SOCKET.name}",
        address=record.host,
        port=record.port,
        prefix=str(paths.root) if plain else "",
        app_port=record.app_port,
        user=WEBAPP if own_network else "",
        mode=ground.mode,
        tools={
            name: str(path) if plain else tools.inside(name, path)
            for name, path in sorted(ground.tools.items())
        },
        pythons={
            version: str(i.path) if plain else i.inside
            for version, i in ground.interpreters.items()
        },
        instance_type=record.spec.instance_type,
        metadata_port=METADATA_PORT if own_network else 0,
        metadata_v1=record.spec.metadata_v1,
        names=str(NAMES) if ground.control_plane else "",
        control_plane=ground.control_plane,
        upstream=[str(server) for server in resolvers.servers()] if ground.control_plane else [],
    )


def shim_spec(
    record: Record, paths: InstancePaths, ground: Ground, groups: tuple[tuple[str, str], ...] = ()
) -> ShimSpec:
    """Return what holds an instance. `groups` are its control groups and where it sees them."""
    rlimits = {"NOFILE": (limits.OPEN_FILES, limits.OPEN_FILES), "CORE": (0, 0)}
    if not groups:
        rlimits["NPROC"] = (limits.PIDS, limits.PIDS)
    return ShimSpec(
        **_program(record, paths, ground, groups),
        cwd=str(paths.root),
        grace_s=GRACE_S,
        cgroups=tuple(directory for directory, _ in groups),
        home=ground.home,
        limits=rlimits,
        log_bytes_max=LOG_BYTES_MAX,
        disk_bytes_max=record.spec.disk_gib * limits.GIB,
    )


def _program(
    record: Record, paths: InstancePaths, ground: Ground, groups: tuple[tuple[str, str], ...]
) -> Program:
    """Return what runs: the agent, in its sandbox where there is one."""
    if ground.bubblewrap is None:
        argv = (str(ground.own.path), "-I", "-S", str(paths.agent), str(paths.config))
        return {"argv": argv, "args": (), "filter": b"", "env": _plain_env(paths, ground)}
    inner = (ground.own.inside, "-I", "-S", f"{HOME}/agent.pyz", f"{HOME}/agent.json")
    box = instance_box(record, paths, ground, groups)
    return {
        "argv": sandbox.command(ground.bubblewrap, inner),
        "args": sandbox.arguments(box),
        "filter": seccomp.program(),
        "env": {},
    }


def instance_box(
    record: Record, paths: InstancePaths, ground: Ground, groups: tuple[tuple[str, str], ...]
) -> Sandbox:
    shown = [
        (str(paths.config), f"{HOME}/agent.json"),
        (str(paths.agent), f"{HOME}/agent.pyz"),
        (str(ground.agent_dir), AGENTS),
        (str(ground.dependencies), DEPENDENCIES),
        (str(ground.runtimes), RUNTIMES),
    ]
    if ground.certificates:
        shown.append((str(ground.certificates), CERTIFICATES))
        javas = str(ground.certificates.with_suffix(JAVAS))
        shown.append((javas, CERTIFICATES.replace(".pem", JAVAS)))
    if ground.signposts:
        shown.append((str(ground.signposts), signposts.INSIDE))
    for name, path in sorted(ground.tools.items()):
        if tools.inside(name, path) != str(path):
            shown.append((str(path), tools.inside(name, path)))
    for interpreter in ground.interpreters.values():
        shown += image.places(interpreter)
    return Sandbox(
        ground.machine,
        root=str(paths.root),
        places=tuple(shown),
        cgroups=groups,
        hostname=record.hostname,
        user_namespace=ground.mode == "user",
        env={**ground.env, "HOME": "/root", "LANG": "C.UTF-8", "PATH": sandbox.PATH},
    )


def _plain_env(paths: InstancePaths, ground: Ground) -> dict[str, str]:
    return {
        "PATH": sandbox.PATH,
        **ground.env,
        "HOME": str(paths.root / "root"),
        "LANG": "C.UTF-8",
        MARK: str(paths.directory),
    }
