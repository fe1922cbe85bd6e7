"""What Envoy counts of each group of instances, and how it is read.

Envoy's own numbers are kept by cluster, and a cluster cannot say which release answered: one that
has no healthy instance of its own lends its requests to others, and a retry may end anywhere. So
each attempt is counted where it ended, by the group that is written on the instance itself; the
name of the route says whose environment it was. Both are our own words, and no visitor can make up
a third: there are never more numbers than groups.

    by attempt, for its instance                    by request, for the instance that had it last
      requests  has ended                             lost    ended with a broken attempt
      errors    was answered with 500 or above        silent  ended with nothing said for too long
      broken    was not answered, or in part
                                                    by request that met no instance
                                                      unmet   was answered by Envoy itself

A broken attempt that was not the last of its request was tried again: that is all there is to
`retried`. A visitor who leaves is nobody's failure, nor is a WebSocket on which nobody speaks, or
that its server closes.

They live as long as Envoy does, also when their group is gone; when it began is their epoch.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from jackbean.core.errors import PortError
from jackbean.ports.router import NOBODY, Counted
from jackbean.routing.templates import GROUP_OF_INSTANCE, extension

Json = dict[str, Any]

PREFIX = "lb"
PATTERN = rf"{PREFIX}\.(requests|errors|broken|lost|silent|unmet)\.environment\..*"
ABOUT = "/config_dump?mask=last_updated,bootstrap.stats_config&name_regex=" + quote("^$")

_BROKEN = ["UF", "UC", "UR", "UPE"]  # no connection, closed, reset, not HTTP
_UNMET = ["UH", "NC", "UO"]  # nobody healthy, no cluster yet, too many
_LINE = re.compile(rf"{PREFIX}\.(\w+)\.environment\.([^.]+)\.group\.([^.]*): (\d+)")
_TAGS = [
    {"name": "environment", "value_format": "%ROUTE_NAME%"},
    {"name": "group", "value_format": GROUP_OF_INSTANCE},
]


def _count(name: str, **condition: Json) -> Json:
    counter = {"stat": {"name": name, "tags": _TAGS}, "value_fixed": 1}
    logger = extension(
        "envoy.access_loggers.stats",
        "extensions.access_loggers.stats.v3.Config",
        stat_prefix=PREFIX,
        counters=[counter],
    )
    return {**logger, "filter": condition} if condition else logger


def _status(operator: str, status: int) -> Json:
    value = {"default_value": status, "runtime_key": f"status_{status}"}
    return {"comparison": {"op": operator, "value": value}}


_TOO_SILENT = [  # an answer that has begun, as a WebSocket's, is none of these
    {"response_flag_filter": {"flags": ["SI"]}},
    {"status_code_filter": _status("EQ", 504)},
]
# A WebSocket has no other end than that somebody closes its connection.
_NO_WEBSOCKET = {
    "or_filter": {
        "filters": [
            {"status_code_filter": _status("LE", 100)},
            {"status_code_filter": _status("GE", 102)},
        ]
    }
}
_BROKEN_OFF = [{"response_flag_filter": {"flags": _BROKEN}}, _NO_WEBSOCKET]
BY_ATTEMPT = [
    _count("requests"),
    _count("errors", status_code_filter=_status("GE", 500)),
    _count("broken", and_filter={"filters": _BROKEN_OFF}),
]
BY_REQUEST = [
    _count("lost", and_filter={"filters": _BROKEN_OFF}),
    _count("silent", and_filter={"filters": _TOO_SILENT}),
    _count("unmet", response_flag_filter={"flags": _UNMET}),
]


def page(environment_id: str) -> str:
    """Return the admin page with the numbers of one environment."""
    pattern = rf"^{PREFIX}\.\w+\.environment\.{re.escape(environment_id)}\."
    return "/stats?type=Counters&filter=" + quote(pattern)


def epoch(about: bytes) -> str:
    """Return since when Envoy counts, from the page ABOUT. Raises PortError where it does not."""
    try:
        (bootstrap,) = json.loads(about)["configs"]
        patterns = bootstrap["bootstrap"]["stats_config"]["stats_matcher"]["inclusion_list"]
        counts = any(p["safe_regex"]["regex"] == PATTERN for p in patterns["patterns"])
        since = str(bootstrap["last_updated"])
    except (KeyError, TypeError, ValueError) as error:
        raise PortError(f"Envoy's page about itself has an unknown shape: {error!r}") from error
    if not counts:
        raise PortError(
            "this Envoy was started before requests were counted by group: "
            "`jackbean down` and `serve` change that"
        )
    return since


def numbers(stats: bytes) -> dict[str, Counter[str]]:
    """Read a page of numbers: by group, by name."""
    counted = defaultdict[str, Counter[str]](Counter)
    for line in stats.decode(errors="replace").splitlines():
        if found := _LINE.fullmatch(line):
            name, _, group, value = found.groups()
            if group or name == "unmet":
                counted[group or NOBODY][name] += int(value)
    return dict(counted)


def counted(
    epoch: str, numbers: Mapping[str, Counter[str]], active: Counter[str], groups: Iterable[str]
) -> dict[str, Counted]:
    """Return what each group has done: of those counted, and of `groups` in any case."""
    known = {
        group: _counted(epoch, numbers.get(group, Counter()), active[group])
        for group in sorted({*groups, *numbers} - {NOBODY})
    }
    unmet = sum(of["unmet"] for of in numbers.values())
    return {**known, NOBODY: Counted(epoch, requests=unmet, failed=unmet)} if unmet else known


def _counted(epoch: str, of: Counter[str], active: int) -> Counted:
    return Counted(
        epoch=epoch,
        requests=of["requests"],
        errors_5xx=of["errors"],
        failed=of["broken"] + of["silent"],
        # The attempt is counted a moment before its request is.
        retried=max(0, of["broken"] - of["lost"]),
        active=active,
    )
