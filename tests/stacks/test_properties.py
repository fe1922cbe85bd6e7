"""Properties against the schemas of their types."""

from __future__ import annotations

from typing import Any

import pytest

from jackbean.services.resources.queues import KNOWN as QUEUE_KNOWN
from jackbean.services.resources.tables import KNOWN as TABLE_KNOWN
from jackbean.services.resources.topics import OWN, SETTABLE
from jackbean.stacks.properties import unrealised, wrong
from jackbean.stacks.schemas import SCHEMAS, UNREALISED
from jackbean.stacks.types import KINDS, provided

QUEUE, TOPIC, TABLE = "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::DynamoDB::Table"
KEY = {"KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}]}

BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "unknown": (QUEUE, {"Visibility": 1}, "/Visibility: extraneous key [Visibility]"),
    "no number": (
        QUEUE,
        {"VisibilityTimeout": "long"},
        '/VisibilityTimeout: expected type: Integer, found: String "long"',
    ),
    "a flag for a number": (QUEUE, {"DelaySeconds": True}, "Integer, found: Boolean"),
    "half a number": (QUEUE, {"DelaySeconds": 1.5}, "Integer, found: Number"),
    "no flag": (QUEUE, {"FifoQueue": "yes"}, "expected type: Boolean"),
    "a list for a text": (TOPIC, {"DisplayName": ["a"]}, "expected type: String, found: JSONArray"),
    "no document": (QUEUE, {"RedrivePolicy": "dead"}, "expected type: Json"),
    "tags as a mapping": (QUEUE, {"Tags": {"a": "b"}}, "/Tags/0/a: extraneous key [a]"),
    "a tag without a value": (QUEUE, {"Tags": [{"Key": "a"}]}, "/Tags/0: required key [Value]"),
    "nothing that must be": ("AWS::SNS::Subscription", {}, ": required key [TopicArn] not found"),
    "an empty one": ("AWS::SQS::QueuePolicy", {"PolicyDocument": {}, "Queues": ""}, "[Queues]"),
    "deep": (
        TABLE,
        {**KEY, "ProvisionedThroughput": {"ReadCapacityUnits": "x", "WriteCapacityUnits": 1}},
        "/ProvisionedThroughput/ReadCapacityUnits: expected type: Integer",
    ),
    "in an index": (
        TABLE,
        {**KEY, "GlobalSecondaryIndexes": [{"IndexName": "i", **KEY}]},
        "/GlobalSecondaryIndexes/0: required key [Projection]",
    ),
    "a handle's": ("AWS::CloudFormation::WaitConditionHandle", {"A": 1}, "There are: none"),
}
GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "numbers as text": (QUEUE, {"VisibilityTimeout": "30", "DelaySeconds": 0}),
    "flags as text": (QUEUE, {"FifoQueue": "true", "ContentBasedDeduplication": False}),
    "numbers for texts": (TOPIC, {"DisplayName": 3, "SignatureVersion": 2}),
    "documents as text": (QUEUE, {"RedrivePolicy": '{"maxReceiveCount": 1}'}),
    "one for a list": ("AWS::SQS::QueuePolicy", {"PolicyDocument": {}, "Queues": "q"}),
    "nothing": (QUEUE, {}),
    "what is taken as it is": (TABLE, {**KEY, "StreamSpecification": {"StreamViewType": "ANY"}}),
    "of no schema": ("AWS::IAM::Role", {"Whatever": 1}),
}


def told(type_: str, properties: Any) -> list[str]:
    found = wrong(type_, properties, properties, ())
    return ["".join(f"/{part}" for part in path) + ": " + text for path, text in found]


@pytest.mark.parametrize(("type_", "properties", "says"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong(type_: str, properties: dict[str, Any], says: str) -> None:
    assert any(says in one for one in told(type_, properties)), told(type_, properties)


@pytest.mark.parametrize(("type_", "properties"), GOOD.values(), ids=GOOD.keys())
def test_what_is_right(type_: str, properties: dict[str, Any]) -> None:
    assert told(type_, properties) == []


def test_all_that_is_wrong_is_told() -> None:
    assert len(told(QUEUE, {"A": 1, "B": 2, "DelaySeconds": "x"})) == 3


def test_what_depends_on_a_resource_is_left_to_the_service() -> None:
    raw = {"DelaySeconds": {"Fn::GetAtt": ["Wait", "Data"]}, "VisibilityTimeout": {"Ref": "Long"}}
    found = {"DelaySeconds": "Wait/Data", "VisibilityTimeout": "long"}
    ((path, _),) = wrong(QUEUE, raw, found, {"Wait"})
    assert path == ("VisibilityTimeout",)


def test_every_real_type_has_a_schema() -> None:
    assert SCHEMAS.keys() == {name for name in KINDS if provided(name)}
    for name, properties in UNREALISED.items():
        assert properties <= SCHEMAS[name].known.keys()
    for name, found in KINDS.items():
        if provided(name):
            assert found.replaced_by <= SCHEMAS[name].known.keys()


def test_schemas_and_providers_know_the_same() -> None:
    assert SCHEMAS[QUEUE].known.keys() == QUEUE_KNOWN
    assert SCHEMAS[TOPIC].known.keys() == SETTABLE | OWN
    assert SCHEMAS[TABLE].known.keys() == TABLE_KNOWN


def test_what_nothing_comes_of_is_named() -> None:
    assert unrealised(TABLE, {**KEY, "StreamSpecification": {}}) == ["StreamSpecification"]
    assert unrealised(QUEUE, {"DelaySeconds": 1}) == []
