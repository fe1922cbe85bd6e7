"""Value domains: which strings an option takes, as data.

Every domain answers `fault(value)`: None, or the end of a sentence that begins with "Value", so
that whoever tells of a secret can leave the value out. Bounds are inclusive. Patterns are matched
against bounded text and take linear time: values come from strangers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from jackbean.core.options.settings import INTEGER

TEXT_MAX = 4096
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
BINARY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")  # not tabs, line ends
DECIMAL = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
DURATION = re.compile(r"PT(?=[0-9])(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,6})S)?")
TIMESTAMP = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5]?[0-9](\.[0-9]{1,9})?)?Z?)?"
)
CODES = re.compile(r"([0-9]{3})(?:-([0-9]{3}))?")


@dataclass(frozen=True)
class Text:
    """Any text up to `length_max` characters; `pattern` must match the whole, `say` explains it."""

    pattern: str = ""
    say: str = ""
    length_max: int = TEXT_MAX

    def fault(self, value: str) -> str | None:
        if len(value) > self.length_max:
            return f"is longer than {self.length_max} characters."
        if CONTROL.search(value):
            return "contains control characters."
        if self.pattern and value and not re.fullmatch(self.pattern, value):
            return f"is not {self.say}." if self.say else f"does not match {self.pattern}"
        return None


TEXT = Text()


@dataclass(frozen=True)
class Variable:
    """The value of an environment variable: any text of several lines, as much as Linux takes."""

    bytes_max: int = (128 << 10) - 256  # 128 KiB with the name, "=" and an end

    def fault(self, value: str) -> str | None:
        if BINARY.search(value):
            return "contains control characters."
        if len(value.encode()) > self.bytes_max:
            return f"is longer than {self.bytes_max} bytes."
        return None


@dataclass(frozen=True)
class Whole:
    """A whole number; None is an open end."""

    minimum: int | None = None
    maximum: int | None = None

    def fault(self, value: str) -> str | None:
        if not INTEGER.fullmatch(value):
            return "is not a whole number."
        if self.minimum is not None and int(value) < self.minimum:
            return f"is less than the minimum allowed value: {self.minimum}."
        if self.maximum is not None and int(value) > self.maximum:
            return f"is greater than the maximum allowed value: {self.maximum}."
        return None


@dataclass(frozen=True)
class Decimal:
    """A number with or without a fraction, or the word that stands for none."""

    minimum: float
    maximum: float
    none: str = ""

    def fault(self, value: str) -> str | None:
        if value == self.none:
            return None
        if DECIMAL.fullmatch(value) and self.minimum <= float(value) <= self.maximum:
            return None
        return f"is not a number from {self.minimum} to {self.maximum}."


@dataclass(frozen=True)
class Choice:
    values: tuple[str, ...]

    def fault(self, value: str) -> str | None:
        if value in self.values:
            return None
        return f"is not an allowed value. Allowed values: {', '.join(self.values)}."


@dataclass(frozen=True)
class Boolean:
    def fault(self, value: str) -> str | None:
        return None if value.lower() in {"true", "false"} else "is neither true nor false."


@dataclass(frozen=True)
class Items:
    """A list separated by commas (or whatever `separator` is) of what `each` takes."""

    each: Text | Whole | Choice = Text(length_max=512)
    count_max: int = 100
    separator: str = ","

    def fault(self, value: str) -> str | None:
        items = [item.strip() for item in value.split(self.separator)] if value else []
        if len(items) > self.count_max:
            return f"has {len(items)} items; at most {self.count_max} are allowed."
        found = (self.each.fault(item) or (None if item else "is empty.") for item in items)
        reason = next((f for f in found if f), None)
        return f"has an item that {reason}" if reason else None


@dataclass(frozen=True)
class Codes:
    """HTTP status codes, or ranges of them ("200-299"), separated by commas."""

    minimum: int = 200
    maximum: int = 499

    def fault(self, value: str) -> str | None:
        ranges = code_ranges(value)
        if ranges and all(self.minimum <= a <= b <= self.maximum for a, b in ranges):
            return None
        return f"is not a list of HTTP status codes from {self.minimum} to {self.maximum}."


@dataclass(frozen=True)
class Duration:
    """A time in the form PT#H#M#S, from `minimum` to `maximum` seconds."""

    minimum: int
    maximum: int

    def fault(self, value: str) -> str | None:
        length = seconds(value)
        if length is not None and self.minimum <= length <= self.maximum:
            return None
        return (
            f"is not a duration of the form PT#H#M#S from {self.minimum} to {self.maximum} seconds."
        )


@dataclass(frozen=True)
class Timestamp:
    def fault(self, value: str) -> str | None:
        if not value or TIMESTAMP.fullmatch(value):
            return None
        return "is not a UTC time such as 2030-01-31T08:00:00Z."


@dataclass(frozen=True)
class Json:
    def fault(self, value: str) -> str | None:
        try:
            json.loads(value or "{}")
        except (ValueError, RecursionError):
            return "is not valid JSON."
        return None


@dataclass(frozen=True)
class Pairs:
    """KEY=VALUE, separated by commas."""

    def fault(self, value: str) -> str | None:
        whole = not value or all("=" in pair for pair in value.split(","))
        return None if whole else "is not a list of KEY=VALUE."


Domain = (
    Text
    | Variable
    | Whole
    | Decimal
    | Choice
    | Boolean
    | Items
    | Codes
    | Duration
    | Timestamp
    | Json
    | Pairs
)


def seconds(duration: str) -> int | None:
    """Return the seconds of PT#H#M#S, None where it is not of that form."""
    match = DURATION.fullmatch(duration)
    if not match:
        return None
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


def code_ranges(codes: str) -> tuple[tuple[int, int], ...]:
    """Return the inclusive ranges in a list of status codes; nothing where one is malformed."""
    matches = [CODES.fullmatch(part.strip()) for part in codes[:TEXT_MAX].split(",")]
    if not all(matches):
        return ()
    return tuple((int(m[1]), int(m[2] or m[1])) for m in matches if m)
