"""Which operation a method, path and query mean, for the REST protocols.

S3 hangs a hundred operations on three paths and tells them apart by the query (`?uploads`,
`list-type=2`), by members that an operation requires in the query (`uploadId`) and by headers
that it requires (`x-amz-copy-source`). The most specific operation whose demands are met wins.

A request with a discriminator that the winner does not know is refused: `PUT /b/k?uploadId=1`
lacks its part number, and must not become "replace the object".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jackbean.wire.errors import WireFault, quoted
from jackbean.wire.shapes import Operation, Shape

_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")
Query = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Route:
    operation: str
    path: re.Pattern[str]
    fixed: Mapping[str, str]
    required: frozenset[str]
    headers: frozenset[str]
    accepted: frozenset[str]
    rank: tuple[int, int, bool]

    def meets(self, query: Query, headers: Mapping[str, str]) -> bool:
        """Return whether the query and headers hold everything that the operation demands."""
        return (
            self.required <= query.keys()
            and all(name in headers for name in self.headers)
            and all(
                name in query and value in ("", query[name][-1])
                for name, value in self.fixed.items()
            )
        )


class Routes:
    """The routes of one service."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._by_method: dict[str, list[Route]] = {}
        self._discriminators: set[str] = set()
        for operation in operations:
            route = _route(operation)
            self._by_method.setdefault(operation.method, []).append(route)
            self._discriminators |= route.fixed.keys() or route.required
        for routes in self._by_method.values():
            routes.sort(key=lambda route: route.rank, reverse=True)

    def resolve(
        self, method: str, path: str, query: Query, headers: Mapping[str, str]
    ) -> tuple[str, dict[str, str]]:
        """Return the operation and its labels, still percent-encoded as in `path`."""
        routes = self._by_method.get(method, ())
        found = [r for r in routes if r.path.fullmatch(path) and r.meets(query, headers)]
        if not found:
            raise _not_allowed(f"{quoted(method)} is not allowed on {quoted(path)}.")
        best = [route for route in found if route.rank[:2] == found[0].rank[:2]]
        named = query.get("x-id", [""])[-1]
        route = next((route for route in best if route.operation == named), best[0])
        self._refuse_leftovers(route, query)
        labels = route.path.fullmatch(path)
        return route.operation, labels.groupdict() if labels else {}

    def _refuse_leftovers(self, route: Route, query: Query) -> None:
        left = sorted((self._discriminators & query.keys()) - route.accepted)
        if left:
            names = ", ".join(left)
            raise _not_allowed(f"{route.operation} does not accept the query parameters: {names}.")


def _not_allowed(what: str) -> WireFault:
    text = f"{what} See the parameters that the intended operation requires."
    return WireFault("MethodNotAllowed", text, 405)


def _route(operation: Operation) -> Route:
    path, _, query = operation.uri.partition("?")
    fixed = dict(_pair(part) for part in query.split("&") if part)
    members = tuple(operation.input.members.items()) if operation.input else ()
    in_query = {name: _named(name, shape) for name, shape in members if _in(shape, "querystring")}
    in_header = {name: _named(name, shape) for name, shape in members if _in(shape, "header")}
    required = set(operation.input.required) if operation.input else set()
    demanded = frozenset(in_query[name] for name in required & in_query.keys())
    headers = frozenset(in_header[name].lower() for name in required & in_header.keys())
    literal = len([part for part in path.split("/") if part and "{" not in part])
    rank = (len(fixed) + len(demanded) + len(headers), literal, not operation.deprecated)
    accepted = frozenset(in_query.values()) | fixed.keys()
    return Route(operation.name, _pattern(path), fixed, demanded, headers, accepted, rank)


def _in(shape: Shape, location: str) -> bool:
    return shape.location == location


def _named(name: str, shape: Shape) -> str:
    return shape.wire_name or name


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name, value


def _pattern(path: str) -> re.Pattern[str]:
    """Return a pattern for a URI template; only a greedy label spans or ends in a slash."""
    pattern, end = "", 0
    for label in _LABEL.finditer(path):
        pattern += re.escape(path[end : label.start()])
        pattern += f"(?P<{label[1]}>{'.+' if label[2] else '[^/]+'})"
        end = label.end()
    tail = "" if path.endswith("+}") else "/?"
    return re.compile(pattern + re.escape(path[end:].rstrip("/")) + tail, re.DOTALL)
