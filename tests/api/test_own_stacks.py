"""Stacks of their own, made, changed and ended by AWS's own client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.api.rig import PlantRig

from jackbean.control.stacks.desk import StackDesk

TEMPLATE = """
Description: A queue and who fills it
Parameters:
  Delay: {Type: Number, Default: 3}
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties: {DelaySeconds: !Ref Delay, Tags: [{Key: of, Value: !Sub "${AWS::StackName}!"}]}
  News:
    Type: AWS::SNS::Topic
    Properties: {DisplayName: !GetAtt Jobs.Arn}
Outputs:
  Url: {Value: !Ref Jobs, Export: {Name: jobs}}
"""
NAME = "own"
QUEUE, TOPIC = "AWS::SQS::Queue", "AWS::SNS::Topic"


@pytest.fixture
def client(rig: PlantRig) -> Any:
    return rig.client("cloudformation")


def settled(rig: PlantRig, client: Any, name: str = NAME) -> dict[str, Any]:
    """Take turns until nothing is under way, and return the stack as it is described."""
    for _ in range(100):
        if not rig.run(rig.stacks.turn()):
            break
        rig.universe.clock.advance(1.0)
    (found,) = client.describe_stacks(StackName=name)["Stacks"]
    return dict(found)


def made(rig: PlantRig, client: Any, template: str = TEMPLATE, **more: Any) -> dict[str, Any]:
    client.create_stack(StackName=NAME, TemplateBody=template, **more)
    return settled(rig, client)


def properties(rig: PlantRig, kind: str) -> dict[str, Any]:
    """Return the properties of the one resource of a type that there is."""
    (found,) = (made for (type_, _), (_, made) in rig.universe.resources.there.items()
                if type_ == kind)  # fmt: skip
    return dict(json.loads(found))


def told(client: Any, name: str = NAME) -> list[tuple[str, str]]:
    """Return the story, oldest first."""
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    return [(e["LogicalResourceId"], e["ResourceStatus"]) for e in reversed(events)]


def test_a_stack_is_made(rig: PlantRig, client: Any) -> None:
    stack = made(rig, client, Tags=[{"Key": "team", "Value": "x"}])
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Outputs"][0]["ExportName"] == "jobs"
    assert stack["Tags"] == [{"Key": "team", "Value": "x"}]
    assert properties(rig, QUEUE)["DelaySeconds"] == "3"
    assert properties(rig, QUEUE)["Tags"][0]["Value"] == "own!"
    assert properties(rig, TOPIC)["DisplayName"].startswith("arn:own-Jobs-")
    assert told(client) == [
        (NAME, "CREATE_IN_PROGRESS"),
        ("Jobs", "CREATE_IN_PROGRESS"),
        ("Jobs", "CREATE_COMPLETE"),
        ("News", "CREATE_IN_PROGRESS"),
        ("News", "CREATE_COMPLETE"),
        (NAME, "CREATE_COMPLETE"),
    ]


def test_it_goes_on_where_another_control_plane_left_it(rig: PlantRig, client: Any) -> None:
    client.create_stack(StackName=NAME, TemplateBody=TEMPLATE)
    rig.run(rig.stacks.turn())
    rig.stacks = StackDesk(rig.world)  # all that it remembers is gone
    assert settled(rig, client)["StackStatus"] == "CREATE_COMPLETE"
    assert len(rig.universe.resources.there) == 2


def test_it_is_changed(rig: PlantRig, client: Any) -> None:
    made(rig, client)
    delay = [{"ParameterKey": "Delay", "ParameterValue": "7"}]
    client.update_stack(StackName=NAME, UsePreviousTemplate=True, Parameters=delay)
    stack = settled(rig, client)
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert {"ParameterKey": "Delay", "ParameterValue": "7"} in stack["Parameters"]
    assert properties(rig, QUEUE)["DelaySeconds"] == "7"
    same = {"StackName": NAME, "UsePreviousTemplate": True, "Parameters": delay}
    assert "No updates" in rig.refusal(client.update_stack, **same)[2]


BAD = TEMPLATE.replace(
    "{DisplayName: !GetAtt Jobs.Arn}", "{Tags: [{Key: RefuseToBe, Value: no topics today}]}"
)


def test_what_fails_is_undone(rig: PlantRig, client: Any) -> None:
    stack = made(rig, client, BAD)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "no topics today" in stack["StackStatusReason"]
    assert rig.universe.resources.there == {}
    assert ("News", "CREATE_FAILED") in told(client)
    assert rig.refusal(client.update_stack, StackName=NAME, TemplateBody=TEMPLATE)[1] == (
        "ValidationError"
    )


def test_a_change_that_fails_is_undone(rig: PlantRig, client: Any) -> None:
    made(rig, client)
    before = dict(rig.universe.resources.there)
    client.update_stack(StackName=NAME, TemplateBody=BAD.replace("Default: 3", "Default: 4"))
    stack = settled(rig, client)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert rig.universe.resources.there == before
    assert {"ParameterKey": "Delay", "ParameterValue": "3"} in stack["Parameters"]


def test_what_fails_stays_where_that_is_wanted(rig: PlantRig, client: Any) -> None:
    assert made(rig, client, BAD, DisableRollback=True)["StackStatus"] == "CREATE_FAILED"
    assert {kind for kind, _ in rig.universe.resources.there} == {QUEUE}
    client.update_stack(StackName=NAME, TemplateBody=TEMPLATE)
    assert settled(rig, client)["StackStatus"] == "UPDATE_COMPLETE"
    assert {kind for kind, _ in rig.universe.resources.there} == {QUEUE, TOPIC}


def test_it_is_ended(rig: PlantRig, client: Any) -> None:
    stack = made(rig, client)
    client.delete_stack(StackName=NAME)
    ended = settled(rig, client, stack["StackId"])
    assert ended["StackStatus"] == "DELETE_COMPLETE"
    assert rig.universe.resources.there == {}
    assert client.describe_stacks()["Stacks"] == []
    client.delete_stack(StackName=NAME)  # it has ended: that is no error
    assert made(rig, client)["StackId"] != stack["StackId"]


def test_what_cannot_be_ended_is_retained_by_a_second_request(rig: PlantRig, client: Any) -> None:
    stays = TEMPLATE.replace("{Key: of", "{Key: RefuseToEnd, Value: it is needed}, {Key: of")
    stack = made(rig, client, stays)
    assert rig.refusal(client.delete_stack, StackName=NAME, RetainResources=["Jobs"])[0] == 400
    client.delete_stack(StackName=NAME)
    failed = settled(rig, client)
    assert failed["StackStatus"] == "DELETE_FAILED"
    assert "[Jobs]" in failed["StackStatusReason"]
    client.delete_stack(StackName=NAME, RetainResources=["Jobs"])
    assert settled(rig, client, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert {kind for kind, _ in rig.universe.resources.there} == {QUEUE}


def test_another_imports_what_it_exports(rig: PlantRig, client: Any) -> None:
    made(rig, client)
    topic = {
        "Type": TOPIC,
        "Properties": {"TopicName": "t", "DisplayName": {"Fn::ImportValue": "jobs"}},
    }
    client.create_stack(StackName="second", TemplateBody=json.dumps({"Resources": {"T": topic}}))
    assert settled(rig, client, "second")["StackStatus"] == "CREATE_COMPLETE"
    (export,) = client.list_exports()["Exports"]
    _, there = rig.universe.resources.there[TOPIC, "t"]
    assert json.loads(there)["DisplayName"] == export["Value"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no template": ({}, "must be specified"),
    "no text of one": ({"TemplateBody": "a: [b"}, "Template format error"),
    "nothing in it": ({"TemplateBody": "Resources: {}"}, "At least one Resources member"),
    "an unknown type": ({"TemplateBody": "Resources: {A: {Type: 'AWS::SQS::X'}}"}, "not known"),
    "a reference to nothing": (
        {"TemplateBody": "Resources: {A: {Type: 'AWS::SQS::Queue', Properties: {A: !Ref B}}}"},
        "there is no resource or parameter 'B'",
    ),
    "an unknown parameter": (
        {"TemplateBody": TEMPLATE, "Parameters": [{"ParameterKey": "X", "ParameterValue": "1"}]},
        "[X] do not exist",
    ),
    "another's name": ({"TemplateBody": TEMPLATE, "StackName": "awseb-x"}, "Elastic Beanstalk"),
    "a property that there is not": (
        {"TemplateBody": TEMPLATE.replace("DelaySeconds", "Delay")},
        "'Jobs': Properties.Delay: extraneous key [Delay] is not permitted. There are: Content",
    ),
    "a property of another kind": (
        {"TemplateBody": TEMPLATE.replace("!Ref Delay", "soon")},
        "'Jobs': Properties.DelaySeconds: expected type: Integer, found: String \"soon\"",
    ),
    "a property that is missing": (
        {"TemplateBody": "Resources: {S: {Type: 'AWS::SNS::Subscription'}}"},
        "'S': Properties: required key [Protocol] not found",
    ),
    "a parameter without a value": (
        {"TemplateBody": TEMPLATE.replace(", Default: 3", "")},
        "Parameters: [Delay] must have values",
    ),
    "a bad name": ({"TemplateBody": TEMPLATE, "StackName": "1/2"}, "stackName"),
}


@pytest.mark.parametrize(("given", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_meant(rig: PlantRig, client: Any, given: dict[str, Any], says: str) -> None:
    status, code, message = rig.refusal(client.create_stack, **{"StackName": NAME, **given})
    assert (status, code) == (400, "ValidationError")
    assert says in message


def test_a_name_is_given_once(rig: PlantRig, client: Any) -> None:
    made(rig, client)
    asked = {"StackName": NAME, "TemplateBody": TEMPLATE}
    assert rig.refusal(client.create_stack, **asked)[1] == "AlreadyExistsException"


def test_a_template_is_looked_at(client: Any) -> None:
    found = client.validate_template(TemplateBody=TEMPLATE)
    assert found["Description"] == "A queue and who fills it"
    assert found["Parameters"][0]["ParameterKey"] == "Delay"


def change_set(client: Any, kind: str, template: str) -> dict[str, Any]:
    given = {"StackName": NAME, "ChangeSetName": "change", "ChangeSetType": kind}
    made_id = client.create_change_set(**given, TemplateBody=template)["Id"]
    return dict(client.describe_change_set(ChangeSetName=made_id))


def test_change_sets_as_the_cli_makes_them(rig: PlantRig, client: Any) -> None:
    assert rig.refusal(
        client.create_change_set, StackName=NAME, ChangeSetName="c", TemplateBody=TEMPLATE
    )[0] == 400  # fmt: skip
    first = change_set(client, "CREATE", TEMPLATE)
    assert first["Status"] == "CREATE_COMPLETE"
    assert [c["ResourceChange"]["LogicalResourceId"] for c in first["Changes"]] == ["Jobs", "News"]
    assert rig.universe.resources.there == {}
    client.execute_change_set(ChangeSetName=first["ChangeSetId"])
    assert settled(rig, client)["StackStatus"] == "CREATE_COMPLETE"
    same = change_set(client, "UPDATE", TEMPLATE)
    assert (same["Status"], same["StatusReason"][:37]) == (
        "FAILED",
        "The submitted information didn't cont",
    )
    client.delete_change_set(ChangeSetName="change", StackName=NAME)
    both = TEMPLATE.replace("Delay, T", "Delay, FifoQueue: true, T").replace("News:", "More:")
    told_of = {
        change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"]
        for change in change_set(client, "UPDATE", both)["Changes"]
    }
    assert told_of["Jobs"]["Replacement"] == "True"
    assert "own-Jobs-" in told_of["Jobs"]["PhysicalResourceId"]
    assert "Replacement" not in told_of["More"]
    assert told_of["News"]["Action"] == "Remove"
    client.delete_change_set(ChangeSetName="change", StackName=NAME)
    changed = change_set(client, "UPDATE", TEMPLATE.replace("Default: 3", "Default: 4"))
    client.execute_change_set(ChangeSetName="change", StackName=NAME)
    assert settled(rig, client)["StackStatus"] == "UPDATE_COMPLETE"
    gone = {"ChangeSetName": changed["ChangeSetId"]}
    assert rig.refusal(client.describe_change_set, **gone)[1] == "ChangeSetNotFound"
    assert properties(rig, QUEUE)["DelaySeconds"] == "4"


def test_a_change_that_cannot_be_meant_changes_nothing(rig: PlantRig, client: Any) -> None:
    made(rig, client)
    bad = TEMPLATE.replace("!Ref Delay", "soon").replace("DisplayName", "Name")
    message = rig.refusal(client.update_stack, StackName=NAME, TemplateBody=bad)[2]
    assert "'Jobs': Properties.DelaySeconds" in message
    assert "'News': Properties.Name" in message
    assert settled(rig, client)["StackStatus"] == "CREATE_COMPLETE"


def test_what_nothing_comes_of_is_told(rig: PlantRig, client: Any) -> None:
    table = """
    Resources:
      People:
        Type: AWS::DynamoDB::Table
        Properties:
          KeySchema: [{AttributeName: id, KeyType: HASH}]
          StreamSpecification: {StreamViewType: NEW_IMAGE}
    """
    assert made(rig, client, table)["StackStatus"] == "CREATE_COMPLETE"
    events = client.describe_stack_events(StackName=NAME)["StackEvents"]
    reasons = [one.get("ResourceStatusReason", "") for one in events]
    assert "StreamSpecification: taken as it is, and nothing comes of it here" in reasons


def test_secrets_are_not_told(rig: PlantRig, client: Any) -> None:
    secret = TEMPLATE.replace("Default: 3", "Default: 3, NoEcho: true")
    delay = [{"ParameterKey": "Delay", "ParameterValue": "7"}]
    stack = made(rig, client, secret, Parameters=delay)
    assert stack["Parameters"] == [{"ParameterKey": "Delay", "ParameterValue": "****"}]
    assert properties(rig, QUEUE)["DelaySeconds"] == "7"
