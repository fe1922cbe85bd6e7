"""`jb open`: the application in a browser, or its URL where there is none."""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Mapping
from typing import Any

import click

from jackbean.cli.cloud import Cloud
from jackbean.cli.failures import Failure
from jackbean.cli.verb import Verb
from jackbean.cli.workers import is_worker, queues
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb open                    the environment of this branch
curl "$(jb open)"          where there is no browser, it prints the URL
"""
SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "BROWSER")


@click.command("open", cls=Verb, examples=EXAMPLES)
@click.argument("environment", required=False)
@click.pass_obj
def command(place: Workplace, environment: str | None) -> None:
    """Open an environment in the browser, or print its URL where there is none."""
    found = place.environment(environment)
    address = url(found)
    shown = _has_browser(os.environ) and not place.screen.json and webbrowser.open(address)
    place.screen.show({"Url": address, "Opened": bool(shown)}, [] if shown else [address])
    if not shown and found.get("EndpointURL"):
        place.screen.debug(f"By address, where the name is not known: {by_address(found)}")


def where(cloud: Cloud, environment: Mapping[str, Any]) -> list[str]:
    """Return where an environment's work goes: to its URL, or into its queue."""
    if not is_worker(environment):
        return [url(environment)]
    return [queue["URL"] for queue in queues(cloud, environment["EnvironmentName"])[:1]]


def url(environment: Mapping[str, Any]) -> str:
    """Return where an environment answers. Raises Failure where it has no name."""
    name = environment.get("CNAME")
    if is_worker(environment):
        raise Failure(
            f"Environment {environment['EnvironmentName']} is a worker and has no URL. "
            "`jb status` shows its queue."
        )
    if not name:
        raise Failure(
            f"Environment {environment['EnvironmentName']} is {environment['Status']} and has no "
            "URL. Environments that run have one."
        )
    return str(name) if str(name).startswith("http") else f"http://{name}"


def by_address(environment: Mapping[str, Any]) -> str:
    """Return the load balancer's address: it needs no name."""
    return f"http://{environment['EndpointURL']}"


def _has_browser(environ: Mapping[str, str]) -> bool:
    return any(environ.get(name) for name in SCREENS)
