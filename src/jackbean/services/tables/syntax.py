"""Expressions: text into trees. What stands for names and values is put in while reading.

condition := either ("OR" either)*       either := both ("AND" both)*     both := "NOT" both | one
one       := "(" condition ")" | function | operand comparator operand
| operand "BETWEEN" operand "AND" operand | operand "IN" "(" operand, ... ")"
operand   := path | :value | "size" "(" path ")"
path      := name ("." name | "[" number "]")*      name := letters | #name
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from jackbean.core.errors import Fault
from jackbean.services.tables import faults
from jackbean.services.tables.paths import Path
from jackbean.services.tables.values import Value, checked

EXPRESSION_BYTES_MAX = 4096
DEPTH_MAX = 32
PATH_STEPS_MAX = 32
TOKEN = re.compile(
    r"\s*(?:([#:][A-Za-z0-9_]+)|([A-Za-z_][A-Za-z0-9_]*)|(\d{1,6})|(<>|<=|>=|[=<>(),.+\[\]-]))"
)
COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}
Tree = TypeVar("Tree")


@dataclass(frozen=True)
class At:
    """The value at a path."""

    path: Path


@dataclass(frozen=True)
class Literal:
    value: Value


@dataclass(frozen=True)
class SizeOf:
    path: Path


@dataclass(frozen=True)
class Compare:
    how: str
    left: Any
    right: Any


@dataclass(frozen=True)
class Between:
    operand: Any
    low: Any
    high: Any


@dataclass(frozen=True)
class OneOf:
    operand: Any
    choices: tuple[Any, ...]


@dataclass(frozen=True)
class Call:
    function: str
    operands: tuple[Any, ...]


@dataclass(frozen=True)
class Not:
    inner: Any


@dataclass(frozen=True)
class Join:
    """`how` is "AND" or "OR"."""

    how: str
    parts: tuple[Any, ...]


class Words:
    """What #names and :values of a request stand for, and which of them are used."""

    def __init__(self, names: Mapping[str, str] | None, values: Mapping[str, Value] | None) -> None:
        self._names = dict(names or {})
        self._values = {name: checked(value) for name, value in (values or {}).items()}
        self._used: set[str] = set()

    def name(self, word: str) -> str:
        if not word.startswith("#"):
            return word
        self._used.add(word)
        if word not in self._names:
            text = "An expression attribute name used in the document path is not defined"
            raise faults.invalid(f"Invalid expression: {text}; attribute name: {word[:64]}")
        return self._names[word]

    def value(self, word: str) -> Value:
        self._used.add(word)
        if word not in self._values:
            text = "An expression attribute value used in expression is not defined"
            raise faults.invalid(f"Invalid expression: {text}; attribute value: {word[:64]}")
        return self._values[word]

    def check_used(self) -> None:
        """Raise the Fault for a name or value that no expression speaks of."""
        for kind, words in (("Names", self._names), ("Values", self._values)):
            unused = sorted(words.keys() - self._used)
            if unused:
                told = ", ".join(unused)[:200]
                raise faults.invalid(
                    f"Value provided in ExpressionAttribute{kind} unused in expressions: "
                    f"keys: {{{told}}}"
                )


class Reader:
    """Reads one expression; `member` is what requests call it."""

    def __init__(self, text: str, member: str, words: Words) -> None:
        self._member = member
        self._words = words
        self._tokens = self._split(text)
        self._at = 0
        self._depth = 0

    def _split(self, text: str) -> list[str]:
        if not text.strip():
            raise self.fault("The expression can not be empty;")
        if len(text.encode()) > EXPRESSION_BYTES_MAX:
            raise self.fault("Expression size has exceeded the maximum allowed size;")
        tokens, at = [], 0
        text = text.rstrip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if found is None:
                raise self.fault(f'Syntax error; token: "{text[at : at + 20].strip()}"')
            tokens.append(found[0].strip())
            at = found.end()
        return tokens

    def fault(self, text: str) -> Fault:
        return faults.invalid(f"Invalid {self._member}: {text}")

    # Tokens

    def peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ""

    def take(self, wanted: str = "") -> str:
        """Return the next token, which has to be `wanted` if that is given."""
        token = self.peek()
        if not token or (wanted and token.upper() != wanted):
            raise self.fault(f'Syntax error; token: "{token or "<EOF>"}"')
        self._at += 1
        return token

    def accept(self, wanted: str) -> bool:
        if self.peek().upper() != wanted:
            return False
        self._at += 1
        return True

    def end(self) -> None:
        if self.peek():
            raise self.fault(f'Syntax error; token: "{self.peek()}"')

    def whole(self, read: Callable[[], Tree]) -> Tree:
        found = read()
        self.end()
        return found

    def several(self, read: Callable[[], Tree]) -> list[Tree]:
        """Read one or more, with commas between them."""
        found = [read()]
        while self.accept(","):
            found.append(read())
        return found

    # Paths and operands

    def path(self) -> Path:
        steps: list[str | int] = [self._name()]
        while self.peek() in (".", "["):
            if self.accept("."):
                steps.append(self._name())
            else:
                self.take("[")
                steps.append(self._index())
                self.take("]")
            if len(steps) > PATH_STEPS_MAX:
                raise self.fault("The document path has too many nesting elements;")
        return tuple(steps)

    def _name(self) -> str:
        token = self.take()
        if not (token[0] == "#" or token[0].isalpha() or token[0] == "_"):
            raise self.fault(f'Syntax error; token: "{token}"')
        return self._words.name(token)

    def _index(self) -> int:
        token = self.take()
        if not token.isdecimal():
            raise self.fault(f'Syntax error; token: "{token}"')
        return int(token)

    def value(self) -> Value:
        token = self.take()
        if not token.startswith(":"):
            raise self.fault(f'Syntax error; token: "{token}"')
        return self._words.value(token)

    def operand(self) -> At | Literal | SizeOf:
        if self.peek().startswith(":"):
            return Literal(self.value())
        if self.peek().lower() == "size" and self.peek(1) == "(":
            self.take()
            self.take("(")
            path = self.path()
            self.take(")")
            return SizeOf(path)
        return At(self.path())

    # Conditions

    def condition(self) -> Any:
        return self._joined("OR", lambda: self._joined("AND", self._negated))

    def _joined(self, how: str, read: Callable[[], Any]) -> Any:
        parts = [read()]
        while self.accept(how):
            parts.append(read())
        return parts[0] if len(parts) == 1 else Join(how, tuple(parts))

    def _negated(self) -> Any:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self.fault("The expression has too many levels;")
        found = Not(self._negated()) if self.accept("NOT") else self._one()
        self._depth -= 1
        return found

    def _one(self) -> Any:
        if self.accept("("):
            inner = self.condition()
            self.take(")")
            return inner
        if self.peek().lower() in FUNCTIONS and self.peek(1) == "(":
            return self._function()
        left = self.operand()
        if self.accept("BETWEEN"):
            low = self.operand()
            self.take("AND")
            return Between(left, low, self.operand())
        if self.accept("IN"):
            self.take("(")
            choices = self.several(self.operand)
            self.take(")")
            return OneOf(left, tuple(choices))
        how = self.take()
        if how not in COMPARATORS:
            raise self.fault(f'Syntax error; token: "{how}"')
        return Compare(how, left, self.operand())

    def _function(self) -> Call:
        name = self.take().lower()
        self.take("(")
        operands = self.several(self.operand)
        self.take(")")
        if len(operands) != FUNCTIONS[name]:
            raise self.fault(
                "Incorrect number of operands for operator or function; operator or function: "
                f"{name}, number of operands: {len(operands)}"
            )
        if not isinstance(operands[0], At):
            raise self.fault(
                f"Operator or function requires a document path; operator or function: {name}"
            )
        return Call(name, tuple(operands))


def condition(text: str, member: str, words: Words) -> Any:
    """Return the tree of a condition."""
    reader = Reader(text, member, words)
    return reader.whole(reader.condition)


def projection(text: str, words: Words) -> list[Path]:
    reader = Reader(text, "ProjectionExpression", words)
    return reader.whole(lambda: reader.several(reader.path))
