"""Queues speak JSON and, to older programs, the query protocol: one model, two spellings."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from jackbean.wire.errors import WireFault
from jackbean.wire.protocols import PROTOCOLS
from jackbean.wire.request import HttpRequest
from jackbean.wire.route import identify

VERSION = "&Version=2012-11-05"
XMLNS = "{http://queue.amazonaws.com/doc/2012-11-05/}"


def parsed(models, form: str):
    request = HttpRequest("POST", "/", body=(form + VERSION).encode())
    target = identify(request)
    protocol, model = PROTOCOLS[target.protocol], models.get("sqs")
    assert (target.service, target.protocol) == ("sqs", "query")
    return protocol.parse(model, protocol.operation(model, target, request), request)


@pytest.mark.parametrize(
    ("form", "members"),
    [
        (
            "Action=CreateQueue&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5"
            "&Tag.1.Key=k&Tag.1.Value=v",
            {"QueueName": "q", "Attributes": {"DelaySeconds": "5"}, "tags": {"k": "v"}},
        ),
        (
            "Action=SendMessage&QueueUrl=u&MessageBody=b&MessageAttribute.1.Name=n"
            "&MessageAttribute.1.Value.DataType=Binary&MessageAttribute.1.Value.BinaryValue=AAE%3D",
            {
                "QueueUrl": "u",
                "MessageBody": "b",
                "MessageAttributes": {"n": {"DataType": "Binary", "BinaryValue": b"\0\1"}},
            },
        ),
        (
            "Action=SendMessageBatch&SendMessageBatchRequestEntry.1.Id=a"
            "&SendMessageBatchRequestEntry.1.MessageBody=b",
            {"Entries": [{"Id": "a", "MessageBody": "b"}]},
        ),
        (
            "Action=ReceiveMessage&AttributeName.1=All&MessageAttributeName.1=x",
            {"AttributeNames": ["All"], "MessageAttributeNames": ["x"]},
        ),
        ("Action=UntagQueue&TagKey.1=a&TagKey.2=b", {"TagKeys": ["a", "b"]}),
    ],
)
def test_forms_are_read_as_older_programs_write_them(models, form, members):
    assert parsed(models, form) == (members, ())


def test_answers_are_written_as_older_programs_read_them(models):
    message = {"Body": "b", "Attributes": {"SenderId": "s"}}
    answer = PROTOCOLS["query"].answer(
        models.get("sqs"), "ReceiveMessage", {"Messages": [message]}, "r-1"
    )
    root = ElementTree.fromstring(answer.body)
    (found,) = root.iter(f"{XMLNS}Message")
    assert found.findtext(f"{XMLNS}Body") == "b"
    (attribute,) = found.iter(f"{XMLNS}Attribute")
    assert [part.text for part in attribute] == ["SenderId", "s"]


def test_errors_have_the_old_code_in_both(models):
    fault = WireFault("QueueDoesNotExist", "The specified queue does not exist.")
    old = "AWS.SimpleQueueService.NonExistentQueue"
    told = PROTOCOLS["query"].refuse(fault, "r-1", models.get("sqs"))
    assert ElementTree.fromstring(told.body).findtext(f"{XMLNS}Error/{XMLNS}Code") == old
    told = PROTOCOLS["json"].refuse(fault, "r-1", models.get("sqs"))
    assert json.loads(told.body)["__type"] == "QueueDoesNotExist"
    assert dict(told.headers)["x-amzn-query-error"] == f"{old};Sender"


def test_an_unknown_action_is_told_in_the_protocol_that_was_spoken(models):
    with pytest.raises(WireFault) as raised:
        parsed(models, "Action=MakeCoffee")
    assert raised.value.code == "InvalidAction"
