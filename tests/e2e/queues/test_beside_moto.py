"""The same calls to Jackbean and to moto: where both answer, they must answer alike.

moto mimics AWS and is not AWS. Where the two differ on purpose, the difference is in a table, with
its reason; one that is gone fails as well.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.e2e.installation import Installation, free_ports, until

MOTO = os.environ.get("JACKBEAN_MOTO", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MOTO, reason="JACKBEAN_MOTO is not set: the path of moto_server"),
]
HIDDEN = {
    "MessageId",
    "ReceiptHandle",
    "SenderId",
    "SentTimestamp",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "TaskHandle",
    "NextToken",
    "StartedTimestamp",
    "Message",
    "SubscriptionArn",
    "UnsubscribeURL",
    "Timestamp",
}
Script = list[tuple[str, dict[str, Any]]]
TEXT = {"DataType": "String", "StringValue": "x"}
REDRIVE = json.dumps({"deadLetterTargetArn": "ARN:dead", "maxReceiveCount": 1})

# {URL} stands for the queue that a script made last, {HANDLE} for the last receipt handle, ARN: for
# the beginning of a queue's ARN.
SCRIPTS: dict[str, Script] = {
    "queues": [
        ("create_queue", {"QueueName": "q", "Attributes": {"DelaySeconds": "5"}}),
        ("create_queue", {"QueueName": "q", "Attributes": {"DelaySeconds": "5"}}),
        ("create_queue", {"QueueName": "q", "Attributes": {"DelaySeconds": "6"}}),
        ("create_queue", {"QueueName": "a b"}),
        ("create_queue", {"QueueName": "x" * 81}),
        ("create_queue", {"QueueName": "x.fifo"}),
        ("get_queue_url", {"QueueName": "q"}),
        ("get_queue_url", {"QueueName": "none"}),
        ("get_queue_attributes", {"QueueUrl": "{URL}", "AttributeNames": ["DelaySeconds"]}),
        ("get_queue_attributes", {"QueueUrl": "{URL}", "AttributeNames": ["QueueArn"]}),
        ("get_queue_attributes", {"QueueUrl": "{URL}", "AttributeNames": ["Odd"]}),
        (
            "set_queue_attributes",
            {"QueueUrl": "{URL}", "Attributes": {"VisibilityTimeout": "9"}},
        ),
        ("get_queue_attributes", {"QueueUrl": "{URL}", "AttributeNames": ["VisibilityTimeout"]}),
        ("tag_queue", {"QueueUrl": "{URL}", "Tags": {"a": "1", "b": "2"}}),
        ("untag_queue", {"QueueUrl": "{URL}", "TagKeys": ["a"]}),
        ("list_queue_tags", {"QueueUrl": "{URL}"}),
        ("list_queues", {"QueueNamePrefix": "q"}),
        ("list_queues", {"QueueNamePrefix": "none"}),
        ("list_queues", {}),
        ("purge_queue", {"QueueUrl": "{URL}"}),
        ("delete_queue", {"QueueUrl": "{URL}"}),
        ("delete_queue", {"QueueUrl": "{URL}"}),
        ("send_message", {"QueueUrl": "{URL}", "MessageBody": "b"}),
    ],
    "messages": [
        ("create_queue", {"QueueName": "m"}),
        ("receive_message", {"QueueUrl": "{URL}"}),
        ("send_message", {"QueueUrl": "{URL}", "MessageBody": "späße", "MessageAttributes": {
            "t": TEXT, "n": {"DataType": "Number", "StringValue": "1.5"},
            "b": {"DataType": "Binary", "BinaryValue": b"\0\1"}}}),
        ("receive_message", {"QueueUrl": "{URL}", "AttributeNames": ["All"],
                             "MessageAttributeNames": ["All"]}),
        ("receive_message", {"QueueUrl": "{URL}"}),
        ("get_queue_attributes", {"QueueUrl": "{URL}", "AttributeNames": [
            "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]}),
        ("change_message_visibility", {"QueueUrl": "{URL}", "ReceiptHandle": "{HANDLE}",
                                       "VisibilityTimeout": 0}),
        ("receive_message", {"QueueUrl": "{URL}", "AttributeNames": ["ApproximateReceiveCount"],
                             "MessageAttributeNames": ["t"]}),
        ("change_message_visibility", {"QueueUrl": "{URL}", "ReceiptHandle": "{HANDLE}",
                                       "VisibilityTimeout": 43201}),
        ("delete_message", {"QueueUrl": "{URL}", "ReceiptHandle": "{HANDLE}"}),
        ("delete_message", {"QueueUrl": "{URL}", "ReceiptHandle": "{HANDLE}"}),
        ("delete_message", {"QueueUrl": "{URL}", "ReceiptHandle": "odd"}),
        ("send_message", {"QueueUrl": "{URL}", "MessageBody": "x" * (1 << 20) + "x"}),
        ("send_message", {"QueueUrl": "{URL}", "MessageBody": "\x0b"}),
        ("send_message", {"QueueUrl": "{URL}", "MessageBody": "b", "DelaySeconds": 901}),
        ("send_message", {"QueueUrl": "{URL}", "MessageBody": "b", "MessageAttributes": {
            "a": {"DataType": "Odd", "StringValue": "x"}}}),
        ("send_message", {"QueueUrl": "{URL}", "MessageBody": "b", "MessageAttributes": {
            "a": {"DataType": "String", "StringValue": ""}}}),
        ("receive_message", {"QueueUrl": "{URL}", "MaxNumberOfMessages": 11}),
        ("receive_message", {"QueueUrl": "{URL}", "WaitTimeSeconds": 21}),
        ("send_message_batch", {"QueueUrl": "{URL}", "Entries": [
            {"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2"}]}),
        ("receive_message", {"QueueUrl": "{URL}", "MaxNumberOfMessages": 10}),
        ("delete_message_batch", {"QueueUrl": "{URL}", "Entries": [
            {"Id": "a", "ReceiptHandle": "{HANDLE}"}]}),
        ("send_message_batch", {"QueueUrl": "{URL}", "Entries": []}),
        ("send_message_batch", {"QueueUrl": "{URL}", "Entries": [
            {"Id": "a", "MessageBody": "1"}, {"Id": "a", "MessageBody": "2"}]}),
        ("send_message_batch", {"QueueUrl": "{URL}", "Entries": [
            {"Id": "a b", "MessageBody": "1"}]}),
        ("send_message_batch", {"QueueUrl": "{URL}", "Entries": [
            {"Id": str(n), "MessageBody": "1"} for n in range(11)]}),
        ("delete_queue", {"QueueUrl": "{URL}"}),
    ],
    "fifo": [
        ("create_queue", {"QueueName": "f.fifo", "Attributes": {"FifoQueue": "true"}}),
        ("send_message", {"QueueUrl": "{URL}", "MessageBody": "b"}),
        ("send_message", {"QueueUrl": "{URL}", "MessageBody": "b", "MessageGroupId": "g"}),
        ("send_message", {"QueueUrl": "{URL}", "MessageBody": "1", "MessageGroupId": "g",
                          "MessageDeduplicationId": "1"}),
        ("send_message", {"QueueUrl": "{URL}", "MessageBody": "1", "MessageGroupId": "g",
                          "MessageDeduplicationId": "1"}),
        ("send_message", {"QueueUrl": "{URL}", "MessageBody": "2", "MessageGroupId": "g",
                          "MessageDeduplicationId": "2"}),
        ("receive_message", {"QueueUrl": "{URL}", "AttributeNames": [
            "MessageGroupId", "MessageDeduplicationId"]}),
        ("receive_message", {"QueueUrl": "{URL}"}),
        ("delete_message", {"QueueUrl": "{URL}", "ReceiptHandle": "{HANDLE}"}),
        ("receive_message", {"QueueUrl": "{URL}", "MaxNumberOfMessages": 10}),
        ("delete_queue", {"QueueUrl": "{URL}"}),
    ],
    "dead letters": [
        ("create_queue", {"QueueName": "dead"}),
        ("create_queue", {"QueueName": "src", "Attributes": {
            "RedrivePolicy": REDRIVE, "VisibilityTimeout": "0"}}),
        ("send_message", {"QueueUrl": "{URL}", "MessageBody": "bad"}),
        ("receive_message", {"QueueUrl": "{URL}"}),
        ("receive_message", {"QueueUrl": "{URL}"}),
        ("get_queue_url", {"QueueName": "dead"}),
        ("list_dead_letter_source_queues", {"QueueUrl": "{URL}"}),
        ("receive_message", {"QueueUrl": "{URL}"}),
        ("set_queue_attributes", {"QueueUrl": "{URL}", "Attributes": {
            "RedrivePolicy": '{"deadLetterTargetArn": "ARN:none", "maxReceiveCount": 1}'}}),
        ("delete_queue", {"QueueUrl": "{URL}"}),
        ("get_queue_url", {"QueueName": "src"}),
        ("delete_queue", {"QueueUrl": "{URL}"}),
    ],
}  # fmt: skip
# (script, number of the step): why ours is another answer than moto's.
DIFFERENT: dict[tuple[str, int], str] = {
    ("queues", 5): "SQS makes no queue with a FIFO name that is not said to be one",
    ("queues", 18): "so it is not listed",
    ("messages", 13): "SQS refuses characters that XML cannot hold",
    ("messages", 16): "SQS refuses attributes without a value",
    ("messages", 20): "so neither of the two is received",
    ("dead letters", 8): "SQS says what is wrong with the policy",
}


@pytest.fixture(scope="module")
def moto() -> Iterator[Any]:
    (port,) = free_ports(1)
    argv = [MOTO, "-H", "127.0.0.1", "-p", str(port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(argv, stdout=quiet, stderr=quiet) as process:
        client = boto3.client(
            "sqs",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
        )
        try:
            until(lambda: _there(client), 60, "moto answers")
            yield client
        finally:
            process.kill()


def _there(client: Any) -> bool:
    try:
        client.list_queues()
    except Exception:
        return False
    return True


class Speaker:
    """Calls one of the two, and returns answers that can be compared."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.url = self.handle = ""
        url = client.create_queue(QueueName="whose")["QueueUrl"]
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        self.arn = found["Attributes"]["QueueArn"].removesuffix("whose")
        client.delete_queue(QueueUrl=url)

    def say(self, operation: str, parameters: dict[str, Any]) -> Any:
        try:
            answer = getattr(self.client, operation)(**self._filled(parameters))
        except ClientError as error:
            return {"error": error.response["Error"]["Code"]}
        answer.pop("ResponseMetadata")
        self.url = answer.get("QueueUrl", self.url)
        for message in answer.get("Messages", ()):
            self.handle = message["ReceiptHandle"]
        return self._plain(answer)

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if isinstance(value, str):
            value = value.replace("{URL}", self.url).replace("{HANDLE}", self.handle)
            return value.replace("ARN:", self.arn)
        return value

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {
                name: "..." if name in HIDDEN else self._plain(item)
                for name, item in sorted(value.items())
            }
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        if isinstance(value, str):
            return re.sub(r"^http://.*/", "http://", value.replace(self.arn, "ARN:"))
        return value


@pytest.mark.parametrize("script", SCRIPTS)
def test_both_answer_alike(installation: Installation, moto: Any, script: str) -> None:
    lax = Config(parameter_validation=False)
    env = installation.env
    keys = (env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
    ours = Speaker(installation.client_with(keys, "sqs", config=lax))
    theirs = Speaker(moto)
    wrong = []
    for at, (operation, parameters) in enumerate(SCRIPTS[script]):
        one, other = ours.say(operation, parameters), theirs.say(operation, parameters)
        if (one != other) != ((script, at) in DIFFERENT):
            wrong.append(f"{at} {operation}:\n  ours  {one}\n  moto  {other}")
    assert not wrong, "\n".join(wrong)
