"""Names that are made up: of versions, applications and environments."""

from __future__ import annotations

import re
from datetime import datetime

DESCRIPTION_MAX = 200
APPLICATION_MAX = 100
ENVIRONMENT_MIN, ENVIRONMENT_MAX = 4, 40


def version_label(described: str, now: datetime, *, staged: bool = False) -> str:
    """Return the label of a version made now from the commit that git describes so."""
    moment = now.strftime("%y%m%d_%H%M%S%f")
    commit = f"-{described.replace('.', '_')}" if described else ""
    stage = f"-stage-{moment}" if staged else ""
    return f"app{commit}-{moment}{stage}"


def application_name(folder: str) -> str:
    """Return what to call the application in a folder of that name."""
    cleaned = folder.replace("/", "-").strip()[:APPLICATION_MAX]
    return cleaned or "app"


def environment_name(application: str, suffix: str = "dev") -> str:
    """Return what to call the first environment of an application."""
    room = ENVIRONMENT_MAX - len(suffix) - 1
    stem = re.sub(r"[^A-Za-z0-9]+", "-", application).strip("-")[:room].rstrip("-")
    return f"{stem}-{suffix}" if stem else f"app-{suffix}"


def description(text: str) -> str:
    """Cut a description to what fits, at the end of a word where there is one."""
    if len(text) <= DESCRIPTION_MAX:
        return text
    cut = text[: DESCRIPTION_MAX - 3]
    return f"{cut.rpartition(' ')[0] or cut}..."


def pairs(text: str, what: str) -> dict[str, str]:
    """Read KEY=VALUE,KEY=VALUE. Raises ValueError for what is not that."""
    found = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise ValueError(f"{part!r} in {what} is not KEY=VALUE.")
        found[key.strip()] = value.strip()
    return found
