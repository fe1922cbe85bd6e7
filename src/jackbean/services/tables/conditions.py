"""Whether an item meets a condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jackbean.services.tables import paths, values
from jackbean.services.tables.syntax import (
    At,
    Between,
    Call,
    Compare,
    Join,
    Literal,
    Not,
    OneOf,
    SizeOf,
)
from jackbean.services.tables.values import SETS, Item, Value

ORDERED: Mapping[str, Callable[[int], bool]] = {
    "<": lambda sign: sign < 0,
    "<=": lambda sign: sign <= 0,
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
}


def met(tree: Any, item: Item) -> bool:
    """Return whether `item` (empty if there is none) meets a condition."""
    match tree:
        case None:
            return True
        case Join(how, parts):
            return (all if how == "AND" else any)(met(part, item) for part in parts)
        case Not(inner):
            return not met(inner, item)
        case Compare(how, left, right):
            return compared(how, value_of(left, item), value_of(right, item))
        case Between(operand, low, high):
            middle = value_of(operand, item)
            return compared(">=", middle, value_of(low, item)) and compared(
                "<=", middle, value_of(high, item)
            )
        case OneOf(operand, choices):
            found = value_of(operand, item)
            return any(values.same(found, value_of(one, item)) for one in choices)
        case Call(function, operands):
            return FUNCTIONS[function](*(value_of(one, item) for one in operands))
        case _:
            raise AssertionError(f"{tree!r} is no condition")


def compared(how: str, one: Value | None, other: Value | None) -> bool:
    if how in ("=", "<>"):
        return values.same(one, other) is (how == "=")
    sign = values.order(one, other)
    return sign is not None and ORDERED[how](sign)


def value_of(operand: At | Literal | SizeOf, item: Item) -> Value | None:
    match operand:
        case Literal(value):
            return value
        case At(path):
            return paths.get(item, path)
        case SizeOf(path):
            return _size(paths.get(item, path))


def _size(value: Value | None) -> Value | None:
    if value is None:
        return None
    ((kind, inner),) = value.items()
    if kind in ("N", "BOOL", "NULL"):
        return None
    return {"N": str(len(inner.encode()) if kind == "S" else len(inner))}


def begins_with(one: Value | None, other: Value | None) -> bool:
    if one is None or other is None or values.kind_of(one) != values.kind_of(other):
        return False
    ((kind, inner),) = one.items()
    return kind in ("S", "B") and bool(inner.startswith(other[kind]))


def contains(one: Value | None, other: Value | None) -> bool:
    if one is None or other is None:
        return False
    ((kind, inner),) = one.items()
    wanted = values.kind_of(other)
    if kind == "L":
        return any(values.same(each, other) for each in inner)
    if kind in SETS:
        return SETS[kind] == wanted and other[wanted] in inner
    return kind == wanted and kind in ("S", "B") and other[wanted] in inner


def _is_type(one: Value | None, other: Value | None) -> bool:
    return one is not None and other is not None and other.get("S") == values.kind_of(one)


FUNCTIONS: Mapping[str, Callable[..., bool]] = {
    "attribute_exists": lambda one: one is not None,
    "attribute_not_exists": lambda one: one is None,
    "attribute_type": _is_type,
    "begins_with": begins_with,
    "contains": contains,
}
