"""Bundles in the shapes of public ones come up, and say of each resource what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.api import brought
from tests.api.rig import HOST, NOBODY, PlantRig, ask

INERT, UNBUILT = "without a meaning here", "not built by this version"


def launched(rig: PlantRig, config: str) -> list[str]:
    """Make an environment of a bundle that has this file; return its warnings, each once."""
    rig.version("brings", {".ebextensions/setup.config": config, "application.py": ""})
    rig.launch("web1", 1, VersionLabel="brings")
    found = rig.eb.describe_events(EnvironmentName="web1")["Events"]
    assert [e["Message"] for e in found if e["Severity"] in ("ERROR", "FATAL")] == []
    (environment,) = rig.eb.describe_environments(EnvironmentNames=["web1"])["Environments"]
    assert (environment["Status"], environment["Health"]) == ("Ready", "Green")
    warnings = [e["Message"] for e in found if e["Severity"] == "WARN"]
    assert len(warnings) == len(set(warnings))
    return warnings


def physical(rig: PlantRig, logical: str) -> str:
    stack = f"awseb-{rig.environment_id('web1')}-stack"
    found = rig.client("cloudformation").describe_stack_resource(
        StackName=stack, LogicalResourceId=logical
    )
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def says(warnings: list[str], *words: str) -> bool:
    return any(all(word in warning for word in words) for warning in warnings)


def test_a_sign_up(real: PlantRig) -> None:
    warnings = launched(real, brought.SIGN_UP)
    assert says(warnings, "'People'", "HashKeyElement")
    assert says(warnings, "'News'", "files in mail/")
    assert len(warnings) == 2
    mine = {name: real.client(name, real.instance_keys()) for name in ("dynamodb", "sns", "sqs")}
    item = {"email": {"S": "ada@example.com"}}
    mine["dynamodb"].put_item(TableName=physical(real, "People"), Item=item)
    mine["sns"].publish(TopicArn=physical(real, "News"), Message="ada")
    (message,) = mine["sqs"].receive_message(QueueUrl=physical(real, "Heard"))["Messages"]
    assert json.loads(message["Body"])["Message"] == "ada"


def test_a_sign_up_without_its_policy_says_what_is_missing(real: PlantRig) -> None:
    start, end = brought.SIGN_UP.index("  May:"), brought.SIGN_UP.index("files:")
    warnings = launched(real, brought.SIGN_UP[:start] + brought.SIGN_UP[end:])
    assert says(warnings, "'Heard'", "no AWS::SQS::QueuePolicy", "sqs:SendMessage")
    real.client("sns").publish(TopicArn=physical(real, "News"), Message="lost")
    assert "Messages" not in real.client("sqs").receive_message(QueueUrl=physical(real, "Heard"))


def test_tables_with_indexes(real: PlantRig) -> None:
    warnings = launched(real, brought.TABLES)
    assert says(warnings, "'Moves'", "StreamSpecification", "nothing comes of it")
    assert len(warnings) == 1
    mine = real.client("dynamodb", real.instance_keys())
    for number in ("2", "1"):
        game = {"id": {"S": f"g{number}"}, "session": {"S": "s"}, "at": {"N": number}}
        mine.put_item(TableName="game", Item=game)
    for index in ("session-index", "session-at"):
        found = mine.query(
            TableName="game",
            IndexName=index,
            KeyConditionExpression="#s = :s",
            ExpressionAttributeNames={"#s": "session"},
            ExpressionAttributeValues={":s": {"S": "s"}},
        )["Items"]
        assert {one["id"]["S"] for one in found} == {"g1", "g2"}
    told = mine.describe_table(TableName=physical(real, "Moves"))["Table"]
    assert told["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_alarms_and_options(real: PlantRig) -> None:
    warnings = launched(real, brought.ALARMS)
    assert says(warnings, "'Alarms'", "sms: nothing leads to subscribers")
    assert says(warnings, "'Alarms'", "email: mails to it are files")
    assert says(warnings, "TooMuch", INERT)
    table = real.client("dynamodb").describe_table(TableName=physical(real, "Sessions"))["Table"]
    assert table["KeySchema"] == [{"AttributeName": "username", "KeyType": "HASH"}]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 1
    assert physical(real, "TooMuch")


def test_what_is_not_built(real: PlantRig) -> None:
    warnings = launched(real, brought.UNBUILT)
    assert says(warnings, "Cache, Database", UNBUILT)
    assert says(warnings, "Shared, Mount", INERT)
    assert says(warnings, "'CacheGroup'", "by the option SecurityGroups")
    assert says(warnings, "'CacheGroup'", "SourceSecurityGroupName opens nothing")
    assert physical(real, "Cache")
    assert len(warnings) == 4


def test_what_has_no_meaning_here(real: PlantRig) -> None:
    warnings = launched(real, brought.AROUND)
    assert says(warnings, "Role, Profile, Rights", INERT)
    assert not any("sslSecurityGroupIngress" in text for text in warnings)
    assert says(warnings, "AWSEBAutoScalingGroup", "follows option settings alone")
    assert says(warnings, "IamInstanceProfile")
    assert len(warnings) == 3
    stack = f"awseb-{real.environment_id('web1')}-stack"
    body = real.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
    group = body["Resources"]["AWSEBAutoScalingGroup"]["Properties"]
    assert "Cooldown" not in group
    assert group["HealthCheckType"] == "ELB"


def test_queues_in_order(real: PlantRig) -> None:
    warnings = launched(real, brought.QUEUES)
    assert says(warnings, "'Jobs'", "no AWS::SQS::QueuePolicy")
    url = physical(real, "Jobs")
    assert url.endswith(".fifo")
    found = real.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    attributes: dict[str, Any] = found["Attributes"]
    assert attributes["ContentBasedDeduplication"] == "true"
    redrive = json.loads(attributes["RedrivePolicy"])
    assert redrive["maxReceiveCount"] == 3
    assert redrive["deadLetterTargetArn"].endswith(".fifo")


def test_files_for_everybody(real: PlantRig) -> None:
    warnings = launched(real, brought.FILES)
    assert says(
        warnings, "'Files'", "WebsiteConfiguration, CorsConfiguration", "nothing comes of it"
    )
    bucket = physical(real, "Files")
    real.client("s3", real.instance_keys()).put_object(Bucket=bucket, Key="a.txt", Body=b"open")
    status = real.run(ask(real.door, "GET", f"/{bucket}/a.txt", {"Host": HOST})).status
    assert status == 200
    nobody = real.client("s3", NOBODY)
    assert real.refusal(nobody.list_objects_v2, Bucket=bucket)[:2] == (403, "AccessDenied")


@pytest.mark.parametrize("name", ["SIGN_UP", "TABLES", "ALARMS", "UNBUILT", "AROUND", "QUEUES"])
def test_nothing_is_left_when_it_ends(real: PlantRig, name: str) -> None:
    launched(real, getattr(brought, name))
    real.eb.terminate_environment(EnvironmentName="web1")
    real.settle(real.environment_id("web1"))
    assert real.client("sqs").list_queues().get("QueueUrls", []) == []
    assert real.client("sns").list_topics()["Topics"] == []
    assert real.client("dynamodb").list_tables()["TableNames"] == []
