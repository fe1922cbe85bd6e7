"""`jb use`: which environment commands of this branch mean."""

from __future__ import annotations

import click

from jackbean.cli.failures import Failure
from jackbean.cli.verb import Verb
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb use shop-dev          from now on `jb deploy` means shop-dev on this branch
git switch main; jb use shop-prod
"""


@click.command("use", cls=Verb, examples=EXAMPLES)
@click.argument("environment")
@click.pass_obj
def command(place: Workplace, environment: str) -> None:
    """Choose the environment that commands of this branch mean."""
    project = place.project.required()
    found = place.environment(environment)
    if project.application and found["ApplicationName"] != project.application:
        raise Failure(
            f"Environment {environment} is of application {found['ApplicationName']}; this folder "
            f"is set up for {project.application}. `jb list` lists what fits."
        )
    project.choose(environment)
    if place.flags.region:
        project.remember(default_region=place.flags.region)
    said = {"Branch": project.branch, "EnvironmentName": environment}
    place.screen.show(said, [f"Branch {project.branch} means {environment}."])
