"""Every operation of SQS by AWS's own client, against `jackbean serve`: what it answers."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.installation import Installation, until

pytestmark = pytest.mark.e2e
NUMBERS = itertools.count(1)


@pytest.fixture
def sqs(installation: Installation) -> Any:
    return installation.client("sqs")


@pytest.fixture
def make(sqs: Any) -> Iterator[Any]:
    made: list[str] = []

    def queue(name: str = "", **attributes: str) -> str:
        fifo = attributes.get("FifoQueue")
        name = name or f"queue-{next(NUMBERS)}{'.fifo' if fifo else ''}"
        made.append(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        return made[-1]

    yield queue
    for url in made:
        try:
            sqs.delete_queue(QueueUrl=url)
        except sqs.exceptions.QueueDoesNotExist:
            continue


def arn(sqs: Any, url: str) -> str:
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(found["Attributes"]["QueueArn"])


def attributes(sqs: Any, url: str) -> dict[str, str]:
    return dict(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"])


def receive(sqs: Any, url: str, count: int = 10, **more: Any) -> list[Any]:
    wanted = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"], **more}
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=count, **wanted)
    return list(answer.get("Messages", []))


def bodies(messages: list[Any]) -> list[str]:
    return [message["Body"] for message in messages]


# Queues


def test_a_queue_has_the_defaults_and_what_was_set(sqs, make, installation):
    url = make("plain", VisibilityTimeout="7")
    account = arn(sqs, url).split(":")[4]
    assert url == f"http://127.0.0.1:{installation.port}/{account}/plain"
    found = attributes(sqs, url)
    now = time.time()
    assert abs(int(found.pop("CreatedTimestamp")) - now) < 60
    assert abs(int(found.pop("LastModifiedTimestamp")) - now) < 60
    assert found == {
        "QueueArn": f"arn:aws:sqs:us-east-1:{account}:plain",
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "DelaySeconds": "0",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "false",
        "VisibilityTimeout": "7",
    }
    assert sqs.get_queue_url(QueueName="plain")["QueueUrl"] == url


def test_making_a_queue_again_is_making_it_once(sqs, make):
    url = make("again", VisibilityTimeout="7")
    assert make("again", VisibilityTimeout="7") == url
    assert make("again") == url


def test_urls_are_of_the_host_that_was_called(sqs, make, installation):
    import boto3

    url = make("named")
    other = boto3.client(
        "sqs",
        endpoint_url=f"http://localhost:{installation.port}",
        region_name="us-east-1",
        aws_access_key_id=installation.env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=installation.env["AWS_SECRET_ACCESS_KEY"],
    )
    there = other.get_queue_url(QueueName="named")["QueueUrl"]
    assert there == url.replace("127.0.0.1", "localhost")
    other.send_message(QueueUrl=there, MessageBody="by another name")
    assert bodies(receive(sqs, url)) == ["by another name"]


def test_queues_are_listed_by_prefix_and_page(sqs, make):
    urls = sorted(make(f"listed-{n}") for n in range(5))
    make("other")
    assert sqs.list_queues(QueueNamePrefix="listed-")["QueueUrls"] == urls
    first = sqs.list_queues(QueueNamePrefix="listed-", MaxResults=2)
    assert first["QueueUrls"] == urls[:2]
    pages = sqs.get_paginator("list_queues").paginate(
        QueueNamePrefix="listed-", PaginationConfig={"PageSize": 2}
    )
    assert [url for page in pages for url in page["QueueUrls"]] == urls
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="none-such")


def test_attributes_can_be_changed_and_taken_away(sqs, make):
    url, dead = make(), make()
    policy = json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": "3"})
    sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"DelaySeconds": "3", "RedrivePolicy": policy}
    )
    found = attributes(sqs, url)
    assert found["DelaySeconds"] == "3"
    assert json.loads(found["RedrivePolicy"])["maxReceiveCount"] == 3
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    assert "RedrivePolicy" not in attributes(sqs, url)


def test_tags(sqs, make):
    url = make()
    assert "Tags" not in sqs.list_queue_tags(QueueUrl=url)
    sqs.tag_queue(QueueUrl=url, Tags={"a": "1", "b": "2"})
    sqs.tag_queue(QueueUrl=url, Tags={"b": "3"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a", "absent"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "3"}
    tagged = sqs.create_queue(QueueName="tagged", tags={"t": "v"})["QueueUrl"]
    assert sqs.list_queue_tags(QueueUrl=tagged)["Tags"] == {"t": "v"}
    sqs.delete_queue(QueueUrl=tagged)


def test_permissions_are_kept_in_the_policy(sqs, make):
    url = make()
    sqs.add_permission(
        QueueUrl=url,
        Label="one",
        AWSAccountIds=["111122223333"],
        Actions=["SendMessage", "ReceiveMessage"],
    )
    (statement,) = json.loads(attributes(sqs, url)["Policy"])["Statement"]
    assert statement == {
        "Sid": "one",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": ["SQS:SendMessage", "SQS:ReceiveMessage"],
        "Resource": arn(sqs, url),
    }
    sqs.remove_permission(QueueUrl=url, Label="one")
    assert "Policy" not in attributes(sqs, url)


def test_a_deleted_queue_is_gone_and_can_be_made_again(sqs, make):
    url = make("fleeting")
    sqs.send_message(QueueUrl=url, MessageBody="lost")
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=url, MessageBody="to nobody")
    assert receive(sqs, make("fleeting")) == []


def test_purging(sqs, make):
    url = make()
    for body in "abc":
        sqs.send_message(QueueUrl=url, MessageBody=body)
    receive(sqs, url, 1)
    sqs.purge_queue(QueueUrl=url)
    found = attributes(sqs, url)
    assert [v for k, v in found.items() if k.startswith("Approximate")] == ["0"] * 3


# Messages


def test_a_message_arrives_as_it_was_sent(sqs, make):
    url, before = make(), time.time() * 1000
    body = 'späße \U0001f600 <xml> & "quotes" \t\r\n'
    sent = sqs.send_message(
        QueueUrl=url,
        MessageBody=body,
        MessageAttributes={
            "Text": {"DataType": "String", "StringValue": "hällo"},
            "Number": {"DataType": "Number.int", "StringValue": "-3.5e3"},
            "Bytes": {"DataType": "Binary.png", "BinaryValue": b"\0\xff"},
        },
        MessageSystemAttributes={
            "AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3f"}
        },
    )
    assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()
    (message,) = receive(sqs, url)
    assert message["Body"] == body
    assert message["MessageId"] == sent["MessageId"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"] == {
        "Text": {"DataType": "String", "StringValue": "hällo"},
        "Number": {"DataType": "Number.int", "StringValue": "-3.5e3"},
        "Bytes": {"DataType": "Binary.png", "BinaryValue": b"\0\xff"},
    }
    system = message["Attributes"]
    assert system["AWSTraceHeader"] == "Root=1-5759e988-bd862e3f"
    assert system["ApproximateReceiveCount"] == "1"
    assert before - 1000 < int(system["SentTimestamp"]) < time.time() * 1000 + 1000
    assert int(system["ApproximateFirstReceiveTimestamp"]) >= int(system["SentTimestamp"])


def test_only_the_attributes_that_are_asked_for_come(sqs, make):
    url = make(VisibilityTimeout="0")
    given = {n: {"DataType": "String", "StringValue": n} for n in ("one.a", "one.b", "two")}
    sqs.send_message(QueueUrl=url, MessageBody="b", MessageAttributes=given)
    for wanted, found in {
        (): [],
        ("All",): ["one.a", "one.b", "two"],
        (".*",): ["one.a", "one.b", "two"],
        ("one.*",): ["one.a", "one.b"],
        ("two", "three"): ["two"],
    }.items():
        (message,) = receive(sqs, url, AttributeNames=[], MessageAttributeNames=list(wanted))
        assert sorted(message.get("MessageAttributes", {})) == found
        assert ("MD5OfMessageAttributes" in message) == bool(found)
        assert "Attributes" not in message
    (message,) = receive(
        sqs, url, AttributeNames=["SenderId"], MessageSystemAttributeNames=["SentTimestamp"]
    )
    assert sorted(message["Attributes"]) == ["SenderId", "SentTimestamp"]


def test_a_message_of_a_megabyte(sqs, make):
    url = make(MaximumMessageSize=str(1 << 20))
    body = "[" + "1," * ((1 << 19) - 1) + "]"
    assert len(body) == 1 << 20
    sqs.send_message(QueueUrl=url, MessageBody=body)
    (message,) = receive(sqs, url)
    assert message["Body"] == body


def test_batches_say_of_each_entry_what_became_of_it(sqs, make):
    url = make(MaximumMessageSize="1024")
    sent = sqs.send_message_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "good", "MessageBody": "a"},
            {"Id": "late", "MessageBody": "b", "DelaySeconds": 900},
            {"Id": "long", "MessageBody": "x" * 1025},
            {"Id": "slow", "MessageBody": "c", "DelaySeconds": 901},
        ],
    )
    assert [one["Id"] for one in sent["Successful"]] == ["good", "late"]
    assert [(one["Id"], one["Code"], one["SenderFault"]) for one in sent["Failed"]] == [
        ("long", "InvalidParameterValue", True),
        ("slow", "InvalidParameterValue", True),
    ]
    (message,) = receive(sqs, url)
    assert message["MessageId"] == sent["Successful"][0]["MessageId"]
    changed = sqs.change_message_visibility_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "1", "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0},
            {"Id": "2", "ReceiptHandle": "nonsense", "VisibilityTimeout": 0},
        ],
    )
    assert changed["Successful"] == [{"Id": "1"}]
    assert changed["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    (message,) = receive(sqs, url)
    deleted = sqs.delete_message_batch(
        QueueUrl=url,
        Entries=[
            {"Id": "1", "ReceiptHandle": message["ReceiptHandle"]},
            {"Id": "2", "ReceiptHandle": "nonsense"},
        ],
    )
    assert deleted["Successful"] == [{"Id": "1"}]
    assert deleted["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    assert attributes(sqs, url)["ApproximateNumberOfMessages"] == "0"


def test_a_message_is_hidden_while_it_is_held_and_comes_back(sqs, make):
    url = make(VisibilityTimeout="30")
    sqs.send_message(QueueUrl=url, MessageBody="a")
    (first,) = receive(sqs, url, VisibilityTimeout=1)
    assert receive(sqs, url) == []
    (second,) = receive(sqs, url, WaitTimeSeconds=5)
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert second["ReceiptHandle"] != first["ReceiptHandle"]
    sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0
    )
    (third,) = receive(sqs, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])  # too old to count
    assert attributes(sqs, url)["ApproximateNumberOfMessagesNotVisible"] == "1"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"])
    sqs.delete_message(QueueUrl=url, ReceiptHandle=third["ReceiptHandle"])
    assert attributes(sqs, url)["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_delays_of_the_queue_and_of_the_message(sqs, make):
    url = make(DelaySeconds="900")
    sqs.send_message(QueueUrl=url, MessageBody="late")
    sqs.send_message(QueueUrl=url, MessageBody="soon", DelaySeconds=1)
    sqs.send_message(QueueUrl=url, MessageBody="now", DelaySeconds=0)
    assert attributes(sqs, url)["ApproximateNumberOfMessagesDelayed"] == "2"
    began = time.monotonic()
    assert bodies(receive(sqs, url)) == ["now"]
    assert bodies(receive(sqs, url, WaitTimeSeconds=10)) == ["soon"]
    assert 0.5 < time.monotonic() - began < 5


def test_old_messages_are_forgotten(sqs, make):
    url = make(MessageRetentionPeriod="60")
    sqs.send_message(QueueUrl=url, MessageBody="kept for a minute")
    assert attributes(sqs, url)["ApproximateNumberOfMessages"] == "1"


# First in, first out


def test_fifo_keeps_order_within_a_group_and_drops_duplicates(sqs, make):
    url = make(FifoQueue="true", ContentBasedDeduplication="true")
    assert attributes(sqs, url)["FifoQueue"] == "true"

    def send(body: str, group: str, **more: str) -> Any:
        return sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, **more)

    first = send("a1", "a")
    assert send("a1", "a")["MessageId"] == first["MessageId"]
    second = send("a2", "a")
    assert int(second["SequenceNumber"]) > int(first["SequenceNumber"])
    assert len(first["SequenceNumber"]) == 20
    send("b1", "b")
    send("a1", "a", MessageDeduplicationId="another")
    found = receive(sqs, url, 2)
    assert bodies(found) == ["a1", "a2"]
    assert found[0]["Attributes"]["MessageGroupId"] == "a"
    assert found[0]["Attributes"]["SequenceNumber"] == first["SequenceNumber"]
    assert found[0]["Attributes"]["MessageDeduplicationId"] == hashlib.sha256(b"a1").hexdigest()
    assert bodies(receive(sqs, url)) == ["b1"]
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert bodies(receive(sqs, url)) == ["a1"]


def test_fifo_attempts_can_be_repeated(sqs, make):
    url = make(FifoQueue="true")
    sqs.send_message(QueueUrl=url, MessageBody="a", MessageGroupId="g", MessageDeduplicationId="d")
    first = receive(sqs, url, ReceiveRequestAttemptId="x")
    assert receive(sqs, url, ReceiveRequestAttemptId="x") == first
    assert receive(sqs, url, ReceiveRequestAttemptId="y") == []


def test_fifo_with_high_throughput_drops_duplicates_within_a_group(sqs, make):
    url = make(
        FifoQueue="true", DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId"
    )
    for group in "aab":
        sqs.send_message(
            QueueUrl=url, MessageBody=group, MessageGroupId=group, MessageDeduplicationId="d"
        )
    assert bodies(receive(sqs, url)) == ["a", "b"]


def test_fifo_handles_expire(sqs, make):
    url = make(FifoQueue="true")
    sqs.send_message(QueueUrl=url, MessageBody="a", MessageGroupId="g", MessageDeduplicationId="d")
    (message,) = receive(sqs, url, VisibilityTimeout=0)
    with pytest.raises(sqs.exceptions.ClientError) as refused:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert "The receipt handle has expired" in str(refused.value)


# Dead letters


def dying(sqs: Any, make: Any, **more: str) -> tuple[str, str]:
    """Return a queue and its dead-letter queue, which gets what was received once."""
    dead = make(**more)
    policy = json.dumps({"deadLetterTargetArn": arn(sqs, dead), "maxReceiveCount": 1})
    return make(RedrivePolicy=policy, VisibilityTimeout="0", **more), dead


def test_dead_letters_and_their_way_back(sqs, make):
    url, dead = dying(sqs, make)
    sent = sqs.send_message(QueueUrl=url, MessageBody="bad")
    assert bodies(receive(sqs, url)) == ["bad"]
    assert receive(sqs, url) == []
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [url]
    (message,) = receive(sqs, dead, VisibilityTimeout=0)
    assert message["MessageId"] == sent["MessageId"]
    assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn(sqs, url)
    source = arn(sqs, dead)
    assert sqs.start_message_move_task(SourceArn=source)["TaskHandle"]
    task = until(lambda: _ended(sqs, source), 5, "the messages have moved")
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    assert task["ApproximateNumberOfMessagesToMove"] == 1
    (message,) = receive(sqs, url)
    assert message["Body"] == "bad"
    assert message["MessageId"] != sent["MessageId"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def _ended(sqs: Any, source: str) -> Any:
    (task,) = sqs.list_message_move_tasks(SourceArn=source)["Results"]
    return task if task["Status"] != "RUNNING" else None


def test_a_slow_move_can_be_cancelled(sqs, make):
    _, dead = dying(sqs, make)
    other = make()
    for _ in range(5):
        sqs.send_message_batch(
            QueueUrl=dead, Entries=[{"Id": str(n), "MessageBody": "m"} for n in range(10)]
        )
    started = sqs.start_message_move_task(
        SourceArn=arn(sqs, dead), DestinationArn=arn(sqs, other), MaxNumberOfMessagesPerSecond=1
    )
    with pytest.raises(sqs.exceptions.UnsupportedOperation):
        sqs.start_message_move_task(SourceArn=arn(sqs, dead))
    moved = sqs.cancel_message_move_task(TaskHandle=started["TaskHandle"])
    (task,) = sqs.list_message_move_tasks(SourceArn=arn(sqs, dead))["Results"]
    assert task["Status"] == "CANCELLED"
    count = moved["ApproximateNumberOfMessagesMoved"]
    assert attributes(sqs, other)["ApproximateNumberOfMessages"] == str(count)
    assert attributes(sqs, dead)["ApproximateNumberOfMessages"] == str(50 - count)


def test_what_was_sent_to_the_dead_letters_directly_has_no_way_back(sqs, make):
    _, dead = dying(sqs, make)
    sqs.send_message(QueueUrl=dead, MessageBody="lost")
    sqs.start_message_move_task(SourceArn=arn(sqs, dead))
    task = until(lambda: _ended(sqs, arn(sqs, dead)), 5, "the task ends")
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert attributes(sqs, dead)["ApproximateNumberOfMessages"] == "1"


def test_fifo_dead_letters_do_not_hold_up_their_group(sqs, make):
    url, dead = dying(sqs, make, FifoQueue="true", ContentBasedDeduplication="true")
    for body in ("a1", "a2"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="a")
    assert bodies(receive(sqs, url, 1)) == ["a1"]
    assert bodies(receive(sqs, url, 1)) == ["a2"]
    assert bodies(receive(sqs, dead)) == ["a1"]
