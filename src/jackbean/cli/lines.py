"""Lines that are fit for a terminal, whoever wrote what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Event = Mapping[str, Any]
Span = str | tuple[str, str]  # a text, or a text and its colour ("bold" is one, too)


@dataclass(frozen=True)
class Spans:
    """A line of several colours."""

    parts: tuple[Span, ...]


Line = Span | Spans

KEPT = frozenset({ord("\t"), ord("\n")})
CONTROLS = [code for code in (*range(32), *range(127, 160)) if code not in KEPT]
SAFE = dict.fromkeys(CONTROLS, "\N{REPLACEMENT CHARACTER}")


def printable(text: str) -> str:
    """Return the text without control characters, except new lines and tabs."""
    return text.translate(SAFE)


def event_line(event: Event) -> str:
    """Return an event as one line, in the columns that the EB CLI prints."""
    moment = local(event["EventDate"]).strftime("%Y-%m-%d %H:%M:%S")
    return printable(f"{moment}    {event['Severity']:<8}{event['Message']}")


def local(moment: datetime) -> datetime:
    return moment.astimezone()
