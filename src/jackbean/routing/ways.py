"""Where the requests of an environment are led: routes, shares, and the cookies of visitors.

With a split, routes draw lots between two clusters. Both know all instances of the environment and
differ only in whom they put first (`shapes.endpoints`), so whichever is drawn, and however far each
has heard of a change, a request finds an instance that serves.

A visitor of a sticky environment has up to two cookies. The one of the environment's own choosing
names the instance, and wins over the lot wherever the instance may serve. The other, beside it
during a split, names the group of the instance that answered, and the split: so a visitor whose
instance goes stays in its group, and nobody is led by the lot of an earlier deployment. With all
requests on one side both stop counting, for nobody may be kept where a share of 0 was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jackbean.ports.router import Split, Sticky
from jackbean.routing.resources import Kind, Resource
from jackbean.routing.shapes import GROUP, HOSTNAME, MAIN, header, named
from jackbean.routing.templates import (
    FORWARDED,
    GROUP_OF_INSTANCE,
    IDEMPOTENT,
    PRIVATE_HEADERS,
    RETRY_IDEMPOTENT,
    RETRY_OTHERS,
    RETRY_UNSENT,
    STICKY_FILTER,
    UNKNOWN_HOST,
    extension,
    seconds,
)

Json = dict[str, Any]

COOKIE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
GROUP_COOKIE = "{}TG"  # as an Application Load Balancer's name for it: AWSALBTG beside AWSALB


@dataclass(frozen=True)
class Way:
    """Where an environment's requests go: to the cluster `main`, and a share to `apart`.

    `split` is there wherever clusters put some instances second; `apart` only once it may serve.
    """

    main: str
    apart: str = ""
    split: Split | None = None
    sticky: Sticky | None = None
    idle_s: int | None = None


def routes_of(environment_id: str, way: Way, port: int) -> Resource:
    """Return the routes of a load balancer's own address: any Host."""
    return _routes(environment_id, [_virtual_host(environment_id, ["*"], way)], port)


def routes_by_host(hosts: Iterable[tuple[str, Way, Sequence[str]]], port: int) -> Resource:
    """Return the routes of the main listener, from (environment id, way, hostnames) each."""
    known = [
        _virtual_host(environment, [named(HOSTNAME, "hostname", n) for n in names], way)
        for environment, way, names in hosts
    ]
    return _routes(MAIN, [*known, _NOBODY], port)


_NOBODY: Json = {
    "name": "nobody",
    "domains": ["*"],
    "routes": [
        {
            "name": "nobody",
            "match": {"prefix": "/"},
            "direct_response": {"status": 404, "body": {"inline_string": UNKNOWN_HOST}},
        }
    ],
}


def _routes(name: str, virtual_hosts: list[Json], port: int) -> Resource:
    forwarded = [*FORWARDED, ("X-Forwarded-Port", str(port), "OVERWRITE")]
    body = {
        "name": name,
        "virtual_hosts": virtual_hosts,
        "ignore_port_in_host_matching": True,
        "request_headers_to_add": [header(*one) for one in forwarded],
        "request_headers_to_remove": PRIVATE_HEADERS,
        "validate_clusters": False,
    }
    return Resource(Kind.ROUTES, name, body)


def _virtual_host(environment_id: str, domains: Sequence[str], way: Way) -> Json:
    others = RETRY_OTHERS if way.split else {}
    idle = {} if way.idle_s is None else {"idle_timeout": seconds(way.idle_s)}
    retries = [
        (IDEMPOTENT, {**RETRY_IDEMPOTENT, **others}),
        ([], {**RETRY_UNSENT, **others}),
    ]
    return {
        "name": environment_id,
        "domains": list(domains),
        "routes": [
            _route(environment_id, [*cookies, *methods], {**to, **idle, "retry_policy": retry})
            for cookies, to in _forks(way)
            for methods, retry in retries
        ],
        **_kept(way),
    }


def _route(environment_id: str, headers: list[Json], to: Json) -> Json:
    return {
        "name": environment_id,
        "match": {"prefix": "/", "headers": headers} if headers else {"prefix": "/"},
        # No limit on the whole request: only silence ends it, as with the model.
        "route": {**to, "timeout": "0s"},
    }


def _forks(way: Way) -> list[tuple[list[Json], Json]]:
    """Return where to go by which headers; the first that fits counts."""
    split = way.split
    if split is None or not way.apart or split.percent == 0:
        return [([], {"cluster": way.main})]
    if split.percent == 100:
        return [([], {"cluster": way.apart})]
    drawn: tuple[list[Json], Json] = ([], {"weighted_clusters": {"clusters": _shares(way, split)}})
    if way.sticky is None:
        return [drawn]
    return [
        ([_has(way.sticky, split, split.group)], {"cluster": way.apart}),
        ([_has(way.sticky, split, "[a-z0-9][a-z0-9-]*")], {"cluster": way.main}),
        drawn,
    ]


def _shares(way: Way, split: Split) -> list[Json]:
    return [
        {"name": way.apart, "weight": split.percent},
        {"name": way.main, "weight": 100 - split.percent},
    ]


def _has(sticky: Sticky, split: Split, group: str) -> Json:
    """Return a match on the cookie of a group; `group` is part of a regular expression."""
    cookie = f"{GROUP_COOKIE.format(sticky.cookie)}={group}[.]{split.group}"
    return {
        "name": "cookie",
        "string_match": {"safe_regex": {"regex": f"(.*;[ ]*)?{cookie}([ ]*;.*)?"}},
    }


def _kept(way: Way) -> Json:
    """Return what makes visitors stay where they were."""
    sticky, split = way.sticky, way.split
    if sticky is None:
        return {}
    state = extension(
        "envoy.http.stateful_session.cookie",
        "extensions.http.stateful_session.cookie.v3.CookieBasedSessionState",
        cookie={
            "name": named(COOKIE, "cookie", sticky.cookie),
            "path": "/",
            "ttl": seconds(sticky.seconds),
        },
    )
    override = extension(
        STICKY_FILTER["name"],
        "extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute",
        stateful_session={"session_state": state},
    )
    kept: Json = {"typed_per_filter_config": {override["name"]: override["typed_config"]}}
    if split is not None and way.apart and 0 < split.percent < 100:
        kept["response_headers_to_add"] = [header("Set-Cookie", _cookie(sticky, split), "APPEND")]
    return kept


def _cookie(sticky: Sticky, split: Split) -> str:
    """Return the cookie that names the group of whoever answered."""
    value = f"{GROUP_OF_INSTANCE}.{named(GROUP, 'group', split.group)}"
    age = f"; Max-Age={sticky.seconds}" if sticky.seconds else ""
    return f"{GROUP_COOKIE.format(sticky.cookie)}={value}{age}; Path=/; HttpOnly"
