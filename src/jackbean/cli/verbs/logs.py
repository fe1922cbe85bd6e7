"""`jb logs`: the last lines of every instance's logs, or all of them in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from jackbean.cli.archives import fetch, unpack
from jackbean.cli.failures import Failure
from jackbean.cli.outcomes import Goal
from jackbean.cli.project import FOLDER
from jackbean.cli.screen import Screen
from jackbean.cli.verb import Verb
from jackbean.cli.waiting import Awaited, wait
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb logs                        the last 100 lines of every log
jb logs -i i-0123456789abcdef0
jb logs --all                  every log, into .elasticbeanstalk/logs
jb logs --zip                  the same as archives
"""
TIMEOUT_S = 120.0


@click.command("logs", cls=Verb, examples=EXAMPLES)
@click.argument("environment", required=False)
@click.option("-a", "--all", "everything", is_flag=True, help="Fetch all logs, whole.")
@click.option("-z", "--zip", "zipped", is_flag=True, help="Fetch them as archives.")
@click.option("-i", "--instance", help="Of this instance only.")
@click.pass_obj
def command(
    place: Workplace,
    environment: str | None,
    everything: bool,
    zipped: bool,
    instance: str | None,
) -> None:
    """Show the last lines of the logs of every instance, or fetch all of them."""
    found = place.environment(environment)
    kind = "bundle" if everything or zipped else "tail"
    _pull(place, found, kind)
    answers = place.cloud.beanstalk.retrieve_environment_info(
        EnvironmentName=found["EnvironmentName"], InfoType=kind
    )["EnvironmentInfo"]
    urls = newest(answers, instance)
    if kind == "tail":
        _show(place.screen, urls)
    else:
        _keep(place, urls, zipped=zipped)


def newest(answers: list[Mapping[str, Any]], instance: str | None) -> dict[str, str]:
    """Return the newest URL of each instance. Raises Failure where there is none."""
    ordered = sorted(answers, key=lambda a: a["SampleTimestamp"])
    urls = {a["Ec2InstanceId"]: a["Message"] for a in ordered}
    if instance is not None:
        urls = {name: url for name, url in urls.items() if name == instance}
    if not urls:
        whose = f"instance {instance}" if instance else "any instance"
        raise Failure(f"There are no logs of {whose}. `jb status -v` lists the instances.")
    return dict(sorted(urls.items()))


def _pull(place: Workplace, found: Mapping[str, Any], kind: str) -> None:
    name = found["EnvironmentName"]
    answer = place.cloud.beanstalk.request_environment_info(EnvironmentName=name, InfoType=kind)
    request = answer["ResponseMetadata"]["RequestId"]
    awaited = Awaited(Goal.PULL, request, name, timeout_s=TIMEOUT_S)
    silent = Screen()
    silent.quiet = True
    with silent.progress() as progress:
        wait(place.cloud, awaited, progress)


def _show(screen: Screen, urls: Mapping[str, str]) -> None:
    texts = {name: fetch(url).decode(errors="replace") for name, url in urls.items()}
    listed = [{"InstanceId": name, "Text": text} for name, text in texts.items()]
    lines = [f"============= {name} =============\n{text}" for name, text in texts.items()]
    screen.show(listed, lines)


def _keep(place: Workplace, urls: Mapping[str, str], *, zipped: bool) -> None:
    stamp = datetime.now().astimezone().strftime("%y%m%d_%H%M%S%f")
    root = place.project.root / FOLDER / "logs" if place.project.known else Path("logs")
    folder = root / stamp
    folder.mkdir(parents=True)
    for name, url in urls.items():
        data = fetch(url)
        if zipped:
            (folder / f"{name}.zip").write_bytes(data)
        else:
            unpack(data, folder / name)
    latest = root / "latest"
    latest.unlink(missing_ok=True)
    latest.symlink_to(stamp)
    place.screen.show({"Folder": str(folder), "Instances": list(urls)}, [f"Logs are in {folder}"])
