"""Progress on a terminal: events above, and what is going on in one moving line below."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.status import Status
from rich.text import Text

from jackbean.cli.lines import Event, local, printable

STYLES = {"ERROR": "bold red", "FATAL": "bold red", "WARN": "yellow", "INFO": "green"}


@contextmanager
def live(stream: TextIO) -> Iterator[Live]:
    console = Console(file=stream, highlight=False, emoji=False)
    with console.status("", spinner="dots") as status:
        yield Live(console, status)


class Live:
    def __init__(self, console: Console, status: Status) -> None:
        self._console = console
        self._status = status
        self._since = time.monotonic()

    def event(self, event: Event) -> None:
        severity = str(event["Severity"])
        line = Text.assemble(
            (local(event["EventDate"]).strftime("%H:%M:%S "), "dim"),
            (f"{severity:<6}", STYLES.get(severity, "")),
            printable(str(event["Message"])),
        )
        self._console.print(line, soft_wrap=True)

    def state(self, text: str) -> None:
        seconds = time.monotonic() - self._since
        self._status.update(Text(f"{printable(text)}  {seconds:.0f} s", style="dim"))
