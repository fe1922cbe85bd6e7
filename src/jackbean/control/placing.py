"""Where in a bundle a fault of its template is: the merging knows resources, and no files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from jackbean.sources.tree import Path

Lines = Mapping[str, Mapping[Path, int]]
FAULT = re.compile(
    r"\.ebextensions: Resources: '(?P<id>[A-Za-z0-9]{1,255})': (?P<path>Properties[.\w]*)?"
)


def placed(faults: Iterable[str], lines: Lines) -> list[str]:
    """Return faults with the file and the line that they are in, as far as that is known."""
    return [_placed(fault, lines) for fault in faults]


def _placed(fault: str, lines: Lines) -> str:
    found = FAULT.match(fault)
    if found is None:
        return fault
    path: Path = ("Resources", found["id"], *map(_key, (found["path"] or "").split(".")))
    while len(path) > 1:
        for file in sorted(lines, reverse=True):  # the last one to speak of it wins
            if path in lines[file]:
                return f"{file}: line {lines[file][path]}: {fault.removeprefix('.ebextensions: ')}"
        path = path[:-1]
    return fault


def _key(part: str) -> str | int:
    return int(part) if part.isdecimal() else part
