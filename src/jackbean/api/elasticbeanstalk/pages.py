"""Pages of long answers: an opaque token is where the next page starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from jackbean.api.plant import Call
from jackbean.core.errors import invalid

Row = TypeVar("Row")
PAGE_MAX = 1000


def page(rows: Sequence[Row], call: Call) -> tuple[list[Row], str | None]:
    """Return the rows that a call asked for, and the token of what follows, if anything does."""
    start = offset(call)
    end = start + size(call, len(rows))
    return list(rows[start:end]), str(end) if end < len(rows) else None


def size(call: Call, usual: int) -> int:
    """Return how many rows a call asked for, `usual` where it did not say."""
    asked = call.members.get("MaxRecords")
    if asked is None:
        return usual
    if not 1 <= int(asked) <= PAGE_MAX:
        raise invalid(f"MaxRecords {asked} is not between 1 and {PAGE_MAX}.")
    return int(asked)


def offset(call: Call) -> int:
    """Return where the page begins. Raises a Fault for a token that is not one of ours."""
    token = call.text("NextToken") or "0"
    if not token.isdecimal() or len(token) > 12:
        raise invalid("NextToken is not one that this operation returned.")
    return int(token)
