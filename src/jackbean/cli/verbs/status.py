"""`jb status`: what an environment is, and how it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from jackbean.cli.lines import local
from jackbean.cli.verb import Verb
from jackbean.cli.workers import is_worker, queue_lines, queues
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb status                     the environment of this branch
jb status shop-dev -v         with its instances
jb status --output json       for programs
"""
INSTANCE_ATTRIBUTES = ["HealthStatus", "Color", "Causes", "Deployment"]


@click.command("status", cls=Verb, examples=EXAMPLES)
@click.argument("environment", required=False)
@click.pass_obj
def command(place: Workplace, environment: str | None) -> None:
    """Say what an environment is and how it does.

    ENVIRONMENT is the one of this branch unless it is named.
    """
    found = dict(place.environment(environment))
    if is_worker(found):
        found["Queues"] = queues(place.cloud, found["EnvironmentName"])
    if place.screen.verbose:
        found["Instances"] = instances(place, found["EnvironmentName"])
    place.screen.show(found, lines(found, place.cloud.region))


def instances(place: Workplace, name: str) -> list[Mapping[str, Any]]:
    """Return the instances of an environment, with health where it is enhanced."""
    from botocore.exceptions import ClientError

    cloud = place.cloud
    try:
        rows = cloud.pages(
            cloud.beanstalk.describe_instances_health,
            "InstanceHealthList",
            EnvironmentName=name,
            AttributeNames=INSTANCE_ATTRIBUTES,
        )
        return list(rows)
    except ClientError:  # basic health has no more than the names
        found = cloud.beanstalk.describe_environment_resources(EnvironmentName=name)
        listed = found["EnvironmentResources"]["Instances"]
        return [{"InstanceId": row["Id"]} for row in listed]


def lines(found: Mapping[str, Any], region: str) -> Iterator[str]:
    tier = found["Tier"]
    yield f"Environment details for: {found['EnvironmentName']}"
    rows = (
        ("Application name", found["ApplicationName"]),
        ("Region", region),
        ("Deployed Version", found.get("VersionLabel")),
        ("Environment ID", found["EnvironmentId"]),
        ("Platform", found.get("PlatformArn") or found.get("SolutionStackName")),
        ("Tier", f"{tier['Name']}-{tier['Type']}-{tier.get('Version', '')}"),
        *(queue_lines(found["Queues"]) if "Queues" in found else (("CNAME", _cname(found)),)),
        ("Address", found.get("EndpointURL")),
        ("Updated", local(found["DateUpdated"]).strftime("%Y-%m-%d %H:%M:%S")),
        ("Status", found["Status"]),
        ("Health", health(found)),
    )
    for name, value in rows:
        if value:
            yield f"  {name}: {value}"
    if "Instances" in found:
        yield f"  Instances: {len(found['Instances'])}"
        for row in found["Instances"]:
            yield f"    {instance_line(row)}"


def _cname(found: Mapping[str, Any]) -> str:
    return str(found.get("CNAME", "UNKNOWN"))


def health(found: Mapping[str, Any]) -> str:
    """Return the colour, and the status that is finer than it, where there is one."""
    finer = found.get("HealthStatus")
    return f"{found.get('Health', 'Grey')} ({finer})" if finer else str(found.get("Health"))


def instance_line(row: Mapping[str, Any]) -> str:
    deployed = row.get("Deployment", {}).get("VersionLabel", "")
    words = (row["InstanceId"], row.get("HealthStatus", ""), deployed, *row.get("Causes", ()))
    return "  ".join(word for word in words if word)
