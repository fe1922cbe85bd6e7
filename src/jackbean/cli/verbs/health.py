"""`jb health`: every instance, how it does, and why."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import click

from jackbean.cli.healthview import VIEWS, environment_lines, table
from jackbean.cli.lines import Line
from jackbean.cli.verb import Verb
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb health                   once
jb health --refresh         again and again, until Ctrl-C
jb health --view cpu
"""
ENVIRONMENT_ATTRIBUTES = [
    "HealthStatus",
    "Status",
    "Color",
    "Causes",
    "ApplicationMetrics",
    "InstancesHealth",
    "RefreshedAt",
]
INSTANCE_ATTRIBUTES = [
    "HealthStatus",
    "Color",
    "Causes",
    "ApplicationMetrics",
    "RefreshedAt",
    "LaunchedAt",
    "System",
    "Deployment",
    "AvailabilityZone",
    "InstanceType",
]
AGAIN_S = 2.0
CLEAR = "\033[H\033[2J"


@click.command("health", cls=Verb, examples=EXAMPLES)
@click.argument("environment", required=False)
@click.option("--refresh", is_flag=True, help="Again and again, until Ctrl-C.")
@click.option("--mono", is_flag=True, help="Without colours.")
@click.option("--view", type=click.Choice(list(VIEWS)), default="split", help="What to show.")
@click.pass_obj
def command(
    place: Workplace, environment: str | None, refresh: bool, mono: bool, view: str
) -> None:
    """Show the health of an environment and of every instance, with its causes."""
    name = place.environment(environment)["EnvironmentName"]
    place.screen.colours = not mono
    if not refresh:
        document = _document(place, name)
        place.screen.show(document, _lines(document, view))
        return
    alive = sys.stdout.isatty() and not place.screen.json
    try:
        while True:
            document = _document(place, name)
            click.echo(CLEAR if alive else "", nl=False)
            place.screen.show(document, _lines(document, view))
            time.sleep(AGAIN_S)
    except KeyboardInterrupt:
        return


def _document(place: Workplace, name: str) -> dict[str, Any]:
    cloud = place.cloud
    health = cloud.beanstalk.describe_environment_health(
        EnvironmentName=name, AttributeNames=ENVIRONMENT_ATTRIBUTES
    )
    instances = cloud.pages(
        cloud.beanstalk.describe_instances_health,
        "InstanceHealthList",
        EnvironmentName=name,
        AttributeNames=INSTANCE_ATTRIBUTES,
    )
    whole = {k: v for k, v in health.items() if k != "ResponseMetadata"}
    return {**whole, "InstanceHealthList": list(instances)}


def _lines(document: Mapping[str, Any], view: str) -> Iterator[Line]:
    yield from environment_lines(document)
    yield ""
    yield from table(document["InstanceHealthList"], VIEWS[view])
