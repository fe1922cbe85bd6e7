"""Drift: what people change past the stack is found, property by property."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.api.rig import PlantRig
from tests.api.stacks import NAME, described, settled

TEMPLATE = """
Resources:
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: "30"
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 3}
      Tags: [{Key: a, Value: "1"}, {Key: b, Value: "2"}]
  Dead: {Type: AWS::SQS::Queue}
  Allowed:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Jobs]
      PolicyDocument: {Statement: {Effect: Allow, Principal: "*", Action: sqs:SendMessage, Resource: "*"}}
  News:
    Type: AWS::SNS::Topic
    Properties: {DisplayName: news, Subscription: [{Protocol: sqs, Endpoint: !GetAtt Dead.Arn}]}
  Heard:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref News, Protocol: sqs, Endpoint: !GetAtt Jobs.Arn, RawMessageDelivery: true}
  Told:
    Type: AWS::SNS::TopicPolicy
    Properties: {Topics: [!Ref News], PolicyDocument: {Statement: []}}
  Files: {Type: AWS::S3::Bucket}
  Read:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Files
      PolicyDocument: {Statement: {Effect: Allow, Principal: "*", Action: s3:GetObject, Resource: !Sub "arn:aws:s3:::${Files}/*"}}
  People:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}, {AttributeName: at, AttributeType: N}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      ProvisionedThroughput: {ReadCapacityUnits: "1", WriteCapacityUnits: 1}
      GlobalSecondaryIndexes:
        - IndexName: by-at
          KeySchema: [{AttributeName: at, KeyType: HASH}]
          Projection: {ProjectionType: KEYS_ONLY}
          ProvisionedThroughput: {ReadCapacityUnits: 1, WriteCapacityUnits: 1}
      TimeToLiveSpecification: {AttributeName: ends, Enabled: true}
  Inert: {Type: AWS::IAM::Role}
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
"""  # noqa: E501 - one line a resource
REAL = {"Jobs", "Dead", "Allowed", "News", "Heard", "Told", "Files", "Read", "People"}


class Stack:
    """A stack of every type, and who changes its resources past it."""

    def __init__(self, rig: PlantRig, name: str) -> None:
        self.rig, self.name = rig, name
        self.client = rig.client("cloudformation")
        self.sqs, self.sns = rig.client("sqs"), rig.client("sns")

    def physical(self, logical: str) -> str:
        wanted = {"StackName": self.name, "LogicalResourceId": logical}
        detail = self.client.describe_stack_resource(**wanted)["StackResourceDetail"]
        return str(detail["PhysicalResourceId"])

    def detected(self, **given: Any) -> dict[str, Any]:
        """Detect drift, and return what is said of the detection."""
        id_ = self.client.detect_stack_drift(StackName=self.name, **given)["StackDriftDetectionId"]
        return dict(self.client.describe_stack_drift_detection_status(StackDriftDetectionId=id_))

    def drifts(self, *statuses: str) -> dict[str, dict[str, Any]]:
        given = {"StackResourceDriftStatusFilters": list(statuses)} if statuses else {}
        found = self.client.describe_stack_resource_drifts(StackName=self.name, **given)
        return {one["LogicalResourceId"]: one for one in found["StackResourceDrifts"]}

    def differences(self, logical: str) -> set[tuple[str, str, str, str]]:
        return {
            (one["PropertyPath"], one["DifferenceType"], one["ExpectedValue"], one["ActualValue"])
            for one in self.drifts()[logical]["PropertyDifferences"]
        }

    def queue(self, logical: str, **attributes: str) -> None:
        self.sqs.set_queue_attributes(QueueUrl=self.physical(logical), Attributes=attributes)


@pytest.fixture
def own(real: PlantRig) -> Stack:
    real.client("cloudformation").create_stack(StackName=NAME, TemplateBody=TEMPLATE)
    assert settled(real)["StackStatus"] == "CREATE_COMPLETE"
    return Stack(real, NAME)


def test_what_nobody_has_touched_is_in_sync(own: Stack) -> None:
    assert described(own.rig)["DriftInformation"] == {"StackDriftStatus": "NOT_CHECKED"}
    status = own.detected()
    assert status["DetectionStatus"] == "DETECTION_COMPLETE"
    assert (status["StackDriftStatus"], status["DriftedStackResourceCount"]) == ("IN_SYNC", 0)
    found = own.drifts()
    assert {name: one["StackResourceDriftStatus"] for name, one in found.items()} == dict.fromkeys(
        REAL, "IN_SYNC"
    )
    assert found["Jobs"]["PropertyDifferences"] == []
    assert json.loads(found["Jobs"]["ExpectedProperties"])["VisibilityTimeout"] == "30"
    assert json.loads(found["Jobs"]["ActualProperties"])["VisibilityTimeout"] == "30"
    assert "DelaySeconds" not in json.loads(found["Jobs"]["ActualProperties"])
    assert described(own.rig)["DriftInformation"]["StackDriftStatus"] == "IN_SYNC"
    listed = own.client.describe_stack_resources(StackName=NAME)["StackResources"]
    told = {
        o["LogicalResourceId"]: o["DriftInformation"]["StackResourceDriftStatus"] for o in listed
    }
    assert {name for name, status in told.items() if status == "NOT_CHECKED"} == {"Inert", "Handle"}


def test_what_was_changed_is_told_property_by_property(own: Stack) -> None:
    url = own.physical("Jobs")
    redrive = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:123456789012:own-dead",
                          "maxReceiveCount": 9})  # fmt: skip
    own.sqs.create_queue(QueueName="own-dead")
    own.queue("Jobs", VisibilityTimeout="31", DelaySeconds="4", RedrivePolicy=redrive)
    own.sqs.untag_queue(QueueUrl=url, TagKeys=["a"])
    own.sqs.tag_queue(QueueUrl=url, Tags={"b": "3", "c": "4"})
    status = own.detected()
    assert (status["StackDriftStatus"], status["DriftedStackResourceCount"]) == ("DRIFTED", 1)
    dead = json.loads(own.drifts()["Jobs"]["ExpectedProperties"])["RedrivePolicy"]
    assert own.differences("Jobs") == {
        ("/VisibilityTimeout", "NOT_EQUAL", "30", "31"),
        ("/RedrivePolicy/deadLetterTargetArn", "NOT_EQUAL", dead["deadLetterTargetArn"],
         "arn:aws:sqs:us-east-1:123456789012:own-dead"),
        ("/RedrivePolicy/maxReceiveCount", "NOT_EQUAL", "3", "9"),
        ("/Tags/0", "REMOVE", '{"Key":"a","Value":"1"}', "null"),
        ("/Tags/1/Value", "NOT_EQUAL", "2", "3"),
        ("/Tags/1", "ADD", "null", '{"Key":"c","Value":"4"}'),
    }  # fmt: skip
    assert set(own.drifts("MODIFIED")) == {"Jobs"}
    assert described(own.rig)["DriftInformation"]["StackDriftStatus"] == "DRIFTED"


def test_what_has_no_policy_any_more(own: Stack) -> None:
    own.queue("Jobs", Policy="")
    other = json.dumps({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sns:*",
                                       "Resource": "*"}]})  # fmt: skip
    own.sns.set_topic_attributes(
        TopicArn=own.physical("News"), AttributeName="Policy", AttributeValue=other
    )
    own.detected()
    assert own.drifts()["Allowed"]["StackResourceDriftStatus"] == "DELETED"
    ((path, kind, _, actual),) = own.differences("Told")
    assert (path, kind) == ("/PolicyDocument/Statement/0", "ADD")
    assert "Deny" in actual


def test_topics_and_who_hears_them(own: Stack) -> None:
    topic, heard = own.physical("News"), own.physical("Heard")
    own.sns.set_topic_attributes(
        TopicArn=topic, AttributeName="DisplayName", AttributeValue="other"
    )
    own.sns.set_subscription_attributes(
        SubscriptionArn=heard, AttributeName="RawMessageDelivery", AttributeValue="false"
    )
    (inline,) = (
        one["SubscriptionArn"]
        for one in own.sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        if one["SubscriptionArn"] != heard
    )
    own.sns.unsubscribe(SubscriptionArn=inline)
    own.detected()
    assert ("/DisplayName", "NOT_EQUAL", "news", "other") in own.differences("News")
    assert {kind for _, kind, _, _ in own.differences("News")} == {"NOT_EQUAL", "REMOVE"}
    assert own.differences("Heard") == {("/RawMessageDelivery", "NOT_EQUAL", "true", "false")}
    own.sns.unsubscribe(SubscriptionArn=heard)
    assert own.client.detect_stack_resource_drift(StackName=NAME, LogicalResourceId="Heard")[
        "StackResourceDrift"
    ]["StackResourceDriftStatus"] == "DELETED"  # fmt: skip


def test_tables(own: Stack) -> None:
    dynamodb, name = own.rig.client("dynamodb"), own.physical("People")
    dynamodb.update_table(
        TableName=name,
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 1},
        GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-at"}}],
    )
    dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": False, "AttributeName": "ends"}
    )
    own.detected()
    found = {(path, kind) for path, kind, _, _ in own.differences("People")}
    assert found == {
        ("/ProvisionedThroughput/ReadCapacityUnits", "NOT_EQUAL"),
        ("/GlobalSecondaryIndexes", "REMOVE"),
        ("/AttributeDefinitions/1", "REMOVE"),
        ("/TimeToLiveSpecification/AttributeName", "REMOVE"),
        ("/TimeToLiveSpecification/Enabled", "NOT_EQUAL"),
    }


def test_what_is_gone(own: Stack) -> None:
    own.sqs.delete_queue(QueueUrl=own.physical("Jobs"))
    own.rig.client("s3").delete_bucket(Bucket=own.physical("Files"))
    own.rig.client("dynamodb").delete_table(TableName=own.physical("People"))
    own.sns.delete_topic(TopicArn=own.physical("News"))
    status = own.detected()
    gone = own.drifts("DELETED")
    assert set(gone) == {"Jobs", "Files", "People", "News", "Allowed", "Heard", "Told", "Read"}
    assert status["DriftedStackResourceCount"] == len(gone)
    assert "ActualProperties" not in gone["Jobs"]


def test_only_what_is_named_is_looked_at(own: Stack) -> None:
    own.queue("Jobs", VisibilityTimeout="31")
    own.queue("Dead", VisibilityTimeout="31")  # which its template does not set
    own.detected(LogicalResourceIds=["Dead"])
    assert set(own.drifts()) == {"Dead"}
    assert own.drifts()["Dead"]["StackResourceDriftStatus"] == "IN_SYNC"
    own.detected(LogicalResourceIds=["Jobs"])
    assert set(own.drifts()) == {"Dead", "Jobs"}


def test_one_resource(own: Stack) -> None:
    own.queue("Jobs", VisibilityTimeout="31")
    given = {"StackName": NAME, "LogicalResourceId": "Jobs"}
    drift = own.client.detect_stack_resource_drift(**given)["StackResourceDrift"]
    assert drift["StackResourceDriftStatus"] == "MODIFIED"
    own.queue("Jobs", VisibilityTimeout="30")
    drift = own.client.detect_stack_resource_drift(**given)["StackResourceDrift"]
    assert drift["StackResourceDriftStatus"] == "IN_SYNC"


def test_what_cannot_be_looked_for(own: Stack) -> None:
    refusal, client = own.rig.refusal, own.client
    for inert in ("Inert", "Handle"):
        given = {"StackName": NAME, "LogicalResourceId": inert}
        assert "does not support drift" in refusal(client.detect_stack_resource_drift, **given)[2]
    missing = {"StackName": NAME, "LogicalResourceIds": ["Nothing"]}
    assert "does not exist" in refusal(client.detect_stack_drift, **missing)[2]
    unknown = client.describe_stack_drift_detection_status
    assert refusal(unknown, StackDriftDetectionId="x")[1] == "ValidationError"
    client.delete_stack(StackName=NAME)
    assert "cannot be detected" in refusal(client.detect_stack_drift, StackName=NAME)[2]


def test_the_stack_of_an_environment(real: PlantRig) -> None:
    config = """
    Resources:
      Jobs: {Type: "AWS::SQS::Queue", Properties: {VisibilityTimeout: 7}}
    """
    real.version("w", {".ebextensions/a.config": config, "application.py": ""})
    name = f"awseb-{real.launch('web1', 1, VersionLabel='w')}-stack"
    stack = Stack(real, name)
    assert stack.detected()["StackDriftStatus"] == "IN_SYNC"
    assert set(stack.drifts()) == {"Jobs"}
    stack.queue("Jobs", VisibilityTimeout="8")
    assert stack.detected()["StackDriftStatus"] == "DRIFTED"
    assert stack.differences("Jobs") == {("/VisibilityTimeout", "NOT_EQUAL", "7", "8")}
    told = stack.client.describe_stack_resource(StackName=name, LogicalResourceId="Jobs")
    detail = told["StackResourceDetail"]["DriftInformation"]
    assert detail["StackResourceDriftStatus"] == "MODIFIED"
