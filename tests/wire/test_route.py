"""One endpoint for all services: what botocore sends must be told apart."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from jackbean.wire import route
from jackbean.wire.errors import WireFault
from jackbean.wire.request import Headers, HttpRequest

CALLS = [
    ("elasticbeanstalk", "describe_environments", {}, "DescribeEnvironments", "query"),
    ("iam", "list_roles", {}, "ListRoles", "query"),
    ("sts", "get_caller_identity", {}, "GetCallerIdentity", "query"),
    ("ec2", "describe_key_pairs", {}, "DescribeKeyPairs", "ec2"),
    ("elb", "describe_load_balancers", {}, "DescribeLoadBalancers", "query"),
    ("elbv2", "describe_load_balancers", {}, "DescribeLoadBalancers", "query"),
    ("cloudformation", "list_stacks", {}, "ListStacks", "query"),
    ("autoscaling", "describe_tags", {}, "DescribeTags", "query"),
    ("sns", "list_topics", {}, "ListTopics", "query"),
    ("sqs", "list_queues", {}, "ListQueues", "json"),
    ("logs", "describe_log_groups", {}, "DescribeLogGroups", "json"),
    ("dynamodb", "list_tables", {}, "ListTables", "json"),
    ("secretsmanager", "list_secrets", {}, "ListSecrets", "json"),
    ("ssm", "describe_parameters", {}, "DescribeParameters", "json"),
    ("acm", "list_certificates", {}, "ListCertificates", "json"),
    ("cloudwatch", "list_metrics", {}, "ListMetrics", "json"),
    ("codebuild", "list_projects", {}, "ListProjects", "json"),
    ("s3", "list_buckets", {}, None, "rest-xml"),
    ("s3", "get_object", {"Bucket": "b", "Key": "Action=x"}, None, "rest-xml"),
]


class Caught(Exception):
    """Carries a request out of the client instead of sending it."""


def catch(request, **kwargs):
    raise Caught(request)


@pytest.fixture(scope="module")
def session():
    return boto3.Session("key", "secret", region_name="local")


def captured(session, service, call, params):
    """Return the request that boto3 would send."""
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
    client = session.client(service, endpoint_url="http://127.0.0.1:1", config=config)
    client.meta.events.register("before-send", catch)
    with pytest.raises(Caught) as caught:
        getattr(client, call)(**params)
    request = caught.value.args[0]
    parts = urlsplit(request.url)
    headers = {name: _text(value) for name, value in request.headers.items()}
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    pairs = Headers({"Host": parts.netloc, **headers})
    return HttpRequest(request.method, parts.path, parts.query, pairs, body)


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize(("service", "call", "params", "operation", "protocol"), CALLS)
def test_calls_are_told_apart(session, service, call, params, operation, protocol):  # noqa: PLR0917  a table
    signed = captured(session, service, call, params)
    pairs = [pair for pair in signed.headers.pairs if pair[0] != "authorization"]
    unsigned = replace(signed, headers=Headers(pairs))
    for request in (signed, unsigned):
        target = route.identify(request)
        assert (target.service, target.operation, target.protocol) == (service, operation, protocol)


def form(body, path="/", query="", scope=None):
    headers = {"Host": "h"}
    if scope:
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential=k/20260102/r/{scope}/aws4_request, "
            f"SignedHeaders=host, Signature={'0' * 64}"
        )
        headers["X-Amz-Date"] = "20260102T030405Z"
    return HttpRequest("POST", path, query, Headers(headers), body)


@pytest.mark.parametrize(
    "request_",
    [
        form(b"Operation=ListRoles&Version=2010-05-08"),
        form(b"", query="Action=ListRoles&Version=2010-05-08"),
        form(b"Version=2010-05-08&Action=ListRoles", scope="iam"),
        form(b"Action=ListRoles", scope="iam"),
    ],
)
def test_old_and_odd_spellings_are_accepted(request_):
    target = route.identify(request_)
    assert (target.service, target.operation) == ("iam", "ListRoles")


@pytest.mark.parametrize(("version", "service"), [("2012-06-01", "elb"), ("2015-12-01", "elbv2")])
def test_the_version_tells_load_balancers_apart(version, service):
    body = f"Action=DescribeTags&Version={version}".encode()
    assert route.identify(form(body, scope="elasticloadbalancing")).service == service


def test_a_service_that_botocore_does_not_have_keeps_its_name():
    assert route.identify(form(b"Action=Op", scope="jackbean")).service == "jackbean"
    request = form(b"{}", scope="jackbean")
    headers = request.headers.added([("X-Amz-Target", "Jackbean_2026.Plan")])
    target = route.identify(HttpRequest("POST", "/", "", headers, b"{}"))
    assert (target.service, target.operation, target.protocol) == ("jackbean", "Plan", "json")


@pytest.mark.parametrize(
    ("request_", "is_object"),
    [
        (form(b"", scope="s3"), True),
        (form(b"", path="/b/k"), True),
        (form(b"", path="/b/k", scope="iam"), False),
        (form(b""), False),
    ],
)
def test_bodies_of_objects_are_known_by_the_head(request_, is_object):
    assert route.is_object(replace(request_, body=None)) is is_object


def test_the_rpc_path_is_cbor():
    path = "/service/GraniteServiceVersion20100801/operation/PutMetricData"
    headers = Headers({"Host": "h", "Smithy-Protocol": "rpc-v2-cbor"})
    target = route.identify(HttpRequest("POST", path, "", headers, b""))
    assert (target.service, target.operation, target.protocol) == (
        "cloudwatch",
        "PutMetricData",
        "cbor",
    )
    assert (
        route.identify(HttpRequest("POST", path, "", Headers({"Host": "h"}), b"")).service == "s3"
    )


def test_what_was_signed_for_outweighs_a_header():
    headers = form(b"", scope="iam").headers.added([("X-Amz-Target", "DynamoDB_20120810.Scan")])
    assert route.identify(HttpRequest("POST", "/", "", headers, b"")).service == "iam"


def test_objects_are_never_forms():
    for request in (
        form(b"Action=ListRoles&Version=2010-05-08", path="/b/k"),
        form(b"Action=ListRoles&Version=2010-05-08", scope="s3"),
    ):
        target = route.identify(request)
        assert (target.service, target.operation) == ("s3", None)


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=60))
def test_arbitrary_requests_raise_nothing_but_faults(path, query, body):
    headers = [(b"x-amz-target", body[:20])] if len(body) % 2 else []
    try:
        target = route.identify(HttpRequest.received("POST", (path, query), headers, body))
    except WireFault:
        return
    assert isinstance(target.service, str)
