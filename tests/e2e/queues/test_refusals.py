"""What SQS refuses, in AWS's words; and requests that mean ill."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.e2e.installation import Installation
from tests.e2e.signing import own_keys

pytestmark = pytest.mark.e2e
XMLNS = "{http://queue.amazonaws.com/doc/2012-11-05/}"
NON_EXISTENT = "AWS.SimpleQueueService.NonExistentQueue"


@pytest.fixture(scope="module")
def sqs(installation: Installation) -> Any:
    lax = Config(parameter_validation=False)
    return installation.client_with(own_keys(installation), "sqs", config=lax)


@pytest.fixture(scope="module")
def url(sqs: Any) -> Iterator[str]:
    made = sqs.create_queue(QueueName="refusing", Attributes={"MaximumMessageSize": "1024"})
    yield made["QueueUrl"]
    sqs.delete_queue(QueueUrl=made["QueueUrl"])


@pytest.fixture(scope="module")
def fifo(sqs: Any) -> Iterator[str]:
    made = sqs.create_queue(QueueName="refusing.fifo", Attributes={"FifoQueue": "true"})
    yield made["QueueUrl"]
    sqs.delete_queue(QueueUrl=made["QueueUrl"])


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def text(value: str = "x", kind: str = "String") -> dict[str, str]:
    return {"DataType": kind, "StringValue": value}


ENTRIES = [{"Id": str(n), "MessageBody": "b"} for n in range(11)]
ATTRIBUTES_11 = {f"a{n}": text() for n in range(11)}
REFUSED = [
    ("send_message", {}, "MissingParameter", "MessageBody"),
    ("send_message", {"MessageBody": ""}, "MissingParameter", "MessageBody"),
    ("send_message", {"MessageBody": "x" * 1025}, "InvalidParameterValue", "shorter than 1024"),
    ("send_message", {"MessageBody": "\x01"}, "InvalidMessageContents", "Invalid characters"),
    ("send_message", {"MessageBody": "\ufffe"}, "InvalidMessageContents", "Invalid characters"),
    ("send_message", {"MessageBody": "b", "DelaySeconds": 901}, "InvalidParameterValue", "<= 900"),
    ("send_message", {"MessageBody": "b", "DelaySeconds": -1}, "InvalidParameterValue", ">= 0"),
    ("send_message", {"MessageBody": "b", "DelaySeconds": "x"}, "ValidationException", "integer"),
    (
        "send_message",
        {"MessageBody": "b", "MessageDeduplicationId": "d"},
        "InvalidParameterValue",
        "not valid for this queue type",
    ),
    (
        "send_message",
        {"MessageBody": "b", "MessageAttributes": ATTRIBUTES_11},
        "InvalidParameterValue",
        "Number of message attributes [11] exceeds the allowed maximum [10].",
    ),
    (
        "send_message",
        {"MessageBody": "b", "MessageAttributes": {"a": text(kind="Complex")}},
        "InvalidParameterValue",
        "the set of supported type prefixes is Binary, Number, and String",
    ),
    (
        "send_message",
        {"MessageBody": "b", "MessageAttributes": {"a": text("")}},
        "InvalidParameterValue",
        "must contain a non-empty value",
    ),
    (
        "send_message",
        {"MessageBody": "b", "MessageAttributes": {"a": text("one", "Number")}},
        "InvalidParameterValue",
        "number",
    ),
    (
        "send_message",
        {"MessageBody": "b", "MessageAttributes": {"AWS.a": text()}},
        "InvalidParameterValue",
        "reserved",
    ),
    (
        "send_message",
        {"MessageBody": "b", "MessageAttributes": {"a b": text()}},
        "InvalidParameterValue",
        "invalid",
    ),
    (
        "send_message",
        {"MessageBody": "b", "MessageAttributes": {"a": text(kind="Binary")}},
        "InvalidParameterValue",
        "must use field 'Binary'",
    ),
    (
        "send_message",
        {"MessageBody": "b", "MessageSystemAttributes": {"Other": text()}},
        "InvalidParameterValue",
        "system attribute",
    ),
    ("send_message_batch", {"Entries": []}, "AWS.SimpleQueueService.EmptyBatchRequest", "at least"),
    (
        "send_message_batch",
        {"Entries": ENTRIES},
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "Maximum number of entries per request are 10. You have sent 11.",
    ),
    (
        "send_message_batch",
        {"Entries": [ENTRIES[0], ENTRIES[0]]},
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        "Id 0 repeated.",
    ),
    (
        "send_message_batch",
        {"Entries": [{"Id": "a b", "MessageBody": "b"}]},
        "AWS.SimpleQueueService.InvalidBatchEntryId",
        "can only contain alphanumeric",
    ),
    (
        "send_message_batch",
        {"Entries": [{"Id": str(n), "MessageBody": "b" * 120_000} for n in range(9)]},
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "Batch requests cannot be longer than 1048576 bytes. You have sent 1080000 bytes.",
    ),
    ("receive_message", {"MaxNumberOfMessages": 11}, "InvalidParameterValue", "between 1 and 10"),
    ("receive_message", {"MaxNumberOfMessages": 0}, "InvalidParameterValue", "between 1 and 10"),
    ("receive_message", {"WaitTimeSeconds": 21}, "InvalidParameterValue", "<= 20"),
    ("receive_message", {"VisibilityTimeout": 43201}, "InvalidParameterValue", "43200"),
    ("receive_message", {"AttributeNames": ["Odd"]}, "InvalidAttributeName", "Odd"),
    ("delete_message", {}, "MissingParameter", "ReceiptHandle"),
    ("delete_message", {"ReceiptHandle": "odd"}, "ReceiptHandleIsInvalid", '"odd" is not a valid'),
    ("delete_message", {"ReceiptHandle": "A" * 48}, "ReceiptHandleIsInvalid", "not a valid"),
    ("change_message_visibility", {"ReceiptHandle": "h"}, "MissingParameter", "VisibilityTimeout"),
    (
        "change_message_visibility",
        {"ReceiptHandle": "h", "VisibilityTimeout": 43201},
        "InvalidParameterValue",
        "between 0 and 43200",
    ),
    ("get_queue_attributes", {"AttributeNames": ["Odd"]}, "InvalidAttributeName", "Odd"),
    ("set_queue_attributes", {}, "MissingParameter", "Attributes"),
    (
        "set_queue_attributes",
        {"Attributes": {"FifoQueue": "true"}},
        "InvalidAttributeName",
        "Unknown Attribute FifoQueue.",
    ),
    (
        "set_queue_attributes",
        {"Attributes": {"ContentBasedDeduplication": "true"}},
        "InvalidAttributeName",
        "Unknown Attribute ContentBasedDeduplication.",
    ),
    (
        "set_queue_attributes",
        {"Attributes": {"VisibilityTimeout": "43201"}},
        "InvalidAttributeValue",
        "Invalid value for the parameter VisibilityTimeout.",
    ),
    ("set_queue_attributes", {"Attributes": {"Policy": "[]"}}, "InvalidAttributeValue", "Policy"),
    (
        "set_queue_attributes",
        {"Attributes": {"RedrivePolicy": "{"}},
        "InvalidParameterValue",
        "Redrive policy is not a valid JSON map.",
    ),
    (
        "set_queue_attributes",
        {"Attributes": {"RedrivePolicy": '{"deadLetterTargetArn": "arn"}'}},
        "InvalidParameterValue",
        "does not contain mandatory attribute: maxReceiveCount.",
    ),
    (
        "set_queue_attributes",
        {"Attributes": {"RedrivePolicy": '{"deadLetterTargetArn": "a", "maxReceiveCount": 0}'}},
        "InvalidParameterValue",
        "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive.",
    ),
    (
        "set_queue_attributes",
        {"Attributes": {"RedrivePolicy": '{"deadLetterTargetArn": "a", "maxReceiveCount": 1}'}},
        "InvalidParameterValue",
        "Dead letter target does not exist.",
    ),
    (
        "set_queue_attributes",
        {"Attributes": {"RedriveAllowPolicy": '{"redrivePermission": "byQueue"}'}},
        "InvalidParameterValue",
        "sourceQueueArns",
    ),
    ("tag_queue", {"Tags": {"": "v"}}, "InvalidParameterValue", "tag"),
    ("tag_queue", {"Tags": {str(n): "" for n in range(51)}}, "InvalidParameterValue", "50"),
    ("untag_queue", {}, "MissingParameter", "TagKeys"),
    ("remove_permission", {"Label": "none"}, "InvalidParameterValue", "can't find label"),
    (
        "add_permission",
        {"Label": "l", "AWSAccountIds": ["111122223333"], "Actions": ["Odd"]},
        "InvalidParameterValue",
        "SQS:Odd",
    ),
]


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_queue_refuses(sqs, url, case):
    operation, parameters, code, words = case
    told, message = refusal(getattr(sqs, operation), QueueUrl=url, **parameters)
    assert told == code
    assert words in message


@pytest.mark.parametrize(
    ("parameters", "code", "words"),
    [
        ({"MessageBody": "b"}, "MissingParameter", "MessageGroupId"),
        (
            {"MessageBody": "b", "MessageGroupId": "g"},
            "InvalidParameterValue",
            "ContentBasedDeduplication enabled or MessageDeduplicationId",
        ),
        (
            {"MessageBody": "b", "MessageGroupId": "g h", "MessageDeduplicationId": "d"},
            "InvalidParameterValue",
            "MessageGroupId can only include",
        ),
        (
            {"MessageBody": "b", "MessageGroupId": "g", "DelaySeconds": 1},
            "InvalidParameterValue",
            "not valid for this queue type",
        ),
    ],
)
def test_what_a_fifo_queue_refuses(sqs, fifo, parameters, code, words):
    told, message = refusal(sqs.send_message, QueueUrl=fifo, **parameters)
    assert told == code
    assert words in message


@pytest.mark.parametrize(
    "case",
    [
        ("", {}, "MissingParameter", "QueueName"),
        ("a b", {}, "InvalidParameterValue", "Can only include alphanumeric"),
        ("x" * 81, {}, "InvalidParameterValue", "1 to 80 in length"),
        ("plain", {"FifoQueue": "true"}, "InvalidParameterValue", "must end with .fifo suffix"),
        ("odd.fifo", {}, "InvalidParameterValue", "FifoQueue must be true"),
        ("odd", {"Colour": "red"}, "InvalidAttributeName", "Unknown Attribute Colour."),
        ("odd", {"DelaySeconds": "x"}, "InvalidAttributeValue", "DelaySeconds"),
        ("odd", {"QueueArn": "x"}, "InvalidAttributeName", "QueueArn"),
        ("refusing", {"DelaySeconds": "9"}, "QueueAlreadyExists", "attribute DelaySeconds"),
    ],
)
def test_queues_that_cannot_be_made(sqs, url, case):
    name, attributes, code, words = case
    told, message = refusal(sqs.create_queue, QueueName=name, Attributes=attributes)
    assert told == code
    assert words in message


def test_what_is_not_there(sqs, url):
    gone = url + "-gone"
    for operation in ("purge_queue", "delete_queue", "list_queue_tags", "receive_message"):
        assert refusal(getattr(sqs, operation), QueueUrl=gone)[0] == NON_EXISTENT
    assert refusal(sqs.get_queue_url, QueueName="gone")[0] == NON_EXISTENT
    other = url.replace(url.split("/")[3], "000000000000")
    assert refusal(sqs.purge_queue, QueueUrl=other)[0] == NON_EXISTENT
    assert refusal(sqs.cancel_message_move_task, TaskHandle="h")[0] == "ResourceNotFoundException"
    assert refusal(sqs.start_message_move_task, SourceArn="a")[0] == "ResourceNotFoundException"
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.purge_queue(QueueUrl=gone)


def test_a_dead_letter_queue_can_say_whose(sqs, url, fifo):
    name = "choosy"
    choosy = sqs.create_queue(
        QueueName=name, Attributes={"RedriveAllowPolicy": '{"redrivePermission": "denyAll"}'}
    )["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=choosy, AttributeNames=["QueueArn"])
    arn = found["Attributes"]["QueueArn"]
    policy = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})}
    code, message = refusal(sqs.set_queue_attributes, QueueUrl=url, Attributes=policy)
    assert (code, "RedriveAllowPolicy" in message) == ("InvalidParameterValue", True)
    code, message = refusal(sqs.set_queue_attributes, QueueUrl=fifo, Attributes=policy)
    assert "must be same type" in message
    mine = json.dumps(
        {"redrivePermission": "byQueue", "sourceQueueArns": [arn.replace(name, "refusing")]}
    )
    sqs.set_queue_attributes(QueueUrl=choosy, Attributes={"RedriveAllowPolicy": mine})
    sqs.set_queue_attributes(QueueUrl=url, Attributes=policy)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    sqs.delete_queue(QueueUrl=choosy)


def test_held_messages_and_their_handles(sqs, url):
    sqs.send_message(QueueUrl=url, MessageBody="b")

    def taken(seconds: int) -> str:
        (message,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=seconds)["Messages"]
        return str(message["ReceiptHandle"])

    hold = sqs.change_message_visibility
    visible = taken(0)
    told = refusal(hold, QueueUrl=url, ReceiptHandle=visible, VisibilityTimeout=9)
    assert told[0] == "AWS.SimpleQueueService.MessageNotInflight"
    handle = taken(30)
    code, message = refusal(hold, QueueUrl=url, ReceiptHandle=visible, VisibilityTimeout=9)
    assert code == "InvalidParameterValue"
    assert "not available for visibility timeout change" in message
    sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)
    code, message = refusal(hold, QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=9)
    assert (code, "does not exist" in message) == ("InvalidParameterValue", True)
    forged = handle[:-2] + ("A" if handle[-2] != "A" else "B") + handle[-1]
    told = refusal(sqs.delete_message, QueueUrl=url, ReceiptHandle=forged)
    assert told[0] == "ReceiptHandleIsInvalid"


# The query protocol, and requests that no client makes


def ask(
    one: Installation,
    path: str,
    form: dict[str, str] | bytes,
    headers: dict[str, str] | None = None,
) -> tuple[int, str, Any]:
    """Send a signed form to a path, and return status, text and headers."""
    import urllib.error
    import urllib.request

    body = form if isinstance(form, bytes) else urlencode(form).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    address = f"http://127.0.0.1:{one.port}{path}"
    request = AWSRequest("POST", address, headers=kind, data=body)
    SigV4Auth(Credentials(*own_keys(one)), "sqs", "us-east-1").add_auth(request)
    sent = urllib.request.Request(address, body, dict(request.headers.items()))
    try:
        with urllib.request.urlopen(sent, timeout=30) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


def test_older_programs_post_forms_to_the_url_of_the_queue(installation, sqs, url):
    path = "/" + url.split("/", 3)[3]
    version = {"Version": "2012-11-05"}
    form = {"Action": "SendMessage", "MessageBody": "a & b", **version}
    status, document, _ = ask(installation, path, form)
    root = ElementTree.fromstring(document)
    assert status == 200
    assert root.findtext(f"{XMLNS}SendMessageResult/{XMLNS}MD5OfMessageBody")
    form = {"Action": "ReceiveMessage", "AttributeName.1": "All", **version}
    status, document, _ = ask(installation, path, form)
    (message,) = ElementTree.fromstring(document).iter(f"{XMLNS}Message")
    assert message.findtext(f"{XMLNS}Body") == "a & b"
    handle = message.findtext(f"{XMLNS}ReceiptHandle")
    form = {"Action": "DeleteMessage", "ReceiptHandle": handle, **version}
    assert ask(installation, path, form)[0] == 200
    status, document, _ = ask(installation, path + "x", form)
    error = ElementTree.fromstring(document).find(f"{XMLNS}Error")
    assert (status, error.findtext(f"{XMLNS}Code")) == (400, NON_EXISTENT)
    assert error.findtext(f"{XMLNS}Type") == "Sender"


def test_errors_in_json_have_the_old_code_in_a_header(installation, url):
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "AmazonSQS.PurgeQueue",
    }
    body = json.dumps({"QueueUrl": url + "x"}).encode()
    status, document, fields = ask(installation, "/", body, headers)
    assert (status, json.loads(document)["__type"]) == (400, "QueueDoesNotExist")
    assert fields["x-amzn-query-error"] == f"{NON_EXISTENT};Sender"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        b'{"QueueUrl": 5}',
        b'{"QueueUrl": "' + b"/" * 100_000 + b'"}',
        b'{"QueueUrl": "http://[", "MessageBody": "b"}',
        b'{"QueueUrl": "\\ud800", "MessageBody": "b"}',
        b'{"QueueUrl": "q", "MessageBody": "\\ud800"}',
        b'{"QueueUrl": "refusing", "MessageBody": "\\ud800"}',
        b'{"QueueUrl": "refusing", "MessageBody": "b", "MessageAttributes": {"a": {}}}',
        b'{"QueueUrl": "refusing", "MessageBody": "b", "MessageAttributes": {"\\ud800": {}}}',
        b'{"QueueUrl": "refusing", "MessageBody": "b", "MessageAttributes": {"a": {"DataType": '
        b'"String", "StringValue": "\\udfff"}}}',
        b'{"QueueUrl": "refusing", "MessageBody": "b", "DelaySeconds": 1e400}',
        b'{"QueueUrl": "../../etc/passwd", "MessageBody": "b"}',
        b'{"QueueUrl": "refusing%00", "MessageBody": "b"}',
        b'{"QueueUrl": ' + b"[" * 100_000,
    ],
)
def test_ill_meant_bodies_are_refused(installation, sqs, url, body):
    headers = {"Content-Type": "application/x-amz-json-1.0"}
    for operation in ("SendMessage", "ReceiveMessage", "GetQueueAttributes", "DeleteMessageBatch"):
        target = {**headers, "X-Amz-Target": f"AmazonSQS.{operation}"}
        status, document, _ = ask(installation, "/", body, target)
        usable = operation in ("ReceiveMessage", "GetQueueAttributes") and b'"refusing"' in body
        assert status == 200 if usable else 400 <= status < 500, (operation, document)


# Long polls


def test_a_long_poll_ends_as_soon_as_a_message_is_there(sqs, url):
    found: list[float] = []

    def wait() -> None:
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
        found.append(time.monotonic())
        sqs.delete_message(QueueUrl=url, ReceiptHandle=answer["Messages"][0]["ReceiptHandle"])

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.5)  # until it waits
    assert not found
    sent = time.monotonic()
    sqs.send_message(QueueUrl=url, MessageBody="at last")
    waiting.join(20)
    assert found[0] - sent < 2


def test_a_receiver_that_goes_away_gets_nothing(installation, sqs, url):
    """What it would have got goes to the next one at once."""
    import socket

    body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}).encode()
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "AmazonSQS.ReceiveMessage",
    }
    address = f"http://127.0.0.1:{installation.port}/"
    request = AWSRequest("POST", address, headers=headers, data=body)
    SigV4Auth(Credentials(*own_keys(installation)), "sqs", "us-east-1").add_auth(request)
    fields = {**dict(request.headers.items()), "Content-Length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    host = f"Host: 127.0.0.1:{installation.port}\r\n"
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", installation.port)) as gone:
            gone.sendall(f"POST / HTTP/1.1\r\n{host}{head}\r\n".encode() + body)
            time.sleep(0.1)  # until it waits
    sqs.send_message(QueueUrl=url, MessageBody="for who is there")
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, AttributeNames=["All"])[
        "Messages"
    ]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
