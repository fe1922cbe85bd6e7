"""Mustache templates, as files with a `context` are: variables, sections and comments.

Without partials, lambdas and other delimiters: config files have none of them. What comes out is
bounded, and so is the work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

TAG = re.compile(r"\{\{(?:\{(?P<raw>[^{}]*)\}\}|(?P<kind>[&#^/!]?)(?P<name>[^}]*)\})\}")
# A tag that stands alone on its line takes the line with it, unless it is a variable.
ALONE = re.compile(r"(?m)^[ \t]*(\{\{[#^/!][^}]*\}\})[ \t]*(?:\r?\n|\Z)")
CHARS_MAX = 4 << 20
DEPTH_MAX = 30


class Malformed(ValueError):
    """A sentence about a template."""


@dataclass(frozen=True)
class Section:
    name: str
    inverted: bool
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Variable:
    name: str
    raw: bool


Part = str | Variable | Section


PIECES = re.compile(r"(\{\{\{[^{}]*\}\}\}|\{\{[^}]*\}\})")


def render(template: str, context: dict[str, Any]) -> str:
    """Return what a template says with a context. Raises Malformed."""
    pieces = iter(PIECES.split(ALONE.sub(r"\1", template)))
    out = _Output()
    _write(_parse(pieces, "", 0), (context,), out)
    return "".join(out.parts)


class _Output:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self._left = CHARS_MAX

    def add(self, text: str) -> None:
        self._left -= len(text) + 1
        if self._left < 0:
            raise Malformed(f"what comes out is over {CHARS_MAX >> 20} MB")
        self.parts.append(text)


def _parse(pieces: Iterator[str], inside: str, depth: int) -> tuple[Part, ...]:
    """Return the parts up to the end of section `inside`."""
    if depth > DEPTH_MAX:
        raise Malformed(f"sections are nested more than {DEPTH_MAX} deep")
    parts: list[Part] = []
    for piece in pieces:
        found = TAG.fullmatch(piece)
        name = (found["raw"] or found["name"] or "").strip() if found else ""
        match (found["kind"] or "") if found else "text":
            case "text":
                parts.append(piece)
            case "#" | "^":
                inverted = piece.startswith("{{^")
                parts.append(Section(name, inverted, _parse(pieces, name, depth + 1)))
            case "/":
                _check_end(name, inside)
                return tuple(parts)
            case "" | "&":
                parts.append(Variable(name, raw=piece.startswith(("{{{", "{{&"))))
            case _:
                continue
    if inside:
        raise Malformed(f"section {inside} does not end")
    return tuple(parts)


def _check_end(name: str, inside: str) -> None:
    if name != inside or not name:
        raise Malformed(f"{{{{/{name}}}}} ends a section that was not begun")


def _write(parts: Sequence[Part], stack: tuple[Any, ...], out: _Output) -> None:
    for part in parts:
        match part:
            case str():
                out.add(part)
            case Variable(name=name, raw=raw):
                text = _text(_found(name, stack))
                out.add(text if raw else escape(text))
            case Section():
                _write_section(part, stack, out)


def _write_section(section: Section, stack: tuple[Any, ...], out: _Output) -> None:
    value = _found(section.name, stack)
    there = bool(value) and value != "false"
    if section.inverted:
        if not there:
            _write(section.parts, stack, out)
    elif there:
        for item in value if isinstance(value, list) else [value]:
            out.add("")
            _write(section.parts, (*stack, item), out)


def _found(name: str, stack: tuple[Any, ...]) -> Any:
    """Return what a name means: looked for from the inside out, and then along its dots."""
    if name == ".":
        return stack[-1]
    first, *rest = name.split(".")
    holder = next((c for c in reversed(stack) if isinstance(c, dict) and first in c), {})
    value = holder.get(first, "")
    for part in rest:
        value = value.get(part, "") if isinstance(value, dict) else ""
    return value


def _text(value: Any) -> str:
    return "" if value is None else str(value)
