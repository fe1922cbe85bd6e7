"""What is told to people and scripts, in the words that clients match."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    TRACE = "TRACE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    FATAL = "FATAL"

    @property
    def level(self) -> int:
        return list(Severity).index(self)


@dataclass(frozen=True)
class Event:
    """One line of the story.

    `date_ms` is milliseconds since the epoch; the store gives it, strictly increasing within one
    environment (or, for events without one, within one application), since clients ask for what
    came after the last date they saw. `request_id` is empty for what no request caused.
    """

    message: str
    severity: Severity = Severity.INFO
    application: str = ""
    environment: str = ""
    environment_id: str = ""
    version_label: str = ""
    request_id: str = ""
    platform_arn: str = ""
    date_ms: int = 0

    @property
    def scope(self) -> str:
        """What the dates of events increase within."""
        return self.environment_id or f"application/{self.application}"
