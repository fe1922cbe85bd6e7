"""Values of templates, as JSON can hold them, and what functions need to know from outside."""

from __future__ import annotations

import json
from typing import Any, Protocol

RESULT_CHARS_MAX = 4 << 20
SHOWN_MAX = 80

Value = Any  # None, a text, a number, a boolean, a list or a dict with texts as keys
Path = tuple[str | int, ...]


class Unresolved(Exception):
    """A sentence that says what is not there, and what to do about it."""


class Bad(Exception):
    """A function cannot be evaluated."""


class TooMuch(Exception):
    """The result is larger than anybody could mean."""

    def __init__(self, why: str = "") -> None:
        most = RESULT_CHARS_MAX >> 20
        super().__init__(why or f"with its functions evaluated it is over {most} MB")


def listed(value: Value) -> list[Value]:
    """Return a value that may be one of a list or the list itself, as the list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def properties(body: Value) -> dict[str, Value]:
    """Return the properties of a template's resource; none where it has no mapping of them."""
    found = body.get("Properties") if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


class NoValue:
    """What AWS::NoValue is: whatever has it as its value is not there."""


NO_VALUE = NoValue()


class Resolver(Protocol):
    """What is around a template. Each raises Unresolved for what it does not have."""

    def ref(self, name: str) -> Value:
        """Return what `Ref` of a parameter, a resource or a pseudo parameter is."""
        ...

    def attribute(self, resource: str, name: str) -> Value: ...

    def option(self, namespace: str, name: str) -> str | None:
        """Return the effective value of an option, None if it has none."""
        ...

    def mapped(self, mapping: str, first: str, second: str) -> Value: ...

    def condition(self, name: str) -> Value:
        """Return the expression of a condition."""
        ...

    def exported(self, name: str) -> Value: ...

    def zones(self, region: str) -> list[str]: ...


def text(value: Value) -> str:
    """Return a single value as text."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case None:
            return ""
        case NoValue():
            raise Bad("AWS::NoValue cannot be part of a text")
        case _:
            raise Bad(f"a single value is expected, not a {_kind(value)}")


def joined(value: Value) -> str:
    """Return a result as it stands in a text: a list with commas, nothing for no value."""
    if value is NO_VALUE:
        return ""
    if isinstance(value, list):
        return ",".join(text(item) for item in value)
    return json.dumps(value) if isinstance(value, dict) else text(value)


def _kind(value: Value) -> str:
    return "list" if isinstance(value, list) else "mapping"


def shown(name: object) -> str:
    return repr(str(name)[:SHOWN_MAX])


def boolean(value: Value) -> bool:
    said = text(value).lower()
    if said not in {"true", "false"}:
        raise Bad(f"a condition is true or false, not {shown(value)}")
    return said == "true"
