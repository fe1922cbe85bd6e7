"""What queues are called: names, ARNs and URLs."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from jackbean.core.installation import Installation
from jackbean.services.queues import faults

FIFO = ".fifo"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_URL_CHARS_MAX = 2048


def check_name(name: str, *, fifo: bool) -> None:
    """Raise the Fault for a name that no queue of this type can have."""
    words = "alphanumeric characters, hyphens, or underscores"
    if fifo:
        stem = name.removesuffix(FIFO)
        if stem == name or len(name) > 80 or not _NAME.fullmatch(stem):
            text = f"The name of a FIFO queue can only include {words}, must end with .fifo suffix "
            raise faults.invalid(text + "and be 1 to 80 in length.")
    elif not _NAME.fullmatch(name):
        raise faults.invalid(f"Can only include {words}. 1 to 80 in length")


def arn_of(name: str, installation: Installation) -> str:
    return installation.arn(name, "sqs")


def name_in_arn(arn: str, installation: Installation) -> str | None:
    """Return the name of a queue of this installation, or None if `arn` is of no such."""
    prefix = arn_of("", installation)
    name = arn.removeprefix(prefix)
    return name if arn.startswith(prefix) and name else None


def url_of(name: str, base_url: str, installation: Installation) -> str:
    return f"{base_url}/{installation.account}/{name}"


def name_in_url(url: str, installation: Installation) -> str:
    """Return the name in a queue's URL, whatever host it was reached by; a bare name will do.

    Raises the Fault for a queue of another account: there is none.
    """
    if len(url) > _URL_CHARS_MAX:
        raise faults.no_queue()
    try:
        path = urlsplit(url).path
    except ValueError:
        raise faults.no_queue() from None
    *before, name = [unquote(part) for part in path.split("/") if part] or [""]
    if not name or (before and before[-1] != installation.account):
        raise faults.no_queue()
    return name
