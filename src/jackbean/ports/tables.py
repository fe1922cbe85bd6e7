"""Tables of items, as the store keeps them: by two keys of bytes that sort, in one transaction.

What an item is, and which bytes its keys become, is the business of whoever calls: the port keeps
text. `Change.decide` is pure and runs within the transaction that it decides about, so that
nothing comes between what it sees and what it makes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from jackbean.core.errors import Conflict


class TableRefused(Conflict):
    """There is no such table (any more), or there is one of that name already."""


@dataclass(frozen=True)
class Kept:
    """A table. `key` is never given twice; 0 before it is kept. `definition` is text."""

    name: str
    definition: str
    created: float
    key: int = 0


@dataclass(frozen=True)
class Spot:
    """Where an item is in a table: `range` is empty where the table has no sort key."""

    table: int
    hash: bytes
    range: bytes = b""


@dataclass(frozen=True)
class Entry:
    """Where an index has an item."""

    index: str
    hash: bytes
    range: bytes


@dataclass(frozen=True)
class Row:
    """An item as it is kept; `expires` in whole seconds since the epoch, `size` in bytes."""

    body: str
    size: int
    entries: tuple[Entry, ...] = ()
    expires: int | None = None


@dataclass(frozen=True)
class Change:
    """Items to be looked at and replaced at once; None: there is none, or none shall be.

    `decide` is given their bodies in the order of `spots` and returns what they become; it may
    raise, and then nothing changes. `token` names a change that shall be made once within
    `TOKEN_S`; `mark` tells whether it is the same.
    """

    spots: Sequence[Spot]
    decide: Callable[[Sequence[str | None]], Sequence[Row | None]]
    token: str = ""
    mark: str = ""


TOKEN_S = 600


class TokenReused(Conflict):
    """A change of that token was another one."""


@dataclass(frozen=True)
class Place:
    """Where a page of a scan or query ends: where the index has it, and the item itself."""

    hash: bytes
    range: bytes
    spot_hash: bytes
    spot_range: bytes


@dataclass(frozen=True)
class Wanted:
    """Items in order: of the table, or of an `index`; with one `hash`, or all (None).

    `low` and `high` bound the sort key, and are within; `after` is where the last page ended.
    """

    table: int
    index: str = ""
    hash: bytes | None = None
    low: bytes | None = None
    high: bytes | None = None
    after: Place | None = None
    backward: bool = False
    limit: int = 100


@dataclass(frozen=True)
class Found:
    place: Place
    body: str


class Tables(Protocol):
    async def tables(self) -> list[Kept]:
        """Return all tables, by name."""
        ...

    async def table(self, name: str) -> Kept | None: ...

    async def add_table(self, table: Kept) -> Kept:
        """Keep a new table and return it with its key. Raises TableRefused."""
        ...

    async def save_table(self, table: Kept) -> None:
        """Replace a table's definition. Raises TableRefused."""
        ...

    async def drop_table(self, key: int) -> None:
        """Forget a table and its items. Raises TableRefused."""
        ...

    async def items(self, spots: Sequence[Spot]) -> list[str | None]:
        """Return the bodies of items as they are at one moment."""
        ...

    async def change(self, change: Change, now: float) -> bool:
        """Carry out a change; return whether it was made now.

        Raises TableRefused, TokenReused, and what `decide` raises.
        """
        ...

    async def page(self, wanted: Wanted) -> list[Found]: ...

    async def counts(self, key: int) -> tuple[int, int]:
        """Return how many items a table has, and their size in bytes."""
        ...

    async def reindex(self, key: int, row: Callable[[str], Row]) -> None:
        """Make the row of each item of a table anew, at once."""
        ...

    async def expire(self, now: float) -> int:
        """Forget items whose time is over, and return how many."""
        ...
