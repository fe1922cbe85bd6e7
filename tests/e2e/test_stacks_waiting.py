"""An instance signals to its own environment's stack; a stack in a stack outlives `kill -9`."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.installation import Installation, app, installed, option, until

SIGNAL = r"""
import json, urllib.request
told = json.load(open("/var/app/signal.json"))
body = {"Status": "SUCCESS", "UniqueId": "one", "Data": "from an instance", "Reason": "-"}
request = urllib.request.Request(told["url"], json.dumps(body).encode(), method="PUT")
request.add_header("Content-Type", "")
print(urllib.request.urlopen(request, timeout=10).status)
"""
CONFIG = """
Resources:
  Handle: {Type: "AWS::CloudFormation::WaitConditionHandle"}
  Wait:
    Type: AWS::CloudFormation::WaitCondition
    Properties: {Handle: {Ref: Handle}, Timeout: "120", Count: 2}
  After:
    Type: AWS::SNS::Topic
    Properties: {DisplayName: {"Fn::GetAtt": [Wait, Data]}}
  AWSEBAutoScalingGroup: {Properties: {MaxSize: "3"}}
files:
  /var/app/signal.json:
    mode: "000644"
    content: |
      {"url": "`{"Ref": "Handle"}`"}
container_commands:
  01_signal: {command: python3 signal_it.py}
  02_signal:
    command: |
      /opt/aws/bin/cfn-signal -e $? -i two -d "by cfn-signal" '`{"Ref": "Handle"}`'
"""
INNER = """
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
  Wait:
    Type: AWS::CloudFormation::WaitCondition
    Properties: {Handle: !Ref Handle, Timeout: 100}
  Jobs: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: 3}, DependsOn: Wait}
Outputs: {Queue: {Value: !Ref Jobs}}
"""
SINGLE = option("aws:elasticbeanstalk:environment", "EnvironmentType", "SingleInstance")
pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def one() -> Iterator[Installation]:
    with installed() as installation:
        yield installation


def test_an_instance_signals_while_its_environment_is_made(one: Installation) -> None:
    one.version("w", app("w", **{".ebextensions/a.config": CONFIG, "signal_it.py": SIGNAL}))
    environment = one.create("waiting", "w", SINGLE)
    topics = one.client("sns")
    (topic,) = topics.list_topics()["Topics"]
    told = topics.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]["DisplayName"]
    assert json.loads(told) == {"one": "from an instance", "two": "by cfn-signal"}
    assert one.get(environment).startswith("w ")
    one.terminate("waiting")


def test_a_nested_stack_waits_through_a_kill(one: Installation) -> None:
    client, s3 = one.client("cloudformation"), one.client("s3")
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="inner.yaml", Body=INNER.encode())
    url = "https://templates.s3.us-east-1.amazonaws.com/inner.yaml"
    inner = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
    client.create_stack(StackName="outer", TemplateBody=json.dumps({"Resources": {"I": inner}}))
    handle = until(lambda: _handle(client), 20, "the handle is there")
    one.kill()
    one.start()
    body = {"Status": "SUCCESS", "UniqueId": "1"}
    request = urllib.request.Request(handle, json.dumps(body).encode(), method="PUT")
    assert urllib.request.urlopen(request, timeout=10).status == 200
    waiter = client.get_waiter("stack_create_complete")
    waiter.wait(StackName="outer", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    (queue,) = one.client("sqs").list_queues()["QueueUrls"]
    one.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"DelaySeconds": "9"})
    nested = _nested(client)
    client.detect_stack_drift(StackName=nested)
    (drift,) = client.describe_stack_resource_drifts(StackName=nested)["StackResourceDrifts"]
    assert drift["PropertyDifferences"][0]["ActualValue"] == "9"
    stack = client.describe_stacks(StackName="outer")["Stacks"][0]["StackId"]
    client.delete_stack(StackName="outer")
    waiter = client.get_waiter("stack_delete_complete")
    waiter.wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert one.client("sqs").list_queues().get("QueueUrls", []) == []


def _nested(client: Any) -> str:
    found = client.describe_stack_resources(StackName="outer")["StackResources"]
    return str(found[0]["PhysicalResourceId"]) if found else ""


def _handle(client: Any) -> str:
    stacks = client.describe_stacks()["Stacks"]
    inner = next((one["StackId"] for one in stacks if "ParentId" in one), "")
    if not inner:
        return ""
    found = client.describe_stack_resources(StackName=inner)["StackResources"]
    urls = [one["PhysicalResourceId"] for one in found if one["LogicalResourceId"] == "Handle"]
    return next((url for url in urls if url.startswith("http")), "")
