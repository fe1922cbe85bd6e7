"""What clients ask EC2 and Elastic Load Balancing about an environment, from our own records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.api.plant import Call, Plant
from jackbean.core.environments import Environment
from jackbean.core.fleet import Member, Service
from jackbean.ports.store import EnvironmentQuery

Shape = dict[str, Any]

BALANCER = "AWSEBV2LoadBalancer"
TARGETS = "AWSEBV2LoadBalancerTargetGroup"
CLASSIC = "AWSEBLoadBalancer"
STATES = {Service.IN: "healthy", Service.DRAINING: "draining", Service.OUT: "unused"}


async def describe_target_groups(plant: Plant, call: Call) -> Shape:
    wanted = call.text("LoadBalancerArn")
    groups = []
    for environment in await _environments(plant):
        balancer, group = environment.resource(BALANCER), environment.resource(TARGETS)
        if balancer and group and (not wanted or balancer.name == wanted):
            name = group.name.split("/")[1] if "/" in group.name else group.name
            groups.append(
                {
                    "TargetGroupArn": group.name,
                    "TargetGroupName": name,
                    "Protocol": "HTTP",
                    "Port": 80,
                    "LoadBalancerArns": [balancer.name],
                }
            )
    return {"TargetGroups": groups}


async def describe_target_health(plant: Plant, call: Call) -> Shape:
    wanted = call.text("TargetGroupArn")
    for environment in await _environments(plant):
        group = environment.resource(TARGETS)
        if group and group.name == wanted:
            healthy = await _healthy(plant, environment)
            listed = [_target(m, healthy) for m in environment.members]
            return {"TargetHealthDescriptions": listed}
    return {"TargetHealthDescriptions": []}


async def describe_instance_health(plant: Plant, call: Call) -> Shape:
    wanted = call.text("LoadBalancerName")
    for environment in await _environments(plant):
        balancer = environment.resource(CLASSIC)
        if balancer and balancer.name == wanted:
            healthy = await _healthy(plant, environment)
            states = [
                {"InstanceId": m.id, "State": "InService" if m.id in healthy else "OutOfService"}
                for m in environment.members
            ]
            return {"InstanceStates": states}
    return {"InstanceStates": []}


async def describe_key_pairs(plant: Plant, call: Call) -> Shape:
    return {"KeyPairs": []}


ELBV2: Mapping[str, Any] = {
    "DescribeTargetGroups": describe_target_groups,
    "DescribeTargetHealth": describe_target_health,
}
ELB: Mapping[str, Any] = {"DescribeInstanceHealth": describe_instance_health}
EC2: Mapping[str, Any] = {"DescribeKeyPairs": describe_key_pairs}


async def _environments(plant: Plant) -> list[Environment]:
    return await plant.world.store.environments(EnvironmentQuery())


async def _healthy(plant: Plant, environment: Environment) -> frozenset[str]:
    seen = await plant.world.router.observe(environment.id)
    return frozenset(name for name, target in seen.items() if target.healthy)


def _target(member: Member, healthy: frozenset[str]) -> Shape:
    state = STATES[member.service]
    if state == "healthy" and member.id not in healthy:
        state = "unhealthy"
    return {"Target": {"Id": member.id, "Port": 80}, "TargetHealth": {"State": state}}
