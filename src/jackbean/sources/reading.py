"""Reading the values of config files: what is expected, and a list of all that is not so.

A `Reader` is at one place of one file. Its methods return something usable whatever they find, and
write faults down, so that a file is read to its end and every fault is told at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Path = tuple[str | int, ...]

SHOWN_MAX = 60
FAULTS_MAX = 50
YES = frozenset({"true", "yes", "on", "1"})
NO = frozenset({"false", "no", "off", "0"})


@dataclass
class Findings:
    """What is wrong (`faults`) and what people should know (`warnings`), as sentences."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reader:
    """A value, where it is, and where to write down what is wrong with it."""

    file: str
    value: Any
    findings: Findings
    lines: Mapping[Path, int] = field(default_factory=dict)
    path: Path = ()

    def inner(self, part: str | int, value: Any) -> Reader:
        return replace(self, value=value, path=(*self.path, part))

    def fault(self, text: str) -> None:
        if len(self.findings.faults) < FAULTS_MAX:
            self.findings.faults.append(f"{self._where()}: {text}")

    def warn(self, text: str) -> None:
        if len(self.findings.warnings) < FAULTS_MAX:
            self.findings.warnings.append(f"{self._where()}: {text}")

    def _where(self) -> str:
        path = self.path
        while path and path not in self.lines:
            path = path[:-1]
        line = f": line {self.lines[path]}" if path in self.lines else ""
        keys = "".join(f": {printable(str(part))}" for part in self.path)
        return f"{self.file}{line}{keys}"

    def items(self, what: str) -> Iterator[tuple[str, Reader]]:
        """Yield the members of a mapping; nothing for None."""
        if isinstance(self.value, dict):
            for name, value in self.value.items():
                yield name, self.inner(name, value)
        elif self.value not in (None, "", []):
            self.fault(f"{what} is expected here, not {kind(self.value)}")

    def attributes(self, known: Iterable[str]) -> dict[str, Reader]:
        """Return the members of a mapping that are known; warn of others."""
        found = dict(self.items("a mapping of attributes"))
        for name in found.keys() - set(known):
            self.warn(f"'{printable(name)}' is not an attribute of this; it is ignored")
        return {name: reader for name, reader in found.items() if name in set(known)}

    def text(self, default: str = "") -> str:
        """Return a single value."""
        if self.value is None:
            return default
        if not isinstance(self.value, str):
            self.fault(f"a single value is expected here, not {kind(self.value)}")
            return default
        if "\0" in self.value:
            self.fault("it has a NUL in it")
            return default
        return self.value

    def matching(self, pattern: str, what: str) -> str:
        """Return a text of that form."""
        found = self.text()
        if not re.fullmatch(pattern, found):
            self.fault(f"{printable(found)!r} is not {what}")
            return ""
        return found

    def number(self, most: int) -> int | None:
        """Return a whole number from 0 to `most`; None for none."""
        found = self.text()
        if not found:
            return None
        if not re.fullmatch("[0-9]{1,10}", found) or int(found) > most:
            self.fault(f"{printable(found)!r} is not a number from 0 to {most}")
            return None
        return int(found)

    def flag(self) -> bool | None:
        """Return a truth, None for none."""
        found = self.text().lower()
        if found and found not in YES | NO:
            self.fault(f"{printable(found)!r} is neither true nor false")
        return None if not found else found in YES

    def texts(self) -> tuple[str, ...]:
        """Return a list of single values; one alone counts as a list of one."""
        if isinstance(self.value, list):
            return tuple(self.inner(i, item).text() for i, item in enumerate(self.value))
        found = self.text()
        return (found,) if found else ()

    def variables(self) -> dict[str, str]:
        """Return names with values as an environment has them."""
        found = {}
        for name, reader in self.items("a mapping of variables"):
            if not name or "=" in name or "\0" in name:
                reader.fault("this cannot be the name of a variable")
            else:
                found[name] = reader.text()
        return found


def kind(value: Any) -> str:
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return f"{printable(str(value))!r}"


def printable(text: str) -> str:
    """Return a text as it can be told: whoever packed a bundle chose it."""
    shown = "".join(c if c.isprintable() else "?" for c in text[: SHOWN_MAX + 1])
    return shown if len(text) <= SHOWN_MAX else f"{shown[:SHOWN_MAX]}..."
