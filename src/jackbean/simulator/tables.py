"""Tables in memory: ports.tables.Tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from jackbean.ports.tables import (
    TOKEN_S,
    Change,
    Found,
    Kept,
    Place,
    Row,
    Spot,
    TableRefused,
    TokenReused,
    Wanted,
)


class MemoryTables:
    def __init__(self) -> None:
        self._tables: dict[str, Kept] = {}
        self._rows: dict[Spot, Row] = {}
        self._tokens: dict[str, tuple[str, float]] = {}
        self._keys = 0

    async def tables(self) -> list[Kept]:
        return [self._tables[name] for name in sorted(self._tables)]

    async def table(self, name: str) -> Kept | None:
        return self._tables.get(name)

    async def add_table(self, table: Kept) -> Kept:
        if table.name in self._tables:
            raise TableRefused(f"there is a table {table.name} already")
        self._keys += 1
        made = self._tables[table.name] = replace(table, key=self._keys)
        return made

    async def save_table(self, table: Kept) -> None:
        self._require({table.key})
        self._tables[table.name] = table

    async def drop_table(self, key: int) -> None:
        self._require({key})
        self._tables = {name: one for name, one in self._tables.items() if one.key != key}
        self._rows = {spot: row for spot, row in self._rows.items() if spot.table != key}

    async def items(self, spots: Sequence[Spot]) -> list[str | None]:
        return [self._body(spot) for spot in spots]

    async def change(self, change: Change, now: float) -> bool:
        self._tokens = {t: one for t, one in self._tokens.items() if one[1] >= now - TOKEN_S}
        if change.token in self._tokens:
            if self._tokens[change.token][0] != change.mark:
                raise TokenReused("a change of that token was another one")
            return False
        self._require({spot.table for spot in change.spots})
        rows = change.decide([self._body(spot) for spot in change.spots])
        for spot, row in zip(change.spots, rows, strict=True):
            if row is None:
                self._rows.pop(spot, None)
            else:
                self._rows[spot] = row
        if change.token:
            self._tokens[change.token] = (change.mark, now)
        return True

    async def page(self, wanted: Wanted) -> list[Found]:
        places = [
            (place, row.body)
            for spot, row in self._rows.items()
            if spot.table == wanted.table
            for place in _places(spot, row, wanted.index)
            if _within(place, wanted)
        ]
        places.sort(key=lambda one: _order(one[0]), reverse=wanted.backward)
        return [Found(place, body) for place, body in places[: wanted.limit]]

    async def counts(self, key: int) -> tuple[int, int]:
        sizes = [row.size for spot, row in self._rows.items() if spot.table == key]
        return len(sizes), sum(sizes)

    async def reindex(self, key: int, row: Callable[[str], Row]) -> None:
        mine = {spot: old for spot, old in self._rows.items() if spot.table == key}
        self._rows |= {spot: row(old.body) for spot, old in mine.items()}

    async def expire(self, now: float) -> int:
        over = [s for s, r in self._rows.items() if r.expires is not None and r.expires <= now]
        for spot in over:
            del self._rows[spot]
        return len(over)

    def _body(self, spot: Spot) -> str | None:
        row = self._rows.get(spot)
        return row.body if row else None

    def _require(self, keys: set[int]) -> None:
        if not keys <= {table.key for table in self._tables.values()}:
            raise TableRefused("there is no such table")


def _places(spot: Spot, row: Row, index: str) -> list[Place]:
    if not index:
        return [Place(spot.hash, spot.range, spot.hash, spot.range)]
    return [
        Place(entry.hash, entry.range, spot.hash, spot.range)
        for entry in row.entries
        if entry.index == index
    ]


def _order(place: Place) -> tuple[bytes, bytes, bytes, bytes]:
    return place.hash, place.range, place.spot_hash, place.spot_range


def _within(place: Place, wanted: Wanted) -> bool:
    if wanted.hash is not None and place.hash != wanted.hash:
        return False
    if wanted.low is not None and place.range < wanted.low:
        return False
    if wanted.high is not None and place.range > wanted.high:
        return False
    if wanted.after is None:
        return True
    here, there = _order(place), _order(wanted.after)
    return here < there if wanted.backward else here > there
