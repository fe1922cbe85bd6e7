"""Evaluating CloudFormation's functions, and the one that is Elastic Beanstalk's own.

An object with one member whose name is that of a function stands for the function's result; in
`.ebextensions` any text may also have functions as JSON in backticks. What a function cannot know
by itself (references, attributes, options) a resolver tells it, so the same code serves templates
and config files. All faults are found at once, and nothing that a bundle can say makes the result,
or the time it takes, larger than `RESULT_CHARS_MAX` allows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from jackbean.stacks.intrinsics import FUNCTIONS
from jackbean.stacks.values import (
    NO_VALUE,
    RESULT_CHARS_MAX,
    SHOWN_MAX,
    Bad,
    Path,
    Resolver,
    TooMuch,
    Unresolved,
    Value,
    boolean,
    joined,
    shown,
)

DEPTH_MAX = 100
EXPRESSION_CHARS_MAX = 16 << 10
EXPRESSIONS_MAX = 2_000  # tried in one text
CALL_COST = 64  # of the characters that a result may have, so that no chain of calls is endless


@dataclass(frozen=True)
class Fault:
    """What is wrong, at a path into the value."""

    path: Path
    text: str


def evaluate(
    value: Value, resolver: Resolver, *, backticks: bool = False
) -> tuple[Value, tuple[Fault, ...]]:
    """Return `value` with all functions evaluated, and what is wrong with them.

    With `backticks`, functions in texts as well. What is AWS::NoValue is left out; None where that
    is the whole.
    """
    run = _Evaluation(resolver, backticks)
    try:
        found = run.value(value, ())
    except TooMuch as error:
        return None, (Fault((), str(error)),)
    return (None if found is NO_VALUE else found), tuple(run.faults)


def expressions(text: str) -> list[tuple[int, int, Value]]:
    """Return where in a text functions in backticks begin and end, and what they are."""
    found: list[tuple[int, int, Value]] = []
    if "`" not in text:
        return found
    end = 0
    for tries, start in enumerate(OPENING.finditer(text)):
        if tries >= EXPRESSIONS_MAX:
            break
        if start.start() < end:
            continue
        piece = text[start.end() - 1 : start.end() - 1 + EXPRESSION_CHARS_MAX]
        try:
            value, length = DECODER.raw_decode(piece)
        except (ValueError, RecursionError):
            continue
        closing = CLOSING.match(text, start.end() - 1 + length)
        if closing and is_function(value):
            end = closing.end()
            found.append((start.start(), end, value))
    return found


OPENING = re.compile(r"`\s{0,50}\{")
CLOSING = re.compile(r"\s{0,50}`")
DECODER = json.JSONDecoder()


def is_function(value: Value) -> bool:
    """Tell if a value is a function with its argument."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    name = next(iter(value))
    return name == "Ref" or str(name).startswith("Fn::")


class _Evaluation:
    """One pass over a value."""

    def __init__(self, resolver: Resolver, backticks: bool) -> None:  # noqa: FBT001 - private
        self.resolver = resolver
        self.faults: list[Fault] = []
        self._backticks = backticks
        self._inside = 0  # functions around what is evaluated
        self._left = RESULT_CHARS_MAX
        self._truths: dict[str, bool | None] = {}

    def value(self, value: Value, path: Path) -> Value:
        if len(path) > DEPTH_MAX:
            raise TooMuch(f"it is nested more than {DEPTH_MAX} deep")
        if is_function(value):
            return self._guarded(path, partial(self._call, value, path))
        match value:
            case dict():
                return self._object(value, path)
            case list():
                found = [self.value(item, (*path, i)) for i, item in enumerate(value)]
                return [item for item in found if item is not NO_VALUE]
            case str():
                return self._text(value, path)
            case _:
                return self._counted(value)

    def _object(self, value: dict[str, Value], path: Path) -> Value:
        found = {self._counted(key): self.value(item, (*path, key)) for key, item in value.items()}
        return {key: item for key, item in found.items() if item is not NO_VALUE}

    def _text(self, value: str, path: Path) -> Value:
        if not self._backticks or "`" not in value:
            return self._counted(value)
        parts, at = [], 0
        for start, end, expression in expressions(value):
            parts.append(value[at:start])
            parts.append(self._guarded(path, partial(self._joined, expression, path)))
            at = end
        return self._counted("".join([*parts, value[at:]]))

    def _guarded(self, path: Path, call: Callable[[], Value]) -> Value:
        """Call a function; take note of a fault in the outermost one."""
        self._inside += 1
        try:
            return call()
        except (Bad, Unresolved) as error:
            if self._inside > 1:
                raise
            self.faults.append(Fault(path, str(error)))
            return ""
        finally:
            self._inside -= 1

    def _call(self, expression: Value, path: Path) -> Value:
        ((name, argument),) = expression.items()
        function = FUNCTIONS.get(name)
        if function is None:
            raise Bad(f"{name[:SHOWN_MAX]} is not a function that is known here")
        self._spend(CALL_COST)
        return self._recounted(function(self, argument, (*path, name)))

    def _joined(self, expression: Value, path: Path) -> str:
        return joined(self._call(expression, path))

    def truth(self, name: str, path: Path) -> bool:
        """Return whether a condition holds."""
        if name not in self._truths:
            self._truths[name] = None  # while it is being found
            expression = self.resolver.condition(name)
            self._truths[name] = boolean(self.value(expression, (*path, name)))
        found = self._truths[name]
        if found is None:
            raise Bad(f"condition {shown(name)} depends on itself")
        return found

    def _recounted(self, value: Value) -> Value:
        """Count what a function returned."""
        match value:
            case list():
                for item in value:
                    self._recounted(item)
            case dict():
                for key, item in value.items():
                    self._counted(key)
                    self._recounted(item)
            case _:
                self._counted(value)
        return value

    def _counted(self, value: Value) -> Value:
        self._spend(1 + len(value) if isinstance(value, str) else 8)
        return value

    def _spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise TooMuch
