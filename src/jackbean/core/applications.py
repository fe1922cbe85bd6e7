"""Applications and their versions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from jackbean.core.errors import invalid

NAME = re.compile(r"[^/]{1,100}")
DESCRIPTION_MAX = 200
Tags = tuple[tuple[str, str], ...]


class VersionStatus(StrEnum):
    """As the wire spells them: clients compare with the upper-case words."""

    UNPROCESSED = "UNPROCESSED"
    PROCESSING = "PROCESSING"
    BUILDING = "BUILDING"
    PROCESSED = "PROCESSED"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Application:
    """`created` and `updated` are seconds since the epoch, here and everywhere."""

    name: str
    description: str = ""
    created: float = 0.0
    updated: float = 0.0
    tags: Tags = ()

    def __post_init__(self) -> None:
        check_name("ApplicationName", self.name)
        check_description(self.description)


@dataclass(frozen=True)
class Location:
    """Where in object storage a bundle was uploaded."""

    bucket: str
    key: str


@dataclass(frozen=True)
class Version:
    """One labelled source bundle. `digest` names its bytes; None means the sample application."""

    application: str
    label: str
    description: str = ""
    location: Location | None = None
    digest: str | None = None
    status: VersionStatus = VersionStatus.UNPROCESSED
    created: float = 0.0
    updated: float = 0.0
    tags: Tags = ()

    def __post_init__(self) -> None:
        check_name("VersionLabel", self.label)
        check_description(self.description)


def check_name(member: str, name: str) -> None:
    """Raise a Fault unless `name` is 1 to 100 characters without a slash or control characters."""
    if not NAME.fullmatch(name) or not name.isprintable() or not name.strip():
        raise invalid(
            f"Value '{name[:120]}' at '{member}' failed to satisfy constraint: "
            "1 to 100 printable characters, without '/'."
        )


def check_description(text: str) -> None:
    if len(text) > DESCRIPTION_MAX:
        raise invalid(f"Description has {len(text)} characters; at most {DESCRIPTION_MAX} fit.")
