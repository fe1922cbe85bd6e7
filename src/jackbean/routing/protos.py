"""Between our plain data and Envoy's protobuf messages.

Importing a generated module is what makes its message known to the JSON parser, also where it only
appears inside an `Any`: every type named in the modules of resources has its line here, no other.
All of them together cost 5 MB; the whole of the published ones would cost far more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from envoy.config.cluster.v3 import cluster_pb2
from envoy.config.endpoint.v3 import endpoint_pb2
from envoy.config.listener.v3 import listener_pb2
from envoy.config.route.v3 import route_components_pb2, route_pb2
from envoy.extensions.access_loggers.file.v3 import file_pb2 as _file
from envoy.extensions.access_loggers.stats.v3 import stats_pb2 as _stats
from envoy.extensions.filters.http.router.v3 import router_pb2 as _router
from envoy.extensions.filters.http.stateful_session.v3 import stateful_session_pb2 as _sticky
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as _manager,
)
from envoy.extensions.http.stateful_session.cookie.v3 import cookie_pb2 as _cookie
from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2 as _previous_hosts
from envoy.extensions.retry.priority.previous_priorities.v3 import (
    previous_priorities_config_pb2 as _previous_priorities,
)
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2 as _options
from envoy.service.discovery.v3 import discovery_pb2
from google.protobuf import json_format

from jackbean.routing.resources import Body, Kind, Resource, Snapshot, fingerprint
from jackbean.routing.shapes import MAIN
from jackbean.routing.xds import Ask, Delivery

EXTENSIONS = (
    *(_file, _stats, _router, _sticky, _cookie, _manager),
    *(_previous_hosts, _previous_priorities, _options),
)
MESSAGES = {
    Kind.CLUSTER: cluster_pb2.Cluster,
    Kind.ENDPOINTS: endpoint_pb2.ClusterLoadAssignment,
    Kind.LISTENER: listener_pb2.Listener,
    Kind.ROUTES: route_pb2.RouteConfiguration,
}
KINDS = {kind.url: kind for kind in Kind}

SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
METHOD = "DeltaAggregatedResources"

parse_request = discovery_pb2.DeltaDiscoveryRequest.FromString


def ask(request: Any) -> Ask | None:
    """Return what a DeltaDiscoveryRequest says, or None where it is of no type that we serve."""
    kind = KINDS.get(request.type_url)
    if kind is None:
        return None
    return Ask(
        kind,
        subscribe=tuple(request.resource_names_subscribe),
        unsubscribe=tuple(request.resource_names_unsubscribe),
        has=dict(request.initial_resource_versions),
        nonce=request.response_nonce,
        refusal=request.error_detail.message if request.HasField("error_detail") else None,
    )


class Packer:
    """Makes messages of resources, each only once: that is what costs time in sending them.

    Of routes each virtual host is kept by itself, since one that changes changes the whole.
    """

    def __init__(self) -> None:
        self._packed: dict[tuple[Kind, str], tuple[str, bytes]] = {}
        self._hosts: dict[str, bytes] = {}

    def response(self, delivery: Delivery) -> bytes:
        """Return a delivery as the bytes of a DeltaDiscoveryResponse."""
        message = discovery_pb2.DeltaDiscoveryResponse(
            type_url=delivery.kind.url, nonce=delivery.nonce, removed_resources=delivery.removed
        )
        for resource in delivery.resources:
            into = message.resources.add(name=resource.name, version=resource.version)
            into.resource.type_url = resource.kind.url
            into.resource.value = self.pack(resource)
        packed: bytes = message.SerializeToString(deterministic=True)
        return packed

    def pack(self, resource: Resource) -> bytes:
        """Return a resource as the bytes of its message."""
        key = (resource.kind, resource.name)
        version, packed = self._packed.get(key, ("", b""))
        if version != resource.version:
            packed = self._pack(resource)
            self._packed[key] = (resource.version, packed)
        return packed

    def keep(self, snapshot: Snapshot) -> None:
        """Forget what is not in `snapshot`."""
        wanted = {(kind, name) for kind in Kind for name in snapshot.of(kind)}
        for key in self._packed.keys() - wanted:
            del self._packed[key]

    def _pack(self, resource: Resource) -> bytes:
        body = dict(resource.body)
        hosts = body.pop("virtual_hosts", ())
        message = json_format.ParseDict(body, MESSAGES[resource.kind]())
        for host in self._pack_hosts(hosts, keep=resource.name == MAIN):
            message.virtual_hosts.add().ParseFromString(host)
        packed: bytes = message.SerializeToString(deterministic=True)
        return packed

    def _pack_hosts(self, hosts: Sequence[Body], *, keep: bool) -> list[bytes]:
        packed = {}
        for host in hosts:
            key = fingerprint(host)
            packed[key] = self._hosts.get(key) or _packed_host(host)
        if keep:
            self._hosts = packed
        return list(packed.values())


def _packed_host(host: Body) -> bytes:
    message = json_format.ParseDict(host, route_components_pb2.VirtualHost())
    packed: bytes = message.SerializeToString(deterministic=True)
    return packed
