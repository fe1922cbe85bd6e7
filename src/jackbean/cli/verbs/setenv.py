"""`jb setenv`: set and remove variables of the application, and wait until they hold."""

from __future__ import annotations

from typing import Any

import click

from jackbean.cli.outcomes import Goal
from jackbean.cli.verb import Verb
from jackbean.cli.verbs.printenv import NAMESPACE
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb setenv COLOUR=green "GREETING=Hello, world"
jb setenv COLOUR=                  removes it
jb setenv COLOUR=red -e shop-dev
"""


@click.command("setenv", cls=Verb, examples=EXAMPLES)
@click.argument("pairs", nargs=-1, required=True, metavar="NAME=VALUE...")
@click.option("-e", "--environment", help="Whose; that of this branch unless named.")
@click.option("--timeout", type=float, default=4, show_default=True, help="Minutes to wait.")
@click.option("-nh", "--nohang", is_flag=True, help="Do not wait.")
@click.pass_obj
def command(
    place: Workplace, pairs: tuple[str, ...], environment: str | None, timeout: float, nohang: bool
) -> None:
    """Set environment variables: NAME=VALUE sets one, NAME= removes it."""
    change = changes(pairs)
    found = place.environment(environment)
    answer = place.cloud.beanstalk.update_environment(
        EnvironmentName=found["EnvironmentName"], **change
    )
    if not nohang:
        place.await_end(Goal.CONFIGURE, answer, timeout)
    place.screen.show({"EnvironmentName": found["EnvironmentName"], **change}, [])


def changes(pairs: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    """Return what to ask of UpdateEnvironment. Raises UsageError for what is no pair."""
    parted = [pair.partition("=") for pair in pairs]
    wrong = [name for name, equals, _ in parted if not equals or not name.strip()]
    if wrong:
        raise click.UsageError(f"{', '.join(wrong) or '(nothing)'} is not NAME=VALUE.")
    named = {name.strip(): value for name, _, value in parted}
    return {
        "OptionSettings": [
            {"Namespace": NAMESPACE, "OptionName": name, "Value": value}
            for name, value in named.items()
            if value
        ],
        "OptionsToRemove": [
            {"Namespace": NAMESPACE, "OptionName": name}
            for name, value in named.items()
            if not value
        ],
    }
