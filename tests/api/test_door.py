"""The front door: who is let in, and how whatever goes wrong is said."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

import boto3
import pytest
import uvicorn
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from tests.api.rig import ADMIN, HOST, Answer, PlantRig, ask

from jackbean.api.door import BODY_BYTES_MAX
from jackbean.core.errors import PortError
from jackbean.server.serve import _server

EB = "http://elasticbeanstalk.amazonaws.com/docs/2010-12-01/"
LONG_S = 30.0


def signed(
    rig: PlantRig,
    body: str | bytes = "",
    service: str = "elasticbeanstalk",
    keys: tuple[str, ...] = ADMIN,
    **more: Any,
) -> Answer:
    """Send a request that is signed as given."""
    method, query = more.pop("method", "POST"), more.pop("query", "")
    content = body.encode() if isinstance(body, str) else body
    headers = {"Content-Type": "application/x-www-form-urlencoded", **more.pop("headers", {})}
    request = AWSRequest(method, f"http://{HOST}/{query}", headers, content)
    SigV4Auth(BotoCredentials(*keys), service, "us-east-1").add_auth(request)
    prepared = request.prepare()
    sent = {"Host": HOST, **prepared.headers}
    return rig.run(ask(rig.door, method, prepared.url, sent, content))


def error(answer: Answer) -> tuple[int, str, str]:
    """Return status, code and message of an error in XML."""
    root = ET.fromstring(answer.body)
    found = {e.tag.rpartition("}")[2]: e.text or "" for e in root.iter()}
    assert found["RequestId"] == answer.headers["x-amzn-requestid"]
    return answer.status, found["Code"], found["Message"]


# Requests


@pytest.mark.parametrize("name", ["Action", "Operation"])
def test_the_operation_is_named_in_the_body_or_in_the_query(rig: PlantRig, name: str) -> None:
    form = f"{name}=DescribeApplications&Version=2010-12-01"
    for answer in (signed(rig, form), signed(rig, method="GET", query="?" + form)):
        assert answer.status == 200
        assert b"<DescribeApplicationsResult>" in answer.body


def test_every_answer_has_its_request_id_in_header_and_body(rig: PlantRig) -> None:
    id_ = rig.launch()
    rig.eb.terminate_environment(EnvironmentId=id_)
    rig.settle(id_)
    rig.eb.delete_application(ApplicationName="app")  # returns nothing
    answer = rig.wire.last
    assert answer is not None
    (found,) = ET.fromstring(answer.body).iter(f"{{{EB}}}RequestId")
    assert found.text == answer.headers["x-amzn-requestid"]
    assert rig.told(request_id=str(found.text))[0] == "deleteApplication is starting."


# Refusals


def test_unsigned(rig: PlantRig) -> None:
    form = b"Action=DescribeApplications&Version=2010-12-01"
    answer = rig.run(ask(rig.door, "POST", f"http://{HOST}/", {"Host": HOST}, form))
    status, code, message = error(answer)
    assert (status, code) == (403, "MissingAuthenticationToken")
    assert "not signed" in message


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (("AKIANOBODY", ADMIN[1]), "InvalidClientTokenId"),
        ((ADMIN[0], "wrong"), "SignatureDoesNotMatch"),
        (("JBIK0123456789ABCDEF0", "wrong"), "InvalidClientTokenId"),
        (("JBIK0123456789ABCDEF0", "wrong", "i-0.1.2"), "InvalidClientTokenId"),
    ],
)
def test_strangers(rig: PlantRig, keys: tuple[str, ...], code: str) -> None:
    answer = signed(rig, "Action=DescribeApplications&Version=2010-12-01", keys=keys)
    assert error(answer)[:2] == (403, code)


def test_the_key_of_an_instance_that_is_gone_is_a_strangers(rig: PlantRig) -> None:
    id_ = rig.launch()
    keys = rig.instance_keys()
    assert signed(rig, "Action=DescribeEnvironments&Version=2010-12-01", keys=keys).status == 200
    rig.eb.terminate_environment(EnvironmentId=id_)
    rig.settle(id_)
    answer = signed(rig, "Action=DescribeEnvironments&Version=2010-12-01", keys=keys)
    assert error(answer)[:2] == (403, "InvalidClientTokenId")


def test_temporary_keys_end(rig: PlantRig) -> None:
    """SDKs ask for new ones when they hear these codes."""
    rig.launch()
    keys, form = rig.instance_keys(), "Action=DescribeEnvironments&Version=2010-12-01"
    assert signed(rig, form, keys=keys).status == 200
    for changed in (keys[:2], (*keys[:2], keys[2][:-1] + "x"), (*keys[:2], f"{keys[2]}0")):
        assert error(signed(rig, form, keys=changed))[:2] == (403, "InvalidClientTokenId")
    longer = keys[2].replace(".", ".9", 1)
    assert error(signed(rig, form, keys=(*keys[:2], longer)))[1] == "InvalidClientTokenId"
    assert error(signed(rig, form, keys=("JBIK0", *keys[1:])))[1] == "InvalidClientTokenId"
    instance = rig.environment().members[0].id
    past = rig.world.credentials.temporary(instance, int(rig.world.clock.now()))
    spent = (past.access_key, past.secret, past.token)
    assert error(signed(rig, form, keys=spent))[:2] == (403, "ExpiredToken")


UNKNOWN = {
    "an operation that is not there yet": ("Action=RebuildEnvironment&Version=2010-12-01", "Reb"),
    "an operation that never was": ("Action=Explode&Version=2010-12-01", "'Explode'"),
    "a hostile name": ("Action=%3Cb%3E%00&Version=2010-12-01", "not available"),
    "no operation": ("Version=2010-12-01", "An operation without a name"),
    "nothing at all": ("", "An operation without a name"),
}


@pytest.mark.parametrize(("form", "text"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_is_not_here_is_said_with_400(rig: PlantRig, form: str, text: str) -> None:
    """Clients try anything in the 500s again for minutes."""
    status, code, message = error(signed(rig, form))
    assert (status, code) == (400, "UnsupportedOperation")
    assert text in message
    assert "is not available in this version of Jackbean" in message


def test_every_operation_of_the_service_is_answered_or_refused_in_words(rig: PlantRig) -> None:
    model = boto3.client("elasticbeanstalk", region_name="us-east-1").meta.service_model
    for name in model.operation_names:
        answer = signed(rig, f"Action={name}&Version=2010-12-01")
        assert answer.status in {200, 400}, name
        if answer.status == 400:
            assert error(answer)[2], name


def test_another_service(rig: PlantRig) -> None:
    answer = signed(rig, "Action=ListThings&Version=2000-01-01", service="nothing")
    assert error(answer)[:2] == (400, "UnknownService")
    assert "'nothing'" in error(answer)[2]


def test_a_service_that_speaks_json(rig: PlantRig) -> None:
    headers = {"X-Amz-Target": "CodeCommit_20150413.ListRepositories", "Content-Type": "x"}
    answer = signed(rig, "{}", service="codecommit", headers=headers)
    assert (answer.status, json.loads(answer.body)["__type"]) == (400, "UnknownService")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"Action=CreateApplication&Version=2010-12-01&ApplicationName=%ED%A0%80", "Malformed"),
        (b"Action=CreateApplication&Version=2010-12-01&ApplicationName=\xff", "Malformed"),
        (b"Action=CreateApplication&Version=2010-12-01&ApplicationName=a%00b", "InvalidParam"),
        (b"Action=CreateApplication&Version=2010-12-01&ApplicationName=a%0Ab", "InvalidParam"),
        (b"Action=CreateApplication&Version=2010-12-01&ApplicationName=a%2Fb", "InvalidParam"),
        (b"Action=CreateApplication&Version=2010-12-01", "ValidationError"),
        (b"Action=DescribeEvents&Version=2010-12-01&StartTime=tomorrow", "ValidationError"),
        (b"Action=DescribeEvents&Version=2010-12-01&MaxRecords=many", "ValidationError"),
    ],
)
def test_what_cannot_be_read(rig: PlantRig, body: bytes, code: str) -> None:
    status, told, message = error(signed(rig, body))
    assert status == 400
    assert told.startswith(code), message


def test_a_request_that_is_too_large_is_read_no_further(rig: PlantRig) -> None:
    form = b"Action=DescribeEvents&Version=2010-12-01&ApplicationName="
    answer = signed(rig, form + b"x" * BODY_BYTES_MAX)
    assert error(answer)[:2] == (413, "RequestEntityTooLarge")


def test_a_port_that_fails_is_tried_again(rig: PlantRig, caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(names: Any = ()) -> Any:
        raise PortError("the disk is full")

    rig.world.store.applications = refuse
    answer = signed(rig, "Action=DescribeApplications&Version=2010-12-01")
    assert error(answer) == (503, "ServiceUnavailable", "Try again: the disk is full.")
    assert "the disk is full" in caplog.text


def test_a_bug_is_logged_under_the_request_id_and_shown_to_nobody(
    rig: PlantRig, caplog: pytest.LogCaptureFixture
) -> None:
    async def oops(names: Any = ()) -> Any:
        raise ZeroDivisionError("a secret")

    rig.world.store.applications = oops
    answer = signed(rig, "Action=DescribeApplications&Version=2010-12-01")
    status, code, message = error(answer)
    assert (status, code) == (500, "InternalFailure")
    assert "a secret" not in message
    assert answer.headers["x-amzn-requestid"] in message
    assert answer.headers["x-amzn-requestid"] in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_errors_are_in_the_services_own_words(rig: PlantRig) -> None:
    answer = signed(rig, "Action=Nothing&Version=2016-11-15", service="ec2")
    assert b"<Response><Errors><Error><Code>UnsupportedOperation</Code>" in answer.body
    answer = signed(rig, "Action=Nothing&Version=2010-12-01")
    assert f'<ErrorResponse xmlns="{EB}">'.encode() in answer.body


def test_only_http_is_spoken(rig: PlantRig) -> None:
    async def nothing(*_: Any) -> Any:
        raise AssertionError("nobody is to be told anything")

    rig.run(rig.door({"type": "lifespan"}, nothing, nothing))
    rig.run(rig.door({"type": "websocket"}, nothing, nothing))


def test_who_hangs_up_is_no_trouble(rig: PlantRig, caplog: pytest.LogCaptureFixture) -> None:
    async def hang_up() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError("nobody is there")

    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [],
    }
    with caplog.at_level(logging.WARNING):
        rig.run(rig.door(scope, hang_up, send))
    assert caplog.text == ""


# Instances


def test_an_instance_looks_at_its_own_environment_and_changes_nothing(rig: PlantRig) -> None:
    own = rig.launch("web1")
    rig.launch("web2")
    mine = rig.run(rig.world.store.environment(own))
    keys = rig.keys_of(mine.members[0].id)
    eb = rig.client(keys=keys)
    assert [e["EnvironmentId"] for e in eb.describe_environments()["Environments"]] == [own]
    assert {e.get("EnvironmentName") for e in eb.describe_events()["Events"]} == {"web1"}
    assert eb.describe_events(EnvironmentName="web2")["Events"] == []
    assert eb.describe_events(EnvironmentId=rig.environment_id("web2"))["Events"] == []
    assert eb.describe_environment_resources(EnvironmentName="web1")["EnvironmentResources"]
    settings = {"ApplicationName": "app", "EnvironmentName": "web2"}
    assert rig.refusal(eb.describe_configuration_settings, **settings) == (
        400,
        "InvalidParameterValue",
        "No Environment found for EnvironmentName = 'web2'.",
    )
    before = rig.events()
    for call, given in (
        (eb.terminate_environment, {"EnvironmentName": "web1"}),
        (eb.update_environment, {"EnvironmentName": "web1", "VersionLabel": "v2"}),
        (eb.create_application, {"ApplicationName": "theirs"}),
        (eb.retrieve_environment_info, {"EnvironmentName": "web2", "InfoType": "tail"}),
    ):
        assert rig.refusal(call, **given)[:2] == (403, "AccessDenied")
    assert rig.events() == before
    who = rig.client("sts", keys).get_caller_identity()["Arn"]
    assert who.endswith(f"assumed-role/aws-elasticbeanstalk-ec2-role/{mine.members[0].id}")


# The extension


def extend(
    rig: PlantRig, operation: str, body: str | bytes = "{}", keys: tuple[str, ...] = ADMIN
) -> tuple[int, dict[str, Any]]:
    headers = {"X-Amz-Target": f"Jackbean.{operation}", "Content-Type": "application/json"}
    answer = signed(rig, body, service="jackbean", keys=keys, headers=headers)
    assert answer.headers["x-amzn-requestid"]
    assert answer.headers["content-type"].startswith("application/x-amz-json-1.1")
    return answer.status, json.loads(answer.body)


def test_our_own_service_describes_the_installation(rig: PlantRig) -> None:
    rig.launch()
    status, told = extend(rig, "DescribeInstallation")
    assert status == 200
    assert (told["Region"], told["Account"], told["Engine"]) == (
        "us-east-1",
        "123456789012",
        "simulator",
    )
    (environment,) = told["Environments"]
    assert (environment["Name"], environment["Instances"]) == ("web1", 2)
    assert environment["Url"].startswith("http://web1.")


def test_it_issues_the_keys_of_instances_to_administrators(rig: PlantRig) -> None:
    rig.launch()
    instance = rig.environment().members[0].id
    status, told = extend(rig, "IssueInstanceCredentials", json.dumps({"InstanceId": instance}))
    assert status == 200
    issued = (told["AccessKeyId"], told["SecretAccessKey"], told["SessionToken"])
    assert issued == rig.instance_keys()
    status, told = extend(rig, "IssueInstanceCredentials", "{}", rig.instance_keys())
    assert (status, told["__type"]) == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("[]", "SerializationException"),
        ("{", "SerializationException"),
        (b"\xff", "SerializationException"),
        ("[" * 100_000, "SerializationException"),
        ('{"InstanceId": "\\ud800"}', "InvalidParameterValue"),
        ('{"InstanceId": ["i-1"]}', "InvalidParameterValue"),
        ("", "InvalidParameterValue"),
    ],
)
def test_what_it_cannot_read(rig: PlantRig, body: str | bytes, code: str) -> None:
    status, told = extend(rig, "IssueInstanceCredentials", body)
    assert (status, told["__type"]) == (400, code)


def test_what_it_has_not(rig: PlantRig) -> None:
    status, told = extend(rig, "FlyAway")
    assert (status, told["__type"]) == (400, "UnsupportedOperation")


# Over a real socket


@contextlib.contextmanager
def served(app: Any) -> Iterator[int]:
    """Serve an application as `jackbean serve` does, on a port that is free."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    server: uvicorn.Server = _server(app)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
    thread.start()
    deadline = time.monotonic() + LONG_S
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join(LONG_S)
        listener.close()


def test_every_answer_has_a_date(rig: PlantRig) -> None:
    """The EB CLI dies without one, whatever else the answer says."""
    with served(rig.door) as port:
        client = boto3.client(
            "elasticbeanstalk",
            region_name="eu-west-1",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=ADMIN[0],
            aws_secret_access_key=ADMIN[1],
        )
        answer = client.describe_applications()
        assert answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        assert [a["ApplicationName"] for a in answer["Applications"]] == ["app"]
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=LONG_S)
        with refused.value as error:
            assert error.headers["date"]
        client.close()
