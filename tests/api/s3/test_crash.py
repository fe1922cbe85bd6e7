"""What was answered is there after a kill, and what was not leaves nothing behind."""

from __future__ import annotations

import http.client
import os
import signal
import time

from jackbean.wire.canonical import UNSIGNED_PAYLOAD

MB = 1 << 20


def test_what_was_answered_survives_a_kill(tmp_path, s3_server, client_of):
    data = os.urandom(MB)
    with s3_server.serving(tmp_path) as server:
        client = client_of(server)
        bucket = client.bucket()
        head = client.declared(f"/{bucket}/half", {"content-length": str(4 * MB)}, UNSIGNED_PAYLOAD)
        half = http.client.HTTPConnection("127.0.0.1", server.port)
        half.putrequest("PUT", head.path, skip_host=True, skip_accept_encoding=True)
        for name, value in head.headers.items():
            half.putheader(name, value)
        half.endheaders(data + data)
        incoming = tmp_path / "blobs" / "incoming"
        deadline = time.monotonic() + 10
        while not any(file.stat().st_size for file in incoming.iterdir()):
            assert time.monotonic() < deadline
        reply = client.send("PUT", f"/{bucket}/whole", body=data)
        assert reply.status == 200
        os.kill(server.pid, signal.SIGKILL)
    half.close()
    with s3_server.serving(tmp_path) as server:
        client = client_of(server)
        assert client.send("GET", f"/{bucket}/whole").body == data
        assert client.send("GET", f"/{bucket}/half").code == "NoSuchKey"
        assert not any(incoming.iterdir())
