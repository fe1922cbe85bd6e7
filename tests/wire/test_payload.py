"""Streamed bodies: raw, in unsigned chunks and in signed ones, fed in pieces of any size."""

from __future__ import annotations

import base64
import hashlib
import io
import time
import zlib
from contextlib import suppress
from dataclasses import replace

import pytest
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jackbean.wire import canonical, checksums, chunked, payload, sigv4
from jackbean.wire.errors import WireFault
from jackbean.wire.request import Headers, HttpRequest

# The worked example that AWS publishes for signed chunks: 65 KiB of "a".
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
NOW = 1369353600.0
A64K, A1K = b"a" * 65536, b"a" * 1024


def framed(signatures, after=b""):
    """Return the example's 66560 bytes in three chunks with these signatures."""
    chunks = ((b"10000", A64K), (b"400", A1K), (b"0", b""))
    heads = (
        size + b";chunk-signature=" + signature + b"\r\n" + data + (b"\r\n" if data else b"")
        for (size, data), signature in zip(chunks, signatures, strict=True)
    )
    return b"".join(heads) + after + b"\r\n"


EXAMPLE = framed(
    (
        b"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        b"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        b"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    )
)
EXAMPLE_TRAILER = framed(
    (
        b"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        b"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        b"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ),
    b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
    b"x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n",
)


def example(*, trailer):
    """Return the published request, without its body."""
    names = ["content-encoding", "host", "x-amz-content-sha256", "x-amz-date"]
    names += ["x-amz-decoded-content-length", "x-amz-storage-class"]
    signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    headers = {
        "Host": "s3.amazonaws.com",
        "x-amz-date": "20130524T000000Z",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "Content-Encoding": "aws-chunked",
        "x-amz-decoded-content-length": "66560",
    }
    if trailer:
        names.append("x-amz-trailer")
        signature = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
        headers["x-amz-content-sha256"] += "-TRAILER"
        headers["x-amz-trailer"] = "x-amz-checksum-crc32c"
    else:
        names.append("content-length")
        headers["Content-Length"] = "66824"
    scope = f"{KEY}/20130524/us-east-1/s3/aws4_request"
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={scope},SignedHeaders={';'.join(sorted(names))},"
        f"Signature={signature}"
    )
    return HttpRequest("PUT", "/examplebucket/chunkObject.txt", "", Headers(headers), None)


def taken(checks, body, sizes=(1000,)):
    """Return what comes out when a body is fed in pieces of these sizes, over and over."""
    out, at, turn = bytearray(), 0, 0
    while at < len(body):
        size = sizes[turn % len(sizes)]
        for piece in checks.feed(body[at : at + size]):
            out += piece
        at, turn = at + size, turn + 1
    return bytes(out)


@pytest.mark.parametrize(("trailer", "body"), [(False, EXAMPLE), (True, EXAMPLE_TRAILER)])
@pytest.mark.parametrize("sizes", [(1 << 20,), (7, 4096), (1, 65536)])
def test_the_published_example_of_signed_chunks_holds(trailer, body, sizes):
    request = example(trailer=trailer)
    verified = sigv4.verify(request, SECRET, NOW)
    checks = payload.Payload(request, verified, size_max=1 << 20)
    assert taken(checks, body, sizes) == A64K + A1K
    checked = checks.finish()
    assert checked.size == 66560
    assert checked.checksums == ({"crc32c": "sOO8/Q=="} if trailer else {})


@settings(max_examples=150)
@given(at=st.integers(0, len(EXAMPLE_TRAILER) - 3), bit=st.integers(0, 7), trailer=st.booleans())
def test_any_flipped_bit_of_signed_chunks_is_found(at, bit, trailer):
    body = bytearray(EXAMPLE_TRAILER if trailer else EXAMPLE)
    assume(at < len(body) - 2)  # the very last line end may be missing
    body[at] ^= 1 << bit
    assume(bytes(body).lower() != (EXAMPLE_TRAILER if trailer else EXAMPLE).lower())
    request = example(trailer=trailer)
    checks = payload.Payload(request, sigv4.verify(request, SECRET, NOW), size_max=1 << 20)
    try:
        out = taken(checks, bytes(body), (1 << 20,))
        checks.finish()
    except WireFault:
        return
    assert out == A64K + A1K  # only line ends and white space may differ


def unsigned(headers):
    given = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", **headers}
    return HttpRequest("PUT", "/b/k", "", Headers(given), None)


@settings(max_examples=60)
@given(
    data=st.binary(max_size=300),
    chunk=st.integers(1, 70),
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=4),
)
def test_what_botocore_sends_over_tls_is_read_back(data, chunk, sizes):
    wrapper = AwsChunkedWrapper(
        io.BytesIO(data),
        checksum_cls=Crc32Checksum,
        checksum_name="x-amz-checksum-crc32",
        chunk_size=chunk,
    )
    length = str(len(data))
    request = unsigned(
        {"x-amz-trailer": "x-amz-checksum-crc32", "x-amz-decoded-content-length": length}
    )
    checks = payload.Payload(request, None, size_max=1000)
    assert taken(checks, wrapper.read(), sizes) == data
    crc = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    assert checks.finish() == payload.Checked(len(data), {"crc32": crc})


def refused(headers, body, *, size_max=1000, verified=None):
    with pytest.raises(WireFault) as raised:
        whole(unsigned(headers), body, size_max, verified)
    return raised.value.code


def whole(request, body, size_max, verified):
    checks = payload.Payload(request, verified, size_max=size_max)
    taken(checks, body)
    return checks.finish()


TRAILER = {"x-amz-trailer": "x-amz-checksum-crc32"}


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        (TRAILER, b"1\r\na\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "BadDigest"),
        (TRAILER, b"1\r\na\r\n0\r\n\r\n", "MalformedTrailerError"),
        (TRAILER, b"1\r\na\r\n0\r\nno colon\r\n\r\n", "MalformedTrailerError"),
        ({}, b"0\r\n" + b"".join(b"%d:b\r\n" % i for i in range(17)), "MalformedTrailerError"),
        ({}, b"", "IncompleteBody"),
        ({}, b"5\r\nabc", "IncompleteBody"),
        ({}, b"1\r\na\r\n", "IncompleteBody"),
        ({}, b"1\r\nab\r\n0\r\n\r\n", "InvalidRequest"),
        ({}, b"x\r\n", "InvalidRequest"),
        ({}, b"-1\r\n", "InvalidRequest"),
        ({}, b"1_0\r\n", "InvalidRequest"),
        ({}, b"f" * 13 + b"\r\n", "InvalidRequest"),
        ({}, b"1;" + b"x" * 5000, "InvalidRequest"),
        ({}, b"0\r\n\r\nmore\r\n", "InvalidRequest"),
        ({}, b"ffffff\r\n" + b"a" * 1001, "EntityTooLarge"),
        ({"x-amz-decoded-content-length": "2"}, b"1\r\na\r\n0\r\n\r\n", "IncompleteBody"),
        ({"x-amz-decoded-content-length": "1001"}, b"", "EntityTooLarge"),
        ({"x-amz-decoded-content-length": "many"}, b"", "InvalidArgument"),
        ({"x-amz-trailer": "x-amz-checksum-xxhash3"}, b"", "InvalidRequest"),
        ({"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}, b"", "AccessDenied"),
    ],
)
def test_broken_bodies_are_refused(headers, body, code):
    assert refused(headers, body) == code


def raw(headers, verified_payload=None):
    request = HttpRequest("PUT", "/b/k", "", Headers(headers), None)
    if verified_payload is None:
        return payload.Payload(request, None, size_max=100)
    signer = sigv4.Signer(KEY, SECRET, service="s3")
    hosted = replace(request, headers=request.headers.added([("host", "h")]), body=verified_payload)
    signed = sigv4.sign(signer, hosted, NOW)
    unread = replace(signed, body=None)
    return payload.Payload(unread, sigv4.verify(unread, SECRET, NOW), size_max=100)


def test_a_raw_body_is_compared_with_the_hash_that_was_signed():
    checks = raw({}, b"the body")
    assert taken(checks, b"the body", (3,)) == b"the body"
    assert checks.finish().size == 8
    checks = raw({}, b"the body")
    taken(checks, b"the bodx", (3,))
    with pytest.raises(WireFault, match="XAmzContentSHA256Mismatch"):
        checks.finish()


@pytest.mark.parametrize("algorithm", ["crc32", "crc32c", "crc64nvme", "sha1", "sha256", "md5"])
def test_checksums_in_headers_are_compared(algorithm):
    hasher = checksums.ALGORITHMS[algorithm]()
    hasher.update(b"the body")
    text = checksums.encoded(hasher.digest())
    for body, holds in ((b"the body", True), (b"another!", False)):
        checks = raw({f"x-amz-checksum-{algorithm}": text, "x-amz-checksum-algorithm": "X"})
        taken(checks, body, (3,))
        if holds:
            assert checks.finish().checksums == {algorithm: text}
        else:
            with pytest.raises(WireFault, match="BadDigest"):
                checks.finish()


def test_content_md5_is_compared():
    checks = raw({"Content-MD5": base64.b64encode(hashlib.md5(b"a").digest()).decode()})
    taken(checks, b"b")
    with pytest.raises(WireFault, match="BadDigest"):
        checks.finish()


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [("crc32", "cbf43926"), ("crc32c", "e3069283"), ("crc64nvme", "ae8b14860a799888")],
)
def test_checksums_have_their_check_value(algorithm, digest):
    hasher = checksums.ALGORITHMS[algorithm]()
    for byte in b"123456789":
        hasher.update(bytes([byte]))
    assert hasher.digest().hex() == digest


def test_the_transfer_encoding_is_not_the_objects():
    assert payload.content_encoding("aws-chunked") is None
    assert payload.content_encoding("aws-chunked, gzip") == "gzip"


@settings(max_examples=150)
@given(
    st.lists(
        st.binary(max_size=20)
        | st.sampled_from([b"0\r\n", b"\r\n", b"1\r\na", b"5;chunk-signature=", b"a:b\r\n"])
    )
)
def test_arbitrary_bodies_raise_nothing_but_faults(pieces):
    chain = chunked.Chain(b"key", "20130524T000000Z", "scope", canonical.EMPTY_SHA256)
    for decoder in (chunked.Decoder(), chunked.Decoder(chain, signed_trailers=True)):
        with suppress(WireFault):
            for piece in pieces:
                for out in decoder.feed(piece):
                    assert out
            decoder.finish()


def test_small_chunks_are_decoded_in_linear_time():
    body = b"1\r\na\r\n" * 100_000 + b"0\r\n\r\n"
    checks = payload.Payload(unsigned({}), None, size_max=1 << 20)
    began = time.perf_counter()
    assert len(taken(checks, body, (65536,))) == 100_000
    assert time.perf_counter() - began < 10
