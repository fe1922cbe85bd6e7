"""The JSON protocol: an `X-Amz-Target` header, an object in, an object out.

Logs, queues, tables, secrets, parameters. Versions 1.0 and 1.1 differ in their media type only.
Numbers are numbers: instants are seconds since the epoch, with milliseconds as a fraction.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from jackbean.wire import scalars, timestamps
from jackbean.wire.errors import Findings, WireFault
from jackbean.wire.limits import LIMITS, Limits
from jackbean.wire.models import Model
from jackbean.wire.request import Parsed
from jackbean.wire.shapes import Shape

INVALID = "ValidationException"
UNREADABLE = "SerializationException"
_LONE = re.compile("[\ud800-\udfff]")  # half a character, which JSON can spell and nobody can keep


def content_type(model: Model) -> str:
    return f"application/x-amz-json-{model.json_version}"


def parse(model: Model, operation: str, body: bytes, limits: Limits = LIMITS) -> Parsed:
    """Return the typed members of a request.

    Raises one `WireFault` that names every missing and malformed member; members that the model
    does not know are returned apart.
    """
    shape = model.operation(operation).input
    document = _loaded(body, limits)
    if shape is None:
        return Parsed({})
    reader = Reader(limits)
    members = reader.structure(shape, document, "")
    reader.findings.refuse(INVALID)
    return Parsed(members, tuple(reader.findings.unknown))


def _loaded(body: bytes, limits: Limits) -> dict[str, Any]:
    if len(body) > limits.json_bytes_max:
        raise WireFault(UNREADABLE, f"The body is larger than {limits.json_bytes_max} bytes.", 413)
    if sum(map(body.count, (b",", b"[", b"{"))) > limits.json_values_max:
        raise WireFault(UNREADABLE, f"The body has more than {limits.json_values_max} values.", 413)
    try:
        document = json.loads(body or b"{}", parse_constant=_not_json)
    except (ValueError, RecursionError):
        raise WireFault(UNREADABLE, "The body is not JSON.") from None
    if not isinstance(document, dict):
        raise WireFault(UNREADABLE, "The body is not a JSON object.")
    return document


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


class Reader:
    """Reads values that are typed already; CBOR's as well as JSON's."""

    def __init__(self, limits: Limits) -> None:
        self.findings = Findings()
        self._limits = limits
        self._depth = 0

    def structure(self, shape: Shape, given: Mapping[str, Any], path: str) -> dict[str, Any]:
        """Return the members of an object; `null` is as good as absent."""
        found: dict[str, Any] = {}
        names = shape.json_names
        for key, item in given.items():
            if item is None:
                continue
            if key not in names:
                if key != "__type":
                    self.findings.not_known(path + key)
                continue
            name, member = names[key]
            found[name] = self.value(member, item, path + key)
        for name in shape.required:
            if name not in found:
                self.findings.missing(path + (shape.members[name].wire_name or name))
        return found

    def value(self, shape: Shape, given: Any, path: str) -> Any:
        """Return one value; what it must be and is not goes to the findings."""
        if shape.is_document:
            return given
        expected = _CONTAINERS.get(shape.kind)
        if expected is None:
            return self._scalar(shape, given, path)
        kind, name = expected
        if not isinstance(given, kind):
            self.findings.malformed(path, _shown(given), name)
            return None
        self._depth += 1
        if self._depth > self._limits.depth_max:
            raise WireFault(UNREADABLE, f"The body is nested too deeply at {path[:128]}.")
        found = self._container(shape, given, path)
        self._depth -= 1
        return found

    def _container(self, shape: Shape, given: Any, path: str) -> Any:
        if shape.kind == "structure":
            return self.structure(shape, given, path + ".")
        if shape.kind == "list":
            item = shape.member
            return [self.value(item, entry, f"{path}.{at}") for at, entry in enumerate(given, 1)]
        item = shape.value
        for key in given:
            self._scalar(shape.key, key, f"{path}.{key}")
        return {
            key: self.value(item, entry, f"{path}.{key}")
            for key, entry in given.items()
            if entry is not None
        }

    def _scalar(self, shape: Shape, given: Any, path: str) -> Any:
        read: Callable[[Shape, Any], Any] = _SCALARS.get(shape.kind, _text)
        try:
            return read(shape, given)
        except ValueError as reason:
            self.findings.malformed(path, _shown(given), reason)
            return None


def _shown(given: Any) -> str:
    return given if isinstance(given, str) else type(given).__name__


def _text(_: Shape, given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("text")
    if not given.isascii() and _LONE.search(given):
        raise ValueError("text of whole characters")
    return given


def _boolean(_: Shape, given: Any) -> bool:
    if not isinstance(given, bool):
        raise ValueError("true or false")
    return given


def _integer(shape: Shape, given: Any) -> int:
    if isinstance(given, float) and given.is_integer() and abs(given) < 2**53:
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise ValueError("an integer")
    return scalars.in_range(shape.kind, given)


def _decimal(_: Shape, given: Any) -> float:
    if isinstance(given, str) and given in scalars.NOT_FINITE:
        return float(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError("a number")
    return given


def _timestamp(_: Shape, given: Any) -> Any:
    if isinstance(given, str):
        return timestamps.parse(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError("a timestamp")
    try:
        return timestamps.from_seconds(given)
    except OverflowError:
        raise ValueError("a timestamp of this era, in seconds") from None


def _blob(_: Shape, given: Any) -> bytes:
    return given if isinstance(given, bytes) else scalars.read_blob(_text(_, given))


_CONTAINERS: Mapping[str, tuple[type, str]] = {
    "structure": (dict, "an object"),
    "list": (list, "a list"),
    "map": (dict, "an object"),
}
_SCALARS: Mapping[str, Callable[[Shape, Any], Any]] = {
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
    **dict.fromkeys(scalars.INTEGERS, _integer),
    **dict.fromkeys(scalars.DECIMALS, _decimal),
}


def serialize(model: Model, operation: str, result: Mapping[str, Any]) -> bytes:
    """Return the answer to an operation; its request id belongs in a header."""
    output = model.operation(operation).output
    if output is None:
        return b""
    return json.dumps(_plain(output, result), separators=(",", ":")).encode()


def _plain(shape: Shape, value: Any) -> Any:
    """Return a value in terms of JSON."""
    if shape.is_document:
        return value
    kind = shape.kind
    if kind == "string" and isinstance(value, str):
        return value
    if kind == "structure":
        return _members(shape, value)
    if kind == "list":
        return [_plain(shape.member, item) for item in value]
    if kind == "map":
        return {key: _plain(shape.value, item) for key, item in value.items()}
    return _plain_scalar(shape, value)


def _members(shape: Shape, value: Mapping[str, Any]) -> dict[str, Any]:
    members, found = shape.members, {}
    for name, item in value.items():
        if item is None:
            continue
        if name not in members:
            raise TypeError(f"{shape.name} has no member {name!r}; it has: {', '.join(members)}")
        member = members[name]
        found[member.wire_name or name] = _plain(member, item)
    return found


def _plain_scalar(shape: Shape, value: Any) -> Any:
    if shape.kind == "timestamp" and shape.timestamp_format in (None, "unixTimestamp"):
        return timestamps.seconds(value)
    text = scalars.write(shape, value)  # raises for a value that does not fit
    is_number = shape.kind in scalars.INTEGERS or shape.kind in scalars.DECIMALS
    if shape.kind == "boolean" or (is_number and text not in scalars.NOT_FINITE):
        return value
    return text


def error(fault: WireFault) -> bytes:
    """Return the error document; clients read the message in either spelling."""
    told = {"__type": fault.code, "message": fault.message, "Message": fault.message}
    return json.dumps({**told, **fault.extras}, separators=(",", ":")).encode()
