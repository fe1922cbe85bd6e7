"""REST-XML against botocore: S3 whole, and the two others that speak it where they differ."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.utils import percent_encode_sequence
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jackbean.wire import restxml, xmlread
from jackbean.wire.errors import WireFault
from jackbean.wire.limits import Limits
from jackbean.wire.models import Models
from jackbean.wire.request import Headers, HttpRequest

S3_OPERATIONS = Models().get("s3").operations
REQUEST_ID = "4442587FB7D0A2F9"
# The same method, path and query: only the client's hint tells them apart.
TWINS = {
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
    "ListDirectoryBuckets": "ListBuckets",
}
ELSEWHERE = {"WriteGetObjectResponse"}  # has a host of its own, whose name is a member
HEADER_TEXT = st.text("abcXYZ019-._~!*'();:@&=+$/?#[] \"", max_size=10).map(str.strip)
PATH_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=10
)


@pytest.fixture(scope="module")
def s3(models):
    return models.get("s3")


def request_of(client, operation, params, *, hint=False):
    """Return what botocore makes of an operation, addressed by path."""
    wire = create_serializer("rest-xml", include_validation=False)
    made = wire.serialize_to_request(params, client.operation_model(operation))
    path, _, fixed = made["url_path"].partition("?")
    query = percent_encode_sequence(made["query_string"] or {})
    query = "&".join(part for part in (fixed, query, f"x-id={operation}" if hint else "") if part)
    body = made["body"]
    headers = Headers({name: str(value) for name, value in made["headers"].items()})
    body = body.encode() if isinstance(body, str) else body
    return HttpRequest(made["method"], path, query, headers, body)


def least(shape, name=""):
    """Return the smallest value that a shape allows."""
    if shape.kind == "structure":
        return {key: least(shape.members[key], key) for key in shape.required}
    if shape.kind in ("list", "map"):
        return [least(shape.member)] if shape.kind == "list" else {}
    plain = {"boolean": True, "blob": b"", "timestamp": datetime(2026, 1, 1, tzinfo=UTC)}
    number = 1 if shape.kind in ("integer", "long") else "x"
    return plain.get(shape.kind, number)


@pytest.mark.parametrize("operation", S3_OPERATIONS)
def test_every_operation_of_s3_resolves_to_itself(operation, s3, clients):
    params = least(s3.operation(operation).input)
    client = clients.model("s3")
    request = request_of(client, operation, params)
    assert restxml.resolve(s3, request) == TWINS.get(operation, operation)
    hinted = request_of(client, operation, params, hint=True)
    assert restxml.resolve(s3, hinted) == operation


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "operation"),
    [
        ("GET", "/", "", {}, "ListBuckets"),
        ("GET", "/b", "", {}, "ListObjects"),
        ("GET", "/b/", "prefix=a&encoding-type=url", {}, "ListObjects"),
        ("GET", "/b/", "list-type=2", {}, "ListObjectsV2"),
        ("GET", "/b/k/", "", {}, "GetObject"),
        ("GET", "/b//k", "cachebuster=1", {}, "GetObject"),
        ("GET", "/b/k", "uploadId=u", {}, "ListParts"),
        ("GET", "/b/k", "partNumber=1", {}, "GetObject"),
        ("HEAD", "/b/k", "", {}, "HeadObject"),
        ("PUT", "/b/k", "", {"x-amz-copy-source": "/b/j"}, "CopyObject"),
        ("PUT", "/b/k", "uploadId=u&partNumber=1", {}, "UploadPart"),
        (
            "PUT",
            "/b/k",
            "uploadId=u&partNumber=1",
            {"X-Amz-Copy-Source": "/b/j"},
            "UploadPartCopy",
        ),
        ("POST", "/b/k", "uploads", {}, "CreateMultipartUpload"),
        ("POST", "/b/k", "uploads=", {}, "CreateMultipartUpload"),
        ("POST", "/b/k", "uploadId=u", {}, "CompleteMultipartUpload"),
        ("DELETE", "/b/k", "uploadId=u", {}, "AbortMultipartUpload"),
        ("DELETE", "/b/k", "tagging", {}, "DeleteObjectTagging"),
        ("POST", "/b/", "delete", {}, "DeleteObjects"),
    ],
)
def test_paths_and_queries_mean_what_s3_means(s3, method, path, query, headers, operation):  # noqa: PLR0917  a table
    request = HttpRequest(method, path, query, Headers(headers))
    assert restxml.resolve(s3, request) == operation


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("PUT", "/b/k", "partNumber=1"),
        ("PUT", "/b/k", "uploadId=u"),
        ("PUT", "/b", "uploads"),
        ("DELETE", "/b", "delete"),
        ("DELETE", "/b", "acl"),
        ("PATCH", "/b/k", ""),
        ("POST", "/b", ""),
    ],
)
def test_what_is_almost_an_operation_is_refused(s3, method, path, query):
    with pytest.raises(WireFault) as raised:
        restxml.resolve(s3, HttpRequest(method, path, query))
    assert raised.value.code == "MethodNotAllowed"


class _Inputs:
    """Values for S3's inputs: what a header or a path can hold is less than what XML can."""

    def __init__(self, lab):
        self._lab = lab

    def of(self, shape):
        members = {name: self._member(member) for name, member in shape.members.items()}
        required = {name: members[name] for name in shape.required}
        optional = {name: item for name, item in members.items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)

    def _member(self, member):
        if member.location == "uri":
            return PATH_TEXT.filter(lambda text: text not in (".", ".."))
        if member.location == "headers":
            return st.dictionaries(st.text("abcd", min_size=1), HEADER_TEXT, min_size=1, max_size=2)
        if member.location == "header":
            return self._header(member)
        if member.location == "querystring":
            return self._lab.inputs(member)
        return self._lab.documents(member)

    def _header(self, member):
        if member.kind == "timestamp":
            return st.integers(0, 4_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))
        if member.kind == "list":
            return st.lists(HEADER_TEXT.filter(bool), min_size=1, max_size=3)
        return self._lab.outputs(member, HEADER_TEXT)


@pytest.mark.parametrize("operation", sorted(set(S3_OPERATIONS) - TWINS.keys() - ELSEWHERE))
def test_what_botocore_sends_is_read_back(operation, s3, clients, lab):
    shape = s3.operation(operation).input
    client = clients.model("s3")

    @settings(max_examples=7)
    @given(_Inputs(lab).of(shape))
    def check(params):
        _leave_out_what_the_wire_cannot_tell(shape, params)
        if "Expires" in params and "Expires" in shape.members:
            params.pop("Expires")  # text here, as any text may be stored; a date for botocore
        request = request_of(client, operation, params)
        assert restxml.resolve(s3, request) == operation
        parsed = restxml.parse(s3, operation, request)
        assert lab.same(_without_empties(parsed.members), _without_empties(params))

    check()


def _leave_out_what_the_wire_cannot_tell(shape, params):
    for name, member in shape.members.items():
        if name not in params:
            continue
        nothing = member.location or (name == shape.payload and name not in shape.required)
        if nothing and params[name] in ([], {}, b""):
            params.pop(name)
    assume("/" not in str(params.get("Bucket", "")))


def _without_empties(value):
    """Return a value without what XML cannot tell from nothing: empty flattened lists and so on."""
    if isinstance(value, dict):
        kept = {key: _without_empties(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ([], {}, b"")}
    if isinstance(value, list):
        return [_without_empties(item) for item in value]
    return value


@pytest.mark.parametrize("operation", S3_OPERATIONS)
def test_what_we_answer_is_read_by_botocore(operation, s3, clients, lab):
    shape = s3.operation(operation).output
    client = clients.model("s3").operation_model(operation)
    if shape is None or _is_event_stream(shape) or operation in APART:
        answer = restxml.serialize(s3, operation, {}, REQUEST_ID)
        assert answer.status == client.http.get("responseCode", 200)
        return

    @settings(max_examples=7)
    @given(_Outputs(lab).of(shape))
    def check(result):
        _leave_out_what_the_wire_cannot_tell(shape, result)
        result.pop("Expires", None)
        if isinstance(result.get(shape.payload), bytes):
            result[shape.payload] = b"text, which is what botocore's parser expects"
        answer = restxml.serialize(s3, operation, result, REQUEST_ID)
        read = parsed_by_botocore(client, answer)
        assert read.pop("ResponseMetadata")["RequestId"] == REQUEST_ID
        if shape.payload and shape.members[shape.payload].kind in ("blob", "string"):
            result, read = ({**given, shape.payload: None} for given in (result, read))
        assert lab.same(_without_empties(read), _without_empties(result))

    check()


# A bare element, which botocore reads in a handler; and two members of one name.
APART = {"GetBucketLocation", "GetBucketNotification"}


class _Outputs(_Inputs):
    def of(self, shape):
        members = {name: self._member(member) for name, member in shape.members.items()}
        return st.fixed_dictionaries({}, optional=members)


def _is_event_stream(shape):
    return bool(shape.payload and shape.members[shape.payload].traits.get("eventstream"))


def parsed_by_botocore(client, answer):
    response = {
        "status_code": answer.status,
        "headers": HeadersDict(answer.headers),
        "body": answer.body,
        "context": {"operation_name": client.name},
    }
    return create_parser("rest-xml").parse(response, client.output_shape)


def test_the_location_of_a_bucket_is_a_bare_element(s3):
    answer = restxml.serialize(s3, "GetBucketLocation", {"LocationConstraint": "local"}, "r")
    assert answer.body.endswith(
        b'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">local</LocationConstraint>'
    )


def test_lists_of_objects_have_the_root_that_clients_look_for(s3):
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    result = {"Contents": [{"Key": "a&b", "LastModified": moment, "Size": 1}], "IsTruncated": False}
    root = xmlread.parse(restxml.serialize(s3, "ListObjects", result, "r").body)
    assert root.tag == "ListBucketResult"
    (contents, truncated) = root.children
    told = [(child.tag, child.text) for child in contents.children]
    assert told == [("Key", "a&b"), ("LastModified", "2026-01-02T03:04:05.678Z"), ("Size", "1")]
    assert truncated.text == "false"


def test_headers_cannot_be_broken_out_of(s3):
    result = {"Metadata": {"x\r\nSet-Cookie": "a\r\nb"}, "ETag": '"é"'}
    answer = restxml.serialize(s3, "HeadObject", result, "r\n")
    for name, value in answer.headers[1:]:
        assert "\r" not in name + value
        assert "\n" not in name + value
        value.encode("latin-1")


def test_a_streamed_body_is_left_to_the_caller(s3):
    request = HttpRequest("PUT", "/b/k", "", Headers({"x-amz-meta-Colour": "red"}), None)
    members = restxml.parse(s3, "PutObject", request).members
    assert members == {"Bucket": "b", "Key": "k", "Metadata": {"colour": "red"}}
    answer = restxml.serialize(s3, "GetObject", {"ContentLength": 5, "ContentType": "a/b"}, "r")
    assert answer.body == b""
    assert ("Content-Length", "5") in answer.headers


def test_all_faults_are_told_at_once(s3):
    request = HttpRequest("GET", "/b", "max-keys=many", Headers())
    with pytest.raises(WireFault, match="'many' at 'max-keys'") as raised:
        restxml.parse(s3, "ListObjects", request)
    assert raised.value.code == "InvalidArgument"
    body = b"<Delete><Object/><Object><Key>k</Key><Size>x</Size></Object></Delete>"
    with pytest.raises(WireFault, match="2 validation errors") as raised:
        restxml.parse(s3, "DeleteObjects", HttpRequest("POST", "/b", "delete", Headers(), body))
    assert raised.value.code == "MalformedXML"


ENTITY = b'<!DOCTYPE a [<!ENTITY b "k">]><Delete><Object><Key>&b;</Key></Object></Delete>'
BILLION = b'<!DOCTYPE a [<!ENTITY b "lol"><!ENTITY c "&b;&b;">]><Delete>&c;</Delete>'


@pytest.mark.parametrize(
    "body",
    [
        ENTITY,
        BILLION,
        b"<Delete>" + b"<a>" * 40,
        b"<Delete>" + b"<a/>" * 60_000 + b"</Delete>",
        b"<Delete>",
        b"not xml",
        b"<a>\x00</a>",
        b"<?xml version='1.0' encoding='utf-7'?><Delete/>",
        b" " * (4 << 20) + b"<a/>",
    ],
)
def test_documents_of_the_hostile_are_refused(s3, body):
    with pytest.raises(WireFault) as raised:
        restxml.parse(s3, "DeleteObjects", HttpRequest("POST", "/b", "delete", Headers(), body))
    assert raised.value.code == "MalformedXML"


def test_limits_are_arguments():
    with pytest.raises(WireFault):
        xmlread.parse(b"<a><b/></a>", Limits(xml_nodes_max=1))


def test_errors_are_read_by_botocore(clients):
    fault = WireFault("NoSuchKey", "Gone & away", 404, extras={"Key": "a<b"})
    body = restxml.error(fault, REQUEST_ID)
    response = {
        "status_code": 404,
        "headers": {"x-amz-request-id": REQUEST_ID},
        "body": body,
    }
    shape = clients.model("s3").operation_model("GetObject").output_shape
    parsed = create_parser("rest-xml").parse(response, shape)
    assert parsed["Error"] == {"Code": "NoSuchKey", "Message": "Gone & away", "Key": "a<b"}


@settings(max_examples=120)
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    path=st.binary(max_size=20).map(lambda raw: b"/" + raw),
    query=st.binary(max_size=30)
    | st.lists(
        st.sampled_from(["uploads", "delete", "uploadId=1", "partNumber=x", "acl", "%ff"])
    ).map(lambda parts: "&".join(parts).encode()),
    body=st.binary(max_size=40) | st.text("<>/DeletObjcKyax&;#1 ='", max_size=40).map(str.encode),
)
def test_arbitrary_requests_raise_nothing_but_faults(s3, method, path, query, body):
    request = HttpRequest.received(method, (path, query), [(b"expires", body)], body)
    with suppress(WireFault):
        restxml.parse(s3, restxml.resolve(s3, request), request)


@pytest.mark.parametrize(
    ("service", "operation"),
    [("route53", "ChangeResourceRecordSets"), ("cloudfront", "CreateInvalidation"),
     ("route53", "ListHostedZones"), ("cloudfront", "GetDistribution2020")],
)  # fmt: skip
def test_other_services_that_speak_it_resolve_too(models, clients, service, operation):
    model = models.get(service)
    if operation not in model.operations:
        operation = "GetDistribution"
    params = least(model.operation(operation).input)
    request = request_of(clients.model(service), operation, params)
    assert restxml.resolve(model, request) == operation
    parsed = restxml.parse(model, operation, request).members
    assert _without_empties(parsed) == _without_empties(params)
