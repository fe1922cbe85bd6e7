"""What every store of logs must do, in memory and on SQLite alike."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest

from jackbean.ports.logs import Claim, EventQuery, LogEvent, LogGroup, Logs, LogStream
from jackbean.simulator.logs import MemoryLogs
from jackbean.storage.logs import SqliteLogs

G = LogGroup("/g", 1, 7, (("k", "v"),))
BOUND = 100_000  # bytes of a group
S1, S2 = LogStream("one", 1), LogStream("two", 2)


@pytest.fixture(params=("memory", "sqlite"))
def play(request, tmp_path: Path):
    async def whole(scenario) -> None:
        if request.param == "memory":
            await scenario(MemoryLogs(BOUND))
            return
        store = SqliteLogs.open(tmp_path / "logs.db", BOUND)
        try:
            await scenario(store)
        finally:
            await store.close()

    return lambda scenario: asyncio.run(whole(scenario))


async def filled(store: Logs) -> None:
    assert await store.add_group(G)
    assert await store.add_stream("/g", S2)
    assert await store.add_stream("/g", S1)


def line(at: int, text: str = "x") -> LogEvent:
    return LogEvent(at, text, at + 5)


async def texts(store: Logs, **asked) -> list[str]:
    return [one.text for one in await store.events(EventQuery("/g", **asked))]


def test_groups_and_streams_are_made_once_changed_and_gone(play):
    async def scenario(store: Logs) -> None:
        await filled(store)
        assert not await store.add_group(replace(G, created_ms=2))
        assert not await store.add_stream("/g", replace(S1, created_ms=9))
        assert not await store.add_stream("/none", S1)
        assert await store.streams("/g") == [S1, S2]
        assert await store.change_group("/g", retention_days=None) == replace(
            G, retention_days=None
        )
        assert await store.change_group("/none", retention_days=1) is None
        assert await store.groups() == [replace(G, retention_days=None)]
        await store.append("/g", "one", [line(1)])
        assert await store.drop_stream("/g", "one")
        assert not await store.drop_stream("/g", "one")
        assert await store.stream("/g", "one") is None
        assert await texts(store) == []
        await store.append("/g", "two", [line(1)])
        assert await store.drop_group("/g")
        assert not await store.drop_group("/g")
        assert await store.groups() == []
        await filled(store)
        assert await texts(store) == []

    play(scenario)


def test_events_are_read_by_time_then_by_arrival(play):
    async def scenario(store: Logs) -> None:
        await filled(store)
        await store.append("/g", "one", [line(10, "a"), line(30, "b")])
        await store.append("/g", "two", [line(10, "c"), line(20, "d")])
        assert await texts(store) == ["a", "c", "d", "b"]
        assert await texts(store, newest_first=True) == ["b", "d", "c", "a"]
        assert await texts(store, streams=("two",)) == ["c", "d"]
        assert await texts(store, streams=()) == []
        assert await texts(store, since_ms=20, until_ms=30) == ["d"]
        first = (await store.events(EventQuery("/g")))[0]
        assert (first.stream, first.taken_ms) == ("one", 15)
        assert await texts(store, after=first.mark, limit=2) == ["c", "d"]
        assert await texts(store, before=first.mark) == []
        assert await texts(store, before=(30, 0), newest_first=True, limit=2) == ["d", "c"]
        assert await store.stream("/g", "one") == replace(
            S1, first_ms=10, last_ms=30, taken_ms=35, size=2 * 27
        )
        assert await store.append("/g", "none", [line(1)]) is None
        assert await store.append("/none", "one", [line(1)]) is None

    play(scenario)


def test_a_page_is_bounded_and_never_empty_where_something_is(play):
    async def scenario(store: Logs) -> None:
        await filled(store)
        await store.append("/g", "one", [line(n, "y" * 100) for n in range(10)])
        assert len(await texts(store, bytes_max=4 * 126)) == 4
        assert len(await texts(store, bytes_max=1)) == 1

    play(scenario)


def test_bytes_of_a_file_are_taken_once(play):
    async def scenario(store: Logs) -> None:
        await filled(store)
        claim = Claim("i-1", "/var/log/a", "f1", 0, 10)
        assert await store.append("/g", "one", [line(1, "a")], claim) == 10
        assert await store.append("/g", "one", [line(1, "a")], claim) == 10
        late = replace(claim, start=5, end=20)
        assert await store.append("/g", "one", [line(1, "z")], late) == 10
        on = replace(claim, start=10, end=20)
        assert await store.append("/g", "one", [line(2, "b")], on) == 20
        assert await store.append("/g", "one", [line(3, "c")], replace(claim, file="f2")) == 10
        assert await store.append("/g", "one", [line(3, "d")], replace(on, source="i-2")) == 20
        assert await store.append("/g", "one", [line(9, "z")], claim) == 20
        assert await texts(store) == ["a", "b", "c", "d"]

    play(scenario)


def test_few_files_of_a_path_are_remembered(play):
    async def scenario(store: Logs) -> None:
        await filled(store)
        for n in range(40):
            claim = Claim("i-1", "/var/log/a", f"f{n}", 0, 10)
            assert await store.append("/g", "one", [line(n)], claim) == 10
        newest = Claim("i-1", "/var/log/a", "f39", 0, 99)
        assert await store.append("/g", "one", [line(50, "z")], newest) == 10
        oldest = Claim("i-1", "/var/log/a", "f0", 0, 99)
        assert await store.append("/g", "one", [line(50, "z")], oldest) == 99

    play(scenario)


def test_what_is_old_or_too_much_goes(play):
    async def scenario(store: Logs) -> None:
        await filled(store)
        await store.append("/g", "one", [line(n, f"{n:02}") for n in range(0, 20, 2)])
        await store.append("/g", "two", [line(n, f"{n:02}") for n in range(1, 20, 2)])
        assert await store.expire("/g", 4, 3) == 3
        assert await store.expire("/g", 4, 99) == 1
        assert await store.expire("/g", 4, 99) == 0
        assert (await texts(store))[0] == "04"
        assert await store.shrink("/g", 10 * 28, 99) == 6
        assert await texts(store) == [f"{n:02}" for n in range(10, 20)]
        assert await store.shrink("/g", 0, 4) == 4
        assert await texts(store) == [f"{n:02}" for n in range(14, 20)]
        assert sum(one.size for one in await store.streams("/g")) == 6 * 28

    play(scenario)


def test_a_group_stays_within_its_bound(play):
    async def scenario(store: Logs) -> None:
        await filled(store)
        for n in range(30):
            await store.append("/g", ("one", "two")[n % 2], [line(n, f"{n:02}" * 5_000)])
        kept = await store.events(EventQuery("/g"))
        assert [one.at_ms for one in kept] == list(range(21, 30))
        assert sum(one.size for one in kept) <= BOUND

    play(scenario)


def test_both_tell_the_same_after_any_history(tmp_path: Path) -> None:
    chance = random.Random(4)

    async def scenario() -> None:
        memory, disk = MemoryLogs(), SqliteLogs.open(tmp_path / "logs.db")
        await filled(memory)
        await filled(disk)
        for _ in range(300):
            act = chance.choice(("append", "append", "append", "expire", "shrink", "read"))
            at, most = chance.randrange(1_000), chance.randrange(1, 6)
            name = chance.choice(("one", "two"))
            both = []
            for store in (memory, disk):
                if act == "append":
                    some = [line(at + n, "e" * (at % 7 + 1)) for n in range(most)]
                    both.append(await store.append("/g", name, some))
                elif act == "expire":
                    both.append(await store.expire("/g", at // 9, 99))
                elif act == "shrink":
                    both.append(await store.shrink("/g", 40 * at, 99))
                else:
                    query = EventQuery(
                        "/g", None, at // 2, None, None, (at * 2, 3), at % 2 == 0, most
                    )
                    both.append(await store.events(query))
            assert both[0] == both[1], act
        assert await memory.streams("/g") == await disk.streams("/g")
        await disk.close()

    asyncio.run(scenario())
