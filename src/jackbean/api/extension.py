"""What AWS has not: a service of our own on the same endpoint, signed like every other.

JSON in and out; the operation is the last part of `X-Amz-Target`, the service is `jackbean`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackbean import __version__
from jackbean.api.elasticbeanstalk.environments import referred
from jackbean.api.following import FOLLOWING
from jackbean.api.plant import Call, Plant
from jackbean.api.rehearsals import REHEARSALS
from jackbean.control.credentials import ROLE_S
from jackbean.control.parking import ROLLBACK
from jackbean.control.returning import roll_back
from jackbean.core.errors import invalid
from jackbean.ports.store import EnvironmentQuery

Shape = dict[str, Any]


async def describe_installation(plant: Plant, call: Call) -> Shape:
    """Describe who serves here, and what the engine can and cannot promise on this machine."""
    world, engine = plant.world, plant.world.engine.describe()
    environments = await world.store.environments(EnvironmentQuery())
    return {
        "Version": __version__,
        "Region": world.installation.region,
        "Account": world.installation.account,
        "Domain": world.installation.domain,
        "HttpPort": world.installation.http_port,
        "Engine": engine.name,
        "Mode": engine.mode,
        "Lacks": list(engine.lacks),
        "OtherModes": dict(engine.others),
        "Platforms": sorted(engine.platforms),
        "Troubles": list(await world.router.troubles()),
        "Environments": [
            {
                "Name": e.name,
                "Application": e.application,
                "Status": e.status.value,
                "Health": e.verdict.color,
                "Instances": sum(m.counted for m in e.members),
                "Url": "" if e.worker else f"http://{world.installation.cname(e.cname_prefix)}",
                "Endpoint": "" if e.worker else f"http://{world.router.endpoint(e.slot)}",
            }
            for e in environments
        ],
    }


async def issue_instance_credentials(plant: Plant, call: Call) -> Shape:
    """Return the AWS keys that a program on an instance signs with. For administrators."""
    instance = call.text("InstanceId")
    if await plant.roster.home(instance) is None:
        raise invalid(f"There is no instance {instance[:40]}.")
    world = plant.world
    keys = world.credentials.temporary(instance, int(world.clock.now()) + ROLE_S)
    return {
        "AccessKeyId": keys.access_key,
        "SecretAccessKey": keys.secret,
        "SessionToken": keys.token,
        "Expiration": keys.expires,
    }


async def roll_back_environment(plant: Plant, call: Call) -> Shape:
    """Begin to go back to the release before; the answer says whether its instances are parked."""
    environment = await referred(plant, call)
    returning = await roll_back(plant.world, environment.id, call.request_id)
    rollout = returning.operation.rollout if returning.operation else None
    return {
        "EnvironmentName": returning.name,
        "EnvironmentId": returning.id,
        "Parked": rollout is not None and rollout.policy == ROLLBACK,
        "ResponseMetadata": {"RequestId": call.request_id},
    }


EXTENSION: Mapping[str, Any] = {
    "DescribeInstallation": describe_installation,
    "IssueInstanceCredentials": issue_instance_credentials,
    "RollBackEnvironment": roll_back_environment,
    **FOLLOWING,
    **REHEARSALS,
}
