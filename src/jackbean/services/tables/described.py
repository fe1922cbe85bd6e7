"""A table as DescribeTable tells of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from jackbean.core.installation import Installation
from jackbean.services.tables.definitions import Definition, Index, Table

Shape = dict[str, Any]


def arn_of(name: str, installation: Installation) -> str:
    return installation.arn(f"table/{name}", "dynamodb")


def description(
    table: Table, installation: Installation, counts: tuple[int, int], status: str = "ACTIVE"
) -> Shape:
    definition, arn = table.definition, arn_of(table.name, installation)
    created = datetime.fromtimestamp(table.kept.created, UTC)
    told: Shape = {
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in sorted(definition.types.items())
        ],
        "TableName": table.name,
        "KeySchema": definition.keys.schema(),
        "TableStatus": status,
        "CreationDateTime": created,
        "ProvisionedThroughput": _throughput(definition.throughput),
        "TableSizeBytes": counts[1],
        "ItemCount": counts[0],
        "TableArn": arn,
        "TableId": str(uuid5(NAMESPACE_URL, f"{arn}/{table.kept.key}")),
        "DeletionProtectionEnabled": definition.protected,
    }
    return {**told, **_more(definition, arn, created)}


def _more(definition: Definition, arn: str, created: datetime) -> Shape:
    told: Shape = {}
    if definition.billing == "PAY_PER_REQUEST":
        told["BillingModeSummary"] = {
            "BillingMode": definition.billing,
            "LastUpdateToPayPerRequestDateTime": created,
        }
    if definition.table_class:
        told["TableClassSummary"] = {"TableClass": definition.table_class}
    local = [_index(one, arn) for one in definition.indexes if one.local]
    rest = [
        {
            **_index(one, arn),
            "IndexStatus": "ACTIVE",
            "ProvisionedThroughput": _throughput(one.throughput),
        }
        for one in definition.indexes
        if not one.local
    ]
    return {
        **told,
        **({"LocalSecondaryIndexes": local} if local else {}),
        **({"GlobalSecondaryIndexes": rest} if rest else {}),
    }


def _index(index: Index, arn: str) -> Shape:
    included = {"NonKeyAttributes": list(index.included)} if index.included else {}
    return {
        "IndexName": index.name,
        "KeySchema": index.keys.schema(),
        "Projection": {"ProjectionType": index.projection, **included},
        "IndexArn": f"{arn}/index/{index.name}",
        "IndexSizeBytes": 0,
        "ItemCount": 0,
    }


def _throughput(units: tuple[int, int]) -> Shape:
    return {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": units[0],
        "WriteCapacityUnits": units[1],
    }
