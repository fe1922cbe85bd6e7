"""`jb printenv`: the variables that an environment hands to its application."""

from __future__ import annotations

import click

from jackbean.cli.verb import Verb
from jackbean.cli.workplace import Environment, Workplace

EXAMPLES = """
jb printenv
jb printenv shop-dev --output json
"""
NAMESPACE = "aws:elasticbeanstalk:application:environment"


@click.command("printenv", cls=Verb, examples=EXAMPLES)
@click.argument("environment", required=False)
@click.pass_obj
def command(place: Workplace, environment: str | None) -> None:
    """Show the environment variables that the application gets."""
    found = place.environment(environment)
    listed = dict(sorted(settings(place, found, NAMESPACE).items()))
    rows = [f"    {name} = {value}" for name, value in listed.items()]
    place.screen.show(listed, [" Environment Variables:", *rows])


def settings(place: Workplace, environment: Environment, namespace: str) -> dict[str, str]:
    """Return the deployed options of a namespace."""
    found = place.cloud.beanstalk.describe_configuration_settings(
        ApplicationName=environment["ApplicationName"],
        EnvironmentName=environment["EnvironmentName"],
    )["ConfigurationSettings"]
    deployed = next(s for s in found if s.get("DeploymentStatus", "deployed") == "deployed")
    return {
        o["OptionName"]: o.get("Value", "")
        for o in deployed["OptionSettings"]
        if o["Namespace"] == namespace
    }
