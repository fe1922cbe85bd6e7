"""Single writes: what becomes of an item, decided within the transaction that reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jackbean.ports.tables import Row, Spot
from jackbean.services.tables import conditions, faults, legacy, paths, syntax, updates
from jackbean.services.tables.definitions import Table, unpacked
from jackbean.services.tables.paths import Path
from jackbean.services.tables.syntax import Words
from jackbean.services.tables.updates import Deed
from jackbean.services.tables.values import (
    ITEM_BYTES_MAX,
    Item,
    checked,
    checked_item,
    size_of_item,
)

OLD = ("Expected", "ConditionalOperator", "AttributeUpdates")
NEW = ("ConditionExpression", "UpdateExpression")
RETURNED = {
    "PutItem": ("NONE", "ALL_OLD"),
    "DeleteItem": ("NONE", "ALL_OLD"),
    "UpdateItem": ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"),
}


@dataclass(frozen=True)
class Write:
    """One write: where, on which condition, and what it makes of the item that is there."""

    table: Table
    spot: Spot
    condition: Any
    make: Callable[[Item | None], Item | None]
    tells_item: bool = False  # a failed condition shows what is there

    def decide(self, body: str | None) -> tuple[Item | None, Row | None]:
        """Return what was there, and the row that is to be. Raises the Fault."""
        there = None if body is None else unpacked(body)
        if not conditions.met(self.condition, there or {}):
            raise faults.condition_failed(there if self.tells_item else None)
        made = self.make(there)
        if made is None:
            return there, None
        if size_of_item(made) > ITEM_BYTES_MAX:
            raise faults.invalid("Item size to update has exceeded the maximum allowed size")
        return there, self.table.row(made)


def put(table: Table, members: Mapping[str, Any]) -> Write:
    item = checked_item(members["Item"])
    return _write(table, table.spot_of(item), members, lambda _: item)


def delete(table: Table, members: Mapping[str, Any]) -> Write:
    return _write(table, table.spot(members["Key"]), members, lambda _: None)


def check(table: Table, members: Mapping[str, Any]) -> Write:
    return _write(table, table.spot(members["Key"]), members, lambda there: there)


def update(table: Table, members: Mapping[str, Any]) -> Write:
    return updating(table, members)[0]


def updating(table: Table, members: Mapping[str, Any]) -> tuple[Write, list[Path]]:
    """Return the write of an UpdateItem, and the paths that it touches."""
    key = {name: checked(value) for name, value in members["Key"].items()}
    words = _words(members)
    said = members.get("UpdateExpression")
    deeds = updates.parsed(said, words) if said else legacy.updates(members.get("AttributeUpdates"))
    touched = [deed.path for deed in deeds]
    for name in table.definition.keys.names:
        if any(path[0] == name for path in touched):
            text = f"Cannot update attribute {name}. This attribute is part of the key"
            raise faults.bad_values(text)
    made = _write(table, table.spot(key), members, _maker(deeds, key), words)
    return made, touched


def _maker(deeds: list[Deed], key: Item) -> Callable[[Item | None], Item]:
    return lambda there: updates.applied(deeds, key if there is None else there)


def _words(members: Mapping[str, Any]) -> Words:
    return Words(members.get("ExpressionAttributeNames"), members.get("ExpressionAttributeValues"))


def _write(
    table: Table,
    spot: Spot,
    members: Mapping[str, Any],
    make: Callable[[Item | None], Item | None],
    words: Words | None = None,
) -> Write:
    legacy.mixed(members, OLD, NEW)
    words = words or _words(members)
    said = members.get("ConditionExpression")
    if said:
        tree = syntax.condition(said, "ConditionExpression", words)
    else:
        how = members.get("ConditionalOperator") or "AND"
        tree = legacy.condition(members.get("Expected"), how)
    words.check_used()
    tells = members.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    return Write(table, spot, tree, make, tells)


def check_returned(operation: str, said: str) -> None:
    if said not in RETURNED[operation]:
        raise faults.invalid(f"Return values set to invalid value: {said[:20]}")


def returned(said: str, items: tuple[Item | None, Item | None], touched: list[Path]) -> Item | None:
    """Return what an UpdateItem tells of the item before and after, None for nothing."""
    before, after = items
    if said == "NONE":
        return None
    item = before if said.endswith("OLD") else after
    if item is None or said.startswith("ALL"):
        return item
    return paths.picked(item, touched) if touched else {}
