"""What a command prints, and where.

For people: results on stdout, what is only worth a remark on stderr. With `--output json`, stdout
carries exactly one JSON document, and everything else goes to stderr. Text from outside (an event
quotes the end of a log) loses its control characters on the way to a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol, TextIO

import click

from jackbean.cli.lines import Event, Line, Span, Spans, event_line, printable

Document = Mapping[str, Any] | list[Any]


class Progress(Protocol):
    """Where the story of an operation is told while it goes on."""

    def event(self, event: Event) -> None: ...

    def state(self, text: str) -> None: ...


class Screen:
    """The flags of the command are set here before it prints anything."""

    def __init__(self) -> None:
        self.json = False
        self.quiet = False
        self.verbose = False
        self.tracing = False
        self.colours = True

    def say(self, text: str = "") -> None:
        """Tell how it goes: on stdout, unless that is promised to JSON."""
        if not self.quiet:
            click.echo(printable(text), err=self.json)

    def note(self, text: str) -> None:
        """Remark something on stderr."""
        if not self.quiet:
            click.echo(printable(text), err=True)

    def debug(self, text: str) -> None:
        if self.verbose:
            self.note(text)

    def show(self, document: Document, lines: Iterable[Line]) -> None:
        """Give the result: `document` as JSON, or `lines` for people."""
        if self.json:
            click.echo(json.dumps(document, indent=2, default=_plain))
        elif not self.quiet:
            for line in lines:
                _echo(line, colours=self.colours)

    def tell(self, document: Document, line: Line) -> None:
        """Give one result of many that come one by one: as JSON, a line each."""
        if self.json:
            click.echo(json.dumps(document, default=_plain))
        else:
            self.show(document, [line])

    def fail(self, failure: click.ClickException) -> None:
        """Give a failure in place of the result."""
        message = failure.format_message()
        if self.json:
            code = getattr(failure, "code", type(failure).__name__)
            error = {"Code": code, "Message": message}
            document = {"Error": error, "ExitCode": failure.exit_code}
            click.echo(json.dumps(document, indent=2))
        click.echo(f"ERROR: {printable(message)}", err=True)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Tell a story as it happens: alive on a terminal, in plain lines elsewhere."""
        stream = sys.stderr if self.json else sys.stdout
        if self.quiet:
            yield Silent()
        elif stream.isatty():
            from jackbean.cli.live import live

            with live(stream) as progress:
                yield progress
        else:
            yield Plain(stream)


class Silent:
    def event(self, event: Event) -> None:
        return None

    def state(self, text: str) -> None:
        return None


class Plain:
    """One line an event; `state` is for those who watch."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def event(self, event: Event) -> None:
        click.echo(event_line(event), file=self._stream)

    def state(self, text: str) -> None:
        return None


def _echo(line: Line, *, colours: bool) -> None:
    """Print a line; click leaves the colours out where there is no terminal."""
    parts = line.parts if isinstance(line, Spans) else (line,)
    click.echo("".join(_coloured(part, colours=colours) for part in parts))


def _coloured(part: Span, *, colours: bool) -> str:
    text, colour = part if isinstance(part, tuple) else (part, "")
    text = printable(text)
    if colours and colour:
        text = click.style(text, fg=None if colour == "bold" else colour, bold=colour == "bold")
    return text


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in JSON")
