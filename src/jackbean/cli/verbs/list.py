"""`jb list`: the environments there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from jackbean.cli.verb import Verb
from jackbean.cli.verbs.status import health
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb list             those of this application; * is what commands mean
jb list --all -v    those of every application, with status, health and URL
"""


@click.command("list", cls=Verb, examples=EXAMPLES)
@click.option("-a", "--all", "everything", is_flag=True, help="Of all applications.")
@click.pass_obj
def command(place: Workplace, everything: bool) -> None:
    """List environments.

    Outside a folder that has been set up, those of all applications.
    """
    project = place.project
    asked: dict[str, Any] = {"IncludeDeleted": False}
    if project.application and not everything:
        asked["ApplicationName"] = project.application
    found = place.cloud.beanstalk.describe_environments(**asked)["Environments"]
    found.sort(key=lambda e: (e["ApplicationName"], e["EnvironmentName"]))
    grouped = "ApplicationName" not in asked
    listed = lines(found, project.environment, grouped=grouped, verbose=place.screen.verbose)
    place.screen.show(found, listed)


def lines(
    found: list[Mapping[str, Any]], chosen: str, *, grouped: bool, verbose: bool
) -> Iterator[str]:
    last = None
    for environment in found:
        if grouped and environment["ApplicationName"] != last:
            last = environment["ApplicationName"]
            yield f"{last}:"
        mark = "* " if environment["EnvironmentName"] == chosen else "  " if grouped else ""
        yield mark + (_row(environment) if verbose else environment["EnvironmentName"])


def _row(environment: Mapping[str, Any]) -> str:
    words = (
        environment["EnvironmentName"],
        environment["Status"],
        health(environment),
        environment.get("VersionLabel", ""),
        f"http://{environment['CNAME']}" if environment.get("CNAME") else "",
    )
    return "  ".join(filter(None, words))
