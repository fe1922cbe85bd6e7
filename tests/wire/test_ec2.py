"""The ec2 protocol against botocore."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlencode

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.wire import ec2
from jackbean.wire.errors import WireFault

# Those that the EB CLI and templates use, and some with deep or odd shapes.
OPERATIONS = [
    "AuthorizeSecurityGroupIngress",
    "CreateTags",
    "DescribeImages",
    "DescribeInstances",
    "DescribeKeyPairs",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "ImportKeyPair",
    "RequestSpotFleet",
    "RevokeSecurityGroupIngress",
    "RunInstances",
]


@pytest.fixture(scope="module")
def model(models):
    return models.get("ec2")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_botocore_sends_is_read_back(operation, model, clients, lab):
    client = clients.model("ec2").operation_model(operation)
    wire = create_serializer("ec2", include_validation=False)

    @settings(max_examples=8)
    @given(lab.flat(model.operation(operation).input))
    def check(params):
        body = urlencode(wire.serialize_to_request(params, client)["body"])
        parsed = ec2.parse(model, operation, body.encode())
        assert lab.same(parsed.members, params)
        assert parsed.unknown == ()

    check()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_we_answer_is_read_by_botocore(operation, model, clients, lab):
    client = clients.model("ec2").operation_model(operation)
    output = model.operation(operation).output
    strategy = st.just({}) if output is None else lab.outputs(output)

    @settings(max_examples=10)
    @given(strategy)
    def check(result):
        body = ec2.serialize(model, operation, result, "r-1")
        response = {"status_code": 200, "headers": {}, "body": body}
        parsed = create_parser("ec2").parse(response, client.output_shape)
        assert parsed.pop("ResponseMetadata")["RequestId"] == "r-1"
        assert lab.same(parsed, result)

    check()


def test_an_operation_without_output_returns_true(model):
    body = ec2.serialize(model, "CreateTags", {}, "r")
    assert body.endswith(b"<requestId>r</requestId><return>true</return></CreateTagsResponse>")


def test_faults_are_told(model):
    with pytest.raises(WireFault, match="'perhaps' at 'DryRun'") as raised:
        ec2.parse(model, "DescribeKeyPairs", b"DryRun=perhaps")
    assert raised.value.code == "InvalidParameterValue"


def test_errors_are_read_by_botocore(clients):
    fault = WireFault("InvalidKeyPair.NotFound", "The key pair 'a' does not exist")
    response = {"status_code": 400, "headers": {}, "body": ec2.error(fault, "r-1")}
    shape = clients.model("ec2").operation_model("DescribeKeyPairs").output_shape
    parsed = create_parser("ec2").parse(response, shape)
    assert parsed["Error"] == {"Code": fault.code, "Message": fault.message}
    assert parsed["ResponseMetadata"]["RequestId"] == "r-1"


@settings(max_examples=100)
@given(st.binary(max_size=100) | st.text("KeyName.1=&Filter%+", max_size=60))
def test_arbitrary_forms_raise_nothing_but_faults(model, form):
    for operation in ("DescribeKeyPairs", "RunInstances"):
        with suppress(WireFault):
            ec2.parse(model, operation, form)
