"""The instance metadata service: what it says, to whom, and that it holds under nonsense."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.utils import InstanceMetadataFetcher
from hypothesis import given
from hypothesis import strategies as st

from jackbean.agent.keys import InstanceKeys
from jackbean.agent.metadata import TOKEN_HEADER, TTL_HEADER, Answer, Asked, Facts, Metadata
from jackbean.agent.metadata_server import MetadataServer

FACTS = Facts("i-0a1", "t3.small", "10.64.0.11", "ip-10-64-0-11", "eu-north-1", 1_700_000_000.0)
KEYS = InstanceKeys("JBIK0A1", "secret", "i-0a1.1.x", 4_000_000_000.0, "123456789012", "role-1")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def service(*, v1: bool = False, clock: Any = None, keys: InstanceKeys | None = KEYS) -> Metadata:
    return Metadata(FACTS, lambda: keys, b"m" * 32, v1=v1, clock=clock or Clock())


def get(metadata: Metadata, path: str, **headers: str) -> Answer:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return metadata.answer(Asked("GET", path, given))


def token(metadata: Metadata, seconds: int = 60) -> dict[str, str]:
    answer = metadata.answer(Asked("PUT", "/latest/api/token", {TTL_HEADER: str(seconds)}))
    assert (answer.status, answer.headers[TTL_HEADER]) == (200, str(seconds))
    return {TOKEN_HEADER.replace("-", "_"): answer.body}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/latest/meta-data/instance-id", "i-0a1"),
        ("/latest/meta-data/instance-type/", "t3.small"),
        ("/latest/meta-data/local-ipv4", "10.64.0.11"),
        ("/2021-07-15/meta-data/placement/region", "eu-north-1"),
        ("/latest/meta-data/placement/availability-zone", "eu-north-1a"),
        ("/latest/meta-data/placement/", "availability-zone\nregion"),
        ("/latest/meta-data/iam/security-credentials/", "role-1"),
        ("/latest/meta-data/iam/security-credentials", "role-1"),
        ("/latest/", "dynamic/\nmeta-data/"),
    ],
)
def test_what_it_says(path: str, said: str) -> None:
    metadata = service()
    answer = get(metadata, path, **token(metadata))
    assert (answer.status, answer.body) == (200, said)


@pytest.mark.parametrize(
    "path",
    ["/latest/user-data", "/latest/meta-data/none", "/x", "/latest/meta-data/instance-id/x"],
)
def test_what_is_not_there(path: str) -> None:
    assert get(service(v1=True), path).status == 404


def test_the_identity_document() -> None:
    told = json.loads(get(service(v1=True), "/latest/dynamic/instance-identity/document").body)
    assert (told["instanceId"], told["region"], told["accountId"], told["privateIp"]) == (
        "i-0a1",
        "eu-north-1",
        "123456789012",
        "10.64.0.11",
    )


def test_there_is_no_role_without_keys() -> None:
    metadata = service(v1=True, keys=None)
    assert get(metadata, "/latest/meta-data/iam/security-credentials/").status == 404
    assert get(metadata, "/latest/meta-data/iam/info").status == 404
    assert get(metadata, "/latest/meta-data/instance-id").status == 200


def test_version_1_is_off_unless_it_is_wanted() -> None:
    path = "/latest/meta-data/iam/security-credentials/role-1"
    assert get(service(), path).status == 401
    assert json.loads(get(service(v1=True), path).body)["SecretAccessKey"] == "secret"
    assert get(service(v1=True), path, **{TOKEN_HEADER: "wrong"}).status == 401


def test_tokens_end_and_cannot_be_made_up() -> None:
    clock = Clock()
    metadata = service(clock=clock)
    mine, path = token(metadata, 10), "/latest/meta-data/instance-id"
    assert get(metadata, path, **mine).status == 200
    (name, value) = next(iter(mine.items()))
    for made_up in ("", ".", value[:-1], value.replace("1010", "9999"), "9" * 400 + ".x"):
        assert get(metadata, path, **{name: made_up}).status == 401
    other = Metadata(FACTS, lambda: KEYS, b"o" * 32, v1=False, clock=clock)
    assert get(other, path, **mine).status == 401
    clock.now += 10
    assert get(metadata, path, **mine).status == 401


@pytest.mark.parametrize("seconds", ["0", "-1", "21601", "", "x", "9" * 5000])
def test_tokens_live_as_long_as_may_be(seconds: str) -> None:
    asked = Asked("PUT", "/latest/api/token", {TTL_HEADER: seconds})
    assert service().answer(asked).status == 400


def test_no_token_for_a_proxy_nor_with_another_method() -> None:
    headers = {TTL_HEADER: "60", "x-forwarded-for": "203.0.113.7"}
    assert service().answer(Asked("PUT", "/latest/api/token", headers)).status == 403
    assert service().answer(Asked("GET", "/latest/api/token", {})).status == 405
    assert service(v1=True).answer(Asked("POST", "/latest/meta-data/", {})).status == 405


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_path_and_token_is_answered(path: str, said: str) -> None:
    assert get(service(), path, **{TOKEN_HEADER: said}).status in {401, 405}
    assert get(service(v1=True), path).status in {200, 404, 405}


# On its socket


@pytest.fixture
def port() -> Iterator[int]:
    server = MetadataServer(service(clock=lambda: 1000.0), "127.0.0.1", 0)
    yield server.port
    server.close()


def test_botocore_finds_its_keys_there(port: int) -> None:
    fetcher = InstanceMetadataFetcher(base_url=f"http://127.0.0.1:{port}", num_attempts=1)
    found = fetcher.retrieve_iam_role_credentials()
    assert found["role_name"] == "role-1"
    assert (found["access_key"], found["secret_key"]) == ("JBIK0A1", "secret")
    assert found["token"] == "i-0a1.1.x"
    assert found["expiry_time"] == "2096-10-02T07:06:40Z"


def test_a_connection_is_kept(port: int) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    for _ in range(2):
        line.request("PUT", "/latest/api/token", headers={TTL_HEADER: "60"})
        said = line.getresponse().read().decode()
    line.request("HEAD", "/latest/meta-data/instance-id", headers={TOKEN_HEADER: said})
    answer = line.getresponse()
    assert (answer.status, answer.read(), answer.headers["Content-Length"]) == (200, b"", "5")
    line.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 100 + b"\r\n",
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    ],
)
def test_nonsense_is_refused_and_the_connection_ended(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 5) as line:
        line.sendall(sent)
        answer = b""
        try:
            while piece := line.recv(4096):
                answer += piece
        except ConnectionResetError:
            pass  # it had not read all of it
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
