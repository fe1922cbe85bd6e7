"""Lists of keys, with those that share a prefix up to a delimiter rolled into one entry.

A list is a sequence of entries in order: keys, and common prefixes. A page holds those that come
after a marker. Where a whole page of rows falls into one common prefix the rest of it is jumped
over, so a list costs as many queries as it has entries, never as many as there are keys.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from jackbean.ports.buckets import Cursor
from jackbean.services.objects import faults, limits

PAST = b"\xff"  # in no UTF-8, so after everything that begins with what is before it
LAST_ID = "\U0010ffff"  # after every id of an upload


class Keyed(Protocol):
    @property
    def key(self) -> str: ...


Item = TypeVar("Item", bound=Keyed)
Fetch = Callable[[Cursor, int], Awaitable[list[Item]]]


@dataclass(frozen=True)
class ListQuery:
    """`after` is an entry of an earlier page, or any string; entries beyond it are wanted.

    Of unfinished uploads there can be several with one key: those with an id beyond `after_id`.
    """

    prefix: str = ""
    delimiter: str = ""
    after: str = ""
    after_id: str = LAST_ID
    limit: int = limits.PAGE_MAX

    def group(self, key: str) -> str:
        """Return the common prefix that `key` falls into, or "" if it is an entry itself."""
        if not self.delimiter:
            return ""
        end = key.find(self.delimiter, len(self.prefix))
        return key[: end + len(self.delimiter)] if end >= 0 else ""

    def start(self) -> Cursor:
        """Return where the rows of the first entry after `after` begin."""
        group = self.group(self.after) if self.after.startswith(self.prefix) else ""
        return past(group) if group else Cursor(self.after.encode(), self.after_id)


@dataclass(frozen=True)
class Page(Generic[Item]):
    """`last` is the last entry, a key or a common prefix; `truncated` if there are more."""

    items: tuple[Item, ...] = ()
    prefixes: tuple[str, ...] = ()
    truncated: bool = False
    last: str = ""


def past(group: str) -> Cursor:
    return Cursor(group.encode() + PAST)


async def page(
    fetch: Fetch[Item], cursor: Callable[[Item], Cursor], query: ListQuery
) -> Page[Item]:
    """Return the entries after `query.after`, as many as fit.

    `fetch` returns rows with the prefix after a cursor, in order; `cursor` says where one is.
    """
    limit = min(query.limit, limits.PAGE_MAX)
    if limit < 0:
        raise faults.argument("The number of entries in a list must not be negative.")
    if limit == 0:
        return Page()
    entries: list[Item | str] = []
    after, size, more = query.start(), limit + 1, True
    while more and len(entries) <= limit:
        rows = await fetch(after, size)
        more = len(rows) == size
        after = _take(entries, rows, query, cursor) if rows else after
    return _page(entries, limit)


def _take(
    entries: list[Item | str],
    rows: list[Item],
    query: ListQuery,
    cursor: Callable[[Item], Cursor],
) -> Cursor:
    """Add what `rows` stand for, and return where to go on."""
    group = ""
    for row in rows:
        group = query.group(row.key)
        if not group:
            entries.append(row)
        elif not entries or entries[-1] != group:
            entries.append(group)
    return past(group) if group else cursor(rows[-1])


def _page(entries: list[Item | str], limit: int) -> Page[Item]:
    kept = entries[:limit]
    last = kept[-1] if kept else ""
    return Page(
        tuple(entry for entry in kept if not isinstance(entry, str)),
        tuple(entry for entry in kept if isinstance(entry, str)),
        len(entries) > limit,
        last if isinstance(last, str) else last.key,
    )
