"""Stacks in stacks, and templates that are read from our own S3."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.api.rig import PlantRig
from tests.api.stacks import NAME, described, settled, told

INNER = """
Parameters: {Delay: {Type: Number, Default: 1}, Names: {Type: CommaDelimitedList, Default: a}}
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties: {DelaySeconds: !Ref Delay, Tags: [{Key: n, Value: !Select [1, !Ref Names]}]}
Outputs:
  Arn: {Value: !GetAtt Jobs.Arn}
"""
BUCKET = "templates"
QUEUE = "AWS::SQS::Queue"


def outer(key: str = "inner.yaml", delay: int = 3, output: str = "Arn") -> str:
    url = f"https://{BUCKET}.s3.us-east-1.amazonaws.com/{key}"
    return f"""
    Resources:
      Inner:
        Type: AWS::CloudFormation::Stack
        Properties: {{TemplateURL: "{url}", Parameters: {{Delay: {delay}, Names: [x, "y"]}}}}
      News:
        Type: AWS::SNS::Topic
        Properties: {{DisplayName: !GetAtt Inner.Outputs.{output}}}
    Outputs: {{Inner: {{Value: !Ref Inner}}}}
    """


@pytest.fixture
def client(real: PlantRig) -> Any:
    real.client("s3").create_bucket(Bucket=BUCKET)
    upload(real, "inner.yaml", INNER)
    return real.client("cloudformation")


def upload(rig: PlantRig, key: str, text: str) -> None:
    rig.client("s3").put_object(Bucket=BUCKET, Key=key, Body=text.encode())


def made(rig: PlantRig, template: str, **more: Any) -> dict[str, Any]:
    rig.client("cloudformation").create_stack(StackName=NAME, TemplateBody=template, **more)
    return settled(rig)


def inner_of(rig: PlantRig) -> dict[str, Any]:
    wanted = {"StackName": NAME, "LogicalResourceId": "Inner"}
    found = rig.client("cloudformation").describe_stack_resource(**wanted)
    return described(rig, found["StackResourceDetail"]["PhysicalResourceId"])


def queues(rig: PlantRig) -> list[str]:
    return list(rig.client("sqs").list_queues().get("QueueUrls", []))


def delay(rig: PlantRig) -> str:
    (url,) = queues(rig)
    told = rig.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])
    return str(told["Attributes"]["DelaySeconds"])


def test_a_stack_in_a_stack(real: PlantRig, client: Any) -> None:
    stack = made(real, outer())
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    inner = inner_of(real)
    assert inner["StackStatus"] == "CREATE_COMPLETE"
    assert inner["ParentId"] == inner["RootId"] == stack["StackId"]
    assert inner["StackId"] == stack["Outputs"][0]["OutputValue"]
    assert inner["StackName"].startswith("own-Inner-")
    assert delay(real) == "3"
    (url,) = queues(real)
    assert real.client("sqs").list_queue_tags(QueueUrl=url)["Tags"]["n"] == "y"
    (topic,) = real.client("sns").list_topics()["Topics"]
    name = real.client("sns").get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
    assert name["DisplayName"] == inner["Outputs"][0]["OutputValue"]


def test_it_changes_and_ends_with_its_parent(real: PlantRig, client: Any) -> None:
    stack = made(real, outer())
    inner = inner_of(real)
    client.update_stack(StackName=NAME, TemplateBody=outer(delay=5))
    assert settled(real)["StackStatus"] == "UPDATE_COMPLETE"
    assert delay(real) == "5"
    assert inner_of(real)["StackId"] == inner["StackId"]
    client.delete_stack(StackName=NAME)
    assert settled(real, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert described(real, inner["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert queues(real) == []
    assert real.run(real.world.store.documents("nested stack")) == {}


def test_a_change_that_fails_goes_back_inside_too(real: PlantRig, client: Any) -> None:
    made(real, outer())
    bad = outer(delay=5).replace("DisplayName:", "DeliveryPolicy: '{\"http\": 3}', DisplayName:")
    client.update_stack(StackName=NAME, TemplateBody=bad)
    assert settled(real)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert delay(real) == "3"
    assert inner_of(real)["StackStatus"] == "UPDATE_COMPLETE"


def test_what_a_url_led_to_can_be_gone_back_to(real: PlantRig, client: Any) -> None:
    made(real, outer())
    upload(real, "inner.yaml", "Resources: {}")
    upload(real, "other.yaml", INNER.replace("!Ref Delay", "901"))
    client.update_stack(StackName=NAME, TemplateBody=outer("other.yaml"))
    stack = settled(real)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "was not successfully updated" in stack["StackStatusReason"]
    assert delay(real) == "3"


FAILING: dict[str, tuple[str, str, str]] = {
    "what cannot be made": (INNER.replace("!Ref Delay", "901"), "Arn", "DelaySeconds"),
    "what cannot be meant": (INNER.replace("DelaySeconds", "Delay"), "Arn", "extraneous key"),
    "no template": ("a: [b", "Arn", "Template format error"),
    "a parameter too many": (INNER.replace("Delay:", "Other:"), "Arn", "[Delay] do not exist"),
    "no such output": (INNER, "Url", "no output Url"),
}


@pytest.mark.parametrize(("inner", "output", "says"), FAILING.values(), ids=FAILING.keys())
def test_what_fails_inside(real: PlantRig, client: Any, inner: str, output: str, says: str) -> None:
    upload(real, "inner.yaml", inner)
    stack = made(real, outer(output=output))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert says in stack["StackStatusReason"]
    assert queues(real) == []


def test_nothing_at_the_url(real: PlantRig, client: Any) -> None:
    stack = made(real, outer("nothing.yaml"))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "S3 error: The specified key does not exist" in stack["StackStatusReason"]
    assert ("Inner", "CREATE_FAILED") in told(real)


def test_stacks_are_not_nested_for_ever(real: PlantRig, client: Any) -> None:
    url = f"https://{BUCKET}.s3.amazonaws.com/itself.json"
    inner = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    text = json.dumps({"Resources": {"Inner": inner}})
    upload(real, "itself.json", text)
    real.client("cloudformation").create_stack(StackName=NAME, TemplateURL=url)
    stack = settled(real, turns=400)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "nested at most 5 deep" in stack["StackStatusReason"]
    assert client.describe_stacks()["Stacks"][0]["StackName"] == NAME


def test_it_goes_on_where_another_control_plane_left_it(real: PlantRig, client: Any) -> None:
    client.create_stack(StackName=NAME, TemplateBody=outer())
    for _ in range(60):
        real.restart()
        real.run(real.stacks.turn())
    assert described(real)["StackStatus"] == "CREATE_COMPLETE"
    assert len(queues(real)) == 1


def test_a_bundle_brings_one(real: PlantRig, client: Any) -> None:
    url = f"https://{BUCKET}.s3.amazonaws.com/inner.yaml"
    config = f"""
    Resources:
      Inner:
        Type: AWS::CloudFormation::Stack
        Properties: {{TemplateURL: "{url}", Parameters: {{Delay: "7", Names: "x,y"}}}}
      News:
        Type: AWS::SNS::Topic
        Properties: {{DisplayName: {{"Fn::GetAtt": [Inner, Outputs.Arn]}}}}
    """
    real.version("w", {".ebextensions/a.config": config, "application.py": ""})
    made_id = real.eb.create_environment(
        ApplicationName="app", EnvironmentName="web1", VersionLabel="w",
        SolutionStackName="64bit Amazon Linux 2023 v4.13.7 running Python 3.11",
    )["EnvironmentId"]  # fmt: skip
    real.step(10.0)
    assert real.environment(made_id).members == ()  # not before everything is there
    for _ in range(40):
        real.step(1.0)
        real.run(real.stacks.turn())
    environment = real.settle(made_id)
    assert delay(real) == "7"
    inner = environment.resource("Inner")
    assert described(real, inner.referred)["ParentId"].endswith(f"stack/awseb-{made_id}-stack")
    real.eb.terminate_environment(EnvironmentName="web1")
    for _ in range(40):
        real.step(1.0)
        real.run(real.stacks.turn())
    assert queues(real) == []


def test_a_template_by_its_url(real: PlantRig, client: Any) -> None:
    url = f"http://localhost:8700/{BUCKET}/inner.yaml?versionId=null"
    assert client.validate_template(TemplateURL=url)["Parameters"]
    names = [{"ParameterKey": "Names", "ParameterValue": "a,b"}]
    client.create_stack(StackName=NAME, TemplateURL=url, Parameters=names)
    assert settled(real)["StackStatus"] == "CREATE_COMPLETE"
    both = {"StackName": "x", "TemplateURL": url, "TemplateBody": INNER}
    assert "must be specified" in real.refusal(client.create_stack, **both)[2]
    for bad in ("s3://templates/inner.yaml", "https://", "http://localhost:8700/templates"):
        given = {"StackName": "x", "TemplateURL": bad}
        assert "must be a supported URL" in real.refusal(client.create_stack, **given)[2]
