"""Stacks of environments, as AWS's own client sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.api.rig import PlantRig

CONFIG = """
Resources:
  Jobs: {Type: "AWS::SQS::Queue", Properties: {DelaySeconds: 1}}
  Never: {Type: "AWS::SNS::Topic", Condition: No}
Conditions: {No: {"Fn::Equals": [a, b]}}
Parameters: {Size: {Type: Number, Default: 3}}
Outputs:
  JobsName:
    Description: Where jobs go
    Value: {"Fn::GetAtt": [Jobs, QueueName]}
    Export: {Name: {"Fn::Sub": "${AWSEBEnvironmentName}-jobs"}}
  Nothing: {Value: x, Condition: No}
"""
IMPORTING = """
Resources:
  Own:
    Type: AWS::SNS::Topic
    Properties: {DisplayName: {"Fn::ImportValue": web1-jobs}}
"""


def launched(rig: PlantRig, name: str = "web1", config: str = CONFIG) -> str:
    """Make an environment whose bundle has that config file, and return its stack's name."""
    rig.version(name, {".ebextensions/a.config": config, "application.py": ""})
    return f"awseb-{rig.launch(name, 1, VersionLabel=name)}-stack"


def the_stack(client: Any, name: str) -> dict[str, Any]:
    (found,) = client.describe_stacks(StackName=name)["Stacks"]
    return dict(found)


def test_a_stack_is_described(rig: PlantRig) -> None:
    name, client = launched(rig), rig.client("cloudformation")
    stack = the_stack(client, name)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["StackName"] == name
    assert the_stack(client, stack["StackId"]) == stack
    assert {"ParameterKey": "Size", "ParameterValue": "3"} in stack["Parameters"]
    queue = rig.environment().resource("Jobs")
    assert stack["Outputs"] == [
        {
            "OutputKey": "JobsName",
            "OutputValue": f"{queue.name}",
            "Description": "Where jobs go",
            "ExportName": "web1-jobs",
        }
    ]
    (listed,) = client.list_stacks()["StackSummaries"]
    assert listed["StackName"] == name
    assert client.list_stacks(StackStatusFilter=["DELETE_FAILED"])["StackSummaries"] == []


def test_its_resources(rig: PlantRig) -> None:
    name, client = launched(rig), rig.client("cloudformation")
    queue = rig.environment().resource("Jobs")
    assert queue is not None
    found = client.describe_stack_resources(StackName=name)["StackResources"]
    by_id = {one["LogicalResourceId"]: one for one in found}
    assert by_id["Jobs"]["PhysicalResourceId"] == queue.referred
    assert by_id["Jobs"]["ResourceStatus"] == "CREATE_COMPLETE"
    assert "AWSEBAutoScalingGroup" in by_id
    assert "Never" not in by_id
    by_name = client.describe_stack_resources(PhysicalResourceId=queue.name)["StackResources"]
    assert by_name == found
    one = client.describe_stack_resource(StackName=name, LogicalResourceId="Jobs")
    assert one["StackResourceDetail"]["ResourceType"] == "AWS::SQS::Queue"
    summaries = client.list_stack_resources(StackName=name)["StackResourceSummaries"]
    assert [s["LogicalResourceId"] for s in summaries] == list(by_id)


def test_its_template_and_its_story(rig: PlantRig) -> None:
    name, client = launched(rig), rig.client("cloudformation")
    body = client.get_template(StackName=name)["TemplateBody"]
    template = body if isinstance(body, dict) else json.loads(body)
    assert template["Resources"]["Jobs"]["Properties"] == {"DelaySeconds": "1"}
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    told = {(e["LogicalResourceId"], e["ResourceStatus"]) for e in events}
    assert ("Jobs", "CREATE_COMPLETE") in told
    times = [e["Timestamp"] for e in events]
    assert times == sorted(times, reverse=True)


def test_the_end_of_a_stack(rig: PlantRig) -> None:
    name, client = launched(rig), rig.client("cloudformation")
    id_ = the_stack(client, name)["StackId"]
    rig.eb.terminate_environment(EnvironmentName="web1")
    assert the_stack(client, name)["StackStatus"] == "DELETE_IN_PROGRESS"
    rig.until(lambda: the_stack(client, id_)["StackStatus"] == "DELETE_COMPLETE")
    assert "does not exist" in rig.refusal(client.describe_stacks, StackName=name)[2]
    assert client.describe_stacks()["Stacks"] == []
    events = client.describe_stack_events(StackName=id_)["StackEvents"]
    assert ("Jobs", "DELETE_COMPLETE") in {
        (e["LogicalResourceId"], e["ResourceStatus"]) for e in events
    }


def test_what_one_exports_another_imports(rig: PlantRig) -> None:
    launched(rig)
    client = rig.client("cloudformation")
    (export,) = client.list_exports()["Exports"]
    assert export["Name"] == "web1-jobs"
    launched(rig, "web2", IMPORTING)
    kept = {kind: made for (kind, _), (_, made) in rig.universe.resources.there.items()}
    assert json.loads(kept["AWS::SNS::Topic"]) == {"DisplayName": export["Value"]}


def test_what_nobody_exports_is_refused(rig: PlantRig) -> None:
    with pytest.raises(ClientError, match="no other stack exports 'web1-jobs'"):
        launched(rig, "web2", IMPORTING)


def test_a_stack_that_is_not_there(rig: PlantRig) -> None:
    client = rig.client("cloudformation")
    for call in (client.describe_stacks, client.get_template, client.describe_stack_events):
        status, code, message = rig.refusal(call, StackName="nothing")
        assert (status, code) == (400, "ValidationError")
        assert "does not exist" in message
    name = launched(rig)
    missing = {"StackName": name, "LogicalResourceId": "Nothing"}
    assert rig.refusal(client.describe_stack_resource, **missing)[1] == "ValidationError"
    assert rig.refusal(client.list_stacks, NextToken="?")[1] == "ValidationError"
