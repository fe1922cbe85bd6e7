"""What can be wrong with a request, as AWS spells it.

One exception is enough: a fault has a code, a sentence and a status, and the protocol that was
spoken decides how they are written. `Findings` gathers everything that is wrong with one request,
so that its sender can mend it in one go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

_NO_EXTRAS: Mapping[str, Any] = MappingProxyType({})

# What a message may quote of a request: enough to recognise it, too little to flood a log.
QUOTED_CHARS_MAX = 64
LISTED_MAX = 20


class WireFault(Exception):
    """A request that is answered with an error.

    `extras` are further elements of the error document, for instance S3's `Resource`.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        sender: bool = True,
        extras: Mapping[str, Any] = _NO_EXTRAS,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.sender = sender
        self.extras = extras


def quoted(text: str) -> str:
    """Return `text` in quotes, shortened when it is long."""
    shown = text if len(text) <= QUOTED_CHARS_MAX else text[:QUOTED_CHARS_MAX] + "..."
    return f"'{shown}'"


@dataclass(slots=True)
class Findings:
    """What is wrong with the values of one request, and the names in it that nobody knows."""

    wrong: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    count: int = 0

    def missing(self, path: str) -> None:
        self._note(f"Value null at {quoted(path)} failed to satisfy constraint: must not be null")

    def malformed(self, path: str, text: str, reason: object) -> None:
        at = f"Value {quoted(text)} at {quoted(path)}"
        self._note(f"{at} failed to satisfy constraint: must be {reason}")

    def not_known(self, path: str) -> None:
        if len(self.unknown) < LISTED_MAX:
            self.unknown.append(path[:QUOTED_CHARS_MAX])

    def refuse(self, code: str) -> None:
        """Raise one fault that tells everything, or return when there is nothing to tell."""
        if not self.count:
            return
        errors = "error" if self.count == 1 else "errors"
        listed = "; ".join(self.wrong)
        more = "; ..." if self.count > len(self.wrong) else ""
        raise WireFault(code, f"{self.count} validation {errors} detected: {listed}{more}")

    def _note(self, sentence: str) -> None:
        self.count += 1
        if len(self.wrong) < LISTED_MAX:
            self.wrong.append(sentence)
