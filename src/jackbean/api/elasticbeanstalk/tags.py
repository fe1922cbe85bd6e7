"""Tags of applications, versions and environments, read by ARN."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jackbean.api.plant import Call, Plant
from jackbean.core.applications import Tags
from jackbean.core.environments import Environment
from jackbean.core.errors import Fault
from jackbean.ports.store import EnvironmentQuery

Shape = dict[str, Any]

# What every environment carries besides its own.
SYSTEM_TAGS: Mapping[str, Callable[[Environment], str]] = {
    "elasticbeanstalk:environment-id": lambda e: e.id,
    "elasticbeanstalk:environment-name": lambda e: e.name,
    "Name": lambda e: e.name,
}


async def list_tags_for_resource(plant: Plant, call: Call) -> Shape:
    arn = call.text("ResourceArn")
    found = await _tags(plant, arn)
    if found is None:
        raise Fault("ResourceNotFoundException", f"There is no resource {arn[:300]}.")
    listed = [{"Key": key, "Value": value} for key, value in found]
    return {"ResourceArn": arn, "ResourceTags": listed}


async def _tags(plant: Plant, arn: str) -> Tags | None:
    """Return the tags of what an ARN names; None where that is nothing."""
    store, root = plant.world.store, plant.world.installation.arn("")
    if not arn.startswith(root):
        return None
    match arn.removeprefix(root).split("/", 2):
        case ["application", name]:
            applications = await store.applications([name])
            return applications[0].tags if applications else None
        case ["applicationversion", name, label]:
            versions = await store.versions(name, [label])
            return versions[0].tags if versions else None
        case ["environment", application, name]:
            query = EnvironmentQuery(application=application, names=(name,))
            environments = await store.environments(query)
            return _environment_tags(environments[-1]) if environments else None
        case _:
            return None


def _environment_tags(environment: Environment) -> Tags:
    system = tuple((key, value(environment)) for key, value in SYSTEM_TAGS.items())
    return (*system, *environment.tags)
