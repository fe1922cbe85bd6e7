"""Update expressions: what is done to an item, read from text and then carried out.

    SET path = value ("+" | "-") value, ...   REMOVE path, ...   ADD path :v, ...   DELETE path :v
    value := operand | if_not_exists(path, value) | list_append(value, value)

All operands are of the item as it was; no two clauses may touch the same part of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jackbean.services.tables import faults, paths, values
from jackbean.services.tables.conditions import value_of
from jackbean.services.tables.paths import Path
from jackbean.services.tables.syntax import Reader, Words
from jackbean.services.tables.values import EXACT, SETS, Item, Value, number, spelled

MEMBER = "UpdateExpression"
NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"
WRONG_TYPE = "An operand in the update expression has an incorrect data type"


@dataclass(frozen=True)
class Sum:
    """`sign` is 1 or -1."""

    left: Any
    right: Any
    sign: int


@dataclass(frozen=True)
class IfNotExists:
    path: Path
    other: Any


@dataclass(frozen=True)
class Append:
    left: Any
    right: Any


@dataclass(frozen=True)
class Deed:
    """`verb` is SET, REMOVE, ADD or DELETE; `value` an operand, or a value for the last two."""

    verb: str
    path: Path
    value: Any = None


def parsed(text: str, words: Words) -> list[Deed]:
    """Return what an update expression does. Raises the Fault."""
    reader = _UpdateReader(text, MEMBER, words)
    deeds, verbs = [], []
    while reader.peek():
        verb = reader.take().upper()
        if verb not in CLAUSES or verb in verbs:
            raise reader.fault(f'Syntax error; token: "{verb[:64]}"')
        verbs.append(verb)
        deeds += reader.several(CLAUSES[verb](reader))
    _check_apart([deed.path for deed in deeds])
    return deeds


def _check_apart(touched: Sequence[Path]) -> None:
    for at, one in enumerate(touched):
        for other in touched[at + 1 :]:
            shorter = min(len(one), len(other))
            if one[:shorter] == other[:shorter]:
                text = "Two document paths overlap with each other; must remove or rewrite one of "
                raise faults.invalid(f"Invalid {MEMBER}: {text}these paths")


class _UpdateReader(Reader):
    def set(self) -> Deed:
        path = self.path()
        self.take("=")
        left = self._term()
        for mark, sign in (("+", 1), ("-", -1)):
            if self.accept(mark):
                return Deed("SET", path, Sum(left, self._term(), sign))
        return Deed("SET", path, left)

    def remove(self) -> Deed:
        return Deed("REMOVE", self.path())

    def add(self) -> Deed:
        return Deed("ADD", self.path(), self.value())

    def delete(self) -> Deed:
        return Deed("DELETE", self.path(), self.value())

    def _term(self) -> Any:
        called = self.peek(1) == "("
        name = self.peek().lower()
        if called and name == "if_not_exists":
            path, other = self._two(self.path)
            return IfNotExists(path, other)
        if called and name == "list_append":
            return Append(*self._two(self._term))
        return self.operand()

    def _two(self, first: Callable[[], Any]) -> tuple[Any, Any]:
        self.take()
        self.take("(")
        one = first()
        self.take(",")
        other = self._term()
        self.take(")")
        return one, other


CLAUSES: Mapping[str, Callable[[_UpdateReader], Callable[[], Deed]]] = {
    "SET": lambda reader: reader.set,
    "REMOVE": lambda reader: reader.remove,
    "ADD": lambda reader: reader.add,
    "DELETE": lambda reader: reader.delete,
}


def applied(deeds: Sequence[Deed], item: Item) -> Item:
    """Return what an item becomes. Raises the Fault."""
    made = copy.deepcopy(item)
    results = [(deed, _result(deed, item)) for deed in deeds]
    removed = sorted(
        (d for d in deeds if d.verb == "REMOVE"), key=lambda d: _places(d.path), reverse=True
    )
    for deed, value in results:
        if value is not None:
            paths.put(made, deed.path, value)
        elif deed.verb in ("ADD", "DELETE"):
            paths.remove(made, deed.path)
    for deed in removed:  # the last places of lists first: those before them stay where they are
        paths.remove(made, deed.path)
    return made


def _places(path: Path) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, step) for step in path]


def _result(deed: Deed, item: Item) -> Value | None:
    """Return what a deed puts in its place; None to take away what is there."""
    if deed.verb == "SET":
        return copy.deepcopy(_evaluated(deed.value, item))
    if deed.verb == "REMOVE":
        return None
    there = paths.get(item, deed.path)
    return (_added if deed.verb == "ADD" else _deleted)(there, deed.value)


def _evaluated(tree: Any, item: Item) -> Value:
    match tree:
        case Sum(left, right, sign):
            return _sum(_evaluated(left, item), _evaluated(right, item), sign)
        case IfNotExists(path, other):
            found = paths.get(item, path)
            return _evaluated(other, item) if found is None else found
        case Append(left, right):
            one, other = _evaluated(left, item), _evaluated(right, item)
            if "L" not in one or "L" not in other:
                raise faults.invalid(WRONG_TYPE)
            return {"L": [*one["L"], *other["L"]]}
        case _:
            found = value_of(tree, item)
            if found is None:
                raise faults.invalid(NO_ATTRIBUTE)
            return found


def _sum(one: Value, other: Value, sign: int) -> Value:
    if "N" not in one or "N" not in other:
        raise faults.invalid(WRONG_TYPE)
    left, right = number(one["N"]), number(other["N"])
    total = EXACT.add(left, right if sign > 0 else -right)
    return {"N": spelled(number(str(total)))}


def _added(there: Value | None, value: Value) -> Value:
    kind = values.kind_of(value)
    if kind != "N" and kind not in SETS:
        text = "Incorrect operand type for operator or function; operator: ADD, operand type: "
        raise faults.invalid(f"Invalid {MEMBER}: {text}{kind}")
    if there is None:
        return value
    if kind not in there:
        raise faults.invalid(WRONG_TYPE)
    if kind == "N":
        return _sum(there, value, 1)
    return {kind: [*there[kind], *(one for one in value[kind] if one not in there[kind])]}


def _deleted(there: Value | None, value: Value) -> Value | None:
    kind = values.kind_of(value)
    if kind not in SETS:
        text = "Incorrect operand type for operator or function; operator: DELETE, operand type: "
        raise faults.invalid(f"Invalid {MEMBER}: {text}{kind}")
    if there is None:
        return None
    if kind not in there:
        raise faults.invalid(WRONG_TYPE)
    left = [one for one in there[kind] if one not in value[kind]]
    return {kind: left} if left else None
