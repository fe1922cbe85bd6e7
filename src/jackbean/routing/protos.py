"""Between our plain data and Envoy's protobuf messages.

Importing a generated module is what makes its message known to the JSON parser, also where it only
appears inside an `Any`: every type named in `templates` and `shapes` has its line here, no other.
All of them together cost 5 MB; the whole of the published ones would cost far more.
"""

from __future__ import annotations

from typing import Any

from envoy.config.cluster.v3 import cluster_pb2 as _cluster
from envoy.config.endpoint.v3 import endpoint_pb2 as _endpoint
from envoy.config.listener.v3 import listener_pb2 as _listener
from envoy.config.route.v3 import route_pb2 as _route
from envoy.extensions.access_loggers.file.v3 import file_pb2 as _file
from envoy.extensions.filters.http.router.v3 import router_pb2 as _router
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as _manager,
)
from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2 as _hosts
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2 as _options
from envoy.service.discovery.v3 import discovery_pb2
from google.protobuf import json_format

from jackbean.routing.resources import Kind, Resource
from jackbean.routing.xds import Ask, Delivery

KNOWN = (_cluster, _endpoint, _listener, _route, _file, _router, _manager, _hosts, _options)
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


def response(delivery: Delivery) -> bytes:
    """Return a delivery as the bytes of a DeltaDiscoveryResponse."""
    message = discovery_pb2.DeltaDiscoveryResponse(
        type_url=delivery.kind.url, nonce=delivery.nonce, removed_resources=delivery.removed
    )
    for resource in delivery.resources:
        _pack(resource, message.resources.add(name=resource.name, version=resource.version))
    packed: bytes = message.SerializeToString(deterministic=True)
    return packed


def _pack(resource: Resource, into: Any) -> None:
    json_format.ParseDict({"@type": resource.kind.url, **resource.body}, into.resource)
