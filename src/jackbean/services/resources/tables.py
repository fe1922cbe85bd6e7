"""Tables of stacks, on those that the DynamoDB API serves.

Backups, encryption, streams and scaling of throughput are not realised: a table has none of them
here, and a template that asks for them is not refused for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from jackbean.core.errors import Fault
from jackbean.core.resources import Gone, Made
from jackbean.ports.resources import Properties, Wanted
from jackbean.services.resources import properties as told
from jackbean.services.tables import definitions
from jackbean.services.tables.definitions import Definition, Index
from jackbean.services.tables.described import arn_of
from jackbean.services.tables.service import TableService

TABLE = "AWS::DynamoDB::Table"
REALISED = frozenset(
    {
        "AttributeDefinitions",
        "BillingMode",
        "DeletionProtectionEnabled",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "LocalSecondaryIndexes",
        "ProvisionedThroughput",
        "TableClass",
    }
)
UNREALISED = frozenset(
    {
        "ContributorInsightsSpecification",
        "ImportSourceSpecification",
        "KinesisStreamSpecification",
        "OnDemandThroughput",
        "PointInTimeRecoverySpecification",
        "ResourcePolicy",
        "SSESpecification",
        "StreamSpecification",
        "WarmThroughput",
    }
)
KNOWN = REALISED | UNREALISED | {"TableName", "Tags", "TimeToLiveSpecification"}
UNITS = ("ReadCapacityUnits", "WriteCapacityUnits")


class TableProvider:
    """ports.Provider."""

    types = (TABLE,)

    def __init__(self, tables: TableService) -> None:
        self._tables = tables

    async def exists(self, wanted: Wanted) -> bool:
        return wanted.name in await self._tables.names()

    async def ensure(self, wanted: Wanted) -> Made:
        told.check(wanted, KNOWN)
        definition = defined(wanted)
        if not await self.exists(wanted):
            await self._tables.create(wanted.name, definition)
        else:
            there = await self._tables.find(wanted.name)
            if there.definition.keys != definition.keys:
                raise Fault("ValidationError", "The key of a table cannot be changed.")
            if there.definition != definition:
                await self._tables.change(there, definition)
        return Made(wanted.name, {"Arn": arn_of(wanted.name, self._tables.installation)})

    async def remove(self, wanted: Wanted) -> Gone:
        if await self.exists(wanted):
            await self._tables.delete(wanted.name)
        return Gone()

    async def read(self, wanted: Wanted) -> Properties | None:
        if not await self.exists(wanted):
            return None
        there = (await self._tables.find(wanted.name)).definition
        return {**_read(there), "TableName": wanted.name}


def _read(there: Definition) -> dict[str, Any]:
    """Return what a table is in the words of templates."""
    local = [_read_index(one) for one in there.indexes if one.local]
    rest = [_read_index(one) for one in there.indexes if not one.local]
    ttl = {"AttributeName": there.ttl, "Enabled": True} if there.ttl else {"Enabled": False}
    return {
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in there.types.items()
        ],
        "BillingMode": there.billing,
        "DeletionProtectionEnabled": there.protected,
        "GlobalSecondaryIndexes": rest or None,
        "KeySchema": there.keys.schema(),
        "LocalSecondaryIndexes": local or None,
        "ProvisionedThroughput": _read_units(there.throughput),
        "TableClass": there.table_class or "STANDARD",
        "Tags": told.told_tags(dict(there.tags)),
        "TimeToLiveSpecification": ttl,
    }


def _read_index(index: Index) -> dict[str, Any]:
    included = {"NonKeyAttributes": list(index.included)} if index.included else {}
    return {
        "IndexName": index.name,
        "KeySchema": index.keys.schema(),
        "Projection": {"ProjectionType": index.projection, **included},
        "ProvisionedThroughput": _read_units(index.throughput),
    }


def _read_units(throughput: tuple[int, int]) -> dict[str, int] | None:
    return dict(zip(UNITS, throughput, strict=True)) if any(throughput) else None


def defined(wanted: Wanted) -> Definition:
    """Return what a template says of a table. Raises the Fault, also for another shape."""
    members = {name: wanted.properties[name] for name in REALISED if name in wanted.properties}
    try:
        made = definitions.defined({name: _typed(name, one) for name, one in members.items()})
        ttl = _ttl(wanted.properties)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = f"The properties of {TABLE} have another shape: {error!r}"
        raise Fault("ValidationError", text[:300]) from None
    return replace(made, ttl=ttl, tags=tuple(sorted(told.tags(wanted.properties).items())))


def _typed(name: str, value: Any) -> Any:
    """Return a property with numbers and flags as such: templates have them as text as well."""
    return TYPED[name](value) if name in TYPED else value


def _throughput(value: Mapping[str, Any]) -> dict[str, int]:
    return {unit: int(value[unit]) for unit in UNITS}


def _indexes(value: list[dict[str, Any]]) -> list[dict[str, Any]]:
    key = "ProvisionedThroughput"
    return [{**one, key: _throughput(one[key])} if one.get(key) else one for one in value]


def _flag(value: Any) -> bool:
    return told.text(value).lower() == "true"


TYPED: Mapping[str, Callable[[Any], Any]] = {
    "DeletionProtectionEnabled": _flag,
    "GlobalSecondaryIndexes": _indexes,
    "ProvisionedThroughput": _throughput,
}


def _ttl(properties: Properties) -> str:
    said = properties.get("TimeToLiveSpecification") or {}
    return told.text(said.get("AttributeName")) if _flag(said.get("Enabled")) else ""
