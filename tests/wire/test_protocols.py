"""The protocols behind one interface, driven by a real client over a real socket."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from jackbean.wire import route, sigv4
from jackbean.wire.errors import WireFault
from jackbean.wire.models import UnknownServiceError
from jackbean.wire.payload import Payload
from jackbean.wire.protocols import PROTOCOLS
from jackbean.wire.request import Headers, HttpRequest

SECRET = "secret"
EVENT = {
    "EventDate": 1767323045.678,
    "Message": "Environment update is starting.",
    "Severity": "INFO",
}
RESULTS = {
    ("elasticbeanstalk", "DescribeEvents"): {"Events": [EVENT]},
    ("ec2", "DescribeKeyPairs"): {"KeyPairs": [{"KeyName": "one"}]},
    ("sqs", "SendMessage"): {"MessageId": "m"},
    ("logs", "DescribeLogGroups"): {"logGroups": [{"logGroupName": "/aws/x"}]},
    ("s3", "ListObjectsV2"): {"Contents": [{"Key": "a b"}], "IsTruncated": False},
    ("s3", "PutObject"): {"ETag": '"etag"'},
}


class Handler(BaseHTTPRequestHandler):
    """The least server: verify, parse, answer from a table, refuse what is not in it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        path, _, query = self.path.partition("?")
        headers = Headers(self.headers.items())
        body = self.rfile.read(int(headers.get("content-length", 0)))
        request = HttpRequest(self.command, path, query, headers, body)
        target = route.identify(request)
        protocol, model = PROTOCOLS[target.protocol], None
        try:
            model = self.server.models.get(target.service)
            response = self._answer(request, target, protocol, model)
        except WireFault as fault:
            response = protocol.refuse(fault, "request-1", model)
        self._send(response)

    do_GET = do_PUT = do_POST  # noqa: N815  the names that http.server calls

    def _answer(self, request, target, protocol, model):
        verified = sigv4.verify(request, SECRET, self.server.clock())
        if target.service == "s3":
            checks = Payload(request, verified, size_max=1 << 20)
            self.server.bodies.append(b"".join(checks.feed(request.body)))
            checks.finish()
        operation = protocol.operation(model, target, request)
        parsed = protocol.parse(model, operation, request)
        self.server.seen.append((operation, parsed.members))
        result = RESULTS.get((target.service, operation))
        if result is None:
            raise model.fault("QueueDoesNotExist", "Nothing of that name.")
        return protocol.answer(model, operation, result, "request-1")

    def _send(self, response):
        self.send_response(response.status)
        for name, value in response.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(models):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.models, server.seen, server.bodies = models, [], []
        server.daemon_threads = True
        server.clock = time.time
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(server):
    session = boto3.Session("key", SECRET, region_name="mars-north-1")
    url = f"http://127.0.0.1:{server.server_port}"
    config = Config(retries={"max_attempts": 0}, signature_version="s3v4")
    made = []

    def make(service):
        made.append(session.client(service, endpoint_url=url, config=config))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_query_service(server, client):
    answer = client("elasticbeanstalk").describe_events(EnvironmentName="blue", MaxRecords=5)
    assert answer["Events"][0]["Message"] == EVENT["Message"]
    assert answer["Events"][0]["EventDate"].timestamp() == EVENT["EventDate"]
    assert answer["ResponseMetadata"]["RequestId"] == "request-1"
    assert server.seen == [("DescribeEvents", {"EnvironmentName": "blue", "MaxRecords": 5})]


def test_the_ec2_protocol(server, client):
    answer = client("ec2").describe_key_pairs(KeyNames=["one"])
    assert answer["KeyPairs"] == [{"KeyName": "one"}]
    assert server.seen == [("DescribeKeyPairs", {"KeyNames": ["one"]})]


def test_json_services(server, client):
    assert client("logs").describe_log_groups(limit=1)["logGroups"][0]["logGroupName"] == "/aws/x"
    assert server.seen == [("DescribeLogGroups", {"limit": 1})]


def test_objects(server, client):
    s3 = client("s3")
    assert s3.list_objects_v2(Bucket="b", Prefix="a b+c")["Contents"] == [{"Key": "a b"}]
    assert s3.put_object(Bucket="b", Key="k/ü", Body=b"the body")["ETag"] == '"etag"'
    assert server.bodies[-1] == b"the body"
    assert server.seen[0] == (
        "ListObjectsV2",
        {"Bucket": "b", "Prefix": "a b+c", "EncodingType": "url"},
    )
    assert server.seen[1][1]["Key"] == "k/ü"
    assert server.seen[1][1]["Body"] == b"the body"


def test_modelled_errors_are_told_in_the_protocol_that_was_spoken(client):
    sqs = client("sqs")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist) as raised:
        sqs.list_queues()
    error = raised.value.response["Error"]
    assert error["Message"] == "Nothing of that name."
    assert error["Code"] == "AWS.SimpleQueueService.NonExistentQueue"
    with pytest.raises(ClientError, match="QueueDoesNotExist"):
        client("s3").list_buckets()


def test_wrong_secrets_are_refused_in_the_protocol_that_was_spoken(server):
    url = f"http://127.0.0.1:{server.server_port}"
    session = boto3.Session("key", "wrong", region_name="r")
    config = Config(retries={"max_attempts": 0})
    for service, call, code in (
        ("elasticbeanstalk", "describe_events", "SignatureDoesNotMatch"),
        ("s3", "list_buckets", "SignatureDoesNotMatch"),
        ("logs", "describe_log_groups", "InvalidSignatureException"),
    ):
        made = session.client(service, endpoint_url=url, config=config)
        with pytest.raises(ClientError) as raised:
            getattr(made, call)()
        assert raised.value.response["Error"]["Code"] == code
        made.close()


def test_an_action_that_is_not_named_is_a_fault(models):
    model = models.get("iam")
    request = HttpRequest("POST", "/", "", Headers(), b"Version=2010-05-08")
    target = route.Target("iam", None, None, "query")
    with pytest.raises(WireFault, match="MissingAction"):
        PROTOCOLS["query"].operation(model, target, request)


@pytest.mark.parametrize("service", ["nothing", "../sqs", "", "s3/2006-03-01", "x" * 5000])
def test_services_that_do_not_exist_are_told(models, service):
    with pytest.raises(UnknownServiceError):
        models.get(service)
