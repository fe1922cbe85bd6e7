"""The RPC protocol over CBOR against botocore."""

from __future__ import annotations

from contextlib import suppress

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.wire import cbor
from jackbean.wire.errors import WireFault

CASES = [
    ("cloudwatch", "PutMetricData"),
    ("cloudwatch", "GetMetricData"),
    ("cloudwatch", "GetMetricStatistics"),
    ("cloudwatch", "PutMetricAlarm"),
    ("codebuild", "BatchGetBuilds"),
]
PROTOCOL = "smithy-rpc-v2-cbor"


def parsed(client, operation, body, status=200):
    shape = client.operation_model(operation).output_shape
    headers = HeadersDict({"x-amzn-requestid": "r"})
    response = {"status_code": status, "headers": headers, "body": body}
    return create_parser(PROTOCOL).parse(response, shape)


@pytest.mark.parametrize(("service", "operation"), CASES)
def test_what_botocore_sends_is_read_back(service, operation, models, clients, lab):
    model, client = models.get(service), clients.model(service)
    wire = create_serializer(PROTOCOL, include_validation=False)

    @settings(max_examples=8)
    @given(lab.outputs(model.operation(operation).input))
    def check(params):
        request = wire.serialize_to_request(params, client.operation_model(operation))
        read = cbor.parse(model, operation, bytes(request["body"]))
        assert lab.same(read.members, params)
        assert read.unknown == ()

    check()


@pytest.mark.parametrize(("service", "operation"), CASES)
def test_what_we_answer_is_read_by_botocore(service, operation, models, clients, lab):
    model, client = models.get(service), clients.model(service)
    output = model.operation(operation).output
    if output is None:
        assert cbor.serialize(model, operation, {}) == b"\xa0"
        return

    @settings(max_examples=8)
    @given(lab.outputs(output))
    def check(result):
        read = parsed(client, operation, cbor.serialize(model, operation, result))
        read.pop("ResponseMetadata")
        assert lab.same(read, result)

    check()


def test_containers_of_indefinite_length_are_read(models):
    body = b"\xbf\x69Namespace\x7f\x61a\x61b\xff\x6aMetricName\x61m\xff"
    read = cbor.parse(models.get("cloudwatch"), "ListMetrics", body)
    assert read.members == {"Namespace": "ab", "MetricName": "m"}


def test_errors_are_read_by_botocore(clients):
    body = cbor.error(WireFault("ResourceNotFoundException", "No such alarm."))
    read = parsed(clients.model("cloudwatch"), "GetMetricData", body, 400)
    assert read["Error"] == {"Code": "ResourceNotFoundException", "Message": "No such alarm."}


@pytest.mark.parametrize(
    "body",
    [
        b"\x81" * 100_000,
        b"\x9f" * 100_000,
        b"\xbb" + b"\xff" * 8,
        b"\x9b" + b"\xff" * 8,
        b"\x5b" + b"\xff" * 8,
        b"\xa1\x01\x02",
        b"\xa0\xa0",
        b"\xff",
        b"\xa1\x61a\xff",
        b"\x80",
        b"\xa1\x61a\x62\xff\xff",
        b"\xf8",
        b"\x1f",
        b"\x7f\x01\xff",
        b"\xc1" * 10,
        b"\x00" * ((4 << 20) + 1),
    ],
)
def test_bodies_of_the_hostile_are_refused(models, body):
    with pytest.raises(WireFault) as raised:
        cbor.parse(models.get("cloudwatch"), "PutMetricData", body)
    assert raised.value.code == "SerializationException"


@settings(max_examples=150)
@given(
    st.binary(max_size=40)
    | st.lists(st.sampled_from(b"\xa1\xbf\x9f\xff\x61a\xc1\xfb\x00\x82"), max_size=20).map(bytes)
)
def test_arbitrary_bodies_raise_nothing_but_faults(models, body):
    with suppress(WireFault):
        cbor.parse(models.get("cloudwatch"), "PutMetricData", body)
