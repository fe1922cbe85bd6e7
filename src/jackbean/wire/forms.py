"""Parameters of the query and ec2 protocols: a flat form in, a tree of typed values out.

The form is never turned into a tree of its own: parameters are grouped by their first segment
only where the model has a member of that name, so what a request can cost is set by its size and
by the model, not by what it makes up. Lists are read in every spelling that clients have used:
`Tags.member.1`, `Tags.Tag.1` (the model's name for an item) and flattened `Tags.1`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from jackbean.wire import scalars
from jackbean.wire.errors import Findings, WireFault
from jackbean.wire.limits import LIMITS, Limits
from jackbean.wire.request import Parsed
from jackbean.wire.shapes import Shape

Field = tuple[str, str]
Names = Callable[[Shape], Mapping[str, tuple[str, Shape]]]

_RESERVED = frozenset(
    [
        "Action",
        "Operation",
        "Version",
        "AWSAccessKeyId",
        "Signature",
        "SignatureMethod",
        "SignatureVersion",
        "Timestamp",
        "Expires",
        "SecurityToken",
    ]
)
_SIGNING_PREFIX = "X-Amz-"
_MALFORMED = object()  # holds the place of a value that has been complained about


def decoded(form: bytes | str, limits: Limits = LIMITS) -> list[Field]:
    """Return the parameters of a form or query string, in order."""
    if len(form) > limits.form_bytes_max:
        raise _malformed(f"The request is larger than {limits.form_bytes_max} bytes.", 413)
    try:
        text = form.decode() if isinstance(form, bytes) else form
        pairs = parse_qsl(
            text, keep_blank_values=True, max_num_fields=limits.params_max, errors="strict"
        )
    except UnicodeDecodeError:
        raise _malformed("The parameters are not UTF-8.") from None
    except ValueError:
        raise _malformed(f"The request has more than {limits.params_max} parameters.") from None
    if any(name.count(".") > limits.depth_max for name, _ in pairs):
        raise _malformed(f"A parameter is nested deeper than {limits.depth_max} levels.")
    return pairs


def _malformed(message: str, status: int = 400) -> WireFault:
    return WireFault("MalformedQueryString", message, status)


def parse(
    shape: Shape | None, form: bytes | str, names: Names, code: str, limits: Limits
) -> Parsed:
    """Return the members of an operation's input; what is wrong is raised as one fault."""
    fields = decoded(form, limits)
    if shape is None:
        return Parsed({})
    walk = _Walk(names, limits)
    members = walk.structure(shape, _parameters(fields, names(shape)), "")
    walk.findings.refuse(code)
    return Parsed(members, tuple(walk.findings.unknown))


def _parameters(fields: Iterable[Field], names: Mapping[str, Any]) -> list[Field]:
    """Return the fields that are parameters of the operation, not of the protocol."""
    return [
        (name, value)
        for name, value in fields
        if name in names or not (name in _RESERVED or name.startswith(_SIGNING_PREFIX))
    ]


def _grouped(fields: Iterable[Field]) -> dict[str, list[Field]]:
    groups: dict[str, list[Field]] = {}
    for name, value in fields:
        head, _, rest = name.partition(".")
        groups.setdefault(head, []).append((rest, value))
    return groups


@dataclass(slots=True)
class _Walk:
    """One pass over the parameters of one request."""

    names: Names
    limits: Limits
    findings: Findings = field(default_factory=Findings)

    def value(self, shape: Shape, fields: list[Field], path: str) -> Any:
        """Return the value that these fields spell, `None` when they spell none."""
        if shape.kind == "structure":
            return self.structure(shape, fields, path + ".")
        if shape.kind == "list":
            return self.list_of(shape, fields, path)
        if shape.kind == "map":
            return self.map_of(shape, fields, path)
        return self.scalar(shape, fields, path)

    def structure(self, shape: Shape, fields: list[Field], path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        names = self.names(shape)
        for head, inner in _grouped(fields).items():
            named = names.get(head)
            if named is None:
                if head or any(value for _, value in inner):  # else a bare empty structure
                    self.findings.not_known(path + head)
                continue
            name, member = named
            value = self.value(member, inner, path + head)
            if value is not None:
                found[name] = value
        self._require(shape, found, path)
        return found

    def _require(self, shape: Shape, found: Mapping[str, Any], path: str) -> None:
        if shape.required:
            wire_names = {name: wire for wire, (name, _) in self.names(shape).items()}
            for name in shape.required:
                if name not in found:
                    self.findings.missing(path + wire_names.get(name, name))

    def list_of(self, shape: Shape, fields: list[Field], path: str) -> list[Any]:
        items = self._numbered(fields, ("member", shape.member.wire_name), path)
        values = (self.value(shape.member, items[at], f"{path}.{at}") for at in sorted(items))
        return [value for value in values if value is not None]

    def map_of(self, shape: Shape, fields: list[Field], path: str) -> dict[str, Any]:
        items = self._numbered(fields, ("entry", None), path)
        found: dict[str, Any] = {}
        for at in sorted(items):
            entry = _grouped(items[at])
            key = entry.get(shape.key.wire_name or "key") or entry.get("key")
            value = entry.get(shape.value.wire_name or "value") or entry.get("value")
            if key is None or value is None:
                self.findings.malformed(f"{path}.{at}", "", "a key and a value")
                continue
            found[key[-1][1]] = self.value(shape.value, value, f"{path}.{at}.value")
        return found

    def _numbered(
        self, fields: list[Field], prefixes: tuple[str, str | None], path: str
    ) -> dict[int, list[Field]]:
        """Return the fields of each item, by its number; a bare empty parameter has no items."""
        items: dict[int, list[Field]] = {}
        for name, value in fields:
            head, _, rest = name.partition(".")
            if head in prefixes:
                head, _, rest = rest.partition(".")
            if head.isascii() and head.isdecimal() and len(head) <= 9:
                items.setdefault(int(head), []).append((rest, value))
            elif head or value:
                self.findings.not_known(f"{path}.{name}")
        if items and max(items) > self.limits.list_index_max:
            reason = f"a list of at most {self.limits.list_index_max} items"
            self.findings.malformed(path, str(max(items)), reason)
        return items

    def scalar(self, shape: Shape, fields: list[Field], path: str) -> Any:
        text = None
        for rest, value in fields:
            if rest:
                self.findings.not_known(f"{path}.{rest}")
            else:
                text = value  # the last one wins, as with settings that are given twice
        if text is None:
            return None
        try:
            return scalars.read(shape.kind, text)
        except ValueError as reason:
            self.findings.malformed(path, text, reason)
            return _MALFORMED
