"""The JSON protocol against botocore."""

from __future__ import annotations

import json as stdlib_json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.wire import json
from jackbean.wire.errors import WireFault
from jackbean.wire.limits import Limits
from jackbean.wire.protocols import PROTOCOLS
from jackbean.wire.request import HttpRequest

CASES = [
    ("sqs", "SendMessage"),
    ("sqs", "ReceiveMessage"),
    ("sqs", "CreateQueue"),
    ("logs", "PutLogEvents"),
    ("logs", "FilterLogEvents"),
    ("logs", "DescribeLogStreams"),
    ("dynamodb", "PutItem"),
    ("dynamodb", "Query"),
    ("dynamodb", "DescribeTable"),
    ("secretsmanager", "GetSecretValue"),
    ("kms", "Encrypt"),
    ("cloudwatch", "PutMetricData"),
    ("cloudwatch", "GetMetricData"),
    ("codebuild", "BatchGetBuilds"),
]


def body_of(client, operation, params):
    wire = create_serializer("json", include_validation=False)
    return wire.serialize_to_request(params, client.operation_model(operation))["body"]


def answer_of(client, operation, body):
    shape = client.operation_model(operation).output_shape
    response = {"status_code": 200, "headers": {"x-amzn-requestid": "r"}, "body": body}
    parsed = create_parser("json").parse(response, shape)
    assert parsed.pop("ResponseMetadata")["RequestId"] == "r"
    return parsed


@pytest.mark.parametrize(("service", "operation"), CASES)
def test_what_botocore_sends_is_read_back(service, operation, models, clients, lab):
    model, client = models.get(service), clients.model(service)

    @settings(max_examples=8)
    @given(lab.documents(model.operation(operation).input))
    def check(params):
        parsed = json.parse(model, operation, body_of(client, operation, params))
        assert lab.same(parsed.members, params)
        assert parsed.unknown == ()

    check()


@pytest.mark.parametrize(("service", "operation"), CASES)
def test_what_we_answer_is_read_by_botocore(service, operation, models, clients, lab):
    model, client = models.get(service), clients.model(service)
    output = model.operation(operation).output
    if output is None:
        assert json.serialize(model, operation, {}) == b""
        return

    @settings(max_examples=8)
    @given(lab.outputs(output))
    def check(result):
        body = json.serialize(model, operation, result)
        assert lab.same(answer_of(client, operation, body), result)

    check()


def test_instants_are_seconds_with_milliseconds(models):
    moment = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)
    result = {"Table": {"CreationDateTime": moment}}
    body = json.serialize(models.get("dynamodb"), "DescribeTable", result)
    assert body == b'{"Table":{"CreationDateTime":1767323045.678}}'


def test_all_faults_are_told_at_once(models):
    body = b'{"sequenceToken": true, "logEvents": {}, "colour": 1}'
    with pytest.raises(WireFault) as raised:
        json.parse(models.get("logs"), "PutLogEvents", body)
    assert raised.value.code == "ValidationException"
    for told in (
        "4 validation errors",
        "logGroupName",
        "logStreamName",
        "'bool' at 'sequenceToken'",
        "logEvents",
    ):
        assert told in raised.value.message


def test_null_is_absent_and_unknown_names_are_told_apart(models):
    body = b'{"QueueUrl": "u", "MessageBody": "b", "DelaySeconds": null, "Colour": {"deep": 1}}'
    parsed = json.parse(models.get("sqs"), "SendMessage", body)
    assert parsed == ({"QueueUrl": "u", "MessageBody": "b"}, ("Colour",))


def test_an_unknown_operation_is_a_fault(models):
    with pytest.raises(WireFault) as raised:
        json.parse(models.get("sqs"), "MakeCoffee", b"{}")
    assert raised.value.code == "UnknownOperationException"


def nested(levels):
    return b'{"Item":{"a":' + b'{"M":{"a":' * levels + b'{"S":"x"}' + b"}}" * levels + b"}}"


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        nested(200),
        b"[1]",
        b'{"a": NaN}',
        b'{"a": ' + b"9" * 5_000 + b"}",
        b"\xff",
        b"{" + b" " * (4 << 20) + b"}",
        b'{"a": [' + b"[],[],[]," * 200_000 + b"[]]}",
    ],
)
def test_bodies_of_the_hostile_are_refused(models, body):
    with pytest.raises(WireFault) as raised:
        json.parse(models.get("dynamodb"), "PutItem", body)
    assert raised.value.code == "SerializationException"


def test_limits_are_arguments(models):
    with pytest.raises(WireFault):
        json.parse(models.get("sqs"), "ListQueues", b"{  }", Limits(json_bytes_max=3))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Item", "TableName", "M", "L", "S", "x"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)


@settings(max_examples=120)
@given(st.binary(max_size=60) | JSON_VALUES.map(lambda value: stdlib_json.dumps(value).encode()))
def test_arbitrary_bodies_raise_nothing_but_faults(models, body):
    for service, operation in (("dynamodb", "PutItem"), ("logs", "PutLogEvents")):
        with suppress(WireFault):
            json.parse(models.get(service), operation, body)


def test_errors_are_read_by_botocore(clients):
    fault = WireFault("ResourceNotFoundException", "No such table: a.")
    response = {"status_code": 400, "headers": {}, "body": json.error(fault)}
    shape = clients.model("dynamodb").operation_model("PutItem").output_shape
    parsed = create_parser("json").parse(response, shape)
    assert parsed["Error"] == {"Code": fault.code, "Message": fault.message}


def test_a_message_of_a_megabyte_of_commas_is_read(models):
    body = b'{"QueueUrl": "u", "MessageBody": "%s"}' % (b"," * (1 << 20))
    request = HttpRequest("POST", "/", body=body)
    parsed = PROTOCOLS["json"].parse(models.get("sqs"), "SendMessage", request)
    assert len(parsed.members["MessageBody"]) == 1 << 20
    with pytest.raises(WireFault):
        PROTOCOLS["json"].parse(models.get("logs"), "PutLogEvents", request)
