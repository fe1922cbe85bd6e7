"""The RPC protocol over CBOR: metrics and builds, as newer SDKs speak to them.

Only what the protocol needs of CBOR (RFC 8949): integers, floats, byte and text strings, lists
and maps, definite or not, booleans, null and instants (tag 1). Values mean what they mean in JSON,
so `json.Reader` types them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from jackbean.wire import timestamps
from jackbean.wire.errors import WireFault
from jackbean.wire.json import INVALID, UNREADABLE, Reader
from jackbean.wire.limits import LIMITS, Limits
from jackbean.wire.models import Model
from jackbean.wire.request import Parsed
from jackbean.wire.shapes import Shape

CONTENT_TYPE = "application/cbor"
HEADER = ("smithy-protocol", "rpc-v2-cbor")

_UINT, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG, _SIMPLE = range(8)
_INDEFINITE, _BREAK = 31, 0xFF
_SIMPLE_VALUES: Mapping[int, Any] = {20: False, 21: True, 22: None, 23: None}
_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_END = object()


def parse(model: Model, operation: str, body: bytes, limits: Limits = LIMITS) -> Parsed:
    """Return the typed members of a request, as `json.parse` does."""
    shape = model.operation(operation).input
    document = _loaded(body, limits) if body else {}
    if shape is None:
        return Parsed({})
    if not isinstance(document, dict):
        raise _unreadable("it is not a map")
    reader = Reader(limits)
    members = reader.structure(shape, document, "")
    reader.findings.refuse(INVALID)
    return Parsed(members, tuple(reader.findings.unknown))


def _unreadable(what: str) -> WireFault:
    return WireFault(UNREADABLE, f"The body is not the CBOR that was expected: {what}.")


def _loaded(body: bytes, limits: Limits) -> Any:
    if len(body) > limits.json_bytes_max:
        raise WireFault(UNREADABLE, f"The body is larger than {limits.json_bytes_max} bytes.", 413)
    decoder = _Decoder(body, limits)
    try:
        value = decoder.item()
    except (IndexError, struct.error):
        raise _unreadable("it ends too early") from None
    except UnicodeDecodeError:
        raise _unreadable("a text is not UTF-8") from None
    if value is _END or decoder.at != len(body):
        raise _unreadable("there is more than one value")
    return value


class _Decoder:
    def __init__(self, body: bytes, limits: Limits) -> None:
        self.at = 0
        self._body = body
        self._limits = limits
        self._depth = 0
        self._count = 0

    def item(self) -> Any:
        """Return the next value, `_END` for the end of a container of indefinite length."""
        self._count += 1
        if self._count > self._limits.json_values_max:
            raise _unreadable(f"it has more than {self._limits.json_values_max} values")
        first = self._body[self.at]
        self.at += 1
        if first == _BREAK:
            return _END
        major, info = first >> 5, first & 31
        if major == _SIMPLE:
            return self._simple(info)
        if info == _INDEFINITE:
            return self._indefinite(major)
        return self._definite(major, self._argument(info))

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise _unreadable("a length is malformed")
        return int.from_bytes(self._taken(1 << info - 24), "big")

    def _taken(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self._body):
            raise IndexError(size)
        taken = self._body[self.at : end]
        self.at = end
        return taken

    def _simple(self, info: int) -> Any:
        if info in _FLOATS:
            form, size = _FLOATS[info]
            return struct.unpack(form, self._taken(size))[0]
        if info not in _SIMPLE_VALUES:
            raise _unreadable("a simple value is not known")
        return _SIMPLE_VALUES[info]

    def _definite(self, major: int, argument: int) -> Any:
        if major == _UINT:
            return argument
        if major == _NEGATIVE:
            return -1 - argument
        if major == _BYTES:
            return self._taken(argument)
        if major == _TEXT:
            return self._taken(argument).decode()
        return self._nested(major, argument)

    def _indefinite(self, major: int) -> Any:
        if major in (_LIST, _MAP):
            return self._nested(major, None)
        if major not in (_BYTES, _TEXT):
            raise _unreadable("a length is missing")
        parts: list[Any] = []
        while (part := self.item()) is not _END:
            parts.append(part)
        kind: type = bytes if major == _BYTES else str
        if not all(isinstance(part, kind) for part in parts):
            raise _unreadable("a string is made of something else")
        return kind().join(parts)

    def _nested(self, major: int, size: int | None) -> Any:
        self._depth += 1
        if self._depth > self._limits.depth_max:
            raise _unreadable("it is nested too deeply")
        value = _NESTED[major](self, size)
        self._depth -= 1
        return value

    def value(self) -> Any:
        item = self.item()
        if item is _END:
            raise _unreadable("a container ends too early")
        return item

    def items(self, size: int | None) -> list[Any]:
        """Return so many values, or all up to the end of the container."""
        if size is not None:
            if size > len(self._body) - self.at:
                raise IndexError(size)
            return [self.value() for _ in range(size)]
        found = []
        while (item := self.item()) is not _END:
            found.append(item)
        return found


def _list(decoder: _Decoder, size: int | None) -> list[Any]:
    return decoder.items(size)


def _map(decoder: _Decoder, size: int | None) -> dict[str, Any]:
    flat = decoder.items(None if size is None else 2 * size)
    keys = flat[::2]
    if len(flat) % 2 or not all(isinstance(key, str) for key in keys):
        raise _unreadable("the key of a map is not a text")
    return dict(zip(keys, flat[1::2], strict=True))


def _tagged(decoder: _Decoder, tag: int | None) -> Any:
    """Return what is tagged; an instant is a number here, which the model knows how to take."""
    return decoder.value()


_NESTED: Mapping[int, Callable[[_Decoder, int | None], Any]] = {
    _LIST: _list,
    _MAP: _map,
    _TAG: _tagged,
}


# Writing


def serialize(model: Model, operation: str, result: Mapping[str, Any]) -> bytes:
    """Return the answer to an operation; its request id belongs in a header."""
    output = model.operation(operation).output
    out = bytearray()
    if output is None:
        return b"\xa0"
    _structure(out, output, result)
    return bytes(out)


def error(fault: WireFault) -> bytes:
    """Return the error document."""
    out = bytearray()
    told = {"__type": fault.code, "message": fault.message, **fault.extras}
    _head(out, _MAP, len(told))
    for name, value in told.items():
        _text(out, name)
        _text(out, value)
    return bytes(out)


def _head(out: bytearray, major: int, argument: int) -> None:
    if argument < 24:
        out.append(major << 5 | argument)
        return
    power = next(power for power in range(4) if argument < 1 << (8 << power))
    out.append(major << 5 | 24 + power)
    out += argument.to_bytes(1 << power, "big")


def _text(out: bytearray, value: str) -> None:
    data = value.encode("utf-8", "replace")
    _head(out, _TEXT, len(data))
    out += data


def _value(out: bytearray, shape: Shape, value: Any) -> None:
    _WRITERS.get(shape.kind, _scalar)(out, shape, value)


def _structure(out: bytearray, shape: Shape, value: Mapping[str, Any]) -> None:
    given = {name: item for name, item in value.items() if item is not None}
    unknown = given.keys() - shape.members.keys()
    if unknown:
        raise TypeError(f"{shape.name} has no member {', '.join(sorted(unknown))}")
    _head(out, _MAP, len(given))
    for name, item in given.items():
        member = shape.members[name]
        _text(out, member.wire_name or name)
        _value(out, member, item)


def _write_list(out: bytearray, shape: Shape, value: list[Any]) -> None:
    _head(out, _LIST, len(value))
    for item in value:
        _value(out, shape.member, item)


def _write_map(out: bytearray, shape: Shape, value: Mapping[str, Any]) -> None:
    _head(out, _MAP, len(value))
    for key, item in value.items():
        _text(out, key)
        _value(out, shape.value, item)


def _timestamp(out: bytearray, _: Shape, value: Any) -> None:
    _head(out, _TAG, 1)
    _number(out, _, timestamps.seconds(value))


def _blob(out: bytearray, _: Shape, value: bytes) -> None:
    _head(out, _BYTES, len(value))
    out += value


def _boolean(out: bytearray, _: Shape, value: Any) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is not a boolean")
    out.append(_SIMPLE << 5 | (21 if value else 20))


def _number(out: bytearray, _: Shape, value: float) -> None:
    if isinstance(value, int):
        _head(out, _UINT if value >= 0 else _NEGATIVE, value if value >= 0 else -1 - value)
    else:
        out.append(_SIMPLE << 5 | 27)
        out += struct.pack(">d", value)


def _decimal(out: bytearray, _: Shape, value: float) -> None:
    _number(out, _, float(value))


def _scalar(out: bytearray, shape: Shape, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text, which {shape.name} takes")
    _text(out, value)


_WRITERS: Mapping[str, Callable[[bytearray, Shape, Any], None]] = {
    "structure": _structure,
    "list": _write_list,
    "map": _write_map,
    "timestamp": _timestamp,
    "blob": _blob,
    "boolean": _boolean,
    **dict.fromkeys(("byte", "short", "integer", "long", "bigInteger"), _number),
    **dict.fromkeys(("float", "double", "bigDecimal"), _decimal),
}
