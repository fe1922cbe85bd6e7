"""`jb events`: what has happened, oldest first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from jackbean.cli.failures import NotSetUp
from jackbean.cli.lines import Event, event_line
from jackbean.cli.verb import Verb
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb events                 what has happened
jb events -f              and what happens, until Ctrl-C
jb events shop-dev --output json
"""
SHOWN = 200


@click.command("events", cls=Verb, examples=EXAMPLES)
@click.argument("environment", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on telling as they come.")
@click.pass_obj
def command(place: Workplace, environment: str | None, follow: bool) -> None:
    """Tell what has happened to an environment, oldest first.

    Those of environments that are gone are told, too: name them.
    """
    asked = _query(place, environment)
    if follow:
        _follow(place, asked)
        return
    found = place.cloud.beanstalk.describe_events(**asked, MaxRecords=SHOWN)["Events"][::-1]
    place.screen.show(found, map(event_line, found))


def _query(place: Workplace, environment: str | None) -> dict[str, Any]:
    if environment is None and not place.project.known:
        raise NotSetUp
    asked = {"EnvironmentName": place.environment_name(environment)}
    if environment is None and place.project.application:
        asked["ApplicationName"] = place.project.application
    return asked


def _follow(place: Workplace, asked: dict[str, Any]) -> None:
    try:
        for event in _endless(place, asked):
            place.screen.tell(event, event_line(event))
    except KeyboardInterrupt:
        place.screen.note("")  # asked to stop, stopped: all is well


def _endless(place: Workplace, asked: dict[str, Any]) -> Iterator[Event]:
    seen: set[tuple[datetime, str]] = set()
    more: dict[str, Any] = {"MaxRecords": SHOWN}
    while True:
        found = place.cloud.beanstalk.describe_events(**asked, **more)["Events"][::-1]
        for event in found:
            mark = (event["EventDate"], event["Message"])
            if mark not in seen:
                seen.add(mark)
                yield event
        if found:
            more = {"StartTime": found[-1]["EventDate"]}
            seen = {mark for mark in seen if mark[0] == found[-1]["EventDate"]}
        time.sleep(5.0 if place.cloud.aws else 0.5)
