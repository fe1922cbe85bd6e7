"""SNS by AWS's own client against `jackbean serve`: queues, HTTP and mail as subscribers."""

from __future__ import annotations

import itertools
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.installation import Installation, until

pytestmark = pytest.mark.e2e
NUMBERS = itertools.count(1)


@pytest.fixture
def sns(installation: Installation) -> Any:
    return installation.client("sns")


@pytest.fixture
def sqs(installation: Installation) -> Any:
    return installation.client("sqs")


@pytest.fixture
def topic(sns: Any) -> Iterator[str]:
    made = sns.create_topic(Name=f"topic-{next(NUMBERS)}")["TopicArn"]
    yield made
    sns.delete_topic(TopicArn=made)


@pytest.fixture
def queue(sqs: Any) -> Iterator[tuple[str, str]]:
    """Return the URL and the ARN of a queue to which every topic may send."""
    url = sqs.create_queue(QueueName=f"told-{next(NUMBERS)}")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": may_send("arn:aws:sns:*")})
    yield url, found["Attributes"]["QueueArn"]
    sqs.delete_queue(QueueUrl=url)


def may_send(topic: str) -> str:
    """Return the policy that subscribing by hand needs, as on AWS."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
        "Condition": {"ArnLike": {"aws:SourceArn": topic}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def received(sqs: Any, url: str) -> list[Any]:
    answer = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
    )
    for message in answer.get("Messages", []):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return list(answer.get("Messages", []))


def refusal(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    return str(raised.value.response["Error"]["Code"])


COLOUR = {"colour": {"DataType": "String", "StringValue": "red"}}


def test_a_queue_gets_the_envelope_before_publish_answers(sns, sqs, topic, queue):
    url, arn = queue
    made = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)["SubscriptionArn"]
    sent = sns.publish(
        TopicArn=topic, Message="hällo", Subject="a subject", MessageAttributes=COLOUR
    )
    (message,) = received(sqs, url)
    told = json.loads(message["Body"])
    assert told["Type"] == "Notification"
    assert told["MessageId"] == sent["MessageId"]
    assert (told["TopicArn"], told["Subject"], told["Message"]) == (topic, "a subject", "hällo")
    assert told["MessageAttributes"] == {"colour": {"Type": "String", "Value": "red"}}
    assert made in told["UnsubscribeURL"].replace("%3A", ":")
    assert "MessageAttributes" not in message


def test_a_queue_takes_only_what_its_policy_lets_it(installation, sns, sqs, topic, queue):
    url, arn = queue
    attributes = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    for policy in ("", may_send("arn:aws:sns:us-east-1:123456789012:another")):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        for _ in range(3):
            sns.publish(TopicArn=topic, Message="unheard")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": may_send(topic)})
    sns.publish(TopicArn=topic, Message="heard")
    assert [one["Body"] for one in received(sqs, url)] == ["heard"]
    told = [line for line in installation.log.read_text().splitlines() if arn in line]
    assert len(told) == 2, told  # each once, though each was met three times
    assert all(topic in line and "AWS::SQS::QueuePolicy" in line for line in told)


def test_raw_delivery_is_the_message_itself(sns, sqs, topic, queue):
    url, arn = queue
    attributes = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    sns.publish(TopicArn=topic, Message="plain", MessageAttributes=COLOUR)
    (message,) = received(sqs, url)
    assert message["Body"] == "plain"
    assert message["MessageAttributes"] == COLOUR


def test_filters_choose_by_attributes_and_by_body(sns, sqs, topic, queue):
    url, arn = queue
    policy = {"FilterPolicy": '{"colour": ["red"]}', "RawMessageDelivery": "true"}
    made = sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=policy, ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    sns.publish(TopicArn=topic, Message="plain")
    sns.publish(TopicArn=topic, Message="red", MessageAttributes=COLOUR)
    assert [one["Body"] for one in received(sqs, url)] == ["red"]
    for name, value in (("FilterPolicyScope", "MessageBody"), ("FilterPolicy", '{"a": [1]}')):
        sns.set_subscription_attributes(
            SubscriptionArn=made, AttributeName=name, AttributeValue=value
        )
    for body in ('{"a": 1}', '{"a": 2}', "nonsense"):
        sns.publish(TopicArn=topic, Message=body)
    assert [one["Body"] for one in received(sqs, url)] == ['{"a": 1}']
    bad = {"SubscriptionArn": made, "AttributeName": "FilterPolicy", "AttributeValue": '{"a": 1}'}
    assert refusal(sns.set_subscription_attributes, **bad) == "InvalidParameter"


def test_each_protocol_can_have_a_text_of_its_own(sns, sqs, topic, queue):
    url, arn = queue
    attributes = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    told = json.dumps({"default": "for all", "sqs": "for queues"})
    sns.publish(TopicArn=topic, Message=told, MessageStructure="json")
    assert [one["Body"] for one in received(sqs, url)] == ["for queues"]
    for bad in ("{", '{"sqs": "x"}'):
        wrong = {"TopicArn": topic, "Message": bad, "MessageStructure": "json"}
        assert refusal(sns.publish, **wrong) == "InvalidParameter"


def test_batches_say_of_each_entry_what_became_of_it(sns, sqs, topic, queue):
    url, arn = queue
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    entries = [
        {"Id": "a", "Message": "one"},
        {"Id": "b", "Message": "x", "Subject": "x" * 101},
        {"Id": "c", "Message": "two"},
    ]
    sent = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    assert [one["Id"] for one in sent["Successful"]] == ["a", "c"]
    assert [(one["Id"], one["Code"]) for one in sent["Failed"]] == [("b", "InvalidParameter")]
    assert len(received(sqs, url)) == 2
    for wrong, code in (
        ([], "EmptyBatchRequest"),
        ([entries[0], entries[0]], "BatchEntryIdsNotDistinct"),
        ([{"Id": str(n), "Message": "m"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a b", "Message": "m"}], "InvalidBatchEntryId"),
        ([{"Id": "a", "Message": "x" * 262_145}], "BatchRequestTooLong"),
    ):
        bad = {"TopicArn": topic, "PublishBatchRequestEntries": wrong}
        assert refusal(sns.publish_batch, **bad) == code


def test_fifo_topics_keep_order_and_drop_duplicates(sns, sqs):
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    topic = sns.create_topic(Name="ordered.fifo", Attributes=attributes)["TopicArn"]
    url = sqs.create_queue(QueueName="ordered.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": may_send(topic)})
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=found["Attributes"]["QueueArn"],
        Attributes={"RawMessageDelivery": "true"},
    )
    numbers = [
        int(sns.publish(TopicArn=topic, Message=body, MessageGroupId="g")["SequenceNumber"])
        for body in ("1", "2", "1", "3")
    ]
    assert numbers == sorted(set(numbers))
    assert [one["Body"] for one in received(sqs, url)] == ["1", "2", "3"]
    assert refusal(sns.publish, TopicArn=topic, Message="m") == "InvalidParameter"
    http = {"TopicArn": topic, "Protocol": "http", "Endpoint": "http://127.0.0.1/"}
    assert refusal(sns.subscribe, **http) == "InvalidParameter"
    sns.delete_topic(TopicArn=topic)
    sqs.delete_queue(QueueUrl=url)


class Listener(BaseHTTPRequestHandler):
    """Notes what is posted; answers with what `statuses` has, else 200."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((dict(self.headers.items()), body.decode()))
        statuses = self.server.statuses
        self.send_response(statuses.pop(0) if statuses else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    server.heard, server.statuses = [], []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def heard(listener: Any, count: int) -> list[tuple[dict[str, str], str]]:
    until(lambda: len(listener.heard) >= count, 10, f"{count} are posted")
    assert len(listener.heard) == count
    return list(listener.heard)


def test_http_is_asked_first_and_then_told(sns, topic, listener):
    endpoint = f"http://127.0.0.1:{listener.server_port}/hook?x=1"
    asked = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)
    assert asked["SubscriptionArn"] == "pending confirmation"
    sns.publish(TopicArn=topic, Message="too early")
    ((headers, body),) = heard(listener, 1)
    assert headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    told = json.loads(body)
    (listed,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    wrong = {"TopicArn": topic, "Token": told["Token"][:-1] + "x"}
    assert refusal(sns.confirm_subscription, **wrong) == "InvalidParameter"
    with urllib.request.urlopen(told["SubscribeURL"], timeout=10) as answer:  # without a signature
        assert b"<SubscriptionArn>" in answer.read()
    sns.publish(TopicArn=topic, Message="now")
    headers, body = heard(listener, 2)[1]
    assert headers["x-amz-sns-message-type"] == "Notification"
    told = json.loads(body)
    assert told["Message"] == "now"
    with urllib.request.urlopen(told["UnsubscribeURL"], timeout=10) as answer:
        assert answer.status == 200
    assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_nothing_else_goes_without_a_signature(installation, topic):
    query = f"Action=DeleteTopic&TopicArn={topic}&Version=2010-03-31"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{installation.port}/?{query}", timeout=10)
    assert refused.value.code == 403
    refused.value.close()


def test_http_is_told_again_and_then_the_dead_letters_are(sns, sqs, topic, queue, listener):
    url, arn = queue
    endpoint = f"http://127.0.0.1:{listener.server_port}/"
    policy = {"numRetries": 2, "minDelayTarget": 0, "maxDelayTarget": 0}
    attributes = {
        "DeliveryPolicy": json.dumps({"healthyRetryPolicy": policy}),
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn}),
        "RawMessageDelivery": "true",
    }
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint, Attributes=attributes)
    token = json.loads(heard(listener, 1)[0][1])["Token"]
    sns.confirm_subscription(TopicArn=topic, Token=token)
    listener.statuses = [500, 429]
    sns.publish(TopicArn=topic, Message="at the third time")
    assert [body for _, body in heard(listener, 4)[1:]] == ["at the third time"] * 3
    assert received(sqs, url) == []
    listener.statuses = [500, 500, 500]
    sns.publish(TopicArn=topic, Message="never")
    (message,) = until(lambda: received(sqs, url), 10, "the dead letter is there")
    assert message["Body"] == "never"
    listener.statuses = [404]
    sns.publish(TopicArn=topic, Message="hopeless")
    (message,) = until(lambda: received(sqs, url), 10, "the dead letter is there")
    assert message["Body"] == "hopeless"
    assert len(listener.heard) == 8


def test_mails_are_dropped_in_a_directory(sns, topic, installation):
    drop = installation.data_dir / "mail"
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="you@example.com")

    def mails(word: str) -> list[str]:
        found = [one.read_text() for one in drop.glob("*.eml")] if drop.exists() else []
        return [one for one in found if word in one and topic.rpartition(":")[2] in one]

    (asked,) = until(lambda: mails("Subscription Confirmation"), 10, "the mail is there")
    assert "To: you@example.com" in asked
    (one,) = [
        one
        for one in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        if one["Protocol"] == "email"
    ]
    assert one["SubscriptionArn"] == "PendingConfirmation"


def test_topics_their_attributes_tags_and_pages(sns, topic):
    name = topic.rpartition(":")[2]
    assert sns.create_topic(Name=name)["TopicArn"] == topic
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="shown")
    found = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (found["DisplayName"], found["SubscriptionsConfirmed"]) == ("shown", "0")
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "a", "Value": "1"}])
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "b", "Value": "2"}])
    sns.untag_resource(ResourceArn=topic, TagKeys=["a"])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "b", "Value": "2"}]
    sns.add_permission(
        TopicArn=topic, Label="l", AWSAccountId=["111122223333"], ActionName=["Publish"]
    )
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
    assert [one["Sid"] for one in policy["Statement"]] == ["__default_statement_ID", "l"]
    sns.remove_permission(TopicArn=topic, Label="l")
    many = [sns.create_topic(Name=f"many-{n:03}")["TopicArn"] for n in range(101)]
    pages = sns.get_paginator("list_topics").paginate()
    found = [one["TopicArn"] for page in pages for one in page["Topics"]]
    assert set(many) <= set(found)
    assert len(found) == len(set(found))
    for one in many:
        sns.delete_topic(TopicArn=one)


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("create_topic", {"Name": "a b"}, "InvalidParameter"),
        ("create_topic", {"Name": "a.fifo"}, "InvalidParameter"),
        ("create_topic", {"Name": "a", "Attributes": {"Odd": "x"}}, "InvalidParameter"),
        ("publish", {"TopicArn": "arn:aws:sns:us-east-1:1:gone", "Message": "m"}, "NotFound"),
        ("publish", {"Message": "m"}, "InvalidParameter"),
        ("get_topic_attributes", {"TopicArn": "arn:aws:sns:us-east-1:1:gone"}, "NotFound"),
        ("get_subscription_attributes", {"SubscriptionArn": "gone"}, "NotFound"),
        ("list_tags_for_resource", {"ResourceArn": "gone"}, "ResourceNotFound"),
        ("list_topics", {"NextToken": "!"}, "InvalidParameter"),
    ],
)
def test_what_is_refused(sns, operation, parameters, code):
    assert refusal(getattr(sns, operation), **parameters) == code


def test_subscriptions_that_cannot_be(sns, topic):
    for protocol, endpoint in (
        ("sms", "+15555550100"),
        ("sqs", "http://127.0.0.1/"),
        ("http", "https://127.0.0.1/"),
        ("http", "http://"),
        ("http", "http://[/"),
        ("email", "nobody"),
        ("email", "a@b\r\nBcc: c@d"),
    ):
        wrong = {"TopicArn": topic, "Protocol": protocol, "Endpoint": endpoint}
        assert refusal(sns.subscribe, **wrong) == "InvalidParameter"
    for bad in ("", "x" * 262_145):
        assert refusal(sns.publish, TopicArn=topic, Message=bad) == "InvalidParameter"
    wrong = {"TopicArn": topic, "Message": "m", "Subject": "two\nlines"}
    assert refusal(sns.publish, **wrong) == "InvalidParameter"
