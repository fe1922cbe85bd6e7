"""boto3 against object storage on a real server."""

from __future__ import annotations

import datetime
import hashlib
import importlib.util
import io
import itertools
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

MODULE = Path(__file__).parents[1] / "api" / "s3" / "server.py"
NUMBERS = itertools.count(1)
LARGE = 5 << 20
ODD_KEYS = [
    "../../etc/passwd",
    "/absolute",
    "a//b",
    "./.",
    "trailing/",
    "with space+plus%25&?#=",
    "späße/\U0001f600",
    "k" * 1024,
    "control\x01\x7f\ttab",
    "new\nline",
    "<xml>&amp;\"'",
    "~tilde*(star)!'",
]


def _loaded():
    spec = importlib.util.spec_from_file_location("s3_server", MODULE)
    module = sys.modules["s3_server"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


s3_server = _loaded()


def client_of(server, key=s3_server.ADMIN, verify=None, **config):
    """Return a client with boto3's defaults, but for retries: an error is an answer."""
    return boto3.client(
        "s3",
        endpoint_url=server.url,
        region_name="us-west-2",
        aws_access_key_id=key,
        aws_secret_access_key=s3_server.SECRETS[key],
        verify=verify,
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with s3_server.serving(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(scope="module")
def s3(server):
    client = client_of(server)
    yield client
    client.close()


@pytest.fixture
def bucket(s3):
    name = f"bucket-{next(NUMBERS)}"
    s3.create_bucket(Bucket=name)
    return name


def refused(call, **members):
    """Return the code and status of the error that a call must end with."""
    with pytest.raises(ClientError) as raised:
        call(**members)
    response = raised.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


# Buckets


def test_buckets(s3, bucket):
    assert bucket in [one["Name"] for one in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == "local-1"
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "local-1"
    assert refused(s3.create_bucket, Bucket=bucket) == ("BucketAlreadyOwnedByYou", 409)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert refused(s3.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    assert refused(s3.head_bucket, Bucket=bucket) == ("404", 404)
    assert refused(s3.delete_bucket, Bucket=bucket) == ("NoSuchBucket", 404)
    assert refused(s3.list_objects_v2, Bucket=bucket) == ("NoSuchBucket", 404)


def test_a_bucket_in_any_region(s3):
    s3.create_bucket(
        Bucket="elsewhere", CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )


def test_buckets_come_in_pages(s3):
    names = [f"paged-{n}" for n in range(3)]
    for name in names:
        s3.create_bucket(Bucket=name)
    first = s3.list_buckets(Prefix="paged-", MaxBuckets=2)
    rest = s3.list_buckets(Prefix="paged-", ContinuationToken=first["ContinuationToken"])
    assert [one["Name"] for one in first["Buckets"] + rest["Buckets"]] == names
    assert "ContinuationToken" not in rest


def test_what_a_bucket_has_not(s3, bucket):
    assert refused(s3.get_bucket_policy, Bucket=bucket) == ("NoSuchBucketPolicy", 404)
    assert refused(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)
    assert refused(s3.get_bucket_cors, Bucket=bucket) == ("NoSuchCORSConfiguration", 404)
    assert refused(s3.get_bucket_policy, Bucket="absent") == ("NoSuchBucket", 404)
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    (grant,) = s3.get_bucket_acl(Bucket=bucket)["Grants"]
    assert grant["Permission"] == "FULL_CONTROL"


# Objects


def test_an_object_and_all_that_was_said_of_it(s3, bucket):
    said = {
        "CacheControl": "no-cache",
        "ContentDisposition": 'attachment; filename="a b"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/plain; charset=utf-8",
        "Metadata": {"name": "value", "other": "a, b"},
    }
    expires = datetime.datetime(2030, 1, 2, tzinfo=datetime.UTC)
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", Expires=expires, **said)
    assert put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    for got in (s3.get_object(Bucket=bucket, Key="k"), s3.head_object(Bucket=bucket, Key="k")):
        assert {name: got[name] for name in said} == said
        assert got["ETag"] == put["ETag"]
        assert got["ContentLength"] == 5
        assert got["ExpiresString"] == "Wed, 02 Jan 2030 00:00:00 GMT"
        assert got["AcceptRanges"] == "bytes"
        age = datetime.datetime.now(datetime.UTC) - got["LastModified"]
        assert datetime.timedelta(0) <= age < datetime.timedelta(minutes=1)
        assert "date" in got["ResponseMetadata"]["HTTPHeaders"]
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"hello"


def test_the_newest_bytes_are_read(s3, bucket):
    for n in range(20):
        data = str(n).encode()
        s3.put_object(Bucket=bucket, Key="k", Body=data)
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == data
    s3.delete_object(Bucket=bucket, Key="k")
    assert refused(s3.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    assert refused(s3.head_object, Bucket=bucket, Key="k") == ("404", 404)


def test_an_empty_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (got["Body"].read(), got["ContentLength"]) == (b"", 0)
    assert got["ContentType"] == "binary/octet-stream"
    assert refused(s3.get_object, Bucket=bucket, Key="k", Range="bytes=0-1") == (
        "InvalidRange",
        416,
    )


@pytest.mark.parametrize("key", ODD_KEYS, ids=range(len(ODD_KEYS)))
def test_odd_keys(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    assert [one["Key"] for one in s3.list_objects(Bucket=bucket)["Contents"]] == [key]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == key.encode()
    s3.delete_object(Bucket=bucket, Key=key)
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["copy"]


def test_a_key_that_is_too_long(s3, bucket):
    assert refused(s3.put_object, Bucket=bucket, Key="k" * 1025) == ("KeyTooLongError", 400)
    assert refused(s3.get_object, Bucket=bucket, Key="k" * 1025) == ("KeyTooLongError", 400)


def test_ranges(s3, bucket):
    data = bytes(range(256)) * 8192  # 2 MiB
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    for text, part in {
        "bytes=0-0": slice(0, 1),
        "bytes=100-1000099": slice(100, 1_000_100),
        "bytes=2097000-9999999": slice(2_097_000, None),
        "bytes=-10": slice(-10, None),
        "bytes=5-": slice(5, None),
    }.items():
        got = s3.get_object(Bucket=bucket, Key="k", Range=text)
        assert got["Body"].read() == data[part]
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        first, last, _ = part.indices(len(data))
        assert got["ContentRange"] == f"bytes {first}-{last - 1}/{len(data)}"
        assert s3.head_object(Bucket=bucket, Key="k", Range=text)["ContentLength"] == last - first
    past = {"Bucket": bucket, "Key": "k", "Range": "bytes=2097152-"}
    assert refused(s3.get_object, **past) == ("InvalidRange", 416)
    assert refused(s3.head_object, **past) == ("416", 416)


def test_conditions(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    target = {"Bucket": bucket, "Key": "k"}
    assert refused(s3.put_object, **target, Body=b"2", IfNoneMatch="*") == (
        "PreconditionFailed",
        412,
    )
    assert refused(s3.put_object, **target, Body=b"2", IfMatch='"x"') == ("PreconditionFailed", 412)
    assert refused(s3.put_object, Bucket=bucket, Key="j", IfMatch=etag) == ("NoSuchKey", 404)
    assert refused(s3.get_object, **target, IfMatch='"x"') == ("PreconditionFailed", 412)
    assert refused(s3.get_object, **target, IfNoneMatch=etag) == ("304", 304)
    assert refused(s3.head_object, **target, IfNoneMatch=etag) == ("304", 304)
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    earlier = later - datetime.timedelta(hours=2)
    assert refused(s3.get_object, **target, IfModifiedSince=later) == ("304", 304)
    assert refused(s3.get_object, **target, IfUnmodifiedSince=earlier) == (
        "PreconditionFailed",
        412,
    )
    s3.get_object(**target, IfMatch=etag, IfModifiedSince=earlier, IfUnmodifiedSince=later)
    s3.put_object(**target, Body=b"2", IfMatch=etag)
    assert refused(s3.delete_object, **target, IfMatch=etag) == ("PreconditionFailed", 412)
    assert s3.get_object(**target)["Body"].read() == b"2"


def test_answers_dressed_as_asked(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", ContentType="text/plain")
    got = s3.get_object(
        Bucket=bucket,
        Key="k",
        ResponseContentType="text/html",
        ResponseContentDisposition='attachment; filename="ä\r\nX-Evil: 1"',
        ResponseCacheControl=" no-store ",
    )
    assert got["ContentType"] == "text/html"
    assert got["CacheControl"] == "no-store"
    assert "x-evil" not in got["ResponseMetadata"]["HTTPHeaders"]


# Checksums


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums(s3, bucket, algorithm):
    member = f"Checksum{algorithm}"
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm=algorithm)
    assert put["ChecksumType"] == "FULL_OBJECT"
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got[member] == put[member]
    assert got["Body"].read() == b"hello"
    part = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED", Range="bytes=1-2")
    assert part["Body"].read() == b"el"
    assert member not in part
    asked = ["ETag", "Checksum", "ObjectSize", "StorageClass"]
    told = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=asked)
    assert told["Checksum"][member] == put[member]
    assert (told["ObjectSize"], told["StorageClass"]) == (5, "STANDARD")


def test_a_checksum_that_fails(s3, bucket):
    target = {"Bucket": bucket, "Key": "k", "Body": b"hello"}
    assert refused(s3.put_object, **target, ChecksumCRC32="AAAAAA==") == ("BadDigest", 400)
    assert refused(s3.put_object, **target, ChecksumCRC32="AAAA") == ("InvalidRequest", 400)
    assert refused(s3.put_object, **target, ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==") == (
        "BadDigest",
        400,
    )
    assert refused(s3.put_object, **target, ContentMD5="x") == ("InvalidDigest", 400)
    assert refused(s3.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)


# Copies, tags, access lists


def test_copies(s3, bucket):
    s3.put_object(
        Bucket=bucket,
        Key="k",
        Body=b"hello",
        Metadata={"a": "1"},
        ContentType="text/x",
        Tagging="t=1",
    )
    source = {"Bucket": bucket, "Key": "k"}
    copied = s3.copy_object(Bucket=bucket, Key="c", CopySource=source)["CopyObjectResult"]
    got = s3.get_object(Bucket=bucket, Key="c")
    assert (got["Body"].read(), got["ETag"]) == (b"hello", copied["ETag"])
    assert (got["Metadata"], got["ContentType"], got["TagCount"]) == ({"a": "1"}, "text/x", 1)
    s3.copy_object(
        Bucket=bucket,
        Key="c",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"b": "2"},
        TaggingDirective="REPLACE",
        ChecksumAlgorithm="SHA256",
    )
    got = s3.head_object(Bucket=bucket, Key="c", ChecksumMode="ENABLED")
    assert (got["Metadata"], got["ContentType"]) == ({"b": "2"}, "binary/octet-stream")
    assert got["ChecksumSHA256"] == "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
    assert "TagCount" not in got
    assert refused(s3.copy_object, Bucket=bucket, Key="k", CopySource=source)[0] == "InvalidRequest"
    absent = {"Bucket": bucket, "Key": "absent"}
    assert refused(s3.copy_object, Bucket=bucket, Key="c", CopySource=absent) == ("NoSuchKey", 404)
    assert refused(
        s3.copy_object, Bucket=bucket, Key="c", CopySource=source, CopySourceIfMatch='"x"'
    ) == ("PreconditionFailed", 412)


def test_tags_and_access_lists(s3, bucket):
    target = {"Bucket": bucket, "Key": "k"}
    s3.put_object(**target, Body=b"1", Tagging="a=1&b=%20", ACL="private")
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": " "}]
    assert s3.get_object_tagging(**target)["TagSet"] == tags
    s3.put_object_tagging(**target, Tagging={"TagSet": tags[:1]})
    assert s3.get_object_tagging(**target)["TagSet"] == tags[:1]
    s3.delete_object_tagging(**target)
    assert s3.get_object_tagging(**target)["TagSet"] == []
    assert len(s3.get_object_acl(**target)["Grants"]) == 1
    s3.put_object_acl(**target, ACL="private")
    assert refused(s3.put_object_acl, **target, ACL="public-read") == ("NotImplemented", 501)


@pytest.mark.parametrize(
    "member",
    [{"ServerSideEncryption": "AES256"}, {"ACL": "public-read"}, {"GrantRead": "id=1"}],
    ids=str,
)
def test_what_is_not_here_is_not_taken_for_done(s3, bucket, member):
    assert refused(s3.put_object, Bucket=bucket, Key="k", **member) == ("NotImplemented", 501)
    assert refused(s3.head_object, Bucket=bucket, Key="k") == ("404", 404)


def test_operations_that_are_not_here(s3, bucket):
    assert refused(
        s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    ) == ("NotImplemented", 501)
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId="1") == ("NoSuchVersion", 404)
    assert refused(s3.head_bucket, Bucket=bucket, ExpectedBucketOwner="111111111111") == (
        "403",
        403,
    )


# Deleting many


def test_deleting_many(s3, bucket):
    keys = [f"k{n}" for n in range(1000)]
    for key in keys[:20]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    named = [{"Key": key} for key in keys]
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": named})
    assert [one["Key"] for one in done["Deleted"]] == keys
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": named, "Quiet": True})
    assert "Deleted" not in quiet
    many = [*named, {"Key": "one more"}]
    assert refused(s3.delete_objects, Bucket=bucket, Delete={"Objects": many})[0] == "MalformedXML"


def test_deleting_many_of_which_some_stay(s3, bucket):
    for key in ("a", "b"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    named = [{"Key": "a"}, {"Key": "b", "ETag": '"x"'}, {"Key": "c", "VersionId": "7"}]
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": named})
    assert [one["Key"] for one in done["Deleted"]] == ["a"]
    told = {one["Key"]: one["Code"] for one in done["Errors"]}
    assert told == {"b": "PreconditionFailed", "c": "NoSuchVersion"}
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["b"]


# Lists


@pytest.fixture(scope="module")
def tree(s3):
    s3.create_bucket(Bucket="tree")
    for key in ("a/1", "a/2", "a b", "b", "b/x/1", "c+d", "é"):
        s3.put_object(Bucket="tree", Key=key, Body=key.encode())
    return "tree"


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_lists_in_pages(s3, tree, operation, size):
    pages = list(
        s3.get_paginator(operation).paginate(
            Bucket=tree, Delimiter="/", PaginationConfig={"PageSize": size}
        )
    )
    keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
    prefixes = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", [])]
    assert keys == ["a b", "b", "c+d", "é"]
    assert prefixes == ["a/", "b/"]
    assert all(page["MaxKeys"] == size for page in pages)
    flat = s3.get_paginator(operation).paginate(Bucket=tree, PaginationConfig={"PageSize": size})
    whole = [one["Key"] for page in flat for one in page["Contents"]]
    assert whole == sorted(["a/1", "a/2", "a b", "b", "b/x/1", "c+d", "é"])


def test_lists_below_a_prefix(s3, tree):
    page = s3.list_objects_v2(Bucket=tree, Prefix="b/", Delimiter="/")
    assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["b/x/"]
    assert "Contents" not in page
    page = s3.list_objects(Bucket=tree, Prefix="a/", Marker="a/1")
    assert [one["Key"] for one in page["Contents"]] == ["a/2"]
    page = s3.list_objects_v2(Bucket=tree, StartAfter="b/x", FetchOwner=True)
    assert [one["Key"] for one in page["Contents"]] == ["b/x/1", "c+d", "é"]
    assert all("Owner" in one for one in page["Contents"])
    assert s3.list_objects_v2(Bucket=tree, MaxKeys=0)["KeyCount"] == 0


def test_lists_that_cannot_be(s3, tree):
    token = {"Bucket": tree, "ContinuationToken": "?"}
    assert refused(s3.list_objects_v2, **token) == ("InvalidArgument", 400)
    assert refused(s3.list_objects_v2, Bucket=tree, MaxKeys=-1) == ("InvalidArgument", 400)
    assert refused(s3.list_objects, Bucket=tree, EncodingType="x") == ("InvalidArgument", 400)


# Uploads in parts


def test_parts_by_hand(s3, bucket):
    target = {"Bucket": bucket, "Key": "k"}
    begun = s3.create_multipart_upload(**target, ContentType="text/x", Metadata={"a": "1"})
    upload = {**target, "UploadId": begun["UploadId"]}
    parts = []
    for number, data in ((3, b"end"), (1, b"x" * LARGE), (2, b"old"), (2, b"y" * LARGE)):
        done = s3.upload_part(**upload, PartNumber=number, Body=data)
        parts = [one for one in parts if one["PartNumber"] != number]
        parts.append({"PartNumber": number, "ETag": done["ETag"]})
    listed = s3.list_parts(**upload, MaxParts=2)
    assert [one["PartNumber"] for one in listed["Parts"]] == [1, 2]
    assert listed["IsTruncated"]
    marker = listed["NextPartNumberMarker"]
    listed = s3.list_parts(**upload, PartNumberMarker=marker)
    assert [(one["PartNumber"], one["Size"]) for one in listed["Parts"]] == [(3, 3)]
    begun = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [(one["Key"], one["UploadId"]) for one in begun] == [("k", upload["UploadId"])]
    wrong = {"Parts": parts}  # 3, 1, 2
    assert refused(s3.complete_multipart_upload, **upload, MultipartUpload=wrong) == (
        "InvalidPartOrder",
        400,
    )
    parts.sort(key=lambda one: one["PartNumber"])
    done = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert done["ETag"].endswith('-3"')
    again = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert again["ETag"] == done["ETag"]
    got = s3.get_object(**target)
    assert got["Body"].read() == b"x" * LARGE + b"y" * LARGE + b"end"
    assert (got["ContentType"], got["Metadata"]) == ("text/x", {"a": "1"})
    second = s3.get_object(**target, PartNumber=3)
    assert (second["Body"].read(), second["PartsCount"]) == (b"end", 3)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_parts_that_cannot_be(s3, bucket):
    target = {"Bucket": bucket, "Key": "k"}
    upload = {**target, "UploadId": s3.create_multipart_upload(**target)["UploadId"]}
    assert refused(s3.upload_part, **upload, PartNumber=10001)[0] == "InvalidArgument"
    small = [
        {"PartNumber": n, "ETag": s3.upload_part(**upload, PartNumber=n, Body=b"1")["ETag"]}
        for n in (1, 2)
    ]
    complete = s3.complete_multipart_upload
    assert refused(complete, **upload, MultipartUpload={"Parts": small})[0] == "EntityTooSmall"
    wrong = [{"PartNumber": 1, "ETag": '"x"'}]
    assert refused(complete, **upload, MultipartUpload={"Parts": wrong})[0] == "InvalidPart"
    assert refused(complete, **upload, MultipartUpload={"Parts": []})[0] == "MalformedXML"
    s3.abort_multipart_upload(**upload)
    assert refused(s3.abort_multipart_upload, **upload) == ("NoSuchUpload", 404)
    assert refused(s3.upload_part, **upload, PartNumber=1) == ("NoSuchUpload", 404)
    assert refused(s3.list_parts, **upload) == ("NoSuchUpload", 404)
    assert refused(s3.get_object, **target) == ("NoSuchKey", 404)


def test_parts_copied_from_objects(s3, bucket):
    data = os.urandom(LARGE) + b"tail"
    s3.put_object(Bucket=bucket, Key="source", Body=data)
    target = {"Bucket": bucket, "Key": "k"}
    upload = {**target, "UploadId": s3.create_multipart_upload(**target)["UploadId"]}
    source = {"Bucket": bucket, "Key": "source"}
    parts = []
    for number, span in ((1, f"bytes=0-{LARGE - 1}"), (2, f"bytes={LARGE}-{LARGE + 3}")):
        copied = s3.upload_part_copy(
            **upload, PartNumber=number, CopySource=source, CopySourceRange=span
        )
        parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(**target)["Body"].read() == data


def test_files_of_30_mb_in_parts_by_eight_threads(s3, bucket, tmp_path):
    data, target = os.urandom(30 << 20), tmp_path / "down"
    source = tmp_path / "up"
    source.write_bytes(data)
    config = TransferConfig(
        multipart_threshold=7 << 20, multipart_chunksize=LARGE + 9972, max_concurrency=8
    )
    s3.upload_file(str(source), bucket, "k", Config=config)
    s3.download_file(bucket, "k", str(target), Config=config)
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(data).digest()
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-6"')
    assert "ChecksumCRC32" in head
    stream = io.BytesIO()
    s3.download_fileobj(bucket, "k", stream, Config=TransferConfig(use_threads=False))
    assert stream.getvalue() == data


# URLs that carry their signature


def test_presigned_urls(server, bucket):
    s3 = client_of(server, signature_version="s3v4")
    target = {"Bucket": bucket, "Key": "a b/ü+%.zip"}
    put = s3.generate_presigned_url("put_object", Params=target, ExpiresIn=60)
    request = urllib.request.Request(put, b"hello", method="PUT")
    with urllib.request.urlopen(request, timeout=10) as reply:
        assert reply.status == 200
    get = s3.generate_presigned_url(
        "get_object", Params={**target, "ResponseContentType": "text/html"}, ExpiresIn=60
    )
    with urllib.request.urlopen(get, timeout=10) as reply:
        assert reply.read() == b"hello"
        assert reply.headers["Content-Type"] == "text/html"
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(get.replace("text%2Fhtml", "text%2Fplain"), timeout=10)
    assert raised.value.code == 403
    raised.value.close()
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(f"{server.url}/{bucket}/k", timeout=10)
    assert raised.value.code == 403
    raised.value.close()


# Who may


def test_an_instance_reads_and_writes_below_its_prefixes(s3, server):
    s3.create_bucket(Bucket="scoped")
    s3.put_object(Bucket="scoped", Key="shared/k", Body=b"shared")
    s3.put_object(Bucket="scoped", Key="secret", Body=b"secret")
    mine = client_of(server, s3_server.INSTANCE)
    mine.put_object(Bucket="scoped", Key="own/k", Body=b"own")
    assert mine.get_object(Bucket="scoped", Key="own/k")["Body"].read() == b"own"
    assert mine.get_object(Bucket="scoped", Key="shared/k")["Body"].read() == b"shared"
    denied = ("AccessDenied", 403)
    for key in ("secret", "own", "own2/k"):
        assert refused(mine.get_object, Bucket="scoped", Key=key) == denied
        assert refused(mine.put_object, Bucket="scoped", Key=key) == denied
    assert refused(mine.put_object, Bucket="scoped", Key="shared/k") == denied
    assert refused(mine.delete_object, Bucket="scoped", Key="own/k") == denied
    assert refused(mine.list_objects_v2, Bucket="scoped") == denied
    assert refused(mine.list_buckets) == denied
    assert refused(mine.create_bucket, Bucket="another") == denied
    assert refused(mine.create_multipart_upload, Bucket="scoped", Key="shared/k") == denied
    secret = {"Bucket": "scoped", "Key": "secret"}
    assert refused(mine.copy_object, Bucket="scoped", Key="own/c", CopySource=secret) == denied
    named = [{"Key": "own/k"}, {"Key": "secret"}]
    done = mine.delete_objects(Bucket="scoped", Delete={"Objects": named})
    assert {one["Code"] for one in done["Errors"]} == {"AccessDenied"}
    assert "Deleted" not in done
    assert s3.get_object(**secret)["Body"].read() == b"secret"


# Over TLS, where clients send what they have not hashed and let a checksum follow


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    certificate = MODULE.with_name("loopback.pem")
    with s3_server.serving(tmp_path_factory.mktemp("tls"), certificate) as running:
        client = client_of(running, verify=str(certificate))
        yield client
        client.close()  # else the server waits for its half of the farewell


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256"])
def test_a_checksum_that_follows_the_body(tls, tmp_path, algorithm):
    sent = []

    def note(request, **_):
        sent.append({name: _text(value) for name, value in request.headers.items()})

    tls.meta.events.register_first("before-send.s3", note)
    bucket = f"bucket-{algorithm.lower()}"
    tls.create_bucket(Bucket=bucket)
    source = tmp_path / "up"
    source.write_bytes(os.urandom(9 << 20))
    extra = {"ChecksumAlgorithm": algorithm}
    tls.upload_file(str(source), bucket, "parts", ExtraArgs=extra)
    with source.open("rb") as body:
        put = tls.put_object(Bucket=bucket, Key="whole", Body=body, **extra)
    tls.meta.events.unregister("before-send.s3", note)
    encoded = [one for one in sent if "X-Amz-Trailer" in one]
    assert len(encoded) == 3
    assert {one["X-Amz-Content-SHA256"] for one in encoded} == {
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    }
    for key in ("parts", "whole"):
        got = tls.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        assert got["Body"].read() == source.read_bytes()
        assert got[f"Checksum{algorithm}"]
        assert "ContentEncoding" not in got
    assert got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]
