"""What is refused of subscriptions and batches, and what topics tell of themselves."""

from __future__ import annotations

import json

import pytest
from tests.api.rig import PlantRig

NESTED = json.dumps({"order": {"colour": ["red"]}})
QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"


@pytest.fixture
def topic(rig: PlantRig) -> str:
    return str(rig.client("sns").create_topic(Name="t")["TopicArn"])


def test_a_filter_of_attributes_does_not_look_into_objects(rig: PlantRig, topic: str) -> None:
    sns = rig.client("sns")
    asked = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": QUEUE}
    for policy in (NESTED, json.dumps({"$or": [{"a": ["b"]}, {"c": {"d": ["e"]}}]})):
        refused = rig.refusal(sns.subscribe, **asked, Attributes={"FilterPolicy": policy})
        assert refused[1] == "InvalidParameter"
        assert "does not support nested filter policy" in refused[2]
    body = {"FilterPolicy": NESTED, "FilterPolicyScope": "MessageBody"}
    arn = sns.subscribe(**asked, Attributes=body)["SubscriptionArn"]
    change = {"SubscriptionArn": arn, "AttributeName": "FilterPolicyScope"}
    refused = rig.refusal(
        sns.set_subscription_attributes, **change, AttributeValue="MessageAttributes"
    )
    assert "does not support nested filter policy" in refused[2]
    plain = json.dumps({"$or": [{"a": ["b"]}, {"c": ["d"]}]})
    sns.set_subscription_attributes(
        SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue=plain
    )
    sns.set_subscription_attributes(**change, AttributeValue="MessageAttributes")


def test_a_batch_has_a_size_as_a_whole(rig: PlantRig, topic: str) -> None:
    entries = [{"Id": str(n), "Message": "x" * 60_000} for n in range(5)]
    publish = rig.client("sns").publish_batch
    refused = rig.refusal(publish, TopicArn=topic, PublishBatchRequestEntries=entries)
    assert (refused[0], refused[1]) == (400, "BatchRequestTooLong")
    told = publish(TopicArn=topic, PublishBatchRequestEntries=entries[:4])
    assert len(told["Successful"]) == 4


def test_an_entry_that_cannot_be_read_fails_alone(rig: PlantRig, topic: str) -> None:
    wrong = {"Id": "a", "Message": "x", "MessageAttributes": {"n": {"DataType": "Odd"}}}
    entries = [wrong, {"Id": "b", "Message": "y"}]
    told = rig.client("sns").publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [one["Id"] for one in told["Successful"]] == ["b"]
    assert [(one["Id"], one["Code"]) for one in told["Failed"]] == [("a", "ParameterValueInvalid")]


def test_fifo_topics_say_how_they_tell_duplicates(rig: PlantRig) -> None:
    sns = rig.client("sns")
    arn = sns.create_topic(Name="t.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    told = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    assert (told["FifoTopic"], told["ContentBasedDeduplication"]) == ("true", "false")


def test_messages_have_a_megabyte_by_default(rig: PlantRig) -> None:
    sqs = rig.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x" * (1 << 20))
    refused = rig.refusal(sqs.send_message, QueueUrl=url, MessageBody="x" * ((1 << 20) + 1))
    assert refused[1] == "InvalidParameterValue"
