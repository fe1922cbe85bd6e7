"""One function per resource that Envoy is told: cluster, endpoints, listener; `ways` has routes.

All are pure, and check what they are given: one value that Envoy refuses in a resource shared by
all environments would keep every later change from all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from jackbean.ports.router import HealthCheck, Routes, Target
from jackbean.routing.counting import BY_ATTEMPT, BY_REQUEST
from jackbean.routing.resources import Kind, Resource, fingerprint
from jackbean.routing.templates import (
    ACCESS_LOG,
    APPEND_ACTIONS,
    CONNECT_TIMEOUT_S,
    FROM_ADS,
    HEADERS_KB_MAX,
    HEADERS_MAX,
    HEALTH_CHECKER,
    LOCAL_REPLIES,
    METADATA,
    ROUTER_FILTER,
    STICKY_FILTER,
    UNLIMITED,
    UPSTREAM_IDLE_S,
    extension,
    seconds,
)

Json = dict[str, Any]

ENVIRONMENT = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")
INSTANCE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
GROUP = re.compile(r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?")
HOSTNAME = re.compile(r"[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9])?")
MAIN = "_main"  # no environment is called so


APART = "+apart"  # before the hash, in the name of a cluster that puts a split's group first
ANY_HEALTHY = 100_000  # percent: one healthy instance of a thousand is enough for all requests


def cluster_name(environment_id: str, settings: Json, *, apart: bool) -> str:
    return f"{environment_id}{APART if apart else ''}-{fingerprint(settings)[:8]}"


def environment_of(cluster: str) -> str:
    """Return the environment that a cluster's name begins with, or an empty string."""
    return cluster.rpartition("-")[0].removesuffix(APART)


def is_apart(cluster: str) -> bool:
    return cluster.rpartition("-")[0].endswith(APART)


def clusters_pattern(environments: Iterable[str]) -> str:
    """Return a regular expression for the names of all clusters of these environments."""
    pattern = "|".join(re.escape(name) for name in sorted(environments))
    return f"^({pattern})({re.escape(APART)})?-[^-]+$"


def cluster(routes: Routes, *, apart: bool = False) -> Resource:
    """Return how an environment's instances are checked and connected to."""
    named(ENVIRONMENT, "environment id", routes.environment_id)
    settings = _cluster_settings(routes, apart=apart)
    name = cluster_name(routes.environment_id, settings, apart=apart)
    source = {"eds_config": FROM_ADS, "service_name": name}
    return Resource(Kind.CLUSTER, name, {"name": name, "eds_cluster_config": source, **settings})


def _cluster_settings(routes: Routes, *, apart: bool) -> Json:
    # Cookies lead to those that are HEALTHY by our word, and to no others: see `endpoints`.
    kept = {"override_host_status": {"statuses": ["HEALTHY"]}} if routes.sticky else {}
    return {
        "type": "EDS",
        "alt_stat_name": routes.environment_id + (APART if apart else ""),
        "connect_timeout": seconds(CONNECT_TIMEOUT_S),
        "lb_policy": "ROUND_ROBIN",
        # A panicking balancer sends requests to instances it knows to be bad; the merge window
        # would hold each change back by a second.
        "common_lb_config": {
            "healthy_panic_threshold": {"value": 0},
            "update_merge_window": "0s",
            **kept,
        },
        # One environment with instances that do not answer must not hold up Envoy's own start.
        "wait_for_warm_on_init": False,
        "ignore_health_on_host_removal": True,  # what is removed is gone, healthy or not
        "health_checks": [_health_check(routes.health)],
        "circuit_breakers": {"thresholds": [UNLIMITED]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/"
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {
                    "idle_timeout": seconds(UPSTREAM_IDLE_S),
                    "max_headers_count": HEADERS_MAX,
                },
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
    }


def _health_check(health: HealthCheck) -> Json:
    interval = seconds(health.interval_s)
    return {
        "timeout": seconds(health.timeout_s),
        "interval": interval,
        "no_traffic_interval": interval,  # by default once a minute until the first request
        "no_traffic_healthy_interval": interval,
        "unhealthy_threshold": health.unhealthy_threshold,
        "healthy_threshold": health.healthy_threshold,
        "reuse_connection": False,  # a new visitor's connection is what is to be checked
        **_probe(health),
    }


def _probe(health: HealthCheck) -> Json:
    if health.path is None:
        return {"tcp_health_check": {}}
    return {
        "http_health_check": {
            "path": checked_path(health),
            "expected_statuses": [{"start": low, "end": high + 1} for low, high in health.codes],
            # Without it the first wrong status counts as all of the threshold.
            "retriable_statuses": [{"start": 100, "end": 600}],
            "request_headers_to_add": [header("User-Agent", HEALTH_CHECKER, "OVERWRITE")],
            "codec_client_type": "HTTP1",
        }
    }


def checked_path(health: HealthCheck) -> str:
    """Return the path of a check as it is asked for."""
    quoted = quote(health.path or "/", safe="/?&=%+:@!$'()*,;~._-#[]")
    return quoted.partition("#")[0] or "/"


def endpoints(
    cluster_name: str, first: Sequence[Target], second: Sequence[Target] = (), *, kept: bool = True
) -> Resource:
    """Return which instances a cluster has and which of them get no new requests.

    The `second` ones get requests where none of the `first` is healthy, and as a last attempt where
    they died. Who is second in one cluster is first in another of the environment, is checked
    in both, and changes place without ceasing to be what he was to Envoy: its health, its
    connections and its requests stay. Cookies lead to the second only if they are `kept` there.
    """
    tiers = [_tier(first, "HEALTHY"), _tier(second, "HEALTHY" if kept else "UNKNOWN")]
    if not second:
        return _endpoints(cluster_name, tiers[:1])
    # Envoy would else move a part of the requests as soon as a part of the first is unhealthy.
    policy = {"overprovisioning_factor": ANY_HEALTHY}
    ranked = [{"priority": rank, **tier} for rank, tier in enumerate(tiers)]
    return _endpoints(cluster_name, ranked, policy=policy)


def _endpoints(cluster_name: str, tiers: list[Json], **more: Json) -> Resource:
    body = {"cluster_name": cluster_name, "endpoints": tiers, **more}
    return Resource(Kind.ENDPOINTS, cluster_name, body)


def _tier(targets: Sequence[Target], status: str) -> Json:
    return {"lb_endpoints": [_endpoint(t, status) for t in sorted(targets, key=_by_instance)]}


def _by_instance(target: Target) -> str:
    return target.instance


def _endpoint(target: Target, status: str) -> Json:
    host, port = target.address.host, target.address.port
    group = named(GROUP, "group", target.group)
    return {
        "endpoint": {
            "address": {"socket_address": {"address": host, "port_value": port}},
            # Shown again by Envoy for each host: how an observation finds its instance.
            "hostname": named(INSTANCE, "instance id", target.instance),
            # As an Application Load Balancer, the check names the instance's own address.
            "health_check_config": {"hostname": f"{host}:{port}"},
        },
        "health_status": "DRAINING" if target.draining else status,
        "metadata": {"filter_metadata": {METADATA: {"group": group}}},
    }


def listener(name: str, address: tuple[str, int], log: str, idle_s: float) -> Resource:
    """Return a listener on (host, port) that routes by the route configuration of its name."""
    host, port = address
    body = {
        "name": name,
        "address": {"socket_address": {"address": host, "port_value": port}},
        # With it a second process could take the same port, and half of the connections.
        "enable_reuse_port": False,
        "stat_prefix": "lb",
        "filter_chains": [{"filters": [_connection_manager(name, host, log, idle_s)]}],
    }
    return Resource(Kind.LISTENER, name, body)


def _connection_manager(routes: str, host: str, log: str, idle_s: float) -> Json:
    idle = seconds(idle_s)
    return extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="lb",
        codec_type="HTTP1",
        http_protocol_options={"accept_http_10": True, "default_host_for_http_10": host},
        rds={"route_config_name": routes, "config_source": FROM_ADS},
        http_filters=[STICKY_FILTER, _router()],
        upgrade_configs=[{"upgrade_type": "websocket"}],
        use_remote_address=True,
        skip_xff_append=True,
        generate_request_id=False,
        server_header_transformation="PASS_THROUGH",
        max_request_headers_kb=HEADERS_KB_MAX,
        common_http_protocol_options={"idle_timeout": idle, "max_headers_count": HEADERS_MAX},
        stream_idle_timeout=idle,
        request_headers_timeout=idle,
        local_reply_config={"mappers": [_reply(*reply) for reply in LOCAL_REPLIES]},
        access_log=[_access_log(log), *BY_REQUEST],
    )


def _router() -> Json:
    config = {**ROUTER_FILTER["typed_config"], "upstream_log": BY_ATTEMPT}
    return {**ROUTER_FILTER, "typed_config": config}


def _reply(flags: list[str], status: int, text: str) -> Json:
    return {
        "filter": {"response_flag_filter": {"flags": flags}},
        "status_code": status,
        "body": {"inline_string": text},
    }


def _access_log(path: str) -> Json:
    return extension(
        "envoy.access_loggers.file",
        "extensions.access_loggers.file.v3.FileAccessLog",
        path=path,
        log_format={"json_format": ACCESS_LOG},
    )


def header(name: str, value: str, action: str) -> Json:
    return {"header": {"key": name, "value": value}, "append_action": APPEND_ACTIONS[action]}


def named(pattern: re.Pattern[str], noun: str, name: str) -> str:
    if not pattern.fullmatch(name):
        raise ValueError(f"{name!r} is no {noun} that a load balancer can route by")
    return name
