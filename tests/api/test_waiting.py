"""Wait conditions: what waits, who signals, and what comes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.api.rig import Answer, PlantRig, ask
from tests.api.stacks import NAME, described, settled, story, told

TEMPLATE = """
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Wait:
    Type: AWS::CloudFormation::WaitCondition
    Properties: {Handle: !Ref Handle, Timeout: 600, Count: 2}
  After:
    Type: AWS::SQS::Queue
    Properties: {Tags: [{Key: data, Value: !GetAtt Wait.Data}]}
Outputs:
  Data: {Value: !GetAtt Wait.Data}
  Url: {Value: !Ref Handle}
"""
ASKED = """
Resources:
  Wait:
    Type: AWS::CloudFormation::WaitCondition
    CreationPolicy: {ResourceSignal: {Timeout: PT10M}}
"""


@pytest.fixture
def client(real: PlantRig) -> Any:
    return real.client("cloudformation")


def begun(rig: PlantRig, template: str = TEMPLATE, **more: Any) -> str:
    """Begin to make a stack, and return the URL of its handle as whoever asks reaches it."""
    client = rig.client("cloudformation")
    client.create_stack(StackName=NAME, TemplateBody=template, **more)
    settled(rig, turns=5)
    wanted = {"StackName": NAME, "LogicalResourceId": "Handle"}
    if "Handle" not in template:
        return ""
    detail = client.describe_stack_resource(**wanted)["StackResourceDetail"]
    return str(detail["PhysicalResourceId"])


def put(rig: PlantRig, url: str, body: bytes | dict[str, str], method: str = "PUT") -> Answer:
    """Send what `cfn-signal` does: without a signature, with an empty Content-Type."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Host": "localhost:8700", "Content-Type": ""}
    answer: Answer = rig.run(ask(rig.door, method, url, headers, sent))
    return answer


def signal(unique_id: str, status: str = "SUCCESS", data: str = "", reason: str = "") -> Any:
    return {"Status": status, "UniqueId": unique_id, "Data": data, "Reason": reason}


def test_it_waits_for_as_many_as_are_wanted(real: PlantRig) -> None:
    url = begun(real)
    assert url.startswith("http://localhost:8700/cloudformation-waitcondition-us-east-1/arn%3Aaws")
    assert described(real)["StackStatus"] == "CREATE_IN_PROGRESS"
    assert put(real, url, signal("one", data="1")).status == 200
    assert put(real, url, signal("one", data="again")).status == 200
    settled(real, turns=5)
    assert described(real)["StackStatus"] == "CREATE_IN_PROGRESS"
    assert put(real, url, signal("two", data="2")).status == 200
    stack = settled(real)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert json.loads(outputs["Data"]) == {"one": "1", "two": "2"}
    assert outputs["Url"] == url
    (queue,) = real.client("sqs").list_queues()["QueueUrls"]
    tags = real.client("sqs").list_queue_tags(QueueUrl=queue)["Tags"]
    assert json.loads(tags["data"]) == {"one": "1", "two": "2"}


def test_signals_outlive_the_control_plane(real: PlantRig) -> None:
    url = begun(real)
    put(real, url, signal("one"))
    real.restart()
    put(real, url, signal("two"))
    assert settled(real)["StackStatus"] == "CREATE_COMPLETE"


def test_an_outage_takes_no_time(real: PlantRig) -> None:
    url = begun(real)
    real.universe.clock.advance(5000)
    real.restart()
    settled(real, turns=5)
    for name in ("one", "two"):
        put(real, url, signal(name))
    assert settled(real)["StackStatus"] == "CREATE_COMPLETE"


def test_a_failure_is_told_with_its_reason(real: PlantRig) -> None:
    url = begun(real)
    put(real, url, signal("one", "FAILURE", reason="no disk"))
    stack = settled(real)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    text = "WaitCondition received failed message: 'no disk' for uniqueId: one"
    assert text in stack["StackStatusReason"]
    assert ("Wait", "CREATE_FAILED") in told(real)
    assert put(real, url, signal("late")).status == 403  # its handle has ended


def test_nobody_waits_for_ever(real: PlantRig) -> None:
    url = begun(real)
    put(real, url, signal("one"))
    real.universe.clock.advance(590)
    assert settled(real, turns=2)["StackStatus"] == "CREATE_IN_PROGRESS"
    real.universe.clock.advance(10)
    stack = settled(real)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    text = "WaitCondition timed out. Received 1 conditions when expecting 2"
    assert text in stack["StackStatusReason"]


def test_it_may_take_longer_than_anything_else(real: PlantRig) -> None:
    url = begun(real, TEMPLATE.replace("Timeout: 600", "Timeout: '43200'"))
    for _ in range(5):
        real.universe.clock.advance(8000)
        settled(real, turns=2)
    for name in ("one", "two"):
        put(real, url, signal(name))
    assert settled(real)["StackStatus"] == "CREATE_COMPLETE"


def test_it_never_changes(real: PlantRig, client: Any) -> None:
    url = begun(real)
    for name in ("one", "two"):
        put(real, url, signal(name))
    settled(real)
    more = TEMPLATE.replace("Count: 2", "Count: 3")
    client.update_stack(StackName=NAME, TemplateBody=more)
    stack = settled(real)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    text = "Update to resource type AWS::CloudFormation::WaitCondition is not supported."
    assert text in stack["StackStatusReason"]
    client.delete_stack(StackName=NAME)
    assert settled(real, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    kept = [real.run(real.world.store.documents(kind)) for kind in ("signals", "wait condition")]
    assert kept == [{}, {}]


BODIES: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"x", "JSON object"),
    "a list": (b"[]", "JSON object"),
    "no status": (b'{"UniqueId": "1"}', "SUCCESS or FAILURE"),
    "nobody": (b'{"Status": "SUCCESS"}', "UniqueId"),
    "too much": (json.dumps(signal("1", data="x" * 5000)).encode(), "4096"),
    "far too much": (b" " * 70_000 + b"{}", "JSON object"),
    "deep": (b"[" * 60_000, "JSON object"),
}


@pytest.mark.parametrize(("body", "says"), BODIES.values(), ids=BODIES.keys())
def test_what_is_no_signal(real: PlantRig, body: bytes, says: str) -> None:
    url = begun(real)
    answer = put(real, url, body)
    assert answer.status == 400
    assert says in answer.body.decode()


def test_who_may_not_signal(real: PlantRig) -> None:
    url = begun(real)
    assert put(real, url.partition("?")[0], signal("one")).status == 403
    assert put(real, url[:-1] + "!", signal("one")).status == 403
    other = url.replace("own-Handle", "own-Other")
    assert other != url
    assert put(real, other, signal("one")).status == 403
    assert put(real, url, b"", "GET").status == 405


def test_awss_own_address_leads_here(real: PlantRig) -> None:
    """As instances in root mode reach it: AWS's names lead to us there."""
    url = begun(real)
    path = url.partition("/cloudformation-waitcondition-us-east-1")[2]
    headers = {"Host": "cloudformation-waitcondition-us-east-1.s3.amazonaws.com"}
    for name in ("one", "two"):
        body = json.dumps(signal(name)).encode()
        assert real.run(ask(real.door, "PUT", f"https://x{path}", headers, body)).status == 200
    assert settled(real)["StackStatus"] == "CREATE_COMPLETE"


def test_a_creation_policy_waits_for_the_api(real: PlantRig, client: Any) -> None:
    begun(real, ASKED)
    given = {"StackName": NAME, "LogicalResourceId": "Wait", "UniqueId": "i-1"}
    client.signal_resource(**given, Status="SUCCESS")
    client.signal_resource(**given, Status="SUCCESS")
    assert settled(real)["StackStatus"] == "CREATE_COMPLETE"
    reasons = [one.get("ResourceStatusReason") for one in story(real)]
    assert reasons.count("Received SUCCESS signal with UniqueId i-1") == 1
    _, code, message = real.refusal(client.signal_resource, **given, Status="SUCCESS")
    assert code == "ValidationError"
    assert message.endswith("is in CREATE_COMPLETE state and cannot be signaled")


def test_a_creation_policy_that_fails(real: PlantRig, client: Any) -> None:
    begun(real, ASKED)
    given = {"StackName": NAME, "LogicalResourceId": "Wait", "UniqueId": "i-1"}
    client.signal_resource(**given, Status="FAILURE")
    reason = settled(real)["StackStatusReason"]
    assert "Received FAILURE signal with UniqueId i-1" in reason


def test_a_creation_policy_that_nobody_signals(real: PlantRig, client: Any) -> None:
    begun(real, ASKED)
    real.universe.clock.advance(601)
    reason = settled(real)["StackStatusReason"]
    assert "Failed to receive 1 resource signal(s) within the specified duration" in reason


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("Timeout: 600, ", ""), "Timeout"),
        (("Timeout: 600", "Timeout: 50000"), "43200"),
        (("!Ref Handle, T", "nothing, T"), "WaitConditionHandle"),
        (("Count: 2", "Count: 0"), "Count"),
    ],
)
def test_what_cannot_be_waited_for(real: PlantRig, change: tuple[str, str], says: str) -> None:
    real.client("cloudformation").create_stack(
        StackName=NAME, TemplateBody=TEMPLATE.replace(*change)
    )
    stack = settled(real)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert says in stack["StackStatusReason"]


CONFIG = TEMPLATE.replace("!Ref Handle", '{"Ref": Handle}').replace(
    "!GetAtt Wait.Data", '{"Fn::GetAtt": [Wait, Data]}'
)


def test_instances_may_signal_while_their_environment_is_made(real: PlantRig) -> None:
    real.version("w", {".ebextensions/a.config": CONFIG, "application.py": ""})
    made = real.eb.create_environment(
        ApplicationName="app", EnvironmentName="web1", VersionLabel="w",
        SolutionStackName="64bit Amazon Linux 2023 v4.13.7 running Python 3.11",
    )  # fmt: skip
    real.until(lambda: len(real.environment().members) > 0)
    real.step(60.0)
    environment = real.environment(made["EnvironmentId"])
    assert environment.operation is not None
    assert environment.resource("After") is None
    url = environment.resource("Handle").referred
    path = url.replace("https://cloudformation-waitcondition-us-east-1.s3.amazonaws.com", "")
    for name in ("one", "two"):
        there = f"http://localhost:8700/cloudformation-waitcondition-us-east-1{path}"
        assert put(real, there, signal(name)).status == 200
    environment = real.settle(environment.id)
    assert environment.resource("After") is not None
    assert "Successfully launched environment: web1" in real.told(environment="web1")


def test_an_environment_whose_instances_say_nothing(real: PlantRig) -> None:
    real.version("w", {".ebextensions/a.config": CONFIG, "application.py": ""})
    real.eb.create_environment(
        ApplicationName="app", EnvironmentName="web1", VersionLabel="w",
        SolutionStackName="64bit Amazon Linux 2023 v4.13.7 running Python 3.11",
    )  # fmt: skip
    real.until(lambda: len(real.environment().members) > 0)
    for _ in range(7):
        real.step(100.0)
    environment = real.settle(real.environment().id)
    said = "\n".join(real.told(environment="web1"))
    assert "WaitCondition timed out. Received 0 conditions when expecting 2" in said
    assert "failed to create: [Wait]" in said
    assert environment.resources == ()
    real.step(60.0)
    assert real.environment(environment.id).members == ()
