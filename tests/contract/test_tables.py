"""What whoever keeps tables must do, in memory and on disk alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.ports.tables import (
    Change,
    Entry,
    Kept,
    Place,
    Row,
    Spot,
    TableRefused,
    Tables,
    TokenReused,
    Wanted,
)
from jackbean.simulator.tables import MemoryTables
from jackbean.storage.tables import SqliteTables

Scenario = Callable[[Tables, Kept], Awaitable[None]]


@pytest.fixture(params=("memory", "sqlite"))
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scenario], None]:
    names = iter(range(10_000))

    async def run(scenario: Scenario) -> None:
        sqlite = request.param == "sqlite"
        file = tmp_path / f"{next(names)}.db"
        store: Any = SqliteTables.open(file) if sqlite else MemoryTables()
        try:
            await scenario(store, await store.add_table(Kept("table", "{}", 1.0)))
        finally:
            if sqlite:
                await store.close()

    return lambda scenario: asyncio.run(run(scenario))


def put(*rows: tuple[Spot, Row | None], token: str = "", mark: str = "") -> Change:
    return Change([spot for spot, _ in rows], lambda _: [row for _, row in rows], token, mark)


def row(body: str, *entries: Entry, expires: int | None = None) -> Row:
    return Row(body, len(body), entries, expires)


def test_tables_come_and_go(play: Any) -> None:
    async def scenario(store: Tables, table: Kept) -> None:
        assert table.key
        with pytest.raises(TableRefused):
            await store.add_table(Kept("table", "other", 2.0))
        await store.save_table(replace(table, definition="changed"))
        assert (await store.table("table")) == replace(table, definition="changed")
        await store.change(put((Spot(table.key, b"a"), row("A"))), 0.0)
        await store.drop_table(table.key)
        assert await store.tables() == []
        for refused in (store.drop_table(table.key), store.save_table(table)):
            with pytest.raises(TableRefused):
                await refused
        with pytest.raises(TableRefused):
            await store.change(put((Spot(table.key, b"a"), row("A"))), 0.0)
        again = await store.add_table(Kept("table", "{}", 3.0))
        assert again.key != table.key
        assert await store.items([Spot(again.key, b"a")]) == [None]

    play(scenario)


def test_a_change_sees_what_it_replaces_and_happens_whole_or_not_at_all(play: Any) -> None:
    async def scenario(store: Tables, table: Kept) -> None:
        one, other = Spot(table.key, b"one"), Spot(table.key, b"other", b"r")
        seen: list[Any] = []

        def decide(bodies: Sequence[str | None]) -> list[Row | None]:
            seen.append(list(bodies))
            return [row("1"), row("2")]

        def refuse(bodies: Sequence[str | None]) -> list[Row | None]:
            raise ValueError("no")

        assert await store.change(Change([one, other], decide), 0.0)
        assert await store.change(Change([other, one], decide), 0.0)
        assert seen == [[None, None], ["2", "1"]]
        with pytest.raises(ValueError, match="no"):
            await store.change(Change([one, other], refuse), 0.0)
        assert await store.items([one, other]) == ["2", "1"]
        await store.change(put((one, None)), 0.0)
        assert await store.items([one, other]) == [None, "1"]
        assert await store.counts(table.key) == (1, 1)

    play(scenario)


def test_a_token_makes_a_change_once(play: Any) -> None:
    async def scenario(store: Tables, table: Kept) -> None:
        spot = Spot(table.key, b"a")
        assert await store.change(put((spot, row("1")), token="t", mark="m"), 0.0)
        assert not await store.change(put((spot, row("2")), token="t", mark="m"), 600.0)
        assert await store.items([spot]) == ["1"]
        with pytest.raises(TokenReused):
            await store.change(put((spot, row("2")), token="t", mark="other"), 1.0)
        assert await store.change(put((spot, row("2")), token="t", mark="other"), 601.0)

        def refuse(_: Sequence[str | None]) -> list[Row | None]:
            raise ValueError

        with pytest.raises(ValueError):  # noqa: PT011 - the decision's own
            await store.change(Change([spot], refuse, "u", "m"), 700.0)
        assert await store.change(put((spot, row("3")), token="u", mark="m"), 700.0)

    play(scenario)


def test_indexes_have_what_items_say(play: Any) -> None:
    async def scenario(store: Tables, table: Kept) -> None:
        spot = Spot(table.key, b"a")
        wanted = Wanted(table.key, "by", hash=b"red")
        await store.change(put((spot, row("1", Entry("by", b"red", b"x")))), 0.0)
        (found,) = await store.page(wanted)
        assert (found.place, found.body) == (Place(b"red", b"x", b"a", b""), "1")
        await store.change(put((spot, row("2", Entry("by", b"blue", b"x")))), 0.0)
        assert await store.page(wanted) == []
        await store.reindex(table.key, lambda body: row(body, Entry("by", b"red", b"y")))
        assert [one.body for one in await store.page(wanted)] == ["2"]
        await store.change(put((spot, None)), 0.0)
        assert await store.page(wanted) == []

    play(scenario)


def test_items_whose_time_is_over_are_forgotten(play: Any) -> None:
    async def scenario(store: Tables, table: Kept) -> None:
        spots = [Spot(table.key, bytes([at])) for at in range(4)]
        ends = (None, 10, 11, 12)
        rows = [
            (s, row("x", Entry("by", b"", b""), expires=e))
            for s, e in zip(spots, ends, strict=True)
        ]
        await store.change(put(*rows), 0.0)
        assert await store.expire(11.9) == 2
        assert await store.items(spots) == ["x", None, None, "x"]
        assert len(await store.page(Wanted(table.key, "by"))) == 2
        assert await store.expire(11.9) == 0

    play(scenario)


KEY = st.binary(max_size=3)


@given(
    made=st.dictionaries(st.tuples(KEY, KEY), st.tuples(KEY, KEY), max_size=12),
    hash_=st.none() | KEY,
    bounds=st.tuples(st.none() | KEY, st.none() | KEY),
    way=st.tuples(st.booleans(), st.booleans(), st.integers(1, 4)),
)
@settings(max_examples=30, deadline=None)
def test_pages_are_everything_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    made: dict[tuple[bytes, bytes], tuple[bytes, bytes]],
    hash_: bytes | None,
    bounds: tuple[bytes | None, bytes | None],
    way: tuple[bool, bool, int],
) -> None:
    """Memory sorts Python's tuples: what SQLite returns, page by page, is the same."""
    indexed, backward, limit = way

    async def pages(store: Any) -> list[tuple[Place, str]]:
        table = await store.add_table(Kept("table", "{}", 1.0))
        rows = [
            (Spot(table.key, *spot), row(repr(spot), Entry("by", *entry)))
            for spot, entry in made.items()
        ]
        await store.change(put(*rows), 0.0)
        wanted = Wanted(
            table.key,
            "by" if indexed else "",
            hash_,
            *bounds,
            backward=backward,
            limit=limit,
        )
        found: list[tuple[Place, str]] = []
        while page := await store.page(wanted):
            found += [(one.place, one.body) for one in page]
            wanted = replace(wanted, after=page[-1].place)
        return found

    async def both() -> None:
        store = SqliteTables.open(tmp_path_factory.mktemp("pages") / "tables.db")
        try:
            assert await pages(store) == await pages(MemoryTables())
        finally:
            await store.close()

    asyncio.run(both())
