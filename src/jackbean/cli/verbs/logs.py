"""`jb logs`: the last lines of every instance's logs, all of them in a folder, or live."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jackbean.cli.archives import fetch, texts_of, unpack
from jackbean.cli.failures import Failure
from jackbean.cli.lines import Spans
from jackbean.cli.outcomes import Goal
from jackbean.cli.project import FOLDER
from jackbean.cli.screen import Screen
from jackbean.cli.verb import Verb
from jackbean.cli.waiting import Awaited, wait
from jackbean.cli.workplace import Workplace

if TYPE_CHECKING:
    from jackbean.cli.following import Found

EXAMPLES = """
jb logs                        the last 100 lines of every log
jb logs -i i-0123456789abcdef0
jb logs --all                  every log, into .elasticbeanstalk/logs
jb logs --zip                  the same as archives
jb logs --gone                 the last lines of instances that are gone
jb logs --follow               new lines of all instances, until Ctrl-C
jb logs -f --file 'nginx/*' --grep ' 50[0-9] ' --since 10m
jb logs --cloudwatch-logs enable
jb logs --stream               new lines of the environment's log groups
"""
TAIL_LINES = 100
TIMEOUT_S = 120.0
UPDATE_TIMEOUT_MIN = 15.0
LOGS, HEALTH = "aws:elasticbeanstalk:cloudwatch:logs", "aws:elasticbeanstalk:cloudwatch:logs:health"
SWITCHES = {
    "instance": ((LOGS, "StreamLogs"),),
    "environment-health": ((HEALTH, "HealthStreamingEnabled"),),
    "all": ((LOGS, "StreamLogs"), (HEALTH, "HealthStreamingEnabled")),
}
COLOURS = ("cyan", "yellow", "green", "magenta", "blue", "red")
LIVE_ONLY = {"files": "--file", "since": "--since", "grep": "--grep", "lines": "--lines"}
TABLE = (
    click.Option(("-a", "--all", "everything"), is_flag=True, help="Fetch all logs, whole."),
    click.Option(("-z", "--zip", "zipped"), is_flag=True, help="Fetch them as archives."),
    click.Option(("-i", "--instance"), help="Of this instance only."),
    click.Option(("--gone",), is_flag=True, help="Of instances that are gone: their last lines."),
    click.Option(("-f", "--follow"), is_flag=True, help="Show lines as they are written."),
    click.Option(
        ("--file", "files"),
        multiple=True,
        help="With --follow: these files, patterns below /var/log.",
    ),
    click.Option(
        ("--since",), help="With --follow: from 90s, 10m, 2h or 1d ago, or a date, as lines tell."
    ),
    click.Option(("--grep",), help="With --follow: only lines that a regular expression finds."),
    click.Option(
        ("-n", "--lines"),
        type=click.IntRange(0, 10_000),
        help="With --follow: begin with so many lines of each file (10).",
    ),
    click.Option(("--stream",), is_flag=True, help="Show new lines of log groups."),
    click.Option(("-g", "--log-group"), help="With --stream: this log group only."),
    click.Option(
        ("-cw", "--cloudwatch-logs", "switch"),
        is_flag=False,
        flag_value="enable",
        type=click.Choice(("enable", "disable")),
        help="Stream logs to log groups, or stop that.",
    ),
    click.Option(
        ("-cls", "--cloudwatch-log-source", "source"),
        type=click.Choice(tuple(SWITCHES)),
        default="instance",
        show_default=True,
        help="With --cloudwatch-logs: what is streamed.",
    ),
)


@click.command("logs", cls=Verb, examples=EXAMPLES, table=TABLE)
@click.argument("environment", required=False)
@click.pass_obj
def command(place: Workplace, /, environment: str | None, **flags: Any) -> None:
    """Show the last lines of the logs of every instance, follow them, or fetch all of them."""
    _check(flags)
    if flags["gone"]:
        _fetch_gone(place, place.environment_name(environment), flags)
        return
    found = place.environment(environment)
    if flags["switch"]:
        _switch(place, found, flags["switch"], flags["source"])
    elif flags["follow"] or flags["stream"]:
        _follow(place, found, flags)
    else:
        _fetch(place, found, flags)


def _check(flags: Mapping[str, Any]) -> None:
    """Raise UsageError for flags that do not go together."""
    live = flags["follow"] or flags["stream"]
    odd = [flag for name, flag in LIVE_ONLY.items() if flags[name] not in (None, ())]
    if odd and not live:
        raise click.UsageError(f"{odd[0]} goes with --follow.")
    if flags["log_group"] and not flags["stream"]:
        raise click.UsageError("--log-group goes with --stream.")
    if flags["gone"] and (live or flags["switch"]):
        raise click.UsageError("--gone shows what is left of instances; nothing more will come.")
    if live and (flags["everything"] or flags["zipped"]):
        raise click.UsageError("--all and --zip fetch what is there; they do not follow.")


# What is there


def _fetch(place: Workplace, found: Mapping[str, Any], flags: Mapping[str, Any]) -> None:
    kind = "bundle" if flags["everything"] or flags["zipped"] else "tail"
    _pull(place, found, kind)
    answers = place.cloud.beanstalk.retrieve_environment_info(
        EnvironmentName=found["EnvironmentName"], InfoType=kind
    )["EnvironmentInfo"]
    urls = newest(answers, flags["instance"])
    if kind == "tail":
        _show(place.screen, urls)
    else:
        _keep(place, urls, zipped=flags["zipped"])


def newest(answers: list[Mapping[str, Any]], instance: str | None) -> dict[str, str]:
    """Return the newest URL of each instance. Raises Failure where there is none."""
    ordered = sorted(answers, key=lambda a: a["SampleTimestamp"])
    urls = {a["Ec2InstanceId"]: a["Message"] for a in ordered}
    if instance is not None:
        urls = {name: url for name, url in urls.items() if name == instance}
    if not urls:
        whose = f"instance {instance}" if instance else "any instance"
        raise Failure(
            f"There are no logs of {whose}. `jb status -v` lists the instances; `jb logs --gone` "
            "shows the last lines of those that are gone."
        )
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


# What is left


def _fetch_gone(place: Workplace, name: str, flags: Mapping[str, Any]) -> None:
    wanted = [flags["instance"]] if flags["instance"] else []
    answer = place.cloud.extension("ShareLastLogs", EnvironmentName=name, InstanceIds=wanted)
    urls = {one["InstanceId"]: one["Url"] for one in answer["Instances"]}
    if not urls:
        whose = f"instance {flags['instance']}" if wanted else "instances that are gone"
        raise Failure(f"There are no logs of {whose} in {name}: they are kept for a week.")
    if flags["everything"] or flags["zipped"]:
        _keep(place, urls, zipped=flags["zipped"])
        return
    ended = {one["InstanceId"]: one["EndedAt"] for one in answer["Instances"]}
    texts = {instance: last_lines(fetch(url)) for instance, url in urls.items()}
    listed = [
        {"InstanceId": instance, "EndedAt": ended[instance], "Text": text}
        for instance, text in texts.items()
    ]
    place.screen.show(
        listed,
        [
            f"============= {instance} (gone since {_date(ended[instance])}) =============\n{text}"
            for instance, text in texts.items()
        ],
    )


def last_lines(data: bytes) -> str:
    """Return the ends of the logs in a ZIP, each below its path, as the tail has them."""
    rule = "-" * 40
    parts = [
        f"{rule}\n/{name}\n{rule}\n" + "\n".join(text.splitlines()[-TAIL_LINES:])
        for name, text in sorted(texts_of(data).items())
    ]
    return "\n\n".join(parts)


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


# What comes


def _follow(place: Workplace, found: Mapping[str, Any], flags: Mapping[str, Any]) -> None:
    """Show lines until Ctrl-C, which is how this is meant to end, or until there is nobody."""
    from jackbean.cli.following import Asked, Follower, Streamer, instant

    asked = Asked(
        environment=found["EnvironmentName"],
        instances=(flags["instance"],) if flags["instance"] else (),
        files=flags["files"],
        lines=10 if flags["lines"] is None else flags["lines"],
        since=instant(flags["since"], time.time()) if flags["since"] else 0.0,
    )
    wanted = matcher(flags["grep"])
    source: Follower | Streamer
    if flags["stream"] or place.cloud.aws:
        groups = (flags["log_group"],) if flags["log_group"] else ()
        source = Streamer(place.cloud, asked, groups)
    else:
        source = Follower(place.cloud, asked, place.screen.note)
    painter = Painter()
    try:
        for line in source.lines():
            if wanted(line.text):
                place.screen.tell(document(line), painter.line(line))
    except KeyboardInterrupt:
        place.screen.note("")  # asked to stop, stopped: all is well
    finally:
        source.end()


def matcher(expression: str | None) -> Callable[[str], bool]:
    """Return what tells if a line is wanted. Raises UsageError."""
    if expression is None:
        return lambda _: True
    try:
        found = re.compile(expression)
    except re.error as error:
        raise click.UsageError(f"--grep {expression}: {error}.") from None
    return lambda text: found.search(text) is not None


def document(line: Found) -> dict[str, str]:
    return {"InstanceId": line.instance, "File": line.file, "Text": line.text}


class Painter:
    """Each instance has a colour of its own, as long as there are enough."""

    def __init__(self) -> None:
        self._colours: dict[str, str] = {}

    def line(self, line: Found) -> Spans:
        count = len(self._colours)
        colour = self._colours.setdefault(line.instance, COLOURS[count % len(COLOURS)])
        file = line.file.removeprefix("/var/log/")
        return Spans(((f"{line.instance} {file} | ", colour), line.text))


# Whether it comes


def _switch(place: Workplace, found: Mapping[str, Any], switch: str, source: str) -> None:
    """Turn streaming to log groups on or off, and wait until that holds."""
    name = found["EnvironmentName"]
    value = "true" if switch == "enable" else "false"
    settings = [
        {"Namespace": namespace, "OptionName": option, "Value": value}
        for namespace, option in SWITCHES[source]
    ]
    answer = place.cloud.beanstalk.update_environment(EnvironmentName=name, OptionSettings=settings)
    place.await_end(Goal.CONFIGURE, answer, UPDATE_TIMEOUT_MIN)
    place.screen.show({"EnvironmentName": name, "OptionSettings": settings}, [])
