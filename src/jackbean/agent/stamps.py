"""When lines were written, as far as they say so themselves.

The forms are those of the logs that are here: ISO 8601, nginx's two, and syslog's is left out for
want of a year. A line that says nothing was written when the one before it was.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

SEARCHED_BYTES = 300
ISO = re.compile(
    rb"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?\s?(Z|[+-]\d\d:?\d\d)?(?![\d:])"
)
SLASHED = re.compile(rb"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)")
ACCESS = re.compile(rb"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")


def since(lines: Sequence[bytes], instant: float) -> Sequence[bytes]:
    """Return the lines that were written from an instant on; all where none says when."""
    told = False
    for number, line in enumerate(lines):
        at = stamp(line)
        if at is not None and at >= instant:
            return lines[number:] if told else lines
        told = told or at is not None
    return [] if told else lines


def stamp(line: bytes) -> float | None:
    """Return when a line says that it was written, in seconds since the epoch."""
    from calendar import timegm  # noqa: PLC0415 - seldom needed
    from datetime import datetime  # noqa: PLC0415

    head = line[:SEARCHED_BYTES]
    try:
        if found := ISO.search(head):
            zone = (found[3] or b"Z").replace(b"Z", b"+0000").replace(b":", b"").decode()
            text = f"{found[1].decode()} {found[2].decode()} {zone}"
            return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z").timestamp()
        if found := ACCESS.search(head):
            return datetime.strptime(found[1].decode(), "%d/%b/%Y:%H:%M:%S %z").timestamp()
        if found := SLASHED.search(head):
            return float(timegm(time.strptime(found[1].decode(), "%Y/%m/%d %H:%M:%S")))
    except ValueError:
        return None
    return None
