"""What every store of names for bytes must do, in memory and on SQLite alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackbean.core.errors import Fault
from jackbean.ports.buckets import (
    Bucket,
    Buckets,
    Checksum,
    Cursor,
    Description,
    ObjectRecord,
    Part,
    Refusal,
    Refused,
    Upload,
)
from jackbean.simulator.buckets import MemoryBuckets
from jackbean.storage.buckets import SqliteBuckets

D1, D2, D3 = ("1" * 64, "2" * 64, "3" * 64)
EVERY = Cursor()
KINDS = ("memory", "sqlite")


@asynccontextmanager
async def opened(kind: str, path: Path) -> AsyncIterator[Buckets]:
    if kind == "memory":
        yield MemoryBuckets()
        return
    store = SqliteBuckets.open(path / "objects.db")
    try:
        yield store
    finally:
        await store.close()


Scenario = Callable[[Buckets], Awaitable[None]]


@pytest.fixture(params=KINDS)
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scenario], None]:
    """Run a scenario on a new store that has the bucket "b"."""

    async def whole(scenario: Scenario) -> None:
        async with opened(request.param, tmp_path) as store:
            await store.add_bucket(Bucket("b", 1.0))
            await scenario(store)

    return lambda scenario: asyncio.run(whole(scenario))


def record(key: str, digest: str = D1, bucket: str = "b", modified: float = 10.0) -> ObjectRecord:
    return ObjectRecord(bucket, key, digest, 3, "e" * 32, modified)


def part(number: int, digest: str, modified: float = 10.0) -> Part:
    return Part("u", number, digest, 3, "e" * 32, modified)


async def refused(change: Awaitable[None]) -> Refusal:
    with pytest.raises(Refused) as raised:
        await change
    return raised.value.why


async def keys(
    store: Buckets, prefix: str = "", after: Cursor = EVERY, limit: int = 99
) -> list[str]:
    return [one.key for one in await store.objects("b", prefix, after, limit)]


async def orphans(store: Buckets, before: float = 1e9) -> list[str]:
    """Condemn what can be condemned, and forget it."""
    found = sorted(await store.condemn((), before, 99))
    await store.bury(found)
    return found


def test_what_is_said_of_a_bucket_is_kept(play: Callable[[Scenario], None]) -> None:
    async def scenario(store: Buckets) -> None:
        changed = Bucket("b", 1.0, policy="{}")
        await store.save_bucket(changed)
        assert await store.bucket("b") == changed
        assert await store.buckets() == [changed]
        assert await refused(store.save_bucket(Bucket("none", 1.0))) is Refusal.BUCKET_ABSENT
        assert await store.bucket("none") is None

    play(scenario)


def test_buckets_come_back_by_name(play):
    async def scenario(store: Buckets) -> None:
        await store.add_bucket(Bucket("a", 2.0))
        assert await store.buckets() == [Bucket("a", 2.0), Bucket("b", 1.0)]
        assert await store.bucket("a") == Bucket("a", 2.0)
        assert await store.bucket("c") is None
        assert await refused(store.add_bucket(Bucket("a", 3.0))) is Refusal.BUCKET_TAKEN
        await store.drop_bucket("a", 5.0)
        assert await store.bucket("a") is None
        assert await refused(store.drop_bucket("a", 5.0)) is Refusal.BUCKET_ABSENT

    play(scenario)


def test_a_bucket_with_an_object_stays(play):
    async def scenario(store: Buckets) -> None:
        await store.put(record("k"))
        assert await refused(store.drop_bucket("b", 5.0)) is Refusal.BUCKET_FULL
        await store.drop("b", ["k"], 5.0)
        await store.drop_bucket("b", 5.0)

    play(scenario)


def test_a_bucket_takes_its_uploads_along(play):
    async def scenario(store: Buckets) -> None:
        await store.add_upload(Upload("u", "b", "k", 1.0))
        await store.put_part(part(1, D1))
        await store.drop_bucket("b", 20.0)
        assert await store.upload("u") is None
        assert await orphans(store) == [D1]

    play(scenario)


def test_a_record_comes_back_whole(play):
    whole = ObjectRecord(
        "b",
        "späße/\x00\x01\udbff".replace("\udbff", "\U0001f600"),
        D1,
        3,
        "e" * 32 + "-2",
        10.5,
        Description((("content-type", "text/ä"),), (("n", "\xff"),), (("tag", ""),)),
        Checksum("CRC32", "AAAAAA==-2", "COMPOSITE"),
        (1, 2),
        "u",
    )

    async def scenario(store: Buckets) -> None:
        await store.put(whole)
        assert await store.object("b", whole.key) == whole
        assert await store.objects("b", "", EVERY, 9) == [whole]
        assert await store.object("b", "other") is None
        assert await store.object("c", whole.key) is None

    play(scenario)


def test_an_object_needs_its_bucket(play):
    async def scenario(store: Buckets) -> None:
        assert await refused(store.put(record("k", bucket="c"))) is Refusal.BUCKET_ABSENT
        upload = Upload("u", "c", "k", 1.0)
        assert await refused(store.add_upload(upload)) is Refusal.BUCKET_ABSENT

    play(scenario)


def test_admission_sees_what_is_there_and_can_refuse(play):
    seen: list[ObjectRecord | None] = []

    def refuse(present: ObjectRecord | None) -> None:
        seen.append(present)
        raise Fault("Teapot", "no")

    async def scenario(store: Buckets) -> None:
        with pytest.raises(Fault, match="no"):
            await store.put(record("k"), refuse)
        assert await store.object("b", "k") is None
        await store.put(record("k"))
        with pytest.raises(Fault, match="no"):
            await store.put(record("k", D2), refuse)
        with pytest.raises(Fault, match="no"):
            await store.drop("b", ["k"], 5.0, refuse)
        assert await store.object("b", "k") == record("k")
        assert seen == [None, record("k"), record("k")]

    play(scenario)


def test_a_drop_is_all_or_nothing(play):
    def only_a(present: ObjectRecord | None) -> None:
        if present is not None and present.key != "a":
            raise Fault("Teapot", "no")

    async def scenario(store: Buckets) -> None:
        await store.put(record("a"))
        await store.put(record("z"))
        with pytest.raises(Fault, match="no"):
            await store.drop("b", ["a", "z"], 5.0, only_a)
        assert await keys(store) == ["a", "z"]
        await store.drop("b", ["a", "absent", "z"], 5.0)
        assert await keys(store) == []

    play(scenario)


def test_keys_are_in_the_order_of_their_bytes(play):
    ordered = ["", "A", "a", "a\x00", "a/", "a/b", "a0", "\x7f", "é", "\uffff", "\U00010000"]

    async def scenario(store: Buckets) -> None:
        for key in reversed(ordered):
            await store.put(record(key))
        await store.add_bucket(Bucket("c", 1.0))
        await store.put(record("a", bucket="c"))
        assert await keys(store, after=Cursor(b"", "")) == ordered[1:]  # "" is not after ""
        assert await keys(store, limit=2, after=Cursor(b"a")) == ["a\x00", "a/"]
        assert await keys(store, "a/") == ["a/", "a/b"]
        assert await keys(store, "a", Cursor(b"a/\xff")) == ["a0"]
        assert await keys(store, "a", Cursor(b"b")) == []

    play(scenario)


def test_uploads_are_listed_by_key_and_id(play):
    uploads = [
        Upload(i, "b", k, t) for i, k, t in (("2", "k", 1.0), ("1", "k", 2.0), ("3", "j", 3.0))
    ]

    async def scenario(store: Buckets) -> None:
        for upload in uploads:
            await store.add_upload(upload)
        found = await store.uploads("b", "", EVERY, 9)
        assert [one.id for one in found] == ["3", "1", "2"]
        assert await store.uploads("b", "", Cursor(b"k", "1"), 9) == [uploads[0]]
        assert await store.uploads("b", "k", EVERY, 1) == [uploads[1]]
        assert await store.uploads("b", "", Cursor(b"j", "\U0010ffff"), 1) == [uploads[1]]
        assert await store.stale_uploads(3.0, 9) == [uploads[0], uploads[1]]
        assert await store.upload("3") == uploads[2]

    play(scenario)


def test_parts_replace_one_another_by_number(play):
    async def scenario(store: Buckets) -> None:
        assert await refused(store.put_part(part(1, D1))) is Refusal.UPLOAD_ABSENT
        await store.add_upload(Upload("u", "b", "k", 1.0))
        await store.put_part(part(10, D1))
        await store.put_part(part(2, D2))
        await store.put_part(part(10, D3, modified=30.0))
        assert await store.parts("u", 0, 9) == [part(2, D2), part(10, D3, modified=30.0)]
        assert await store.parts("u", 2, 9) == [part(10, D3, modified=30.0)]
        assert await store.parts("u", 0, 1) == [part(2, D2)]
        assert await orphans(store) == [D1]

    play(scenario)


def test_finishing_makes_the_object_and_ends_the_upload(play):
    async def scenario(store: Buckets) -> None:
        await store.add_upload(Upload("u", "b", "k", 1.0))
        await store.put_part(part(1, D1))
        await store.put_part(part(2, D2))
        finished = replace(record("k", D1), upload="u")
        await store.finish(finished)
        assert await store.object("b", "k") == finished
        assert await store.upload("u") is None
        assert await store.parts("u", 0, 9) == []
        assert await orphans(store) == [D2]
        assert await refused(store.finish(finished)) is Refusal.UPLOAD_ABSENT
        assert await refused(store.drop_upload("u", 5.0)) is Refusal.UPLOAD_ABSENT

    play(scenario)


def test_finishing_that_is_refused_leaves_the_upload(play):
    def refuse(_present: ObjectRecord | None) -> None:
        raise Fault("Teapot", "no")

    async def scenario(store: Buckets) -> None:
        await store.add_upload(Upload("u", "b", "k", 1.0))
        await store.put_part(part(1, D1))
        with pytest.raises(Fault, match="no"):
            await store.finish(replace(record("k", D1), upload="u"), refuse)
        assert await store.parts("u", 0, 9) == [part(1, D1)]
        assert await store.object("b", "k") is None

    play(scenario)


def test_bytes_are_orphans_when_their_last_name_went(play):
    async def scenario(store: Buckets) -> None:
        await store.put(record("a"))
        await store.put(record("z"))
        await store.drop("b", ["a"], 20.0)
        assert await store.condemn((), 1e9, 9) == []
        await store.put(record("z", D2, modified=30.0))
        assert await store.condemn((), 29.9, 9) == []
        assert await store.condemn([D1], 30.0, 9) == []
        assert await store.condemn((), 30.0, 9) == [D1]

    play(scenario)


def test_bytes_that_are_named_again_are_no_orphans(play):
    async def scenario(store: Buckets) -> None:
        await store.put(record("a"))
        await store.drop("b", ["a"], 20.0)
        await store.put(record("z"))
        assert await store.condemn((), 1e9, 9) == []
        await store.put(record("z", modified=40.0))  # the same bytes over themselves
        assert await store.condemn((), 1e9, 9) == []

    play(scenario)


def test_bytes_that_got_no_name_are_orphans(play):
    async def scenario(store: Buckets) -> None:
        await store.put(record("a"))
        await store.disown(D1, 20.0)
        await store.disown(D2, 20.0)
        await store.disown(D2, 30.0)
        assert await store.condemn((), 19.9, 9) == []
        assert await store.condemn((), 20.0, 9) == [D2]
        await store.disown(D2, 40.0)
        assert await refused(store.put(record("b", D2))) is Refusal.BYTES_CONDEMNED

    play(scenario)


def test_condemned_bytes_cannot_be_named_until_they_are_buried(play):
    async def scenario(store: Buckets) -> None:
        await store.add_upload(Upload("u", "b", "k", 1.0))
        await store.put(record("a"))
        await store.drop("b", ["a"], 20.0)
        assert await store.condemn((), 20.0, 9) == [D1]
        assert await refused(store.put(record("z"))) is Refusal.BYTES_CONDEMNED
        assert await refused(store.put_part(part(1, D1))) is Refusal.BYTES_CONDEMNED
        assert await store.condemn((), 0.0, 9) == [D1], "a crash in between must not lose it"
        await store.bury([D1])
        assert await store.condemn((), 1e9, 9) == []
        await store.put(record("z"))
        await store.bury([D1])  # not condemned any more: nothing happens
        await store.drop("b", ["z"], 50.0)
        assert await store.condemn((), 1e9, 9) == [D1]

    play(scenario)


def test_a_collection_is_bounded_and_takes_the_oldest(play):
    async def scenario(store: Buckets) -> None:
        for key, digest in (("a", D1), ("b", D2), ("c", D3)):
            await store.put(record(key, digest))
        for key, now in (("c", 1.0), ("a", 2.0), ("b", 3.0)):
            await store.drop("b", [key], now)
        assert await store.condemn((), 1e9, 1) == [D3]
        assert sorted(await store.condemn((), 1e9, 2)) == [D1, D3]

    play(scenario)


def test_sqlite_keeps_everything_across_a_restart(tmp_path: Path):
    async def first() -> None:
        async with opened("sqlite", tmp_path) as store:
            await store.add_bucket(Bucket("b", 1.0))
            await store.put(record("k"))
            await store.add_upload(Upload("u", "b", "k", 1.0))
            await store.put_part(part(1, D2))

    async def second() -> None:
        async with opened("sqlite", tmp_path) as store:
            assert await store.buckets() == [Bucket("b", 1.0)]
            assert await store.object("b", "k") == record("k")
            assert await store.parts("u", 0, 9) == [part(1, D2)]

    asyncio.run(first())
    asyncio.run(second())


def test_only_one_of_many_writers_at_once_finds_the_key_free(play):
    def free(present: ObjectRecord | None) -> None:
        if present is not None:
            raise Fault("PreconditionFailed", "taken", 412)

    async def scenario(store: Buckets) -> None:
        tries = [store.put(record("k", str(n) * 64), free) for n in range(10)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(result is None for result in results) == 1
        assert sum(isinstance(result, Fault) for result in results) == 9

    play(scenario)


CHARACTERS = st.sampled_from(["a", "b", "/", "\x00", "\x7f", "é", "\uffff", "\U0001f600"])
NAMES = st.text(CHARACTERS, max_size=4)
ENDS = st.sampled_from([b"", b"\xff"])  # right after a key, or past all that begin with it
CURSORS = st.builds(lambda name, end: Cursor(name.encode() + end), NAMES, ENDS)


@settings(max_examples=40, deadline=None)
@given(st.sets(NAMES, max_size=12), NAMES, CURSORS, st.integers(1, 6))
def test_a_range_of_keys_is_that_of_a_sorted_list(tmp_path_factory, names, prefix, cursor, n):
    expected = [
        key for key in sorted(names) if key.startswith(prefix) and key.encode() > cursor.key
    ][:n]

    async def listed(kind: str) -> list[str]:
        async with opened(kind, tmp_path_factory.mktemp(kind)) as store:
            await store.add_bucket(Bucket("b", 1.0))
            for name in names:
                await store.put(record(name))
            return await keys(store, prefix, cursor, n)

    assert asyncio.run(listed("memory")) == expected
    assert asyncio.run(listed("sqlite")) == expected


KEYS = st.sampled_from(("a", "b", "c"))
DIGESTS = st.sampled_from((D1, D2, D3))
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, DIGESTS),
        st.tuples(st.just("drop"), KEYS, st.none()),
        st.tuples(st.just("part"), st.integers(1, 3), DIGESTS),
        st.tuples(st.just("finish"), KEYS, DIGESTS),
        st.tuples(st.just("abort"), st.none(), st.none()),
        st.tuples(st.just("condemn"), st.none(), st.none()),
    ),
    max_size=20,
)


async def told(store: Buckets, acts: list[tuple]) -> list[object]:
    """Do all acts and return what one can see after each."""
    await store.add_bucket(Bucket("b", 1.0))
    await store.add_upload(Upload("u", "b", "a", 1.0))
    seen: list[object] = []
    for now, act in enumerate(acts, start=10):
        try:
            seen.append(await done(store, act, float(now)))
        except Refused as refusal:
            seen.append(refusal.why)
        seen.append(await store.objects("b", "", EVERY, 9))
        seen.append(await store.parts("u", 0, 9))
    seen.append(sorted(await store.condemn((), 1e9, 9)))
    return seen


async def done(store: Buckets, act: tuple, now: float) -> object:
    verb, what, digest = act
    match verb:
        case "put":
            await store.put(record(what, digest, modified=now))
        case "drop":
            await store.drop("b", [what], now)
        case "part":
            await store.put_part(part(what, digest, modified=now))
        case "finish":
            await store.finish(replace(record(what, digest, modified=now), upload="u"))
            await store.add_upload(Upload("u", "b", "a", now))
        case "abort":
            await store.drop_upload("u", now)
            await store.add_upload(Upload("u", "b", "a", now))
        case "condemn":
            return sorted(await store.condemn((), now - 3, 9))
    return None


@settings(max_examples=40, deadline=None)
@given(ACTS)
def test_both_stores_tell_the_same_story(tmp_path_factory, acts):
    async def story(kind: str) -> list[object]:
        async with opened(kind, tmp_path_factory.mktemp(kind)) as store:
            return await told(store, acts)

    assert asyncio.run(story("memory")) == asyncio.run(story("sqlite"))
