"""Physical names, shaped as AWS shapes them, and what is told when they come and go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jackbean.core.installation import Installation
from jackbean.stacks.types import kind


@dataclass(frozen=True)
class Naming:
    """How one type of resource is named. `story` is what events call it; empty: not told.

    `name` may use {stack}, {id} (logical id) and {suffix}; `arn`, where the type is known by one,
    is its resource part, of service `service`. `most` is how many characters a name has at most:
    the logical id is cut short for it. `lower`: the name is in lower case.
    """

    name: str
    story: str
    arn: str = ""
    service: str = ""
    most: int = 255
    lower: bool = False


STACKED = "{stack}-{id}-{suffix}"
SHORT = "awseb-AWSEB-{suffix}"

NAMINGS: dict[str, Naming] = {
    "AWS::EC2::SecurityGroup": Naming(STACKED, "security group"),
    "AWS::EC2::LaunchTemplate": Naming("lt-{suffix}", "Auto Scaling launch template"),
    "AWS::AutoScaling::AutoScalingGroup": Naming(STACKED, "Auto Scaling group"),
    "AWS::ElasticLoadBalancing::LoadBalancer": Naming("awseb-e-{suffix}-AWSEBLoa", "load balancer"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Naming(
        SHORT, "load balancer", "loadbalancer/app/{name}/{hash}", "elasticloadbalancing"
    ),
    "AWS::ElasticLoadBalancingV2::TargetGroup": Naming(
        SHORT, "target group", "targetgroup/{name}/{hash}", "elasticloadbalancing"
    ),
    "AWS::ElasticLoadBalancingV2::Listener": Naming(
        SHORT, "Load Balancer listener", "listener/app/{name}/{hash}", "elasticloadbalancing"
    ),
    "AWS::SQS::Queue": Naming(STACKED, "SQS queue", most=80),
    "AWS::SQS::QueuePolicy": Naming(STACKED, "SQS queue policy"),
    "AWS::SNS::Topic": Naming(STACKED, "SNS topic"),
    "AWS::SNS::TopicPolicy": Naming(STACKED, "SNS topic policy"),
    "AWS::SNS::Subscription": Naming(STACKED, "SNS subscription"),
    "AWS::S3::Bucket": Naming(STACKED, "S3 bucket", most=63, lower=True),
    "AWS::S3::BucketPolicy": Naming(STACKED, "S3 bucket policy"),
    "AWS::DynamoDB::Table": Naming(STACKED, "DynamoDB table"),
    "AWS::CloudFormation::Stack": Naming(STACKED, "nested stack", most=128),
    "AWS::CloudFormation::WaitCondition": Naming(STACKED, "wait condition"),
    "AWS::CloudFormation::WaitConditionHandle": Naming(STACKED, "wait condition handle"),
}
UNKNOWN = Naming(STACKED, "")
SUFFIX_LENGTH = 12
FIFO, FIFO_STEM_MAX = ".fifo", 75  # what the names of first-in-first-out queues end with


def stack_of(environment_id: str) -> str:
    """Return the name of an environment's stack."""
    return f"awseb-{environment_id}-stack"


def physical(installation: Installation, logical: tuple[str, str], stack: str, suffix: str) -> str:
    """Return the physical name of `logical` (its id and type) in a stack."""
    name_of, type_ = logical
    naming = NAMINGS.get(type_, UNKNOWN)
    room = naming.most - len(naming.name.format(stack=stack, id="", suffix=suffix))
    name = naming.name.format(stack=stack, id=name_of[: max(room, 1)], suffix=suffix)
    name = name.lower() if naming.lower else name
    if not naming.arn:
        return name
    resource = naming.arn.format(name=name, hash=suffix.lower())
    return installation.arn(resource, naming.service)


def given_or_made(logical: tuple[str, str], properties: Mapping[str, Any], made: str) -> str:
    """Return the name that properties give a resource, else `made`, as its type will have it."""
    found = kind(logical[1], logical[0])
    given = properties.get(found.named_by) if found and found.named_by else None
    if given:
        return str(given)
    fifo = any(str(properties.get(n)).lower() == "true" for n in ("FifoQueue", "FifoTopic"))
    return made[-FIFO_STEM_MAX:].lstrip("-") + FIFO if fifo else made


def story(type_: str) -> str:
    """Return what events call a resource of this type; empty if they do not speak of it."""
    return NAMINGS.get(type_, UNKNOWN).story
