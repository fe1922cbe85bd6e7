"""Queries and scans: which items a request means, page by page.

A page ends where the limit of the request is reached, or a megabyte of items; both count items
before the filter, as on AWS.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from jackbean.core.errors import Fault
from jackbean.ports.tables import Found, Place, Tables, Wanted
from jackbean.services.tables import conditions, faults, legacy, paths, syntax
from jackbean.services.tables.definitions import Index, Keys, Table, unpacked
from jackbean.services.tables.paths import Path
from jackbean.services.tables.syntax import At, Between, Call, Compare, Join, Literal, Words
from jackbean.services.tables.values import (
    Item,
    Value,
    checked,
    kind_of,
    only,
    size_of_item,
    sort_key,
)

PAGE_BYTES_MAX = 1 << 20
CHUNK = 200  # items read from the store at a time
SEGMENTS_MAX = 1_000_000
OLD = ("KeyConditions", "QueryFilter", "ScanFilter", "ConditionalOperator", "AttributesToGet")
NEW = ("KeyConditionExpression", "FilterExpression", "ProjectionExpression")


@dataclass(frozen=True)
class Search:
    """What a request asks for. `segment` is (number, of so many); without `paths` all is shown."""

    wanted: Wanted
    keys: Keys
    index: Index | None
    condition: Any
    limit: int | None
    paths: list[Path] | None
    count_only: bool
    segment: tuple[int, int] | None = None


@dataclass
class Page:
    items: list[Item]
    count: int = 0
    scanned: int = 0
    size: int = 0
    last: Item | None = None


async def read(store: Tables, table: Table, search: Search) -> Page:
    """Return one page."""
    page = Page([])
    async for found in _rows(store, search.wanted):
        if search.segment and _segment_of(found, search.segment[1]) != search.segment[0]:
            continue
        item = unpacked(found.body)
        page.scanned += 1
        page.size += size_of_item(item)
        shown = _projected(table, search, item)
        if conditions.met(search.condition, shown):
            page.count += 1
            if not search.count_only:
                page.items.append(_picked(shown, search.paths))
        if page.scanned == search.limit or page.size >= PAGE_BYTES_MAX:
            page.last = only(item, (*table.definition.keys.names, *search.keys.names))
            break
    return page


async def _rows(store: Tables, wanted: Wanted) -> AsyncIterator[Found]:
    while True:
        found = await store.page(wanted)
        for one in found:
            yield one
        if len(found) < wanted.limit:
            return
        wanted = replace(wanted, after=found[-1].place)


def _segment_of(found: Found, total: int) -> int:
    return zlib.crc32(found.place.hash) % total


def _projected(table: Table, search: Search, item: Item) -> Item:
    """Return what an index has of an item. Local indexes fetch the rest where it is asked for."""
    index = search.index
    if index is None or index.projection == "ALL" or (index.local and search.paths):
        return item
    keys = (*table.definition.keys.names, *index.keys.names)
    return only(item, dict.fromkeys((*keys, *index.included)))


def _picked(item: Item, wanted: list[Path] | None) -> Item:
    return item if wanted is None else paths.picked(item, wanted)


# From a request


def query(table: Table, members: Mapping[str, Any]) -> Search:
    """Return what a Query asks for. Raises the Fault."""
    words, search = _begun(table, members, "QueryFilter")
    said = members.get("KeyConditionExpression")
    if said:
        tree = syntax.condition(said, "KeyConditionExpression", words)
    else:
        tree = _legacy_keys(members)
    words.check_used()
    hash_, low, high = _bounds(tree, search.keys, table.definition.types)
    if members.get("ScanIndexForward") is False:
        search = replace(search, wanted=replace(search.wanted, backward=True))
    return replace(search, wanted=replace(search.wanted, hash=hash_, low=low, high=high))


def scan(table: Table, members: Mapping[str, Any]) -> Search:
    """Return what a Scan asks for. Raises the Fault."""
    words, search = _begun(table, members, "ScanFilter")
    words.check_used()
    total, number = members.get("TotalSegments"), members.get("Segment")
    if (total is None) != (number is None):
        text = "The TotalSegments and Segment parameters are required together in a request"
        raise faults.invalid(text)
    if total is None or number is None:
        return search
    if not 1 <= total <= SEGMENTS_MAX or not 0 <= number < total:
        raise faults.invalid("Segment has to be at least 0, and less than TotalSegments")
    return replace(search, segment=(number, total))


def _begun(table: Table, members: Mapping[str, Any], filter_: str) -> tuple[Words, Search]:
    legacy.mixed(members, OLD, NEW)
    words = Words(members.get("ExpressionAttributeNames"), members.get("ExpressionAttributeValues"))
    name = members.get("IndexName")
    index = table.definition.index(name) if name else None
    if index and not index.local and members.get("ConsistentRead"):
        text = "Consistent reads are not supported on global secondary indexes"
        raise faults.invalid(text)
    limit = members.get("Limit")
    if limit is not None and limit < 1:
        raise faults.invalid(f"Limit must be at least 1, and is {limit}")
    wanted = Wanted(
        table.kept.key,
        index.name if index else "",
        after=_after(table, index, members.get("ExclusiveStartKey")),
        limit=min(limit or CHUNK, CHUNK),
    )
    search = Search(
        wanted,
        index.keys if index else table.definition.keys,
        index,
        _filter(members, filter_, words),
        limit,
        picked_paths(members, words),
        members.get("Select") == "COUNT",
    )
    return words, search


def _filter(members: Mapping[str, Any], old: str, words: Words) -> Any:
    said = members.get("FilterExpression")
    if said:
        return syntax.condition(said, "FilterExpression", words)
    return legacy.condition(members.get(old), members.get("ConditionalOperator") or "AND")


def picked_paths(members: Mapping[str, Any], words: Words) -> list[Path] | None:
    """Return the paths that a request wants of items, None for all."""
    said = members.get("ProjectionExpression")
    if said:
        return syntax.projection(said, words)
    names = members.get("AttributesToGet")
    return [(name,) for name in names] if names else None


def _after(table: Table, index: Index | None, key: Mapping[str, Value] | None) -> Place | None:
    """Return where to go on. Raises the Fault for a key that no page could have ended with."""
    if not key:
        return None
    keys = table.definition.keys
    item = {name: checked(value) for name, value in key.items()}
    if set(item) != {*keys.names, *(index.keys.names if index else ())}:
        raise faults.invalid("The provided starting key is invalid")
    spot = table.spot_of(item)
    if index is None:
        return Place(spot.hash, spot.range, spot.hash, spot.range)
    entry = next(one for one in table.row(item).entries if one.index == index.name)
    return Place(entry.hash, entry.range, spot.hash, spot.range)


def _legacy_keys(members: Mapping[str, Any]) -> Any:
    said = members.get("KeyConditions")
    if not said:
        text = "Either the KeyConditions or KeyConditionExpression parameter must be specified in "
        raise faults.invalid(text + "the request.")
    return Join("AND", tuple(legacy.compared(At((name,)), one) for name, one in said.items()))


Bounds = tuple[bytes | None, bytes | None]


def _bounds(
    tree: Any, keys: Keys, types: Mapping[str, str]
) -> tuple[bytes, bytes | None, bytes | None]:
    """Return the partition and the range that a key condition means. Raises the Fault."""
    parts = tree.parts if isinstance(tree, Join) and tree.how == "AND" else (tree,)
    hash_: bytes | None = None
    low: bytes | None = None
    high: bytes | None = None
    for part in parts:
        name, how, values = _part(part)
        for value in values:
            if types.get(name) != kind_of(value):
                raise faults.bad_values("Condition parameter type does not match schema type")
        if name == keys.hash and how == "=" and hash_ is None:
            hash_ = sort_key(values[0])
        elif name == keys.range and (low, high) == (None, None):
            low, high = _range(how, values)
        else:
            raise _unsupported()
    if hash_ is None:
        raise faults.invalid(f"Query condition missed key schema element: {keys.hash}")
    return hash_, low, high


def _unsupported() -> Fault:
    return faults.invalid("Query key condition not supported")


def _part(part: Any) -> tuple[str, str, list[Value]]:
    match part:
        case Compare(how, At((str(name),)), Literal(value)):
            return name, how, [value]
        case Between(At((str(name),)), Literal(low), Literal(high)):
            return name, "BETWEEN", [low, high]
        case Call("begins_with", (At((str(name),)), Literal(value))):
            return name, "begins_with", [value]
        case _:
            raise _unsupported()


def _range(how: str, values: list[Value]) -> Bounds:
    """Return bounds that are within. `<` and `>` stop one byte short of what they name."""
    found = [sort_key(value) for value in values]
    if how == "BETWEEN":
        if found[0] > found[1]:
            text = "The BETWEEN operator requires upper bound to be greater than or equal to lower"
            raise faults.invalid(f"Invalid KeyConditionExpression: {text} bound")
        return found[0], found[1]
    (key,) = found
    if how == "begins_with":
        if kind_of(values[0]) == "N":
            raise _unsupported()
        return key, key + b"\xff" * 1024
    bounds = {"=": (key, key), "<=": (None, key), ">=": (key, None), ">": (key + b"\0", None)}
    if how == "<":
        return None, _before(key)
    if how not in bounds:
        raise _unsupported()
    return bounds[how]


def _before(key: bytes) -> bytes:
    """Return bytes that sort before `key` and after every key that does and that there can be."""
    if key.endswith(b"\0"):
        return key[:-1]
    return key[:-1] + bytes([key[-1] - 1]) + b"\xff" * 1025
