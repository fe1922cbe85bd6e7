"""`jb abort`: give up what is under way."""

from __future__ import annotations

import click

from jackbean.cli.verb import Verb
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb abort                           the environment of this branch
jb abort shop-dev && jb events --follow shop-dev
"""


@click.command("abort", cls=Verb, examples=EXAMPLES)
@click.argument("environment", required=False)
@click.pass_obj
def command(place: Workplace, environment: str | None) -> None:
    """Give up the update that is under way.

    AllAtOnce, Rolling and RollingWithAdditionalBatch stop where they are: instances that have the
    new version keep it, so deploy again afterwards. Immutable and TrafficSplitting end the new
    instances, and a change of the configuration goes back. What is past its point of no return
    ends by itself.
    """
    found = place.environment(environment)
    name = found["EnvironmentName"]
    place.cloud.beanstalk.abort_environment_update(EnvironmentName=name)
    after = place.environment(name)
    place.screen.show(
        {"EnvironmentName": name, "Status": after["Status"]},
        [f"Environment {name} is {after['Status']}. Follow it with `jb events --follow {name}`."],
    )
