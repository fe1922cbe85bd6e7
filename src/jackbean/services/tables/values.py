"""Values of items: checked, in one spelling, compared, measured, and as keys that sort.

A value is what the wire has: {"S": "text"}, {"N": "12"}, {"B": b"..."}, {"M": {...}} and so on. A
number has 38 digits at most and keeps its value, not its spelling.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Context, Decimal
from typing import Any

from jackbean.services.tables import faults

Value = Mapping[str, Any]
Item = dict[str, Any]

NUMBER = re.compile(
    r"[+-]?(?:\d{1,200}(?:\.\d{0,200})?|\.\d{1,200})(?:[eE][+-]?\d{1,4})?", re.ASCII
)
DIGITS_MAX = 38
EXACT = Context(prec=400)
EXPONENTS = range(-130, 126)
ITEM_BYTES_MAX = 400 * 1024
DEPTH_MAX = 32
SETS = {"SS": "S", "NS": "N", "BS": "B"}
KEY_BYTES_MAX = {"HASH": 2048, "RANGE": 1024}


def number(text: str) -> Decimal:
    """Return the number that a text spells. Raises the Fault for none, or one too long."""
    if not NUMBER.fullmatch(text):
        raise faults.invalid(f"The parameter cannot be converted to a numeric value: {text[:64]}")
    found = EXACT.create_decimal(text).normalize(EXACT)
    if found and found.adjusted() not in EXPONENTS:
        size = "overflow" if found.adjusted() > 0 else "underflow"
        raise faults.invalid(
            f"Number {size}. Attempting to store a number with magnitude "
            f"{'larger' if size == 'overflow' else 'smaller'} than supported range"
        )
    if len(found.as_tuple().digits) > DIGITS_MAX:
        raise faults.invalid("Attempting to store more than 38 significant digits in a Number")
    return found


def spelled(found: Decimal) -> str:
    """Return a number as it is told: without an exponent."""
    return format(found.normalize(EXACT), "f") if found else "0"


def checked_item(item: Mapping[str, Value]) -> Item:
    """Return an item with its values in one spelling. Raises the Fault."""
    made = {name: checked(value) for name, value in item.items()}
    if size_of_item(made) > ITEM_BYTES_MAX:
        raise faults.invalid("Item size has exceeded the maximum allowed size")
    return made


def checked(value: Value, depth: int = 0) -> Item:
    """Return a value in one spelling. Raises the Fault for what is none."""
    if depth > DEPTH_MAX:
        raise faults.invalid("Nesting Levels have exceeded supported limits")
    if len(value) != 1:
        text = "is empty, must contain" if not value else "has more than one datatypes set, must"
        end = (
            " exactly one of the supported datatypes"
            if not value
            else (" contain exactly one of the supported datatypes")
        )
        raise faults.invalid(f"Supplied AttributeValue {text}{end}")
    ((kind, inner),) = value.items()
    if kind == "L":
        return {kind: [checked(one, depth + 1) for one in inner]}
    if kind == "M":
        return {kind: {name: checked(one, depth + 1) for name, one in inner.items()}}
    if kind in SETS:
        return {kind: _set(kind, inner)}
    return {kind: _PLAIN[kind](inner)}


def _set(kind: str, members: list[Any]) -> list[Any]:
    made = [_PLAIN[SETS[kind]](one) for one in members]
    if not made:
        raise faults.bad_values(
            "An number set  may not be empty"
            if kind == "NS"
            else (
                "An string set  may not be empty"
                if kind == "SS"
                else "Binary sets should not be empty"
            )
        )
    if len(set(made)) < len(made):
        raise faults.bad_values("Input collection contains duplicates.")
    return made


def _null(inner: Any) -> bool:
    if inner is not True:
        raise faults.bad_values("Null attribute value types must have the value of true")
    return True


_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "S": str,
    "N": lambda text: spelled(number(text)),
    "B": bytes,
    "BOOL": bool,
    "NULL": _null,
}


def kind_of(value: Value) -> str:
    return next(iter(value))


def same(one: Value | None, other: Value | None) -> bool:
    """Return whether two checked values are equal; sets have no order."""
    if one is None or other is None or kind_of(one) != kind_of(other):
        return False
    kind = kind_of(one)
    if kind in SETS:
        return set(one[kind]) == set(other[kind])
    if kind == "L":
        return len(one[kind]) == len(other[kind]) and all(map(same, one[kind], other[kind]))
    if kind == "M":
        return one[kind].keys() == other[kind].keys() and all(
            same(one[kind][name], other[kind][name]) for name in one[kind]
        )
    return bool(one[kind] == other[kind])


def order(one: Value | None, other: Value | None) -> int | None:
    """Return -1, 0 or 1 as one value sorts before another; None where they do not compare."""
    if one is None or other is None or kind_of(one) != kind_of(other):
        return None
    if kind_of(one) not in ("S", "N", "B"):
        return None
    left, right = sort_key(one), sort_key(other)
    return (left > right) - (left < right)


def sort_key(value: Value) -> bytes:
    """Return bytes that sort as the values of one type do."""
    ((kind, inner),) = value.items()
    if kind == "S":
        return str(inner).encode()
    if kind == "B":
        return bytes(inner)
    return _number_key(number(inner))


def _number_key(found: Decimal) -> bytes:
    """Zero is in the middle; above it exponent and digits, below it their complement."""
    if not found:
        return b"\x01"
    digits = "".join(map(str, found.as_tuple().digits)).rstrip("0").encode()
    magnitude = bytes([found.adjusted() - EXPONENTS.start]) + digits
    if found > 0:
        return b"\x02" + magnitude
    return b"\x00" + bytes(255 - byte for byte in magnitude) + b"\xff"


def size_of_item(item: Mapping[str, Value]) -> int:
    """Return an item's size as DynamoDB counts it: names and values, in bytes."""
    return sum(len(name.encode()) + size(value) for name, value in item.items())


def size(value: Value) -> int:
    ((kind, inner),) = value.items()
    if kind in ("S", "B", "N"):
        return _plain_size(kind, inner)
    if kind in SETS:
        return sum(_plain_size(SETS[kind], one) for one in inner)
    if kind == "L":
        return 3 + sum(1 + size(one) for one in inner)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + size(one) for name, one in inner.items())
    return 1


def _plain_size(kind: str, inner: Any) -> int:
    if kind == "N":
        return 2 + (len(inner.strip("-0.")) + 1) // 2
    return len(inner) if kind == "B" else len(inner.encode())


def only(item: Mapping[str, Value], names: Iterable[str]) -> Item:
    return {name: item[name] for name in names if name in item}
