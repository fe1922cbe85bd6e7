"""Large objects come and go in pieces, and few of these are in memory at once."""

from __future__ import annotations

import hashlib

import pytest

from jackbean.wire.canonical import UNSIGNED_PAYLOAD
from jackbean.wire.sigv4 import STREAMING_UNSIGNED

MB = 1 << 20
SIZE = 192 * MB
GROWTH_MAX = 32 * MB
PIECE = bytes(range(256)) * (MB // 256)


def pieces():
    for _ in range(SIZE // MB):
        yield PIECE


def encoded():
    for piece in pieces():
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield b"0\r\n\r\n"


OVERHEAD = (len(f"{MB:x}") + 4) * (SIZE // MB) + 5
PLAIN = (UNSIGNED_PAYLOAD, {"content-length": str(SIZE)}, pieces)
CHUNKED = (
    STREAMING_UNSIGNED,
    {"content-length": str(SIZE + OVERHEAD), "x-amz-decoded-content-length": str(SIZE)},
    encoded,
)


@pytest.mark.parametrize("how", [PLAIN, CHUNKED], ids=["plain", "chunked"])
def test_an_upload_and_a_download_stay_small(client, bucket, how):
    payload, headers, body = how
    client.send("PUT", f"/{bucket}/warm", body=PIECE)
    client.send("GET", f"/{bucket}/warm")
    before = client.server.peak_bytes()
    reply = client.upload(client.declared(f"/{bucket}/k", headers, payload), body())
    assert reply.status == 200, reply.body
    request = client.signed("GET", f"/{bucket}/k")
    client.connection.request("GET", request.path, headers=dict(request.headers.pairs))
    response, received = client.connection.getresponse(), hashlib.md5()
    while piece := response.read(MB):
        received.update(piece)
    assert reply.headers["etag"] == f'"{received.hexdigest()}"'
    assert client.server.peak_bytes() - before < GROWTH_MAX


def test_a_slow_reader_does_not_fill_the_server(client, bucket):
    payload, headers, body = PLAIN
    client.upload(client.declared(f"/{bucket}/k", headers, payload), body())
    before = client.server.peak_bytes()
    request = client.signed("GET", f"/{bucket}/k")
    client.connection.request("GET", request.path, headers=dict(request.headers.pairs))
    response = client.connection.getresponse()
    response.read(MB)
    other = type(client)(client.server)
    assert other.send("GET", f"/{bucket}/absent").status == 404  # it has turned to other things
    other.connection.close()
    assert client.server.peak_bytes() - before < GROWTH_MAX
    response.close()
