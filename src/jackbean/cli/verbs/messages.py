"""`jb messages`: the messages of a worker environment, and dead letters on their way back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import click

from jackbean.cli.failures import Failure
from jackbean.cli.lines import Line, local
from jackbean.cli.verb import Family, Verb
from jackbean.cli.verbs.cron import answered
from jackbean.cli.workplace import Workplace

EXAMPLES = """
jb messages                  the last ones, and how often each was tried
jb messages --dead           those that were given up, and why
jb messages --follow         as things happen, until Ctrl-C
jb messages redrive          send dead letters back to where they came from
"""
COLOURS = {"dead": "red", "gone": "green"}
SHOWN = 50
LOOK_S = 1.0

Message = Mapping[str, Any]


@click.group("messages", cls=Family, usual="list", examples=EXAMPLES)
def command() -> None:
    """Show the messages of a worker environment, and what came of posting them.

    Without a word: `list`.
    """


@command.command("list", cls=Verb, examples="jb messages shop-worker --dead")
@click.argument("environment", required=False)
@click.option("-d", "--dead", is_flag=True, help="Only those in the dead-letter queue.")
@click.option("-f", "--follow", is_flag=True, help="Go on telling as things happen.")
@click.option(
    "-n", "--number", type=click.IntRange(1, 1000), default=SHOWN, show_default=True, help="Lines."
)
@click.pass_obj
def list_messages(
    place: Workplace, environment: str | None, dead: bool, follow: bool, number: int
) -> None:
    """Show the last messages, oldest first: how often each was tried, and what came of it.

    The last tries of a queue are remembered, and those of dead letters for as long as these are
    there.
    """
    asked = {
        "EnvironmentName": place.environment_name(environment),
        "DeadOnly": dead,
        "MaxRecords": number,
    }
    if follow:
        _follow(place, asked)
        return
    answer = place.cloud.extension("DescribeMessages", **asked)
    place.screen.show(answer, messages(answer))


@command.command("redrive", cls=Verb, examples="jb messages redrive shop-worker")
@click.argument("environment", required=False)
@click.option("-nh", "--nohang", is_flag=True, help="Do not wait.")
@click.option("--timeout", type=float, default=5, show_default=True, help="Minutes to wait.")
@click.pass_obj
def redrive(place: Workplace, environment: str | None, nohang: bool, timeout: float) -> None:
    """Send dead letters back to the queues that they came from, to be tried again."""
    name = place.environment_name(environment)
    move = place.cloud.extension("RedriveMessages", EnvironmentName=name)
    deadline = time.monotonic() + timeout * 60
    while move["Status"] == "RUNNING" and not nohang:
        if time.monotonic() > deadline:
            raise Failure(f"{_moved(move)} sent back; it goes on.", "Timeout")
        time.sleep(0.2)
        move = place.cloud.extension("DescribeRedrive", EnvironmentName=name)
    if move["Status"] == "FAILED":
        raise Failure(
            f"{_moved(move)} sent back, and then: {move['Failure']}. `jb messages "
            "--dead` shows the others.",
            "RedriveFailed",
        )
    told = f"{_moved(move)} sent back."
    place.screen.show(move, [f"About {move['Expected']} go back." if nohang else told])


def _moved(move: Mapping[str, Any]) -> str:
    return "1 message was" if move["Moved"] == 1 else f"{move['Moved']} messages were"


def _follow(place: Workplace, asked: dict[str, Any]) -> None:
    try:
        for message in endless(place, asked):
            place.screen.tell(message, row(message))
    except KeyboardInterrupt:
        place.screen.note("")  # asked to stop, stopped: all is well


def endless(place: Workplace, asked: dict[str, Any]) -> Iterator[Message]:
    """Yield messages whenever something has happened to them."""
    seen: dict[str, Message] = {}
    while True:
        found = place.cloud.extension("DescribeMessages", **asked)["Messages"][::-1]
        for message in found:
            if seen.get(message["MessageId"]) != message:
                yield message
        seen = {message["MessageId"]: message for message in found}
        time.sleep(LOOK_S)


def messages(answer: Mapping[str, Any]) -> Iterator[Line]:
    """Yield what the queues hold, and a line for each message, the oldest first."""
    yield _counts("Queue", answer["Queue"])
    if answer["DeadLetterQueue"]:
        yield _counts("Dead letters", answer["DeadLetterQueue"])
    if answer["Messages"]:
        yield ""
        yield f"{'Sent or tried':<21}{'Message':<38}What came of it", "bold"
    for message in answer["Messages"][::-1]:
        yield row(message)


def row(message: Message) -> Line:
    """Return the line of a message."""
    since = message["Sent"] or (message["History"][-1]["At"] if message["History"] else "")
    when = _time(since) if since else "?"
    tries = "" if message["Attempts"] == 1 else f", {message['Attempts']} times tried"
    task = f"task {message['Task']}: " if message["Task"] else ""
    told = f": {message['Why']}" if message["Why"] else f"{tries}{answered(message)}"
    done = message["State"] == "gone" and message["Status"] == 200  # anything else was purged, say
    state = "done" if done else message["State"]
    line = f"{when:<21}{message['MessageId']:<38}{task}{state}{told}"
    return line, COLOURS.get(message["State"], "yellow" if message["Attempts"] > 1 else "")


def _counts(title: str, queue: Mapping[str, Any]) -> str:
    counts = f"{queue['Waiting']} waiting, {queue['Held']} being tried, {queue['Delayed']} delayed"
    oldest = f"; the oldest is of {_time(queue['Oldest'])}" if queue["Oldest"] else ""
    return f"{title + ':':<14}{queue['Name']}: {counts}{oldest}"


def _time(text: str) -> str:
    return local(datetime.fromisoformat(text)).strftime("%Y-%m-%d %H:%M:%S")
