"""Physical names, shaped as AWS shapes them, and what is told when they come and go."""

from __future__ import annotations

from dataclasses import dataclass

from jackbean.core.installation import Installation


@dataclass(frozen=True)
class Naming:
    """How one type of resource is named. `story` is what events call it; empty: not told.

    `name` may use {env} (environment id), {id} (logical id) and {suffix}; `arn`, where the type is
    known by one, is its resource part, of service `service`.
    """

    name: str
    story: str
    arn: str = ""
    service: str = ""


STACKED = "awseb-{env}-stack-{id}-{suffix}"
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
}
UNKNOWN = Naming(STACKED, "")
SUFFIX_LENGTH = 12


def physical(installation: Installation, logical: tuple[str, str], env: str, suffix: str) -> str:
    """Return the physical name of `logical` (its id and type) in environment `env`."""
    name_of, kind = logical
    naming = NAMINGS.get(kind, UNKNOWN)
    name = naming.name.format(env=env, id=name_of, suffix=suffix)
    if not naming.arn:
        return name
    resource = naming.arn.format(name=name, hash=suffix.lower())
    return installation.arn(resource, naming.service)


def story(kind: str) -> str:
    """Return what events call a resource of this type; empty if they do not speak of it."""
    return NAMINGS.get(kind, UNKNOWN).story
