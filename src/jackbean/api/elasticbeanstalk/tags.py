"""Tags of applications, versions and environments, read by ARN."""

from __future__ import annotations

from typing import Any

from jackbean.api.plant import Call, Plant
from jackbean.core.applications import Tags
from jackbean.core.errors import Fault
from jackbean.ports.store import EnvironmentQuery

Shape = dict[str, Any]


async def list_tags_for_resource(plant: Plant, call: Call) -> Shape:
    arn = call.text("ResourceArn")
    found = await _tags(plant, arn)
    if found is None:
        raise Fault("ResourceNotFoundException", f"There is no resource {arn[:300]}.")
    listed = [{"Key": key, "Value": value} for key, value in found]
    return {"ResourceArn": arn, "ResourceTags": listed}


async def _tags(plant: Plant, arn: str) -> Tags | None:
    """Return the tags of what an ARN names; None where that is nothing."""
    store = plant.world.store
    match arn.split(":", 5)[-1].split("/", 2):
        case ["application", name]:
            applications = await store.applications([name])
            return applications[0].tags if applications else None
        case ["applicationversion", name, label]:
            versions = await store.versions(name, [label])
            return versions[0].tags if versions else None
        case ["environment", _, name]:
            return await _environment_tags(plant, name)
        case _:
            return None


async def _environment_tags(plant: Plant, name: str) -> Tags | None:
    found = await plant.world.store.environments(EnvironmentQuery(names=(name,)))
    if not found:
        return None
    environment = found[-1]
    return (
        ("elasticbeanstalk:environment-id", environment.id),
        ("elasticbeanstalk:environment-name", environment.name),
        ("Name", environment.name),
        *environment.tags,
    )
