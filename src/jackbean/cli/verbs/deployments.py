"""`jb deployments`: what deployments did to those who were served meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import click

from jackbean.cli.lines import Line, local
from jackbean.cli.verb import Verb
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb deployments                 those of this branch's environment
jb deployments shop-dev 7      the whole certificate of one
jb deployments shop-dev --output json
"""
SHOWN = 20
COLOURS = {"succeeded": "green", "superseded": "yellow"}
HEADS = (
    ("#", 4, "Number"),
    ("Version", 24, "VersionLabel"),
    ("Policy", 27, "Policy"),
)

Deployment = Mapping[str, Any]


@click.command("deployments", cls=Verb, examples=EXAMPLES)
@click.argument("environment", required=False)
@click.argument("number", type=click.IntRange(min=1), required=False)
@click.pass_obj
def command(place: Workplace, environment: str | None, number: int | None) -> None:
    """List the deployments of an environment, or show the certificate of one.

    A certificate says how many requests each release answered meanwhile, how many of them failed
    and were tried again, how many instances were in service at the least, and where time went.
    """
    asked: dict[str, Any] = {"EnvironmentName": place.environment_name(environment)}
    if number is not None:
        asked["Number"] = number
    answer = place.cloud.extension("DescribeDeployments", **asked)
    found = answer["Deployments"]
    if number is not None:
        place.screen.show(found[0], certificate(found[0]))
    else:
        place.screen.show(found, listed(found))


def listed(found: list[Deployment]) -> Iterator[Line]:
    """Yield a line for each of the last deployments, the newest first."""
    if not found:
        yield "No deployment has ended yet."
        return
    head = "".join(f"{title:<{width}}" for title, width, _ in HEADS)
    yield f"{head}{'Began':<21}{'Took':>7}{'Requests':>11}{'Failed':>8}{'Retried':>8}  Lowest  End"
    for one in found[:SHOWN]:
        yield _row(one), COLOURS.get(one["End"], "red")
    if len(found) > SHOWN:
        yield f"and {len(found) - SHOWN} older ones: --output json has them all"


def certificate(one: Deployment) -> Iterator[Line]:
    """Yield the whole of it."""
    version, policy = one["VersionLabel"], one["Policy"]
    yield f"Deployment {one['Number']}: {version} (release {one['Release']}) by {policy}", "bold"
    yield f"  {_end(one)} at {_time(one['Ended'])}, after {one['Seconds']:.1f} s"
    for reason in one["Reasons"]:
        yield from (f"  {line}" for line in reason.splitlines())
    yield ""
    yield from _requests(one)
    yield ""
    yield from _capacity(one)
    yield ""
    yield "Time"
    for phase in one["Phases"]:
        batch = f" of batch {phase['Batch']}" if phase["Batch"] else ""
        yield f"  {phase['Name'] + batch:<28}{phase['Seconds']:>9.1f} s"
    if one["UnwatchedSeconds"]:
        yield f"  For {one['UnwatchedSeconds']:.1f} s of it at most no control plane was running."


def _row(one: Deployment) -> str:
    head = "".join(f"{_cut(str(one[name]), width - 1):<{width}}" for _, width, name in HEADS)
    least = "" if one["Lowest"] is None else f"{one['Lowest']} of {one['Instances']}"
    numbers = "".join(
        f"{_count(one, name):>{width}}"
        for name, width in (("Requests", 11), ("Failed", 8), ("Retried", 8))
    )
    took = f"{one['Seconds']:.0f} s"
    return f"{head}{_time(one['Began']):<21}{took:>7}{numbers}  {least:<8}{_end(one)}"


def _requests(one: Deployment) -> Iterator[Line]:
    what = one.get("Unit", "requests").capitalize()
    if not one["Counted"]:
        yield f"{what} could not be counted: nobody did."
        return
    if not one["Releases"] and not one["AtLeast"]:
        yield f"{what}: none came."
        return
    yield f"{f'{what} to':<30}{'served':>11}{'failed':>9}{'retried':>9}"
    for served in one["Releases"]:
        yield _served(served)
    if one["AtLeast"]:
        yield ("  At least these: the counters were not known at every moment that mattered.")


def _served(served: Mapping[str, Any]) -> Line:
    name = f"release {served['Release']}, {served['VersionLabel']}"
    if served["Release"] is None:
        name = "nobody: none was in service"
    line = (
        f"  {_cut(name, 27):<28}{served['Requests']:>11,}{served['Failed']:>9,}"
        f"{served['Retried']:>9,}"
    )
    return (line, "red") if served["Failed"] else line


def _capacity(one: Deployment) -> Iterator[Line]:
    if one["Lowest"] is None:
        yield "Instances in service: none was promised."
        return
    at = _time(one["LowestAt"])
    yield f"Instances in service: never below {one['Lowest']} of {one['Instances']} (at {at})"


def _end(one: Deployment) -> str:
    return f"{one['End']}, aborted" if one["Aborted"] else str(one["End"])


def _count(one: Deployment, name: str) -> str:
    if not one["Counted"]:
        return "?"
    return f"{one[name]:,}" + ("+" if one["AtLeast"] and name != "Retried" else "")


def _time(text: str) -> str:
    return local(datetime.fromisoformat(text)).strftime("%Y-%m-%d %H:%M:%S")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
