"""The fixed parts of what Envoy is told, as data, each with its reason.

An Application Load Balancer is the model: what it does to headers, statuses and idle connections
is done here the same way, so that an application notices no difference.
"""

from __future__ import annotations

from typing import Any

TYPE = "type.googleapis.com/envoy."

CONNECT_TIMEOUT_S = 2.0  # loopback answers at once; a full backlog makes the client try again
IDLE_TIMEOUT_S = 60.0  # an Application Load Balancer's default
UPSTREAM_IDLE_S = 1.0  # shorter than any application's: who closes first must be us
HEADERS_KB_MAX = 64  # as an Application Load Balancer
HEADERS_MAX = 200
# Envoy's own limits are 1024: a load balancer has none.
UNLIMITED = dict.fromkeys(
    ("max_connections", "max_pending_requests", "max_requests", "max_retries"), 1_000_000
)

# What is written on each instance for Envoy to read back: its group.
METADATA = "jackbean"
GROUP_OF_INSTANCE = f"%UPSTREAM_METADATA({METADATA}:group)%"

FROM_ADS = {"ads": {}, "resource_api_version": "V3"}


def seconds(value: float) -> str:
    """Return a protobuf duration, to the millisecond."""
    return f"{value:.3f}s"


def extension(name: str, type_: str, **config: Any) -> dict[str, Any]:
    return {"name": name, "typed_config": {"@type": TYPE + type_, **config}}


ROUTER_FILTER = extension(
    "envoy.filters.http.router",
    "extensions.filters.http.router.v3.Router",
    suppress_envoy_headers=True,
)

# Does nothing by itself: the routes of an environment that wants it say by which cookie.
STICKY_FILTER = extension(
    "envoy.filters.http.stateful_session",
    "extensions.filters.http.stateful_session.v3.StatefulSession",
)

_ANOTHER_HOST = {
    "num_retries": 2,
    "retry_host_predicate": [
        extension(
            "envoy.retry_host_predicates.previous_hosts",
            "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
        )
    ],
    "host_selection_retry_max_attempts": 3,
    "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.050s"},
}
# A request that changes nothing may be sent again when an instance dies under it ...
RETRY_IDEMPOTENT = {"retry_on": "connect-failure,refused-stream,reset", **_ANOTHER_HOST}
# ... any other only when not one byte of it was sent.
RETRY_UNSENT = {"retry_on": "connect-failure", **_ANOTHER_HOST}
# Where a split puts the others second, the last attempt goes there: the one before it stays among
# the equals of the first, if there are any.
RETRY_OTHERS = {
    "retry_priority": extension(
        "envoy.retry_priorities.previous_priorities",
        "extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
        update_frequency=2,
    )
}
IDEMPOTENT = [{"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD|OPTIONS"}}}]

# Envoy would write the address of the machine's network card where the client is on loopback, and
# believe what a client says of itself; these say what the connection says.
FORWARDED = [
    ("X-Forwarded-For", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%", "APPEND"),
    ("X-Forwarded-Proto", "http", "OVERWRITE"),
]
APPEND_ACTIONS = {"APPEND": "APPEND_IF_EXISTS_OR_ADD", "OVERWRITE": "OVERWRITE_IF_EXISTS_OR_ADD"}

# Envoy's private headers: what it adds is no business of applications, and what a client sends of
# them would steer retries and timeouts.
PRIVATE_HEADERS = [
    "x-envoy-internal",
    "x-envoy-external-address",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-attempt-count",
]

HEALTH_CHECKER = "ELB-HealthChecker/2.0"  # applications recognise checks by it

ACCESS_LOG = {
    "time": "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
    "environment": "%ROUTE_NAME%",
    "instance": "%UPSTREAM_HOST_NAME_WITHOUT_PORT%",
    "group": GROUP_OF_INSTANCE,
    "upstream": "%UPSTREAM_HOST%",
    "client": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%",
    "method": "%REQ(:METHOD):32%",
    "host": "%REQ(:AUTHORITY):256%",
    "path": "%REQ(:PATH):2048%",
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "received": "%BYTES_RECEIVED%",
    "sent": "%BYTES_SENT%",
    "ms": "%DURATION%",
    "upstream_ms": "%RESPONSE_DURATION%",
    "agent": "%REQ(USER-AGENT):256%",
}

# Envoy's own answers: its words name its inside, and its statuses are not a load balancer's.
# (response flags, status, text)
LOCAL_REPLIES = [
    (["UH"], 503, "503 Service Unavailable: no instance is in service and healthy\n"),
    (["NC", "UO"], 503, "503 Service Unavailable: the environment is not ready\n"),
    (["UF", "UC", "UR", "UPE"], 502, "502 Bad Gateway: the instance closed the connection\n"),
]
UNKNOWN_HOST = "404 Not Found: no environment has this name\n"
