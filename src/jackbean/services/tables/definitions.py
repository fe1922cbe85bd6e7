"""What a table is: its keys, its indexes, its settings, and where they put an item."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from jackbean.core.errors import Fault
from jackbean.ports.tables import Entry, Kept, Row, Spot
from jackbean.services.tables import faults
from jackbean.services.tables.values import (
    KEY_BYTES_MAX,
    Item,
    Value,
    checked,
    kind_of,
    number,
    only,
    size_of_item,
    sort_key,
)

NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
GLOBAL_MAX, LOCAL_MAX, TAGS_MAX = 20, 5, 50
TYPES = ("S", "N", "B")
PROJECTIONS = ("ALL", "KEYS_ONLY", "INCLUDE")


@dataclass(frozen=True)
class Keys:
    """The attributes of a key; `range` is "" where there is none."""

    hash: str
    range: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.hash, self.range) if self.range else (self.hash,)

    def schema(self) -> list[dict[str, str]]:
        kinds = zip(self.names, ("HASH", "RANGE"), strict=False)
        return [{"AttributeName": name, "KeyType": kind} for name, kind in kinds]


@dataclass(frozen=True)
class Index:
    name: str
    keys: Keys
    projection: str
    included: tuple[str, ...] = ()
    local: bool = False
    throughput: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Definition:
    """`types` maps key attributes to S, N or B; `ttl` is the attribute that says when items end."""

    keys: Keys
    types: Mapping[str, str]
    indexes: tuple[Index, ...] = ()
    billing: str = "PROVISIONED"
    throughput: tuple[int, int] = (0, 0)
    ttl: str = ""
    protected: bool = False
    table_class: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    def text(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> Definition:
        said = json.loads(text)
        indexes = [
            Index(
                **{
                    **one,
                    "keys": Keys(**one["keys"]),
                    "included": tuple(one["included"]),
                    "throughput": tuple(one["throughput"]),
                }
            )
            for one in said["indexes"]
        ]
        made = {
            "keys": Keys(**said["keys"]),
            "indexes": tuple(indexes),
            "throughput": tuple(said["throughput"]),
            "tags": tuple((key, value) for key, value in said["tags"]),
        }
        return cls(**{**said, **made})

    def index(self, name: str) -> Index:
        found = next((one for one in self.indexes if one.name == name), None)
        if found is None:
            raise faults.invalid(f"The table does not have the specified index: {name[:255]}")
        return found


@dataclass(frozen=True)
class Table:
    """A table as it is kept, and what its definition says."""

    kept: Kept
    definition: Definition

    @classmethod
    def of(cls, kept: Kept) -> Table:
        return cls(kept, Definition.read(kept.definition))

    @property
    def name(self) -> str:
        return self.kept.name

    def changed(self, definition: Definition) -> Table:
        return Table(replace(self.kept, definition=definition.text()), definition)

    def spot(self, key: Mapping[str, Value]) -> Spot:
        """Return where the item of a key is. Raises the Fault where it is not the table's key."""
        keys = self.definition.keys
        if set(key) != set(keys.names):
            raise faults.invalid("The provided key element does not match the schema")
        return self.spot_of({name: checked(value) for name, value in key.items()})

    def spot_of(self, item: Item) -> Spot:
        """Return where an item is. Raises the Fault where it lacks its key."""
        found = [self._part(item, name, kind) for name, kind in self._named()]
        return Spot(self.kept.key, *found)

    def _named(self) -> list[tuple[str, str]]:
        return list(zip(self.definition.keys.names, ("HASH", "RANGE"), strict=False))

    def _part(self, item: Item, name: str, kind: str) -> bytes:
        value = item.get(name)
        if value is None:
            raise faults.bad_values(f"Missing the key {name} in the item")
        wanted = self.definition.types[name]
        if kind_of(value) != wanted:
            raise faults.bad_values(
                f"Type mismatch for key {name} expected: {wanted} actual: {kind_of(value)}"
            )
        found = sort_key(value)
        if not found or len(found) > KEY_BYTES_MAX[kind]:
            why = "empty" if not found else f"larger than {KEY_BYTES_MAX[kind]} bytes"
            raise faults.bad_values(f"The value of key {name} is {why}")
        return found

    def key_of(self, item: Item) -> Item:
        return only(item, self.definition.keys.names)

    def row(self, item: Item) -> Row:
        """Return an item as it is kept. Raises the Fault for an index key of another type."""
        entries = [entry for one in self.definition.indexes if (entry := self._entry(one, item))]
        return Row(packed(item), size_of_item(item), tuple(entries), self._expires(item))

    def _entry(self, index: Index, item: Item) -> Entry | None:
        found = []
        for name, kind in zip(index.keys.names, ("HASH", "RANGE"), strict=False):
            if name not in item:
                return None  # indexes are sparse
            found.append(self._part(item, name, kind))
        return Entry(index.name, found[0], found[1] if found[1:] else b"")

    def _expires(self, item: Item) -> int | None:
        said = item.get(self.definition.ttl, {}).get("N") if self.definition.ttl else None
        seconds = None if said is None else number(said)
        return None if seconds is None or not 0 <= seconds < 2**62 else int(seconds)


def packed(item: Item) -> str:
    """Return an item as text; bytes are in base 64."""
    return json.dumps(item, separators=(",", ":"), ensure_ascii=False, default=_coded)


def _coded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def unpacked(text: str) -> Item:
    return {name: _restored(value) for name, value in json.loads(text).items()}


def _restored(value: Value) -> Item:
    ((kind, inner),) = value.items()
    if kind == "B":
        return {kind: base64.b64decode(inner)}
    if kind == "BS":
        return {kind: [base64.b64decode(one) for one in inner]}
    if kind == "L":
        return {kind: [_restored(one) for one in inner]}
    if kind == "M":
        return {kind: {name: _restored(one) for name, one in inner.items()}}
    return {kind: inner}


# What a request says


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise faults.invalid(
            "TableName must be at least 3 characters long and at most 255 characters long, of "
            f"letters, digits, '_', '-' and '.': {name[:64]!r}"
        )


def defined(members: Mapping[str, Any]) -> Definition:
    """Return what CreateTable asks for. Raises the Fault."""
    if (members.get("StreamSpecification") or {}).get("StreamEnabled"):
        raise faults.invalid("StreamSpecification: there are no streams here; leave it out.")
    types = _types(members)
    local = [_index(one, local=True) for one in members.get("LocalSecondaryIndexes") or ()]
    rest = [_index(one, local=False) for one in members.get("GlobalSecondaryIndexes") or ()]
    billing = members.get("BillingMode") or "PROVISIONED"
    made = Definition(
        keys=_keys(members.get("KeySchema") or []),
        types=types,
        indexes=(*local, *rest),
        billing=billing,
        throughput=throughput_of(members, billing),
        protected=bool(members.get("DeletionProtectionEnabled")),
        table_class=members.get("TableClass") or "",
        tags=tuple((one["Key"], one["Value"]) for one in members.get("Tags") or ()),
    )
    check(made)
    return made


def _types(members: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for one in members.get("AttributeDefinitions") or ():
        if one["AttributeType"] not in TYPES:
            raise faults.invalid(f"AttributeType must be one of {', '.join(TYPES)}")
        found[one["AttributeName"]] = one["AttributeType"]
    return found


def _keys(schema: Sequence[Mapping[str, str]]) -> Keys:
    kinds = [one["KeyType"] for one in schema]
    if kinds not in (["HASH"], ["HASH", "RANGE"]):
        raise faults.bad_values(
            "Invalid KeySchema: it names a HASH key element and, after it, at most a RANGE one"
        )
    names = [one["AttributeName"] for one in schema]
    if len(set(names)) < len(names):
        raise faults.bad_values("Both the Hash Key and the Range Key element have the same name")
    return Keys(*names)


def _index(said: Mapping[str, Any], *, local: bool) -> Index:
    projection = said.get("Projection") or {}
    kind = projection.get("ProjectionType") or "ALL"
    if kind not in PROJECTIONS:
        raise faults.bad_values(f"Unknown ProjectionType: {kind[:20]}")
    check_name(said["IndexName"])
    included = tuple(projection.get("NonKeyAttributes") or ())
    given = said.get("ProvisionedThroughput") or {}
    rate = (int(given.get("ReadCapacityUnits", 0)), int(given.get("WriteCapacityUnits", 0)))
    return Index(said["IndexName"], _keys(said["KeySchema"]), kind, included, local, rate)


def updated(old: Definition, members: Mapping[str, Any]) -> Definition:
    """Return what UpdateTable makes of a definition. Raises the Fault."""
    if (members.get("StreamSpecification") or {}).get("StreamEnabled"):
        raise faults.invalid("StreamSpecification: there are no streams here; leave it out.")
    billing = members.get("BillingMode") or old.billing
    rate = old.throughput
    if members.get("ProvisionedThroughput") or billing != old.billing:
        rate = throughput_of(members, billing)
    protected = members.get("DeletionProtectionEnabled")
    indexes = _reindexed(old, members.get("GlobalSecondaryIndexUpdates") or ())
    used = {name for keys in (old.keys, *(i.keys for i in indexes)) for name in keys.names}
    types = {**old.types, **_types(members)}
    return replace(
        old,
        types={name: kind for name, kind in types.items() if name in used},
        indexes=indexes,
        billing=billing,
        throughput=rate,
        protected=old.protected if protected is None else protected,
        table_class=members.get("TableClass") or old.table_class,
    )


def _reindexed(old: Definition, changes: Sequence[Mapping[str, Any]]) -> tuple[Index, ...]:
    found = {one.name: one for one in old.indexes}
    for change in changes:
        if created := change.get("Create"):
            if created["IndexName"] in found:
                raise faults.bad_values("Duplicate index name")
            found[created["IndexName"]] = _index(created, local=False)
        elif named := change.get("Delete") or change.get("Update"):
            index = old.index(named["IndexName"])
            if change.get("Delete"):
                del found[index.name]
            else:
                rate = throughput_of(named, "PROVISIONED")
                found[index.name] = replace(index, throughput=rate)
    return tuple(found.values())


def throughput_of(members: Mapping[str, Any], billing: str) -> tuple[int, int]:
    """Return read and write units; nothing is slowed down by them."""
    said = members.get("ProvisionedThroughput")
    if billing == "PAY_PER_REQUEST":
        return 0, 0
    if said is None:
        text = "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is"
        raise faults.bad_values(f"{text} PROVISIONED")
    units = int(said.get("ReadCapacityUnits", 0)), int(said.get("WriteCapacityUnits", 0))
    if min(units) < 1:
        raise faults.bad_values("ReadCapacityUnits and WriteCapacityUnits must be at least 1")
    return units


def check(made: Definition) -> None:
    """Raise the Fault for a definition that does not hold together."""
    names = [one.name for one in made.indexes]
    if len(set(names)) < len(names):
        raise faults.bad_values("Duplicate index name")
    for limit, local in ((LOCAL_MAX, True), (GLOBAL_MAX, False)):
        if sum(one.local is local for one in made.indexes) > limit:
            raise faults.bad_values(f"Number of indexes exceeds the limit of {limit}")
    for one in made.indexes:
        if one.local and (one.keys.hash != made.keys.hash or not one.keys.range):
            raise faults.bad_values(f"Index KeySchema does not fit the table's: {one.name}")
    used = {name for keys in (made.keys, *(i.keys for i in made.indexes)) for name in keys.names}
    _check_types(used, made.types)


def _check_types(used: set[str], types: Mapping[str, str]) -> None:
    missing, unused = sorted(used - types.keys()), sorted(types.keys() - used)
    if missing or unused:
        text = (
            "Some index key attributes are not defined in AttributeDefinitions"
            if missing
            else ("Some AttributeDefinitions are not used")
        )
        told = (
            f"Keys: [{', '.join(sorted(used))}], AttributeDefinitions: [{', '.join(sorted(types))}]"
        )
        raise faults.bad_values(f"{text}. {told}")


def merged_tags(
    old: Sequence[tuple[str, str]], given: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    tags = {**dict(old), **given}
    if len(tags) > TAGS_MAX:
        raise Fault("LimitExceededException", f"A table has at most {TAGS_MAX} tags")
    return tuple(sorted(tags.items()))
