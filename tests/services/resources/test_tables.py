"""`AWS::DynamoDB::Table`: what templates say of tables, also with numbers and flags as text."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jackbean.core.errors import Fault
from jackbean.core.installation import Installation
from jackbean.core.resources import Gone, Made
from jackbean.ports.resources import Wanted
from jackbean.services.resources.tables import TABLE, TableProvider
from jackbean.services.tables import TableService
from jackbean.simulator.clock import VirtualClock
from jackbean.simulator.tables import MemoryTables

HERE = Installation("us-east-1", "123456789012")
BY_EMAIL = {
    "AttributeDefinitions": [{"AttributeName": "email", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "email", "KeyType": "HASH"}],
    "ProvisionedThroughput": {"ReadCapacityUnits": "2", "WriteCapacityUnits": 1},
}
Scenario = Callable[[TableProvider, TableService], Awaitable[None]]


def play(scenario: Scenario) -> None:
    service = TableService(MemoryTables(), VirtualClock(), HERE)
    asyncio.run(scenario(TableProvider(service), service))  # type: ignore[arg-type]  # a coroutine is awaitable


def wanted(**properties: Any) -> Wanted:
    return Wanted("stack", "Table", TABLE, "signups", {**BY_EMAIL, **properties})


def item(email: str, **more: Any) -> dict[str, Any]:
    return {"TableName": "signups", "Item": {"email": {"S": email}, **more}}


def test_a_table_is_made_once_and_ends() -> None:
    async def scenario(provider: TableProvider, service: TableService) -> None:
        assert not await provider.exists(wanted())
        made = await provider.ensure(wanted())
        assert made == Made(
            "signups", {"Arn": "arn:aws:dynamodb:us-east-1:123456789012:table/signups"}
        )
        await service.write("PutItem", item("a@b"))
        assert await provider.ensure(wanted()) == made
        assert (await service.find("signups")).definition.throughput == (2, 1)
        assert (await service.scan({"TableName": "signups"})).count == 1
        for _ in range(2):
            assert await provider.remove(wanted()) == Gone()
        assert await service.names() == []

    play(scenario)


def test_it_is_changed_in_place_and_keeps_its_items() -> None:
    async def scenario(provider: TableProvider, service: TableService) -> None:
        await provider.ensure(wanted())
        await service.write("PutItem", item("a@b", team={"S": "red"}, until={"N": "5"}))
        index = {
            "IndexName": "by-team",
            "KeySchema": [{"AttributeName": "team", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
            "ProvisionedThroughput": {"ReadCapacityUnits": "1", "WriteCapacityUnits": "1"},
        }
        changed = wanted(
            AttributeDefinitions=[
                *BY_EMAIL["AttributeDefinitions"],
                {"AttributeName": "team", "AttributeType": "S"},
            ],
            GlobalSecondaryIndexes=[index],
            TimeToLiveSpecification={"AttributeName": "until", "Enabled": "true"},
            DeletionProtectionEnabled="false",
            Tags=[{"Key": "k", "Value": 1}],
            SSESpecification={"SSEEnabled": True},
        )
        await provider.ensure(changed)
        found = await service.scan({"TableName": "signups", "IndexName": "by-team"})
        assert found.count == 1
        definition = (await service.find("signups")).definition
        assert (definition.ttl, definition.tags) == ("until", (("k", "1"),))

    play(scenario)


@pytest.mark.parametrize(
    "properties",
    [
        {"KeySchema": "email"},
        {"KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}]},
        {"ProvisionedThroughput": {"ReadCapacityUnits": "many", "WriteCapacityUnits": 1}},
        {"ProvisionedThroughput": "1"},
        {"AttributeDefinitions": {"email": "S"}},
        {"GlobalSecondaryIndexes": [{"IndexName": "x"}]},
        {"TimeToLiveSpecification": "yes"},
        {"Colour": "red"},
    ],
)
def test_what_is_no_table_is_refused_in_words(properties: dict[str, Any]) -> None:
    async def scenario(provider: TableProvider, service: TableService) -> None:
        with pytest.raises(Fault) as refused:
            await provider.ensure(wanted(**properties))
        assert refused.value.code in {"ValidationError", "ValidationException"}
        assert await service.names() == []

    play(scenario)


def test_another_key_is_another_table() -> None:
    async def scenario(provider: TableProvider, service: TableService) -> None:
        await provider.ensure(wanted())
        other = wanted(
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        with pytest.raises(Fault, match="key of a table cannot be changed"):
            await provider.ensure(other)

    play(scenario)
