"""A server for all tests of the folder, and a plain client that signs for itself."""

from __future__ import annotations

import http.client
import importlib.util
import itertools
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from urllib.parse import quote
from xml.etree import ElementTree

import pytest

from jackbean.wire import canonical, timestamps
from jackbean.wire.request import Headers, HttpRequest
from jackbean.wire.signing import HASH_HEADER, Signer, sign


def _loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "s3_server", Path(__file__).with_name("server.py")
    )
    module = sys.modules["s3_server"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


module = _loaded()
NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Reply:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def code(self) -> str:
        """Return the code of an error."""
        return self.find("Code")

    def find(self, tag: str) -> str:
        root = ElementTree.fromstring(self.body)
        found = next((one for one in root.iter() if one.tag.rpartition("}")[2] == tag), None)
        return "" if found is None else found.text or ""


@dataclass(frozen=True)
class Declared:
    """A signed head, and what its chunks are signed with."""

    path: str
    headers: dict[str, str]
    key: bytes
    scope: str
    timestamp: str
    signature: str


@dataclass
class Client:
    """Signs and sends requests over one connection."""

    server: object
    key: str = module.ADMIN
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)

    def signed(self, method, path, query="", headers=(), body=b""):
        head = Headers({"host": f"127.0.0.1:{self.server.port}"}).added(dict(headers).items())
        request = HttpRequest(method, quote(path, safe="/%~"), query, head, body)
        signer = Signer(self.key, module.SECRETS[self.key], module.REGION, "s3")
        return sign(signer, request, time.time())

    def send(self, method, path, query="", headers=(), body=b"", *, sent=None, late=()):
        """Send a request that signs `body`, and in fact send `sent` with `late` headers."""
        request = self.signed(method, path, query, headers, body)
        target = request.path + (f"?{request.query}" if request.query else "")
        fields = {**dict(request.headers.pairs), **dict(late)}
        self.connection.request(method, target, body if sent is None else sent, fields)
        response = self.connection.getresponse()
        return Reply(response.status, response.headers, response.read())

    def declared(self, path, headers, payload) -> Declared:
        """Sign the head of an upload that says how its payload comes: by what, or how encoded."""
        given = {"host": f"127.0.0.1:{self.server.port}", **headers, HASH_HEADER: payload}
        timestamp = timestamps.basic(time.time())
        head = Headers(given).added([("x-amz-date", timestamp)])
        scope = f"{timestamp[:8]}/{module.REGION}/s3/aws4_request"
        names = sorted(name for name in head if name == "host" or name.startswith("x-amz-"))
        signed = (names, canonical.header_lines(head, names))
        text = canonical.request_of("PUT", path, "", signed, payload)
        secret = module.SECRETS[self.key]
        key = canonical.signing_key(secret, timestamp[:8], module.REGION, "s3")
        signature = canonical.signature(key, canonical.string_to_sign(timestamp, scope, text))
        authorization = (
            f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, "
            f"SignedHeaders={';'.join(names)}, Signature={signature}"
        )
        fields = {**dict(head.pairs), "authorization": authorization}
        return Declared(path, fields, key, scope, timestamp, signature)

    def upload(self, declared: Declared, body) -> Reply:
        """Send a body, or pieces of one, after a head that is signed already."""
        self.connection.request("PUT", declared.path, body, declared.headers)
        response = self.connection.getresponse()
        return Reply(response.status, response.headers, response.read())

    def bucket(self) -> str:
        name = f"bucket-{next(NUMBERS)}"
        assert self.send("PUT", f"/{name}").status == 200
        return name


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with module.serving(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(scope="session")
def s3_server() -> ModuleType:
    """Return the module that starts servers."""
    return module


@pytest.fixture
def client_of():
    """Return what makes clients of a server; they are closed in the end."""
    with ExitStack() as stack:

        def made(server, key=module.ADMIN) -> Client:
            found = Client(server, key)
            stack.callback(found.connection.close)
            return found

        yield made


@pytest.fixture
def client(server, client_of) -> Client:
    return client_of(server)


@pytest.fixture
def instance(server, client_of) -> Client:
    return client_of(server, module.INSTANCE)


@pytest.fixture
def bucket(client) -> str:
    return client.bucket()
