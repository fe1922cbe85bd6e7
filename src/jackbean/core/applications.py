"""Applications and their versions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from jackbean.core.errors import invalid

NAME = re.compile(r"[^/]{1,100}")
DESCRIPTION_MAX = 200
TAGS_MAX = 50  # of one resource, with those that Elastic Beanstalk gives itself
TAG_KEY_MAX, TAG_VALUE_MAX = 128, 256
TAG = re.compile(r"[\w\s.:/=+\-@]*")
TAG_PREFIXES = ("aws:", "elasticbeanstalk:")
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


def check_tags(tags: Tags, most: int = TAGS_MAX) -> None:
    """Raise a Fault that names everything that is wrong with `tags`."""
    wrong = [complaint for key, value in tags if (complaint := _tag_complaint(key, value))]
    if len(tags) > most:
        wrong.append(f"there are {len(tags)} tags, and at most {most} fit")
    if wrong:
        raise invalid(f"Invalid tags: {'; '.join(wrong[:10])}.")


def _tag_complaint(key: str, value: str) -> str:
    shown = f"'{key[:40]}'"
    if not 1 <= len(key) <= TAG_KEY_MAX:
        return f"key {shown} must have 1 to {TAG_KEY_MAX} characters"
    if len(value) > TAG_VALUE_MAX:
        return f"the value of {shown} has more than {TAG_VALUE_MAX} characters"
    if key.lower().startswith(TAG_PREFIXES):
        return f"key {shown} begins with a prefix that is reserved"
    if not (TAG.fullmatch(key) and TAG.fullmatch(value)):
        return f"{shown} may have letters, digits, white space and _ . : / = + - @ only"
    return ""
