"""Answers as they are on the wire, and requests that no client would send."""

from __future__ import annotations

import hashlib
import re

import pytest

ERROR = re.compile(
    rb'<\?xml version="1.0" encoding="UTF-8"\?>\n<Error><Code>NoSuchKey</Code><Message>[^<]+'
    rb"</Message><Resource>/bucket-\d+/a%2Fb</Resource><RequestId>R\d+</RequestId></Error>"
)


def test_an_error_is_a_document_with_a_request_id(client, bucket):
    reply = client.send("GET", f"/{bucket}/a%2Fb")
    assert reply.status == 404
    assert ERROR.fullmatch(reply.body)
    assert reply.headers["content-type"] == "application/xml"
    assert reply.headers["x-amz-request-id"] == reply.find("RequestId")
    assert reply.headers["date"]


def test_an_error_of_head_has_no_body(client, bucket):
    reply = client.send("HEAD", f"/{bucket}/k")
    assert (reply.status, reply.body, reply.headers["content-length"]) == (404, b"", "0")


def test_nothing_new(client, bucket):
    etag = client.send("PUT", f"/{bucket}/k", body=b"1").headers["etag"]
    reply = client.send("GET", f"/{bucket}/k", headers={"if-none-match": etag})
    assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", etag)
    assert reply.headers["last-modified"]


def test_deleting_has_no_body(client, bucket):
    reply = client.send("DELETE", f"/{bucket}/k")
    assert (reply.status, reply.body, reply.headers["content-type"]) == (204, b"", None)


def test_a_list_is_as_s3_writes_it(client, bucket):
    client.send("PUT", f"/{bucket}/a+%26b", body=b"1")
    reply = client.send("GET", f"/{bucket}", "list-type=2&encoding-type=url")
    assert b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' in reply.body
    assert reply.find("Key") == "a%2B%26b"
    assert client.send("GET", f"/{bucket}", "list-type=2").find("Key") == "a+&b"


def test_a_location_is_bare(client, bucket):
    reply = client.send("GET", f"/{bucket}", "location")
    assert b">local-1</LocationConstraint>" in reply.body


def test_metadata_goes_round_byte_for_byte(client, bucket):
    headers = {"x-amz-meta-plain": "a  b", "x-amz-meta-utf8": "ä€".encode().decode("latin-1")}
    client.send("PUT", f"/{bucket}/k", headers=headers, body=b"1")
    reply = client.send("HEAD", f"/{bucket}/k")
    assert reply.headers["x-amz-meta-plain"] == "a  b"
    assert reply.headers["x-amz-meta-utf8"].encode("latin-1").decode() == "ä€"


SENSELESS = [
    ("PUT", "/Not_A_Bucket", "", "InvalidBucketName"),
    ("PUT", "/{}/k", "uploadId=1", "MethodNotAllowed"),
    ("PUT", "/{}/k", "partNumber=x&uploadId=1", "InvalidArgument"),
    ("PATCH", "/{}/k", "", "MethodNotAllowed"),
    ("GET", "/{}/%FF", "", "InvalidURI"),
    ("GET", "/{}/k", "partNumber=x", "InvalidArgument"),
    ("GET", "/{}", "max-keys=x", "InvalidArgument"),
    ("GET", "/{}", "prefix=%FF", "InvalidURI"),
    ("GET", "/{}", "torrent", "MethodNotAllowed"),
    ("GET", "/{}", "inventory", "NotImplemented"),
    ("POST", "/{}", "delete", "MalformedXML"),
    ("POST", "/{}/k", "uploadId=1", "NoSuchUpload"),
]


@pytest.mark.parametrize("case", SENSELESS)
def test_requests_that_make_no_sense(client, bucket, case):
    method, path, query, code = case
    reply = client.send(method, path.format(bucket), query)
    assert reply.code == code
    assert reply.status in (400, 404, 405, 501)


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><Delete>&b;</Delete>'
FILE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Delete>&a;</Delete>'


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"x",
        b"<Delete>",
        b"<Delete/>",
        b"<Delete><Object/></Delete>",
        b"<Other><Object><Key>k</Key></Object></Other>"[:-1],
        BOMB,
        FILE,
        b"<a>" * 10_000,
        b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1001 + b"</Delete>",
        b"<Delete>" + b"<x/>" * 100_000 + b"</Delete>",
    ],
    ids=range(11),
)
def test_documents_that_are_none(client, bucket, document):
    client.send("PUT", f"/{bucket}/k", body=b"1")
    reply = client.send("POST", f"/{bucket}", "delete", body=document)
    assert (reply.status, reply.code) == (400, "MalformedXML")
    assert client.send("GET", f"/{bucket}/k").body == b"1"


def test_a_document_that_is_too_large(client, bucket):
    reply = client.send("POST", f"/{bucket}", "delete", body=b" " * (5 << 20))
    assert (reply.status, reply.code) == (400, "EntityTooLarge")


def test_a_head_that_is_wrong_in_the_answer_is_mended(client, bucket):
    client.send("PUT", f"/{bucket}/k", body=b"1")
    query = "response-content-type=%20a%0D%0Ab%00&response-cache-control=%0D%0A"
    reply = client.send("GET", f"/{bucket}/k", query)
    assert (reply.status, reply.headers["content-type"]) == (200, "a b")


def test_a_disk_that_lost_its_bytes_is_said_so(client, bucket):
    client.send("PUT", f"/{bucket}/k", body=b"bytes that will be lost")
    digest = hashlib.sha256(b"bytes that will be lost").hexdigest()
    (client.server.root / "blobs" / digest[:2] / digest[2:]).unlink()
    reply = client.send("GET", f"/{bucket}/k")
    assert (reply.status, reply.code) == (503, "ServiceUnavailable")


# Who may


def test_an_instance_sees_no_more_than_its_own(client, instance):
    client.send("PUT", "/scoped")
    client.send("PUT", "/scoped/secret", body=b"1")
    assert instance.send("PUT", "/scoped/own/k", body=b"1").status == 200
    for method, path, query in (
        ("GET", "/scoped/secret", ""),
        ("GET", "/scoped/absent", ""),
        ("GET", "/absent/own/k", ""),
        ("DELETE", "/scoped/own/k", ""),
        ("GET", "/scoped", ""),
        ("GET", "/scoped", "policy"),
        ("GET", "/scoped", "uploads"),
        ("POST", "/scoped/secret", "uploads"),
        ("PUT", "/scoped/secret", ""),
        ("GET", "/", ""),
    ):
        reply = instance.send(method, path, query)
        assert (reply.status, reply.code) == (403, "AccessDenied"), path
    assert instance.send("GET", "/scoped/own/../secret").code == "NoSuchKey"  # a key like others
    copy = {"x-amz-copy-source": "/scoped/secret"}
    assert instance.send("PUT", "/scoped/own/c", headers=copy).code == "AccessDenied"
    assert client.send("GET", "/scoped/secret").body == b"1"
