"""Tables on SQLite, in a database of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from sqlite3 import Connection, IntegrityError
from typing import Self

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
from jackbean.storage.database import Database
from jackbean.storage.schema import scripts

EXPIRED_MAX = 1000  # forgotten in one transaction, so that others need not wait for all


class SqliteTables:
    """`ports.tables.Tables` in a SQLite file. Several tasks may use it at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tables: dict[str, Kept] | None = None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the database, making it or bringing it up to date. Blocks. Raises PortError."""
        return cls(Database.open(path, scripts("tables")))

    async def close(self) -> None:
        await self._database.close()

    async def tables(self) -> list[Kept]:
        known = await self._known()
        return [known[name] for name in sorted(known)]

    async def table(self, name: str) -> Kept | None:
        return (await self._known()).get(name)

    async def add_table(self, table: Kept) -> Kept:
        known = await self._known()
        made = await self._database.write(partial(_add, table))
        known[made.name] = made
        return made

    async def save_table(self, table: Kept) -> None:
        known = await self._known()
        await self._database.write(partial(_save, table))
        known[table.name] = table

    async def drop_table(self, key: int) -> None:
        known = await self._known()
        await self._database.write(partial(_drop, key))
        for table in [one for one in known.values() if one.key == key]:
            del known[table.name]

    async def items(self, spots: Sequence[Spot]) -> list[str | None]:
        return await self._database.read(partial(_bodies, spots))

    async def change(self, change: Change, now: float) -> bool:
        return await self._database.write(partial(_change, change, now))

    async def page(self, wanted: Wanted) -> list[Found]:
        return await self._database.read(partial(_page, wanted))

    async def counts(self, key: int) -> tuple[int, int]:
        return await self._database.read(partial(_counts, key))

    async def reindex(self, key: int, row: Callable[[str], Row]) -> None:
        await self._database.write(partial(_reindex, key, row))

    async def expire(self, now: float) -> int:
        total = 0
        while gone := await self._database.write(partial(_expire, now)):
            total += gone
        return total

    async def _known(self) -> dict[str, Kept]:
        if self._tables is None:
            found = await self._database.read(_loaded)
            if self._tables is None:
                self._tables = {table.name: table for table in found}
        return self._tables


def _loaded(connection: Connection) -> list[Kept]:
    rows = connection.execute("SELECT name, definition, created, key FROM tables").fetchall()
    return [Kept(*row) for row in rows]


# Tables themselves


def _add(table: Kept, connection: Connection) -> Kept:
    sql = "INSERT INTO tables (name, definition, created) VALUES (?, ?, ?)"
    try:
        made = connection.execute(sql, (table.name, table.definition, table.created))
    except IntegrityError:
        raise TableRefused(f"there is a table {table.name} already") from None
    return replace(table, key=made.lastrowid or 0)


def _save(table: Kept, connection: Connection) -> None:
    sql = "UPDATE tables SET definition = ? WHERE key = ?"
    if connection.execute(sql, (table.definition, table.key)).rowcount == 0:
        raise TableRefused(f"there is no table {table.name}")


def _drop(key: int, connection: Connection) -> None:
    connection.execute("DELETE FROM entries WHERE tbl = ?", (key,))
    connection.execute("DELETE FROM items WHERE tbl = ?", (key,))
    if connection.execute("DELETE FROM tables WHERE key = ?", (key,)).rowcount == 0:
        raise TableRefused("there is no such table")


def _require(connection: Connection, keys: set[int]) -> None:
    for key in keys:
        if connection.execute("SELECT 1 FROM tables WHERE key = ?", (key,)).fetchone() is None:
            raise TableRefused("there is no such table")


# Items

ITEM = "SELECT body FROM items WHERE tbl = ? AND hash = ? AND range = ?"
NUMBER = "SELECT number FROM items WHERE tbl = ? AND hash = ? AND range = ?"
PUT = """
    INSERT INTO items (tbl, hash, range, body, size, expires) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (tbl, hash, range)
    DO UPDATE SET body = excluded.body, size = excluded.size, expires = excluded.expires
    RETURNING number
"""


def _bodies(spots: Sequence[Spot], connection: Connection) -> list[str | None]:
    connection.execute("BEGIN")  # all as they are at one moment
    try:
        return [_body(connection, spot) for spot in spots]
    finally:
        connection.execute("COMMIT")


def _body(connection: Connection, spot: Spot) -> str | None:
    found = connection.execute(ITEM, (spot.table, spot.hash, spot.range)).fetchone()
    return None if found is None else str(found[0])


def _change(change: Change, now: float, connection: Connection) -> bool:
    if change.token and _made_before(change, now, connection):
        return False
    _require(connection, {spot.table for spot in change.spots})
    bodies = [_body(connection, spot) for spot in change.spots]
    for spot, row in zip(change.spots, change.decide(bodies), strict=True):
        if row is None:
            _remove(connection, spot)
        else:
            _put(connection, spot, row)
    return True


def _made_before(change: Change, now: float, connection: Connection) -> bool:
    connection.execute("DELETE FROM tokens WHERE made < ?", (now - TOKEN_S,))
    sql = "SELECT mark FROM tokens WHERE token = ?"
    found = connection.execute(sql, (change.token,)).fetchone()
    if found is None:
        values = (change.token, change.mark, now)
        connection.execute("INSERT INTO tokens VALUES (?, ?, ?)", values)
        return False
    if found[0] != change.mark:
        raise TokenReused("a change of that token was another one")
    return True


def _put(connection: Connection, spot: Spot, row: Row) -> None:
    values = (spot.table, spot.hash, spot.range, row.body, row.size, row.expires)
    (number,) = connection.execute(PUT, values).fetchone()
    connection.execute("DELETE FROM entries WHERE number = ?", (number,))
    entries = [(spot.table, one.index, one.hash, one.range, number) for one in row.entries]
    connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", entries)


def _remove(connection: Connection, spot: Spot) -> None:
    found = connection.execute(NUMBER, (spot.table, spot.hash, spot.range)).fetchone()
    if found is not None:
        connection.execute("DELETE FROM entries WHERE number = ?", found)
        connection.execute("DELETE FROM items WHERE number = ?", found)


def _reindex(key: int, row: Callable[[str], Row], connection: Connection) -> None:
    sql = "SELECT hash, range, body FROM items WHERE tbl = ?"
    for hash_, range_, body in connection.execute(sql, (key,)).fetchall():
        _put(connection, Spot(key, hash_, range_), row(body))


def _expire(now: float, connection: Connection) -> int:
    sql = "SELECT number FROM items WHERE expires <= ? LIMIT ?"
    rows = connection.execute(sql, (int(now), EXPIRED_MAX)).fetchall()
    connection.executemany("DELETE FROM entries WHERE number = ?", rows)
    connection.executemany("DELETE FROM items WHERE number = ?", rows)
    return len(rows)


def _counts(key: int, connection: Connection) -> tuple[int, int]:
    sql = "SELECT count(*), coalesce(sum(size), 0) FROM items WHERE tbl = ?"
    number, size = connection.execute(sql, (key,)).fetchone()
    return int(number), int(size)


# Pages

OF_TABLE = "SELECT i.hash, i.range, i.hash, i.range, i.body FROM items i WHERE i.tbl = ?"
OF_INDEX = """
    SELECT e.hash, e.range, i.hash, i.range, i.body
    FROM entries e JOIN items i ON i.number = e.number WHERE e.tbl = ? AND e.name = ?
"""


def _page(wanted: Wanted, connection: Connection) -> list[Found]:
    sql, values = query(wanted)
    rows = connection.execute(sql, values).fetchall()
    return [Found(Place(*row[:4]), row[4]) for row in rows]


def query(wanted: Wanted) -> tuple[str, list[object]]:
    """Return the statement for a page, and what it is given."""
    of = "e" if wanted.index else "i"
    parts = [OF_INDEX if wanted.index else OF_TABLE]
    values: list[object] = [wanted.table, *([wanted.index] if wanted.index else [])]
    bounds = ((f"{of}.hash =", wanted.hash), (f"{of}.range >=", wanted.low))
    for text, value in (*bounds, (f"{of}.range <=", wanted.high)):
        if value is not None:
            parts.append(f"AND {text} ?")
            values.append(value)
    order = [f"{of}.hash", f"{of}.range", *(["i.hash", "i.range"] if wanted.index else [])]
    if wanted.after is not None:
        after = wanted.after
        whole = (after.hash, after.range, after.spot_hash, after.spot_range)
        parts.append(f"AND ({', '.join(order)}) {'<' if wanted.backward else '>'}")
        parts.append(f"({', '.join('?' * len(order))})")
        values += whole[: len(order)]
    way = " DESC" if wanted.backward else ""
    parts.append(f"ORDER BY {', '.join(column + way for column in order)} LIMIT ?")
    return " ".join(parts), [*values, wanted.limit]
