"""IAM and STS, as far as clients look before they create an environment.

There are no roles here: instances get what they need without one. Clients that make the default
roles and profiles are told that these exist already, which is what they hope for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean.api.authority import arn_of
from jackbean.api.plant import Call, Plant, moment
from jackbean.control.principals import InstancePrincipal
from jackbean.core.errors import Fault

Shape = dict[str, Any]

# What clients want attached to the default roles: they say so where it is not.
POLICIES: Mapping[str, Mapping[str, str]] = {
    "aws-elasticbeanstalk-ec2-role": {
        "AWSElasticBeanstalkWebTier": "",
        "AWSElasticBeanstalkMulticontainerDocker": "",
        "AWSElasticBeanstalkWorkerTier": "",
    },
    "aws-elasticbeanstalk-service-role": {
        "AWSElasticBeanstalkEnhancedHealth": "service-role/",
        "AWSElasticBeanstalkManagedUpdatesCustomerRolePolicy": "",
    },
}
ROLES = tuple(POLICIES)


async def create_role(plant: Plant, call: Call) -> Shape:
    raise _exists(f"Role with name {call.text('RoleName')} already exists.")


async def create_instance_profile(plant: Plant, call: Call) -> Shape:
    raise _exists(f"Instance Profile {call.text('InstanceProfileName')} already exists.")


async def add_role_to_instance_profile(plant: Plant, call: Call) -> Shape:
    text = "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"
    raise Fault("LimitExceeded", text, 409)


async def attach_role_policy(plant: Plant, call: Call) -> Shape:
    return {}


async def list_roles(plant: Plant, call: Call) -> Shape:
    return {"Roles": [_role(plant, name) for name in ROLES], "IsTruncated": False}


async def get_role(plant: Plant, call: Call) -> Shape:
    name = call.text("RoleName")
    if name not in ROLES:
        raise Fault("NoSuchEntity", f"The role with name {name} cannot be found.", 404)
    return {"Role": _role(plant, name)}


async def list_attached_role_policies(plant: Plant, call: Call) -> Shape:
    policies = [
        {"PolicyName": name, "PolicyArn": f"arn:aws:iam::aws:policy/{path}{name}"}
        for name, path in POLICIES.get(call.text("RoleName"), {}).items()
    ]
    return {"AttachedPolicies": policies, "IsTruncated": False}


async def get_caller_identity(plant: Plant, call: Call) -> Shape:
    installation = plant.world.installation
    if isinstance(call.principal, InstancePrincipal):
        who, id_ = arn_of(plant, call.principal), f"AROA:{call.principal.instance}"
    else:
        who, id_ = f"arn:aws:iam::{installation.account}:user/administrator", installation.account
    return {"UserId": id_, "Account": installation.account, "Arn": who}


IAM: Mapping[str, Any] = {
    "AddRoleToInstanceProfile": add_role_to_instance_profile,
    "AttachRolePolicy": attach_role_policy,
    "CreateInstanceProfile": create_instance_profile,
    "CreateRole": create_role,
    "GetRole": get_role,
    "ListAttachedRolePolicies": list_attached_role_policies,
    "ListRoles": list_roles,
}
STS: Mapping[str, Any] = {"GetCallerIdentity": get_caller_identity}


def _exists(message: str) -> Fault:
    return Fault("EntityAlreadyExists", message, 409)


def _role(plant: Plant, name: str) -> Shape:
    return {
        "Path": "/",
        "RoleName": name,
        "RoleId": f"AROA{name.upper().replace('-', '')[:16]}",
        "Arn": f"arn:aws:iam::{plant.world.installation.account}:role/{name}",
        "CreateDate": moment(0),
        "AssumeRolePolicyDocument": "%7B%7D",
    }
