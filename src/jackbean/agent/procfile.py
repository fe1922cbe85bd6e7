"""Procfile and Buildfile: a name and a command a line."""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE = r"([A-Za-z0-9_-]+):\s*(\S.*)"
LINES_MAX = 50
BYTES_MAX = 64 << 10


@dataclass(frozen=True)
class Entry:
    name: str
    command: str


class Malformed(ValueError):
    """A sentence that names the line."""


def parse(text: str, file: str = "Procfile") -> tuple[Entry, ...]:
    """Return the entries in order; the first faces the proxy, by the name `web`.

    Empty lines and lines that begin with `#` are passed over. Raises Malformed.
    """
    entries: dict[str, Entry] = {}
    for number, raw in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        entry = _entry(line, f"{file}, line {number}")
        if entry.name in entries:
            raise Malformed(f"{file}, line {number}: the name {entry.name!r} is taken already.")
        entries[entry.name] = entry
    if not entries:
        raise Malformed(f"{file} names no process; it needs a line such as `web: COMMAND`.")
    if len(entries) > LINES_MAX:
        raise Malformed(f"{file} names {len(entries)} processes; at most {LINES_MAX} are run.")
    return tuple(entries.values())


def _entry(line: str, place: str) -> Entry:
    match = re.fullmatch(LINE, line)
    if not match or "\0" in line:
        raise Malformed(
            f"{place}: `{line[:80]}` is not of the form `NAME: COMMAND` "
            "(letters, digits, `-` and `_` in the name)."
        )
    return Entry(match[1], match[2])
