"""`jb open`: the application in a browser, or its URL where there is none."""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Mapping
from typing import Any

import click

from jackbean.cli.failures import Failure
from jackbean.cli.verb import Verb
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


def url(environment: Mapping[str, Any]) -> str:
    """Return where an environment answers. Raises Failure where it has no name."""
    name = environment.get("CNAME")
    if not name:
        raise Failure(
            f"Environment {environment['EnvironmentName']} is {environment['Status']} and has no "
            "URL. Only web server environments that run have one."
        )
    return str(name) if str(name).startswith("http") else f"http://{name}"


def by_address(environment: Mapping[str, Any]) -> str:
    """Return the load balancer's address: it needs no name."""
    return f"http://{environment['EndpointURL']}"


def _has_browser(environ: Mapping[str, str]) -> bool:
    return any(environ.get(name) for name in SCREENS)
