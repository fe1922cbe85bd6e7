"""`jb swap`: two environments exchange their CNAMEs."""

from __future__ import annotations

import click

from jackbean.cli.outcomes import Goal
from jackbean.cli.verb import Verb
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb swap shop-blue -n shop-green    what was asked of one is answered by the other
jb swap -n shop-green              the environment of this branch with another one
jb swap shop-blue -n shop-green    again: everything is as it was
"""


@click.command("swap", cls=Verb, examples=EXAMPLES)
@click.argument("environment", required=False)
@click.option("-n", "--destination-name", "--destination_name", "destination", required=True,
              help="The other environment.")  # fmt: skip
@click.option("--timeout", type=float, default=1, show_default=True, help="Minutes to wait.")
@click.option("-nh", "--nohang", is_flag=True, help="Do not wait.")
@click.pass_obj
def command(
    place: Workplace, environment: str | None, destination: str, timeout: float, nohang: bool
) -> None:
    """Exchange the CNAMEs of two environments, at one moment: blue/green deployment."""
    name = place.environment(environment)["EnvironmentName"]
    answer = place.cloud.beanstalk.swap_environment_cnames(
        SourceEnvironmentName=name, DestinationEnvironmentName=destination
    )
    if not nohang:
        place.await_end(Goal.SWAP, answer, timeout, environment=name)
    cnames = {each: place.environment(each)["CNAME"] for each in (name, destination)}
    lines = [f"{each}: http://{cname}" for each, cname in cnames.items()]
    place.screen.show({"CNAMEs": cnames}, lines)
