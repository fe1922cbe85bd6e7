"""Physical names are shaped as clients know them."""

from __future__ import annotations

import re

import pytest

from jackbean.core.installation import Installation
from jackbean.stacks.names import NAMINGS, SUFFIX_LENGTH, physical, story

HERE = Installation("us-east-1", "123456789012")
ENV, SUFFIX = "e-abcdefghij", "ABCDEFGHIJ12"
ARN = r"arn:aws:elasticloadbalancing:us-east-1:123456789012:"
NAMES = {
    "AWS::EC2::SecurityGroup": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::EC2::LaunchTemplate": r"lt-ABCDEFGHIJ12",
    "AWS::AutoScaling::AutoScalingGroup": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
    "AWS::ElasticLoadBalancing::LoadBalancer": r"awseb-e-ABCDEFGHIJ12-AWSEBLoa",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ARN + r"loadbalancer/app/awseb-AWSEB-\w+/\w+",
    "AWS::ElasticLoadBalancingV2::TargetGroup": ARN + r"targetgroup/awseb-AWSEB-\w+/\w+",
    "AWS::ElasticLoadBalancingV2::Listener": ARN + r"listener/app/awseb-AWSEB-\w+/\w+",
    "AWS::Something::Else": r"awseb-e-abcdefghij-stack-Id-ABCDEFGHIJ12",
}


@pytest.mark.parametrize(("kind", "pattern"), NAMES.items())
def test_names(kind: str, pattern: str) -> None:
    assert re.fullmatch(pattern, physical(HERE, ("Id", kind), ENV, SUFFIX))


def test_every_naming_is_tried() -> None:
    assert set(NAMINGS) <= set(NAMES)
    assert len(SUFFIX) == SUFFIX_LENGTH


def test_a_balancers_name_tells_clients_its_generation() -> None:
    """They look for this text, and take a name without it for a classic load balancer."""
    v2 = physical(HERE, ("Id", "AWS::ElasticLoadBalancingV2::LoadBalancer"), ENV, SUFFIX)
    classic = physical(HERE, ("Id", "AWS::ElasticLoadBalancing::LoadBalancer"), ENV, SUFFIX)
    assert "arn:aws:elasticloadbalancing" in v2
    assert "arn:aws:elasticloadbalancing" not in classic
    assert len(classic) <= 32


def test_stories() -> None:
    assert story("AWS::AutoScaling::AutoScalingGroup") == "Auto Scaling group"
    assert story("AWS::Something::Else") == ""
