"""Physical names are shaped as clients know them."""

from __future__ import annotations

import re

import pytest

from jackbean.core.installation import Installation
from jackbean.stacks.names import NAMINGS, SUFFIX_LENGTH, physical, story

HERE = Installation("us-east-1", "123456789012")
STACK, SUFFIX = "awseb-e-abcdefghij-stack", "ABCDEFGHIJ12"
ARN = r"arn:aws:elasticloadbalancing:us-east-1:123456789012:"
NAMES = {
    "AWS::EC2::SecurityGroup": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::EC2::LaunchTemplate": r"lt-ABCDEFGHIJ12",
    "AWS::AutoScaling::AutoScalingGroup": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::ElasticLoadBalancing::LoadBalancer": r"awseb-e-ABCDEFGHIJ12-AWSEBLoa",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ARN + r"loadbalancer/app/awseb-AWSEB-\w+/\w+",
    "AWS::ElasticLoadBalancingV2::TargetGroup": ARN + r"targetgroup/awseb-AWSEB-\w+/\w+",
    "AWS::ElasticLoadBalancingV2::Listener": ARN + r"listener/app/awseb-AWSEB-\w+/\w+",
    "AWS::SQS::Queue": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::SQS::QueuePolicy": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::SNS::Topic": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::SNS::TopicPolicy": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::SNS::Subscription": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::S3::Bucket": r"awseb-e-abcdefghij-stack-id-abcdefghij12",
    "AWS::S3::BucketPolicy": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::DynamoDB::Table": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::CloudFormation::Stack": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::CloudFormation::WaitCondition": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::CloudFormation::WaitConditionHandle": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::Something::Else": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
}


@pytest.mark.parametrize(("kind", "pattern"), NAMES.items())
def test_names(kind: str, pattern: str) -> None:
    assert re.fullmatch(pattern, physical(HERE, ("Id", kind), STACK, SUFFIX))


@pytest.mark.parametrize(("kind", "most"), [("AWS::SQS::Queue", 80), ("AWS::S3::Bucket", 63)])
def test_a_long_logical_id_is_cut_short(kind: str, most: int) -> None:
    name = physical(HERE, ("L" * 255, kind), STACK, SUFFIX)
    assert len(name) == most
    assert name.upper().endswith(SUFFIX)


def test_every_naming_is_tried() -> None:
    assert set(NAMINGS) <= set(NAMES)
    assert len(SUFFIX) == SUFFIX_LENGTH


def test_a_balancers_name_tells_clients_its_generation() -> None:
    """They look for this text, and take a name without it for a classic load balancer."""
    v2 = physical(HERE, ("Id", "AWS::ElasticLoadBalancingV2::LoadBalancer"), STACK, SUFFIX)
    classic = physical(HERE, ("Id", "AWS::ElasticLoadBalancing::LoadBalancer"), STACK, SUFFIX)
    assert "arn:aws:elasticloadbalancing" in v2
    assert "arn:aws:elasticloadbalancing" not in classic
    assert len(classic) <= 32


def test_stories() -> None:
    assert story("AWS::AutoScaling::AutoScalingGroup") == "Auto Scaling group"
    assert story("AWS::Something::Else") == ""
