"""Get a machine ready for instances: network, limits, image, agent; and put it back."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path

from jackbean.core.errors import PortError
from jackbean.engines.process import (
    agentzip,
    allowed,
    environment,
    interpreters,
    records,
    resolvers,
    signposts,
    tools,
)
from jackbean.engines.process.addresses import Subnet
from jackbean.engines.process.cgroups import Cgroups
from jackbean.engines.process.filesystem import Entry
from jackbean.engines.process.firewall import Service
from jackbean.engines.process.image import Builder, Unfit
from jackbean.engines.process.launch import CERTIFICATES, Ground
from jackbean.engines.process.network import NAMES, Network, closed_uplinks
from jackbean.engines.process.paths import Layout
from jackbean.engines.process.probe import Possible
from jackbean.engines.process.sandbox import survey

SECURE_PORT = 443
# What programs of every kind read to learn which certificates to trust.
TRUST = (
    "AWS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
)
CLOSED = "closed-uplinks"  # those that did not forward before we came


@dataclass(frozen=True)
class Api:
    """Where programs find AWS's services: `url` on the machine's network; its region and port.

    `certificates` is the file of those that instances with a network of their own shall trust:
    with it, AWS's own names lead to the API as well, on `SECURE_PORT`.
    """

    url: str
    port: int
    region: str
    certificates: Path | None = None

    def endpoint(self, gateway: IPv4Address | None) -> str:
        """Return where programs reach them; `gateway` is how those with their own network do."""
        return f"http://{gateway}:{self.port}" if gateway else self.url

    def variables(self, gateway: IPv4Address | None) -> dict[str, str]:
        """Return what programs are told."""
        told = {
            "AWS_ENDPOINT_URL": self.endpoint(gateway),
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }
        if gateway and self.certificates:
            told |= dict.fromkeys(TRUST, CERTIFICATES)
        if gateway is None:  # what answers there is the machine's, and hands out its keys
            told["AWS_EC2_METADATA_DISABLED"] = "true"
        return told


@dataclass(frozen=True)
class Wishes:
    """What the operator asks of the engine."""

    mode: str = "auto"
    agent: Path | None = None  # another program in place of ours
    environ: Mapping[str, str] | None = None  # of the control plane; the process's own if None
    api: Api | None = None


@dataclass(frozen=True)
class Site:
    """A machine made ready."""

    ground: Ground
    subnet: Subnet
    agent: Path
    resolv_conf: str
    etc: tuple[Entry, ...] | None = None  # what an instance's /etc starts as; None in plain mode
    network: Network | None = None
    groups: Cgroups | None = None


def prepare(layout: Layout, possible: Possible, wishes: Wishes) -> Site:
    """Make the machine ready, or find it so. Raises PortError."""
    layout.make()
    private = possible.mode == "root"
    subnet = records.block(layout, private=private)
    ground, etc = _ground(layout, possible, wishes.environ or {})
    if wishes.api:
        ground = _introduced(ground, wishes.api, subnet.gateway if private else layout.signposts)
    return Site(
        ground=ground,
        subnet=subnet,
        agent=wishes.agent or agentzip.build(layout.run / "agent.pyz"),
        resolv_conf=resolvers.configuration(own_network=private, first=own_names(ground)),
        etc=etc,
        network=_network(layout, possible, subnet, wishes) if private else None,
        groups=possible.groups,
    )


def own_names(ground: Ground) -> tuple[str, ...]:
    """Return the name servers that instances have inside."""
    return (str(NAMES),) if ground.control_plane else ()


def _introduced(ground: Ground, api: Api, way: IPv4Address | Path) -> Ground:
    """Return the ground with what instances need in order to find the API.

    `way` is the gateway of those with a network of their own, and of others a folder for files
    that SDKs read.
    """
    if isinstance(way, Path):
        signposts.put_up(way, api.url)
        shown = str(way) if ground.bubblewrap is None else signposts.INSIDE
        told = {**api.variables(None), **signposts.variables(shown)}
        return replace(ground, env={**ground.env, **told}, signposts=way)
    ground = replace(ground, env={**ground.env, **api.variables(way)})
    if api.certificates is None:
        return ground
    return replace(ground, control_plane=str(way), certificates=api.certificates)


def _network(layout: Layout, possible: Possible, subnet: Subnet, wishes: Wishes) -> Network:
    api = wishes.api
    ports = [api.port, *([SECURE_PORT] if api.certificates else [])] if api else []
    own = tuple(Service(subnet.gateway, port) for port in ports)
    network = Network(layout.tag, subnet, own, walled=possible.firewall)
    file = layout.state / CLOSED
    if not file.exists():
        file.write_text("\n".join(closed_uplinks()))
    network.up()
    return network


def _ground(
    layout: Layout, possible: Possible, environ: Mapping[str, str]
) -> tuple[Ground, tuple[Entry, ...] | None]:
    ground = Ground(
        mode=possible.mode,
        machine=survey(),
        own=interpreters.own(),
        interpreters=interpreters.find(),
        tools=tools.for_instances(),
        agent_dir=layout.agent_dir,
        dependencies=layout.dependencies,
        runtimes=layout.runtimes,
        bubblewrap=possible.bubblewrap,
        env=environment.network(environ),
        home=possible.groups.home() if possible.groups else (),
    )
    if possible.bubblewrap is None:
        return replace(ground, env=dict(ground.env) | _path(environ)), None
    builder = Builder(possible.bubblewrap, ground.machine, possible.mode == "user")
    image = builder.image(layout.state, ground.interpreters)
    if ground.own.version not in image.interpreters:
        raise Unfit(f"{ground.own.path} does not run in a sandbox; use another Python")
    env = {n: v for n, v in ground.env.items() if n not in environment.CERTIFICATES or _shown(v)}
    return replace(ground, interpreters=image.interpreters, env=env), image.etc


def _path(environ: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": environ["PATH"]} if environ.get("PATH") else {}


def _shown(path: str) -> bool:
    """Return whether instances see a file at its own place."""
    return any(path == folder or path.startswith(folder + "/") for folder in allowed.SHARED)


def put_back(layout: Layout, possible: Possible) -> None:
    """Take away what was made of network and limits. Raises PortError."""
    if possible.groups:
        possible.groups.down()
    if possible.mode != "root" or not layout.state.exists():
        return
    closed: list[str] = []
    with contextlib.suppress(FileNotFoundError):
        closed = (layout.state / CLOSED).read_text().split()
    subnet = records.block(layout, private=True)
    try:
        Network(layout.tag, subnet, walled=possible.firewall).down(closed)
    except OSError as error:
        raise PortError(f"the network cannot be taken down: {error}") from error
    (layout.state / CLOSED).unlink(missing_ok=True)
