"""DynamoDB as boto3 speaks it: tables, items, expressions, pages, transactions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError
from tests.api.rig import ADMIN, HOST, PlantRig

BY_TEAM = {
    "IndexName": "by-team",
    "KeySchema": [
        {"AttributeName": "team", "KeyType": "HASH"},
        {"AttributeName": "points", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["nick"]},
}


def make(rig: PlantRig, **more: Any) -> Any:
    """Make a table of players by game and name, and return boto3's own view of it."""
    client = rig.client("dynamodb")
    given = {
        "TableName": "players",
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (("game", "S"), ("name", "S"), ("team", "S"), ("points", "N"))
        ],
        "KeySchema": [
            {"AttributeName": "game", "KeyType": "HASH"},
            {"AttributeName": "name", "KeyType": "RANGE"},
        ],
        "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": [BY_TEAM],
        **more,
    }
    client.create_table(**given)
    client.get_waiter("table_exists").wait(TableName="players")
    resource = boto3.resource(
        "dynamodb",
        region_name="us-east-1",
        endpoint_url=f"http://{HOST}",
        aws_access_key_id=ADMIN[0],
        aws_secret_access_key=ADMIN[1],
    )
    resource.meta.client._endpoint.http_session = rig.wire
    return resource.Table("players")


@pytest.fixture
def players(rig: PlantRig) -> Any:
    table = make(rig)
    for at in range(12):
        item = {"game": f"g{at % 2}", "name": f"p{at:02}", "points": at * 10, "nick": f"n{at}"}
        table.put_item(Item=item | ({"team": "red", "extra": "x"} if at % 3 == 0 else {}))
    return table


def code(call: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**given)
    return str(refused.value.response["Error"]["Code"])


def test_a_table_is_described_and_ends(rig: PlantRig) -> None:
    table, client = make(rig, Tags=[{"Key": "a", "Value": "b"}]), rig.client("dynamodb")
    told = client.describe_table(TableName="players")["Table"]
    assert (told["TableStatus"], told["ItemCount"]) == ("ACTIVE", 0)
    assert told["TableArn"] == "arn:aws:dynamodb:us-east-1:123456789012:table/players"
    assert told["KeySchema"][1] == {"AttributeName": "name", "KeyType": "RANGE"}
    assert told["GlobalSecondaryIndexes"][0]["IndexStatus"] == "ACTIVE"
    assert client.list_tags_of_resource(ResourceArn=told["TableArn"])["Tags"] == [
        {"Key": "a", "Value": "b"}
    ]
    assert client.list_tables()["TableNames"] == ["players"]
    assert code(make, rig=rig) == "ResourceInUseException"
    table.put_item(Item={"game": "g", "name": "n"})
    client.delete_table(TableName="players")
    client.get_waiter("table_not_exists").wait(TableName="players")
    assert code(client.describe_table, TableName="players") == "ResourceNotFoundException"
    assert code(client.scan, TableName="players") == "ResourceNotFoundException"
    assert make(rig).scan()["Items"] == []


def test_items_come_back_as_they_went(players: Any) -> None:
    item = {
        "game": "g",
        "name": "n",
        "whole": 12,
        "part": Decimal("1.50"),
        "raw": b"\x00\xff",
        "flags": [True, None, {"deep": [1, "x"]}],
        "names": {"a", "b"},
        "numbers": {1, Decimal("2.5")},
        "text": "ä€😀",
    }
    players.put_item(Item=item)
    key = {"game": "g", "name": "n"}
    assert players.get_item(Key=key, ConsistentRead=True)["Item"] == item
    got = players.get_item(
        Key=key,
        ProjectionExpression="#t, flags[2].deep[1]",
        ExpressionAttributeNames={"#t": "text"},
    )["Item"]
    assert got == {"text": "ä€😀", "flags": [{"deep": ["x"]}]}
    assert "Item" not in players.get_item(Key={"game": "g", "name": "nobody"})
    old = players.delete_item(Key=key, ReturnValues="ALL_OLD")
    assert old["Attributes"]["whole"] == 12
    assert "Attributes" not in players.delete_item(Key=key, ReturnValues="ALL_OLD")


def test_conditions_decide(players: Any) -> None:
    new = {"game": "g0", "name": "p00", "points": 1}
    failed = "ConditionalCheckFailedException"
    assert code(players.put_item, Item=new, ConditionExpression=Attr("game").not_exists()) == failed
    assert code(players.put_item, Item=new, Expected={"game": {"Exists": False}}) == failed
    players.put_item(Item=new, ConditionExpression=Attr("points").eq(0) & Attr("nick").exists())
    with pytest.raises(ClientError) as refused:
        players.delete_item(
            Key={"game": "g0", "name": "p00"},
            ConditionExpression=Attr("points").gt(5),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert refused.value.response["Item"]["points"] == {"N": "1"}
    fresh = {"game": "g9", "name": "x"}
    players.put_item(Item=fresh, Expected={"game": {"Exists": False}, "name": {"Exists": False}})


def test_updates_make_and_change(players: Any) -> None:
    key = {"game": "g0", "name": "p00"}
    told = players.update_item(
        Key=key,
        UpdateExpression="SET points = points + :n, seen = :s ADD hits :one",
        ExpressionAttributeValues={":n": 5, ":s": "now", ":one": 1},
        ReturnValues="UPDATED_NEW",
    )
    assert told["Attributes"] == {"points": 5, "seen": "now", "hits": 1}
    old = players.update_item(Key=key, UpdateExpression="REMOVE seen", ReturnValues="ALL_OLD")[
        "Attributes"
    ]
    assert old["seen"] == "now"
    made = players.update_item(
        Key={"game": "g0", "name": "fresh"},
        AttributeUpdates={"points": {"Action": "ADD", "Value": 7}},
        ReturnValues="ALL_NEW",
    )["Attributes"]
    assert made == {"game": "g0", "name": "fresh", "points": 7}
    assert (
        code(
            players.update_item,
            Key=key,
            UpdateExpression="SET game = :x",
            ExpressionAttributeValues={":x": "y"},
        )
        == "ValidationException"
    )
    assert code(players.update_item, Key=key, UpdateExpression="SET points = missing") == (
        "ValidationException"
    )


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        (None, ["p00", "p02", "p04", "p06", "p08", "p10"]),
        (Key("name").eq("p04"), ["p04"]),
        (Key("name").lt("p04"), ["p00", "p02"]),
        (Key("name").lte("p04"), ["p00", "p02", "p04"]),
        (Key("name").gt("p06"), ["p08", "p10"]),
        (Key("name").gte("p06"), ["p06", "p08", "p10"]),
        (Key("name").between("p01", "p05"), ["p02", "p04"]),
        (Key("name").begins_with("p0"), ["p00", "p02", "p04", "p06", "p08"]),
    ],
)
def test_queries(players: Any, condition: Any, names: list[str]) -> None:
    wanted = Key("game").eq("g0")
    wanted = wanted & condition if condition else wanted
    assert [one["name"] for one in players.query(KeyConditionExpression=wanted)["Items"]] == names
    back = players.query(KeyConditionExpression=wanted, ScanIndexForward=False)["Items"]
    assert [one["name"] for one in back] == names[::-1]
    count = players.query(KeyConditionExpression=wanted, Select="COUNT")
    assert (count["Count"], "Items" in count) == (len(names), False)


def test_pages_and_filters(players: Any) -> None:
    client = players.meta.client
    for name, given in (
        ("scan", {}),
        ("query", {"KeyConditionExpression": Key("game").eq("g1")}),
        ("query", {"IndexName": "by-team", "KeyConditionExpression": Key("team").eq("red")}),
    ):
        whole = getattr(players, name)(**given)["Items"]
        pages = client.get_paginator(name).paginate(TableName="players", Limit=2, **given)
        assert [item for page in pages for item in page["Items"]] == whole
    filtered = players.scan(FilterExpression=Attr("points").gte(50) & Attr("team").eq("red"))
    assert sorted(one["name"] for one in filtered["Items"]) == ["p06", "p09"]
    assert (filtered["Count"], filtered["ScannedCount"]) == (2, 12)
    parts = [players.scan(Segment=at, TotalSegments=3)["Items"] for at in range(3)]
    assert sorted(one["name"] for part in parts for one in part) == [
        f"p{at:02}" for at in range(12)
    ]
    old = players.scan(
        ScanFilter={"points": {"ComparisonOperator": "LT", "AttributeValueList": [20]}}
    )
    assert old["Count"] == 2
    assert "LastEvaluatedKey" in players.scan(Limit=1)


def test_an_index_has_what_it_is_told_to_have(players: Any) -> None:
    red = players.query(
        IndexName="by-team",
        KeyConditionExpression=Key("team").eq("red") & Key("points").between(20, 70),
    )["Items"]
    assert red == [
        {"game": "g1", "name": "p03", "team": "red", "points": 30, "nick": "n3"},
        {"game": "g0", "name": "p06", "team": "red", "points": 60, "nick": "n6"},
    ]
    assert players.scan(IndexName="by-team")["Count"] == 4
    players.update_item(Key={"game": "g1", "name": "p03"}, UpdateExpression="REMOVE team")
    assert players.scan(IndexName="by-team")["Count"] == 3
    wrong = {"game": "g", "name": "n", "team": 5, "points": 1}
    assert code(players.put_item, Item=wrong) == "ValidationException"
    assert code(players.query, IndexName="none", KeyConditionExpression=Key("a").eq("b")) == (
        "ValidationException"
    )


def test_an_index_may_come_later(rig: PlantRig, players: Any) -> None:
    client = rig.client("dynamodb")
    by_nick = {
        "IndexName": "by-nick",
        "KeySchema": [{"AttributeName": "nick", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    client.update_table(
        TableName="players",
        AttributeDefinitions=[{"AttributeName": "nick", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": by_nick}, {"Delete": {"IndexName": "by-team"}}],
    )
    (found,) = players.query(IndexName="by-nick", KeyConditionExpression=Key("nick").eq("n7"))[
        "Items"
    ]
    assert found == {"game": "g1", "name": "p07", "nick": "n7"}
    assert code(players.scan, IndexName="by-team") == "ValidationException"


def test_batches(players: Any) -> None:
    with players.batch_writer() as batch:
        for at in range(30):
            batch.put_item(Item={"game": "batch", "name": f"b{at:02}"})
        batch.delete_item(Key={"game": "g0", "name": "p00"})
    assert players.query(KeyConditionExpression=Key("game").eq("batch"))["Count"] == 30
    client = players.meta.client
    keys = [{"game": "batch", "name": f"b{at:02}"} for at in (3, 4)] + [{"game": "x", "name": "y"}]
    got = client.batch_get_item(RequestItems={"players": {"Keys": keys}})
    assert sorted(one["name"] for one in got["Responses"]["players"]) == ["b03", "b04"]
    twice = {"players": {"Keys": [keys[0], keys[0]]}}
    assert code(client.batch_get_item, RequestItems=twice) == "ValidationException"
    many = [{"DeleteRequest": {"Key": {"game": "x", "name": str(at)}}} for at in range(26)]
    assert code(client.batch_write_item, RequestItems={"players": many}) == "ValidationException"


def test_transactions_are_whole(rig: PlantRig, players: Any) -> None:
    client = players.meta.client
    key = {"game": "g0", "name": "p00"}
    deeds: list[dict[str, Any]] = [
        {"Put": {"TableName": "players", "Item": {"game": "t", "name": "new"}}},
        {
            "Update": {
                "TableName": "players",
                "Key": key,
                "UpdateExpression": "ADD points :one",
                "ExpressionAttributeValues": {":one": 1},
            }
        },
        {
            "ConditionCheck": {
                "TableName": "players",
                "Key": {"game": "g1", "name": "p01"},
                "ConditionExpression": "attribute_not_exists(game)",
            }
        },
    ]
    with pytest.raises(ClientError) as refused:
        client.transact_write_items(TransactItems=deeds)
    reasons = refused.value.response["CancellationReasons"]
    assert [one["Code"] for one in reasons] == ["None", "None", "ConditionalCheckFailed"]
    assert "Item" not in players.get_item(Key={"game": "t", "name": "new"})
    for _ in range(2):  # the second is the first again
        client.transact_write_items(TransactItems=deeds[:2], ClientRequestToken="once")
    assert players.get_item(Key=key)["Item"]["points"] == 1
    got = client.transact_get_items(
        TransactItems=[
            {"Get": {"TableName": "players", "Key": one}}
            for one in (key, {"game": "?", "name": "?"})
        ]
    )["Responses"]
    assert [bool(one) for one in got] == [True, False]
    other = {"TransactItems": deeds[:1], "ClientRequestToken": "once"}
    assert code(client.transact_write_items, **other) == "IdempotentParameterMismatchException"
    double = [deeds[1], {"Delete": {"TableName": "players", "Key": key}}]
    assert code(client.transact_write_items, TransactItems=double) == "ValidationException"


def test_items_end_by_themselves(rig: PlantRig, players: Any) -> None:
    client, now = rig.client("dynamodb"), int(rig.world.clock.now())
    client.update_time_to_live(
        TableName="players", TimeToLiveSpecification={"AttributeName": "until", "Enabled": True}
    )
    told = client.describe_time_to_live(TableName="players")["TimeToLiveDescription"]
    assert told == {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"}
    for name, until in (("past", now - 1), ("later", now + 1000), ("text", "soon")):
        players.put_item(Item={"game": "ttl", "name": name, "until": until})
    assert rig.run(rig.tables.expire()) == 1
    left = players.query(KeyConditionExpression=Key("game").eq("ttl"))["Items"]
    assert [one["name"] for one in left] == ["later", "text"]


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("put_item", {"Item": {"game": "g"}}),
        ("put_item", {"Item": {"game": 5, "name": "n"}}),
        ("put_item", {"Item": {"game": "", "name": "n"}}),
        ("get_item", {"Key": {"game": "g"}}),
        ("get_item", {"Key": {"game": "g", "name": "n", "more": 1}}),
        ("query", {}),
        ("query", {"KeyConditionExpression": Key("name").eq("x")}),
        ("query", {"KeyConditionExpression": Key("game").gt("x")}),
        ("query", {"KeyConditionExpression": Key("game").eq(5)}),
        ("scan", {"Segment": 3, "TotalSegments": 2}),
        ("scan", {"ExclusiveStartKey": {"game": "g"}}),
        ("put_item", {"Item": {"game": "g", "name": "n"}, "ReturnValues": "ALL_NEW"}),
        (
            "put_item",
            {
                "Item": {"game": "g", "name": "n"},
                "Expected": {"game": {"Exists": False}},
                "ConditionExpression": "attribute_exists(game)",
            },
        ),
    ],
)
def test_what_is_refused(players: Any, operation: str, given: Any) -> None:
    assert code(getattr(players, operation), **given) == "ValidationException"


@pytest.mark.parametrize(
    "more",
    [
        {"TableName": "x"},
        {"KeySchema": [{"AttributeName": "game", "KeyType": "RANGE"}]},
        {"AttributeDefinitions": [{"AttributeName": "game", "AttributeType": "S"}]},
        {"BillingMode": "PROVISIONED"},
        {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}},
        {"GlobalSecondaryIndexes": [BY_TEAM, BY_TEAM]},
    ],
)
def test_what_is_no_table(rig: PlantRig, more: Any) -> None:
    assert code(make, rig=rig, **more) == "ValidationException"
