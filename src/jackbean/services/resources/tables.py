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
from jackbean.services.tables.definitions import Definition
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
