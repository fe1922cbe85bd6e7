"""What clients ask of EC2, load balancers, IAM and STS about an environment."""

from __future__ import annotations

import pytest
from tests.api.rig import PlantRig, option

from jackbean.api.identity import ROLES

KIND = ("aws:elasticbeanstalk:environment", "LoadBalancerType")


def test_target_groups_and_their_health(rig: PlantRig) -> None:
    rig.launch(OptionSettings=[option(*KIND, "application")])
    elb = rig.client("elbv2")
    resources = rig.eb.describe_environment_resources(EnvironmentName="web1")
    (balancer,) = resources["EnvironmentResources"]["LoadBalancers"]
    given = {"LoadBalancerArn": balancer["Name"]}
    (group,) = elb.describe_target_groups(**given)["TargetGroups"]
    assert group["LoadBalancerArns"] == [balancer["Name"]]
    assert group["TargetGroupName"].startswith("awseb-")
    assert elb.describe_target_groups(LoadBalancerArn="arn:other")["TargetGroups"] == []
    assert len(elb.describe_target_groups()["TargetGroups"]) == 1

    def health() -> dict[str, str]:
        answer = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
        listed = answer["TargetHealthDescriptions"]
        return {t["Target"]["Id"]: t["TargetHealth"]["State"] for t in listed}

    first, second = (m.id for m in rig.environment().members)
    assert health() == {first: "healthy", second: "healthy"}
    rig.universe.engine.kill(first)
    assert health() == {first: "unhealthy", second: "healthy"}
    rig.eb.terminate_environment(EnvironmentName="web1")
    rig.until(lambda: health() != {first: "unhealthy", second: "healthy"})
    assert set(health().values()) <= {"draining", "unused"}
    nothing = elb.describe_target_health(TargetGroupArn="arn:other")
    assert nothing["TargetHealthDescriptions"] == []


def test_health_behind_a_classic_balancer(rig: PlantRig) -> None:
    rig.launch()
    resources = rig.eb.describe_environment_resources(EnvironmentName="web1")
    (balancer,) = resources["EnvironmentResources"]["LoadBalancers"]
    elb = rig.client("elb")
    states = elb.describe_instance_health(LoadBalancerName=balancer["Name"])["InstanceStates"]
    assert {s["State"] for s in states} == {"InService"}
    rig.universe.engine.kill(states[0]["InstanceId"])
    states = elb.describe_instance_health(LoadBalancerName=balancer["Name"])["InstanceStates"]
    assert [s["State"] for s in states] == ["OutOfService", "InService"]
    assert elb.describe_instance_health(LoadBalancerName="no")["InstanceStates"] == []
    assert rig.client("elbv2").describe_target_groups()["TargetGroups"] == []


def test_there_are_no_key_pairs(rig: PlantRig) -> None:
    assert rig.client("ec2").describe_key_pairs()["KeyPairs"] == []


# IAM and STS


def test_the_default_roles_are_there(rig: PlantRig) -> None:
    iam = rig.client("iam")
    listed = iam.list_roles()
    assert [r["RoleName"] for r in listed["Roles"]] == list(ROLES)
    assert listed["IsTruncated"] is False
    for name in ROLES:
        role = iam.get_role(RoleName=name)["Role"]
        assert role["Arn"] == f"arn:aws:iam::123456789012:role/{name}"
        assert role["CreateDate"]
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert iam.list_attached_role_policies(RoleName="other")["AttachedPolicies"] == []


def test_making_them_is_answered_with_what_clients_hope_for(rig: PlantRig) -> None:
    iam = rig.client("iam")
    exists = (409, "EntityAlreadyExists")
    role = {"RoleName": ROLES[0], "AssumeRolePolicyDocument": "{}"}
    assert rig.refusal(iam.create_role, **role)[:2] == exists
    profile = {"InstanceProfileName": "p"}
    assert rig.refusal(iam.create_instance_profile, **profile)[:2] == exists
    added = rig.refusal(iam.add_role_to_instance_profile, **profile, RoleName=ROLES[0])
    assert added[:2] == (409, "LimitExceeded")
    assert iam.attach_role_policy(RoleName=ROLES[0], PolicyArn="arn:x")
    assert rig.refusal(iam.get_role, RoleName="other")[:2] == (404, "NoSuchEntity")


@pytest.mark.parametrize("who", ["administrator", "instance"])
def test_who_am_i(rig: PlantRig, who: str) -> None:
    rig.launch()
    keys = {} if who == "administrator" else {"keys": rig.instance_keys()}
    answer = rig.client("sts", **keys).get_caller_identity()
    assert answer["Account"] == "123456789012"
    assert {"administrator": "user/", "instance": "assumed-role/"}[who] in answer["Arn"]
