"""`jb scale`: how many instances."""

from __future__ import annotations

import click

from jackbean.cli.asking import agree
from jackbean.cli.outcomes import Goal
from jackbean.cli.verb import Verb
from jackbean.cli.verbs.printenv import settings
from jackbean.cli.workers import is_worker
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb scale 3
jb scale 1 shop-dev
"""
GROUP = "aws:autoscaling:asg"
ENVIRONMENT = "aws:elasticbeanstalk:environment"


@click.command("scale", cls=Verb, examples=EXAMPLES)
@click.argument("number", type=click.IntRange(min=0, max=10_000))
@click.argument("environment", required=False)
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@click.option("--timeout", type=float, default=5, show_default=True, help="Minutes to wait.")
@click.option("-nh", "--nohang", is_flag=True, help="Do not wait.")
@click.pass_obj
def command(
    place: Workplace,
    number: int,
    environment: str | None,
    force: bool,
    timeout: float,
    nohang: bool,
) -> None:
    """Set the number of instances: neither fewer nor more.

    An environment of a single instance gets a load balancer first, after a question.
    """
    found = place.environment(environment)
    name = found["EnvironmentName"]
    options = [(GROUP, "MinSize", str(number)), (GROUP, "MaxSize", str(number))]
    if settings(place, found, ENVIRONMENT).get("EnvironmentType") == "SingleInstance":
        if not force:
            means = "Let it have several" if is_worker(found) else "Give it a load balancer"
            question = f"{name} is a single instance. {means}, to scale it?"
            agree(question, f"{name} stays as it is.")
        options.append((ENVIRONMENT, "EnvironmentType", "LoadBalanced"))
    answer = place.cloud.beanstalk.update_environment(
        EnvironmentName=name,
        OptionSettings=[
            {"Namespace": space, "OptionName": option, "Value": value}
            for space, option, value in options
        ],
    )
    if not nohang:
        place.await_end(Goal.CONFIGURE, answer, timeout)
    place.screen.show({"EnvironmentName": name, "Instances": number}, [])
