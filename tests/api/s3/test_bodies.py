"""How bodies arrive: whole, in signed chunks, announced, cut short, never."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import time
import zlib

import pytest

from jackbean.wire.canonical import UNSIGNED_PAYLOAD
from jackbean.wire.sigv4 import STREAMING_SIGNED, STREAMING_SIGNED_TRAILER, STREAMING_UNSIGNED

DATA = bytes(range(256)) * 1024  # 256 KiB
EMPTY = hashlib.sha256(b"").hexdigest()


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def stored(client, bucket, key="k"):
    return client.send("GET", f"/{bucket}/{key}")


# aws-chunked


class Chunked:
    """A body in chunks and its head, signed as an SDK does."""

    def __init__(self, client, path, mode, *, size=65_536, trailer="", data=DATA):
        self.client, self.path, self.mode, self.trailer = client, path, mode, trailer
        self.pieces = [data[n : n + size] for n in range(0, len(data), size)]
        self.headers = {
            "content-encoding": "aws-chunked",
            "x-amz-decoded-content-length": str(len(data)),
        }
        if trailer:
            self.headers["x-amz-trailer"] = trailer.partition(":")[0]

    def send(self, *, spoil=lambda body: body, headers=()):
        self.head = self.client.declared(self.path, {**self.headers, **dict(headers)}, self.mode)
        self.previous = self.head.signature
        return self.client.upload(self.head, spoil(self._body()))

    def _sign(self, kind, *digests):
        head = self.head
        text = "\n".join((kind, head.timestamp, head.scope, self.previous, *digests))
        self.previous = hmac.new(head.key, text.encode(), "sha256").hexdigest()
        return self.previous

    def _body(self):
        out = [self._chunk(piece) for piece in self.pieces]
        out.append(self._head(b""))
        if self.trailer:
            out.append(f"{self.trailer}\r\n".encode())
            if self.mode == STREAMING_SIGNED_TRAILER:
                digest = hashlib.sha256(f"{self.trailer}\n".encode()).hexdigest()
                signature = self._sign("AWS4-HMAC-SHA256-TRAILER", digest)
                out.append(f"x-amz-trailer-signature:{signature}\r\n".encode())
        return b"".join(out) + b"\r\n"

    def _chunk(self, piece):
        return self._head(piece) + piece + b"\r\n"

    def _head(self, piece):
        if self.mode == STREAMING_UNSIGNED:
            return f"{len(piece):x}\r\n".encode()
        digest = hashlib.sha256(piece).hexdigest()
        signature = self._sign("AWS4-HMAC-SHA256-PAYLOAD", EMPTY, digest)
        return f"{len(piece):x};chunk-signature={signature}\r\n".encode()


TRAILER = f"x-amz-checksum-crc32:{crc32(DATA)}"
MODES = pytest.mark.parametrize(
    ("mode", "trailer"),
    [
        (STREAMING_UNSIGNED, TRAILER),
        (STREAMING_SIGNED, ""),
        (STREAMING_SIGNED_TRAILER, TRAILER),
    ],
    ids=["unsigned", "signed", "signed-trailer"],
)


@MODES
@pytest.mark.parametrize("size", [8192, 65_537, 1 << 20])
def test_chunks_come_apart(client, bucket, mode, trailer, size):
    reply = Chunked(client, f"/{bucket}/k", mode, size=size, trailer=trailer).send()
    assert (reply.status, reply.body) == (200, b"")
    found = stored(client, bucket)
    assert found.body == DATA
    assert found.headers["content-encoding"] is None
    head = client.send("HEAD", f"/{bucket}/k", headers={"x-amz-checksum-mode": "ENABLED"})
    assert head.headers["x-amz-checksum-crc32"] == (crc32(DATA) if trailer else None)


@MODES
def test_no_bytes_in_chunks(client, bucket, mode, trailer):
    trailer = trailer and f"x-amz-checksum-crc32:{crc32(b'')}"
    reply = Chunked(client, f"/{bucket}/k", mode, trailer=trailer, data=b"").send()
    assert reply.status == 200
    assert stored(client, bucket).body == b""


@MODES
def test_chunks_beside_an_encoding_of_the_objects_own(client, bucket, mode, trailer):
    chunked = Chunked(client, f"/{bucket}/k", mode, trailer=trailer)
    assert chunked.send(headers={"content-encoding": "aws-chunked,gzip"}).status == 200
    assert stored(client, bucket).headers["content-encoding"] == "gzip"


def swapped(body: bytes) -> bytes:
    at = len(body) // 2
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


SPOILT = [
    (STREAMING_SIGNED, "", swapped, "SignatureDoesNotMatch"),
    (STREAMING_SIGNED_TRAILER, TRAILER, swapped, "SignatureDoesNotMatch"),
    (STREAMING_UNSIGNED, TRAILER, swapped, "BadDigest"),
    (STREAMING_SIGNED, "", lambda body: body[:-90], "IncompleteBody"),
    (STREAMING_UNSIGNED, TRAILER, lambda body: body[:1000], "IncompleteBody"),
    (STREAMING_UNSIGNED, "x-amz-checksum-crc32:AAAAAA==", bytes, "BadDigest"),
    (STREAMING_UNSIGNED, TRAILER, lambda _: b"xyz\r\n", "InvalidRequest"),
]


@pytest.mark.parametrize("case", SPOILT)
def test_chunks_that_are_not_what_was_signed_are_not_kept(client, bucket, case):
    mode, trailer, spoil, code = case
    reply = Chunked(client, f"/{bucket}/k", mode, trailer=trailer).send(spoil=spoil)
    assert reply.code == code
    assert reply.status == (403 if code == "SignatureDoesNotMatch" else 400)
    assert stored(client, bucket).code == "NoSuchKey"


def test_a_decoded_length_that_lies(client, bucket):
    chunked = Chunked(client, f"/{bucket}/k", STREAMING_SIGNED)
    reply = chunked.send(headers={"x-amz-decoded-content-length": str(len(DATA) + 1)})
    assert (reply.status, reply.code) == (400, "IncompleteBody")
    del chunked.headers["x-amz-decoded-content-length"]
    reply = chunked.send()
    assert (reply.status, reply.code) == (411, "MissingContentLength")


# Bodies that are sent as they are


def test_a_body_that_is_not_what_was_hashed(client, bucket):
    reply = client.send("PUT", f"/{bucket}/k", body=b"signed", sent=b"forged")
    assert (reply.status, reply.code) == (400, "XAmzContentSHA256Mismatch")
    assert stored(client, bucket).code == "NoSuchKey"


def test_a_document_that_is_not_what_was_hashed(client, bucket):
    document = b"<Delete><Object><Key>k</Key></Object></Delete>"
    client.send("PUT", f"/{bucket}/k", body=b"1")
    reply = client.send("POST", f"/{bucket}", "delete", body=b"<Delete/>", sent=document)
    assert (reply.status, reply.code) == (400, "XAmzContentSHA256Mismatch")
    assert stored(client, bucket).body == b"1"


def test_a_body_that_may_be_anything(client, bucket):
    declared = client.declared(f"/{bucket}/k", {}, UNSIGNED_PAYLOAD)
    assert client.upload(declared, DATA).status == 200
    assert stored(client, bucket).body == DATA


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"content-md5": base64.b64encode(bytes(16)).decode()}, "BadDigest"),
        ({"content-md5": "eA=="}, "InvalidDigest"),
        ({"x-amz-checksum-sha256": "eA=="}, "InvalidRequest"),
        ({"x-amz-checksum-rot13": "eA=="}, "InvalidRequest"),
        ({"x-amz-checksum-crc32": "AAAAAA=="}, "BadDigest"),
        (
            {"x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-crc32c": "AAAAAA=="},
            "InvalidRequest",
        ),
    ],
    ids=str,
)
def test_digests_that_do_not_hold(client, bucket, headers, code):
    reply = client.send("PUT", f"/{bucket}/k", headers=headers, body=b"hello")
    assert (reply.status, reply.code) == (400, code)
    assert stored(client, bucket).code == "NoSuchKey"


@pytest.mark.parametrize(
    ("name", "value"),
    [("crc32c", "e3069283"), ("crc64nvme", "ae8b14860a799888"), ("crc32", "cbf43926")],
)
def test_checksums_by_their_published_values(client, bucket, name, value):
    text = base64.b64encode(bytes.fromhex(value)).decode()
    headers = {f"x-amz-checksum-{name}": text}
    reply = client.send("PUT", f"/{bucket}/k", headers=headers, body=b"123456789")
    assert (reply.status, reply.headers[f"x-amz-checksum-{name}"]) == (200, text)
    assert reply.headers["x-amz-checksum-type"] == "FULL_OBJECT"


def test_a_body_of_unknown_length(client, bucket):
    reply = client.send("PUT", f"/{bucket}/k", body=b"ab", sent=iter([b"a", b"b"]))
    assert (reply.status, reply.code) == (411, "MissingContentLength")


def test_a_body_that_is_too_large(client, bucket):
    """The head says so, and nothing is sent or read."""
    reply = refused(client, f"/{bucket}/k", size=6 << 30)
    assert reply.startswith(b"HTTP/1.1 400 ")
    assert b"EntityTooLarge" in reply


# Clients that wait, and clients that go


def raw(client, path, headers):
    """Send a signed head by hand and return the connection."""
    declared = client.declared(path, headers, UNSIGNED_PAYLOAD)
    lines = "".join(f"{name}: {value}\r\n" for name, value in declared.headers.items())
    connection = socket.create_connection(("127.0.0.1", client.server.port), timeout=10)
    connection.sendall(f"PUT {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"))
    return connection


def test_a_client_that_waits_is_told_to_go_on(client, bucket):
    headers = {"content-length": "5", "expect": "100-continue"}
    with raw(client, f"/{bucket}/k", headers) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"hello")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert stored(client, bucket).body == b"hello"


def refused(client, path, size):
    """Announce a body, and read until the server closes: what follows is no request."""
    headers = {"content-length": str(size), "expect": "100-continue"}
    reply = b""
    with raw(client, path, headers) as connection:
        while piece := connection.recv(65_536):
            reply += piece
    return reply


def test_a_client_that_waits_is_refused_before_it_sends(client):
    reply = refused(client, "/no-such-bucket/k", size=1 << 30)
    assert reply.startswith(b"HTTP/1.1 404 ")
    assert b"NoSuchBucket" in reply


def test_a_refused_body_leaves_the_connection_usable(client):
    reply = client.send("PUT", "/no-such-bucket/k", body=bytes(4 << 20))
    assert (reply.status, reply.code) == (404, "NoSuchBucket")
    before = client.connection.sock
    assert client.send("HEAD", "/no-such-bucket").status == 404
    assert client.connection.sock is before


def test_a_client_that_goes_away_leaves_nothing(client, bucket):
    incoming = client.server.root / "blobs" / "incoming"
    with raw(client, f"/{bucket}/k", {"content-length": "3000000"}) as connection:
        connection.sendall(bytes(2_000_000))
        wait_until(lambda: any(incoming.iterdir()))
    wait_until(lambda: not any(incoming.iterdir()))
    assert stored(client, bucket).code == "NoSuchKey"


def wait_until(holds, within_s=10.0):
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)
