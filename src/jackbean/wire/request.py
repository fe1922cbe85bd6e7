"""A request and a response as they are on the wire.

Path and query stay as they were received, percent-encoding and all: the signature covers those
very bytes. Strings hold one character per byte (latin-1), which is what HTTP servers hand out.
A body of `None` means "not read": whoever streams it checks it (see `payload`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

NO_BODY = b""


class Headers(Mapping[str, str]):
    """Header fields: any case, repeated fields joined by commas."""

    __slots__ = ("_values", "pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] | Mapping[str, str] = ()) -> None:
        items = pairs.items() if isinstance(pairs, Mapping) else pairs
        self.pairs = tuple((name.lower(), value) for name, value in items)
        self._values: dict[str, list[str]] = {}
        for name, value in self.pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> str:
        return ",".join(self._values[name.lower()])

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._values)})"  # names only: values can be secret

    def all(self, name: str) -> tuple[str, ...]:
        """Return the values of a field, one for each time that it was sent."""
        return tuple(self._values.get(name.lower(), ()))

    def added(self, pairs: Iterable[tuple[str, str]]) -> Headers:
        """Return these fields with others set, replacing those of the same name."""
        new = tuple((name.lower(), value) for name, value in pairs)
        names = {name for name, _ in new}
        return Headers((*(pair for pair in self.pairs if pair[0] not in names), *new))


@dataclass(frozen=True, slots=True)
class HttpRequest:
    method: str
    path: str
    query: str = ""
    headers: Headers = field(default_factory=Headers)
    body: bytes | None = field(default=NO_BODY, repr=False)  # may hold secrets
    # What was made of its head once, with what it was made of; shared with those with other bodies.
    known: dict[str, tuple[Any, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def received(
        cls,
        method: str,
        target: tuple[bytes, bytes],
        headers: Iterable[tuple[bytes, bytes]],
        body: bytes | None,
    ) -> HttpRequest:
        """Build from what an HTTP server hands out; `target` is the raw path and raw query."""
        path, query = (part.decode("latin-1") for part in target)
        pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
        return cls(method, path, query, Headers(pairs), body)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = NO_BODY


class Parsed(NamedTuple):
    """The members of a request, typed by its model, and the names that the model lacks."""

    members: dict[str, Any]
    unknown: tuple[str, ...] = ()
