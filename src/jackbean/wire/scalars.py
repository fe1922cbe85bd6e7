"""Single values: text to Python by the kind of their shape, and back.

One table for reading and one for writing serve every protocol that carries values as text. A
reader raises `ValueError` with what the value must be, to follow "must be".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from jackbean.wire import timestamps
from jackbean.wire.shapes import Shape

_INTEGER = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_DECIMAL = re.compile(
    r"[+-]?(?:\d{1,320}(?:\.\d{0,320})?|\.\d{1,320})(?:[eE][+-]?\d{1,4})?", re.ASCII
)
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
NOT_FINITE = {"NaN", "Infinity", "-Infinity"}
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64, "bigInteger": 64}
INTEGERS = frozenset(_BITS)
DECIMALS = frozenset({"float", "double", "bigDecimal"})


def in_range(kind: str, number: int) -> int:
    """Return `number` when an integer of this kind can hold it."""
    bits = _BITS[kind]
    if not -(1 << bits - 1) <= number < 1 << bits - 1:
        raise ValueError(f"an integer of {bits} bits")
    return number


def _read_integer(kind: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not _INTEGER.fullmatch(text):
            raise ValueError("an integer")
        return in_range(kind, int(text))

    return read


def _read_decimal(text: str) -> float:
    if text in NOT_FINITE or _DECIMAL.fullmatch(text):
        return float(text)
    raise ValueError("a number")


def _read_boolean(text: str) -> bool:
    value = _BOOLEANS.get(text.lower() if len(text) <= 5 else text)
    if value is None:
        raise ValueError("true or false")
    return value


def read_blob(text: str) -> bytes:
    """Return the bytes that `text` spells in base 64; white space is ignored."""
    packed = "".join(text.split())
    try:
        if _BASE64.fullmatch(packed):
            return base64.b64decode(packed, validate=True)
    except binascii.Error:
        pass
    raise ValueError("base 64")


_READERS: Mapping[str, Callable[[str], Any]] = {
    "boolean": _read_boolean,
    "blob": read_blob,
    "timestamp": timestamps.parse,
    **{kind: _read_integer(kind) for kind in INTEGERS},
    **dict.fromkeys(DECIMALS, _read_decimal),
}


def read(kind: str, text: str) -> Any:
    """Return the value that `text` spells; raise `ValueError` saying what it must be."""
    reader = _READERS.get(kind)
    return text if reader is None else reader(text)


_TIMESTAMP_WRITERS: Mapping[str, Callable[[timestamps.Instant], str]] = {
    "iso8601": timestamps.iso8601,
    "rfc822": timestamps.http_date,
    "unixTimestamp": lambda instant: str(timestamps.seconds(instant)),
}


def write_timestamp(shape: Shape, value: timestamps.Instant, default: str) -> str:
    """Return the instant in the format that the shape asks for, else in the default one."""
    return _TIMESTAMP_WRITERS[shape.timestamp_format or default](value)


def _write_boolean(value: object) -> str:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is not a boolean")
    return "true" if value else "false"


def _write_integer(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is not an integer")
    return str(value)


def write_decimal(value: float) -> str:
    """Return a number that any reader gets back unchanged."""
    if value != value:  # noqa: PLR0124  the one value unequal to itself
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _write_blob(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


_WRITERS: Mapping[str, Callable[[Any], str]] = {
    "boolean": _write_boolean,
    "blob": _write_blob,
    **dict.fromkeys(INTEGERS, _write_integer),
    **dict.fromkeys(DECIMALS, write_decimal),
}


def write(shape: Shape, value: Any, timestamp_format: str = "iso8601") -> str:
    """Return the text for one value; a value of the wrong type is a bug and raises."""
    if shape.kind == "timestamp":
        return write_timestamp(shape, value, timestamp_format)
    writer = _WRITERS.get(shape.kind)
    if writer is not None:
        return writer(value)
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text, which {shape.name} takes")
    return value
