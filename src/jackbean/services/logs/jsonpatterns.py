"""Filter patterns for lines that are JSON: `{ ($.status >= 500) && ($.user.name = "a*") }`.

    pattern     { expression }
    expression  comparison | ( expression ) | expression && expression | expression || expression
    comparison  $.path = value, !=, <, <=, >, >=; $.path IS NULL | TRUE | FALSE; $.path NOT EXISTS
    path        $.name, $.list[0].name, $["a name"]
    value       a number, a word or a "text"; * in a word or a text stands for anything

`&&` binds more closely than `||`. A line that is no JSON object matches nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from fnmatch import translate
from typing import Any

from jackbean.services.logs import faults

TOKEN = re.compile(
    r"""\s*(?:
        (?P<sign>&&|\|\||!=|<=|>=|[=<>(){}])
      | (?P<path>\$(?:\.[\w@-]+|\[\d{1,6}\]|\["[^"\\]*"\])+)
      | "(?P<text>(?:[^"\\]|\\.)*)"
      | (?P<word>[\w.*+:/@-]+)
    )""",
    re.VERBOSE,
)
STEP = re.compile(r'\.([\w@-]+)|\[(\d+)\]|\["([^"]*)"\]')
NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
DEPTH_MAX = 20
NOTHING = object()

Judge = Callable[[Any], bool]
Part = tuple[str, str]


def compiled_json(said: str) -> Callable[[str], bool]:
    """Return what tells if a line matches. Raises the Fault for what is not understood."""
    parts = _parts(said)
    judge = Parser(parts).whole()

    def match(line: str) -> bool:
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            return False
        return isinstance(document, dict) and judge(document)

    return match


class Parser:
    """Reads an expression from its parts, once."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._at = 0
        self._depth = 0

    def whole(self) -> Judge:
        self._expect("{")
        judge = self._either()
        self._expect("}")
        if self._at < len(self._parts):
            raise _unreadable("something follows the closing }")
        return judge

    def _either(self) -> Judge:
        judges = [self._both()]
        while self._take("||"):
            judges.append(self._both())
        return judges[0] if len(judges) == 1 else lambda found: any(j(found) for j in judges)

    def _both(self) -> Judge:
        judges = [self._one()]
        while self._take("&&"):
            judges.append(self._one())
        return judges[0] if len(judges) == 1 else lambda found: all(j(found) for j in judges)

    def _one(self) -> Judge:
        if not self._take("("):
            return self._comparison()
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise _unreadable(f"it is nested deeper than {DEPTH_MAX}")
        judge = self._either()
        self._expect(")")
        self._depth -= 1
        return judge

    def _comparison(self) -> Judge:
        steps = _steps(self._next("path"))
        kind, sign = self._part()
        self._at += 1
        if kind == "word":
            return self._state(steps, sign.upper())
        if kind != "sign" or sign not in COMPARISONS:
            raise _unreadable(f"'{sign[:20]}' is no comparison")
        compare = COMPARISONS[sign](*self._value(sign))
        return lambda found: compare(_at(found, steps))

    def _state(self, steps: Sequence[str | int], word: str) -> Judge:
        wanted = self._next("word").upper()
        if (word, wanted) == ("NOT", "EXISTS"):
            return lambda found: _at(found, steps) is NOTHING
        if word != "IS" or wanted not in STATES:
            raise _unreadable(f"'{word[:20]} {wanted[:20]}' is none of IS NULL, TRUE, FALSE")
        state = STATES[wanted]
        return lambda found: _at(found, steps) is state

    def _value(self, sign: str) -> tuple[str, float | None]:
        kind, said = self._part()
        self._at += 1
        if kind not in ("text", "word"):
            raise _unreadable(f"a value is missing after {sign}")
        number = float(said) if kind == "word" and NUMBER.fullmatch(said) else None
        if number is None and sign not in ("=", "!="):
            raise _unreadable(f"{sign} compares with a number, not with '{said[:20]}'")
        return (re.sub(r"\\(.)", r"\1", said) if kind == "text" else said), number

    def _part(self) -> Part:
        if self._at >= len(self._parts):
            raise _unreadable("it ends too early")
        return self._parts[self._at]

    def _next(self, kind: str) -> str:
        found, said = self._part()
        if found != kind:
            raise _unreadable(f"a {kind} is missing at '{said[:20]}'")
        self._at += 1
        return said

    def _take(self, sign: str) -> bool:
        taken = self._at < len(self._parts) and self._parts[self._at] == ("sign", sign)
        self._at += taken
        return taken

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise _unreadable(f"{sign} is missing")


def _equal(said: str, number: float | None) -> Judge:
    if number is not None:
        return lambda found: _is_number(found) and found == number
    like = re.compile(translate(said.replace("[", "[[]").replace("?", "[?]")))
    return lambda found: isinstance(found, str) and like.fullmatch(found) is not None


def _unequal(said: str, number: float | None) -> Judge:
    equal = _equal(said, number)
    return lambda found: found is not NOTHING and not equal(found)


def _ordered(compare: Callable[[float, float], bool]) -> Callable[[str, float | None], Judge]:
    def made(_: str, number: float | None) -> Judge:
        limit = 0.0 if number is None else number
        return lambda found: _is_number(found) and compare(found, limit)

    return made


COMPARISONS: dict[str, Callable[[str, float | None], Judge]] = {
    "=": _equal,
    "!=": _unequal,
    "<": _ordered(lambda a, b: a < b),
    "<=": _ordered(lambda a, b: a <= b),
    ">": _ordered(lambda a, b: a > b),
    ">=": _ordered(lambda a, b: a >= b),
}
STATES = {"NULL": None, "TRUE": True, "FALSE": False}


def _is_number(found: Any) -> bool:
    return isinstance(found, (int, float)) and not isinstance(found, bool)


def _at(found: Any, steps: Sequence[str | int]) -> Any:
    for step in steps:
        if isinstance(step, str) and isinstance(found, dict):
            found = found.get(step, NOTHING)
        elif isinstance(step, int) and isinstance(found, list) and step < len(found):
            found = found[step]
        else:
            return NOTHING
    return found


def _steps(path: str) -> list[str | int]:
    found = STEP.findall(path)
    return [int(index) if index else name or quoted for name, index, quoted in found]


def _parts(said: str) -> list[Part]:
    parts, at = [], 0
    said = said.rstrip()
    while at < len(said):
        found = TOKEN.match(said, at)
        if found is None:
            raise _unreadable(f"it cannot be read from '{said[at : at + 20]}' on")
        kind = str(found.lastgroup)
        parts.append((kind, found[kind]))
        at = found.end()
    return parts


def _unreadable(why: str) -> Exception:
    return faults.invalid(f"Invalid filter pattern: {why}.")
