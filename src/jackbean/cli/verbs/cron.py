"""`jb cron`: the periodic tasks of a worker environment, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import click

from jackbean.cli.lines import Line, local
from jackbean.cli.verb import Family, Verb
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb cron                            the tasks of this branch's environment
jb cron history --task nightly     what became of each time that one was due
jb cron run nightly                send its message now
jb cron suspend nightly            skip it until `jb cron resume nightly`
"""
COLOURS = {"done": "green", "skipped": "yellow", "failed": "yellow", "waiting": "", "running": ""}
SHOWN = 30

Task = Mapping[str, Any]
Run = Mapping[str, Any]


@click.group("cron", cls=Family, usual="list", examples=EXAMPLES)
def command() -> None:
    """Show, run and suspend the periodic tasks of a worker environment.

    They are those of `cron.yaml` in the version that runs. Without a word: `list`.
    """


@command.command("list", cls=Verb, examples="jb cron list shop-worker")
@click.argument("environment", required=False)
@click.pass_obj
def list_tasks(place: Workplace, environment: str | None) -> None:
    """List the tasks: when each is due next, and how it ended last."""
    answer = _ask(place, "DescribePeriodicTasks", environment)
    place.screen.show(answer["Tasks"], tasks(answer["Tasks"]))


@command.command("history", cls=Verb, examples="jb cron history shop-worker --task nightly -n 5")
@click.argument("environment", required=False)
@click.option("-t", "--task", help="Only this one.")
@click.option(
    "-n", "--number", type=click.IntRange(1, 1000), default=SHOWN, show_default=True, help="Lines."
)
@click.pass_obj
def history(place: Workplace, environment: str | None, task: str | None, number: int) -> None:
    """Tell what became of every time that a task was due, oldest first.

    Each was sent or skipped, and why. A message that was sent waits, runs, has failed and comes
    again, is done, or is dead: in the dead-letter queue, where `jb messages --dead` shows it.
    """
    asked = {"MaxRecords": number, **({"TaskName": task} if task else {})}
    found = _ask(place, "DescribePeriodicRuns", environment, **asked)["Runs"][::-1]
    place.screen.show(found, runs(found))


@command.command("run", cls=Verb, examples="jb cron run nightly shop-worker")
@click.argument("task")
@click.argument("environment", required=False)
@click.pass_obj
def run(place: Workplace, task: str, environment: str | None) -> None:
    """Send the message of a task now, whether it is due or not, suspended or not."""
    found = _ask(place, "RunPeriodicTask", environment, TaskName=task)["Run"]
    lines = [f"{task}: sent as message {found['MessageId']}. `jb cron history` tells of it."]
    place.screen.show(found, lines)


@command.command("suspend", cls=Verb, examples="jb cron suspend --all shop-worker")
@click.argument("task", required=False)
@click.argument("environment", required=False)
@click.option("--all", "everything", is_flag=True, help="Every task.")
@click.pass_obj
def suspend(place: Workplace, task: str | None, environment: str | None, everything: bool) -> None:
    """Skip a task whenever it is due, until it is resumed: also in later versions."""
    _switch(place, "SuspendPeriodicTasks", _chosen(task, environment, everything), "suspended")


@command.command("resume", cls=Verb, examples="jb cron resume nightly")
@click.argument("task", required=False)
@click.argument("environment", required=False)
@click.option("--all", "everything", is_flag=True, help="Every task that is suspended.")
@click.pass_obj
def resume(place: Workplace, task: str | None, environment: str | None, everything: bool) -> None:
    """Send a task's message again when it is due from now on; nothing is made up for."""
    _switch(place, "ResumePeriodicTasks", _chosen(task, environment, everything), "resumed")


Chosen = tuple[list[str], str | None]


def _chosen(task: str | None, environment: str | None, everything: bool) -> Chosen:
    """Return tasks (none: all) and environment; with --all the first word is the latter."""
    if everything and environment:
        raise click.UsageError("Name a task, or say --all.")
    if everything:
        return [], task
    if not task:
        raise click.UsageError("Name a task, or say --all.")
    return [task], environment


def _switch(place: Workplace, operation: str, chosen: Chosen, done: str) -> None:
    names, environment = chosen
    answer = _ask(place, operation, environment, TaskNames=names)
    told = ", ".join(answer["TaskNames"]) or "nothing"
    place.screen.show(answer, [f"{answer['EnvironmentName']}: {told}: {done}."])


def _ask(
    place: Workplace, operation: str, environment: str | None, **more: Any
) -> Mapping[str, Any]:
    name = place.environment_name(environment)
    return place.cloud.extension(operation, EnvironmentName=name, **more)


def tasks(found: list[Task]) -> Iterator[Line]:
    """Yield a line for each task."""
    if not found:
        yield "There are no periodic tasks: the version that runs has no `cron.yaml` at its root."
        return
    wide = max(len("Task"), *(len(one["Name"]) for one in found)) + 2
    yield f"{'Task':<{wide}}{'Schedule (UTC)':<20}{'Next':<21}Last"
    for one in found:
        due = "suspended" if one["Suspended"] else _time(one["Due"]) if one["Due"] else "never"
        last = f"{_time(one['Last']['LastDue'])}  {outcome(one['Last'])}" if one["Last"] else ""
        colour = "yellow" if one["Suspended"] else ""
        yield f"{one['Name']:<{wide}}{one['Schedule']:<20}{due:<21}{last}", colour


def runs(found: list[Run]) -> Iterator[Line]:
    """Yield a line for each line of the ledger."""
    if not found:
        yield "No task has been due yet."
        return
    wide = max(len("Task"), *(len(one["Task"]) for one in found)) + 2
    yield f"{'Due':<21}{'Task':<{wide}}What became of it"
    for one in found:
        colour = COLOURS.get(one["State"], "red")
        yield f"{_time(one['Due']):<21}{one['Task']:<{wide}}{outcome(one)}", colour


def outcome(one: Run) -> str:
    """Return what became of a line, in words."""
    if one["State"] == "skipped":
        times = f" {one['Count']} times, the last at {_time(one['LastDue'])}"
        return f"skipped{times if one['Count'] > 1 else ''}: {one['Reason']}"
    tried = f", attempt {one['Attempts']}" if one["Attempts"] > 1 else ""
    return f"{one['State']}{tried}{answered(one)}"


def answered(one: Mapping[str, Any]) -> str:
    """Return what came of posting a message last, as the end of a line."""
    if one["Seconds"] is None:
        return ""
    answer = f"HTTP {one['Status']}" if one["Status"] else one["Error"] or "no answer"
    return f": {answer} after {one['Seconds']:.1f} s on {one['Instance']}"


def _time(text: str) -> str:
    return local(datetime.fromisoformat(text)).strftime("%Y-%m-%d %H:%M:%S")
